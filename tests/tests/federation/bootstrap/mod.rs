//! A broker's door for strangers: whoever comes, with whatever certificate and however many, reaches register files
//! and enrolment and nothing else, and viewers do not notice.

mod enrol;
mod files;
mod flood;
mod reach;

use std::time::Duration;

use weald_certs::{LeafKey, Newcomer, NewcomerError, NewcomerLink};
use weald_proto::{Digest, Enrolment, EnrolmentToken, Reason, SpiffeId};
use weald_tests::federation::{FederationBuilder, StandIn};

use crate::world::{World, allergic_to, ods, store, three};

const PATIENCE: Duration = Duration::from_secs(20);

/// Three members, and a stand-in for the authority.
async fn world() -> World {
    let members = three(allergic_to("penicillin"), allergic_to("latex"), store());
    World::built(members, FederationBuilder::with_authority).await
}

fn stand_in(world: &World) -> &StandIn {
    world.federation.stand_in().unwrap()
}

/// A connection without a certificate.
async fn come(world: &World) -> NewcomerLink {
    let federation = &world.federation;
    let newcomer = Newcomer::new(federation.trust().clone(), federation.env().clone());
    newcomer.connect(&federation.broker_address(), federation.broker_id(), PATIENCE).await.unwrap()
}

/// A node of which nobody has heard yet.
fn new_node(world: &World) -> SpiffeId {
    SpiffeId::node(world.federation.name(), &ods("G82001"))
}

/// What a node sends that has this token, and keeps this key.
fn enrolment(world: &World, party: &SpiffeId, token: &EnrolmentToken, key: &LeafKey) -> Enrolment {
    let authority = Digest::of(world.federation.authority().root());
    Enrolment::with_token(token, party.clone(), authority, key.request().unwrap().to_vec())
}

/// The reason with which a newcomer was refused.
fn refused<T: std::fmt::Debug>(result: Result<T, NewcomerError>) -> Reason {
    match result {
        Err(NewcomerError::Refused(reason)) => reason,
        other => panic!("not a refusal: {other:?}"),
    }
}
