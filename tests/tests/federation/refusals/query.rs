//! What a broker puts to a node.

use weald_proto::{Query, Reason, SignedAssertion, limit, wire};

use super::call::Token;
use super::scene::{Before, Way, Whose};
use crate::node::{ask, query, signed};
use crate::world::{World, doctor, hospital, reason as reason_of};

/// Makes a message for the hospital's node, and may change the federation around it.
pub(super) type Message = fn(&mut World) -> wire::SignedMessage;

/// What happens between a query and the same again.
pub(super) enum Meanwhile {
    /// Nothing.
    Nothing,
    /// The node ends, and starts again from its files.
    Restart,
}

/// The broker puts a message to the node.
pub(super) async fn put(words: &str, way: Way, message: Message, reason: Reason) {
    let mut world = way.world().await;
    let message = message(&mut world);
    refused(words, &world, message, reason).await;
    world.end().await;
}

/// The broker puts a query to the node that carries this assertion.
pub(super) async fn carry(words: &str, way: Way, token: Token, reason: Reason) {
    let mut world = way.world().await;
    let token = SignedAssertion::parse(&token(&mut world)).unwrap();
    let message = signed(&world, &query(&world, token));
    refused(words, &world, message, reason).await;
    world.end().await;
}

/// The broker asks under one assertion once more than it may.
pub(super) async fn carry_again(words: &str, way: Way) {
    let world = way.world().await;
    let token = doctor().sign(&world.federation).unwrap();
    let next = || signed(&world, &query(&world, token.clone()));
    for _ in 0..limit::ASSERTION_USES {
        ask(&world, next()).await.expect("an answer, or a retry");
    }
    refused(words, &world, next(), Reason::AssertionReplayed).await;
    world.end().await;
}

/// The broker puts a query that was answered.
pub(super) async fn put_again(words: &str, way: Way, meanwhile: Meanwhile) {
    let mut world = way.world().await;
    let asked: Query = query(&world, doctor().sign(&world.federation).unwrap());
    let message = signed(&world, &asked);
    ask(&world, message.clone()).await.expect("an answer");
    match meanwhile {
        Meanwhile::Nothing => {}
        Meanwhile::Restart => world.federation.restart_node(&hospital()).await.unwrap(),
    }
    refused(words, &world, message, Reason::QueryReplayed).await;
    world.end().await;
}

async fn refused(words: &str, world: &World, message: wire::SignedMessage, reason: Reason) {
    let before = Before::of(world);
    assert_eq!(reason_of(ask(world, message).await), reason, "{words}");
    before.refused_once(words, world, Whose::Hospital, reason, Some(world.federation.broker_id())).await;
}
