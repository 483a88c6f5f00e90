//! What a viewer app calls the broker with.

use weald_proto::{OdsCode, Reason, SpiffeId, limit};
use weald_tests::federation::APP;

use super::scene::{Before, Whose, world};
use crate::world::{World, doctor, practice};

/// Makes an assertion, and may change the federation around it.
pub(super) type Token = fn(&mut World) -> String;

/// A call: by whose app, by which, with which assertion, for which sections.
pub(super) struct Call {
    pub(super) organisation: OdsCode,
    pub(super) app: &'static str,
    pub(super) token: Option<String>,
    pub(super) sections: Vec<i32>,
}

impl Call {
    /// By the practice's app, for whatever the assertion names.
    pub(super) fn with(token: String) -> Self {
        Call { organisation: practice(), app: APP, token: Some(token), sections: Vec::new() }
    }
}

/// Makes a call, and may change the federation around it.
pub(super) type MadeCall = fn(&mut World) -> Call;

/// Presents an assertion by the practice's app.
pub(super) async fn present(words: &str, token: Token, reason: Reason, named: &str) {
    let mut world = world().await;
    let call = Call::with(token(&mut world));
    refused(words, &world, call, reason, named).await;
    world.end().await;
}

/// Presents an assertion once more than it may be.
pub(super) async fn present_again(words: &str) {
    let world = world().await;
    let token = doctor().sign(&world.federation).unwrap();
    for _ in 0..limit::ASSERTION_USES {
        world.present(token.expose()).await.expect("a view, or a retry");
    }
    let call = Call::with(token.expose().to_owned());
    refused(words, &world, call, Reason::AssertionReplayed, "used before").await;
    world.end().await;
}

/// Calls.
pub(super) async fn call(words: &str, made: MadeCall, reason: Reason, named: &str) {
    let mut world = world().await;
    let call = made(&mut world);
    refused(words, &world, call, reason, named).await;
    world.end().await;
}

async fn refused(words: &str, world: &World, call: Call, reason: Reason, named: &str) {
    let before = Before::of(world);
    let answered = world.call(&call.organisation, call.app, call.token.as_deref(), &call.sections).await;
    let Err(status) = answered else { panic!("{words}: the broker released a summary") };
    assert_eq!(Reason::of_status(&status), Some(reason), "{words}: {status:?}");
    assert!(status.message().contains(named), "{words}: {}", status.message());
    let app = SpiffeId::viewer(world.federation.name(), &call.organisation, call.app).unwrap();
    before.refused_once(words, world, Whose::Broker, reason, Some(&app)).await;
}
