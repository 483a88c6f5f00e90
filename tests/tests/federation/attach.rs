//! Nodes that dial in are asked as if they had been dialled, and come back by themselves.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use weald_broker::attached::LINKS;
use weald_certs::Attachment;
use weald_node::service::NodeService;
use weald_proto::{OdsCode, Outcome, Section, SpiffeId, limit};
use weald_tests::federation::FederationBuilder;
use weald_viewer::View;

use crate::world::{World, allergic_to, community, doctor, hospital, practice, shown, store, three, until};

fn members() -> Vec<weald_tests::federation::MemberSpec> {
    three(allergic_to("penicillin"), allergic_to("latex"), store())
}

fn all_attach(builder: FederationBuilder) -> FederationBuilder {
    [practice(), hospital(), community()].iter().fold(builder, FederationBuilder::attaching)
}

/// What a view amounts to, without what differs from one to the next (ids, times, digests).
fn content(view: &View) -> impl PartialEq + std::fmt::Debug + use<> {
    let outcomes: Vec<(OdsCode, Outcome)> =
        view.organisations().iter().map(|(organisation, came)| (organisation.clone(), came.outcome())).collect();
    let items: Vec<_> = Section::ALL.iter().map(|section| (*section, shown(view, *section))).collect();
    let complete: Vec<_> =
        view.completeness().iter().map(|(section, completeness)| (*section, completeness.state)).collect();
    (outcomes, items, complete)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_is_the_same_whether_nodes_dial_in_or_are_dialled() {
    let dialled = World::of(members()).await;
    let attached = World::built(members(), all_attach).await;
    let mixed = World::built(members(), |builder| builder.attaching(&hospital())).await;
    assert!(attached.federation.register().active_members().all(|member| member.address.is_none()));

    let expected = content(&dialled.view(&doctor()).await.unwrap());
    assert_eq!(content(&attached.view(&doctor()).await.unwrap()), expected);
    assert_eq!(content(&mixed.view(&doctor()).await.unwrap()), expected);
    for world in [dialled, attached, mixed] {
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_not_attached_is_unreachable_at_once_and_answers_when_it_is_back() {
    let mut world = World::built(members(), all_attach).await;
    world.federation.stop_node(&hospital()).await;
    let attached = world.federation.attached().clone();
    until(|| !attached.is_attached(&hospital())).await;
    let view = world.view(&doctor()).await.unwrap();
    let came = &view.organisations()[&hospital()];
    assert_eq!(came.outcome(), Outcome::Unreachable);
    assert!(
        Duration::from_millis(came.elapsed_ms().into()) < limit::CONNECT_DEADLINE,
        "nobody waits for who is known to be away"
    );
    assert_eq!(view.organisations()[&practice()].outcome(), Outcome::Answered);

    world.federation.restart_node(&hospital()).await.unwrap();
    until(|| attached.is_attached(&hospital())).await;
    let view = world.view(&doctor()).await.unwrap();
    assert_eq!(view.organisations()[&hospital()].outcome(), Outcome::Answered);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_node_comes_back_with_all_its_links_when_the_broker_does() {
    let world = World::built(members(), all_attach).await;
    world.view(&doctor()).await.unwrap();
    let World { federation, clock, .. } = world;
    let federation = federation.restart_broker().await.unwrap();
    let attached = federation.attached().clone();
    let everybody = [practice(), hospital(), community()];
    until(|| everybody.iter().all(|organisation| attached.links(organisation).len() == 2)).await;
    let token = doctor().sign(&federation).unwrap();
    let view = federation.viewer(&practice()).unwrap().view(&token, &BTreeSet::new()).await.unwrap();
    assert!(view.organisations().values().all(|came| came.outcome() == Outcome::Answered));
    drop(clock);
    federation.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_process_of_an_organisation_takes_over_and_the_oldest_links_go() {
    let world = World::built(members(), all_attach).await;
    let attached = world.federation.attached().clone();
    let first: Vec<u64> = attached.links(&hospital()).iter().map(|link| link.serial()).collect();
    let again = CancellationToken::new();
    let id = SpiffeId::node(world.federation.name(), &hospital());
    let mut kept = Vec::new();
    for _ in 0..LINKS {
        let node = Arc::clone(world.federation.node(&hospital()).unwrap());
        let attachment = Attachment {
            connector: world.federation.connector(&id).unwrap(),
            address: world.federation.broker_address(),
            broker: world.federation.broker_id().clone(),
            routes: Routes::new(NodeService::serve(node)),
            company: Arc::default(),
        };
        kept.push(attachment.keep(again.clone()));
    }
    until(|| {
        let links = attached.links(&hospital());
        links.len() == LINKS && links.iter().all(|link| !first.contains(&link.serial()))
    })
    .await;
    let view = world.view(&doctor()).await.unwrap();
    assert_eq!(view.organisations()[&hospital()].outcome(), Outcome::Answered);

    again.cancel();
    for (_, ended) in kept {
        ended.await.unwrap();
    }
    let view = world.view(&doctor()).await.unwrap();
    assert_ne!(view.organisations()[&hospital()].outcome(), Outcome::TimedOut, "nobody waits for a link that ended");
    world.end().await;
}
