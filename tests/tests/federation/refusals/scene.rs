//! A federation before something is tried, and what its logs must say afterwards.

use weald_audit::{Entry, Kind};
use weald_proto::{OdsCode, Reason, SpiffeId};
use weald_tests::federation::{FederationBuilder, MemberSpec};

use crate::world::{World, allergic_to, community, hospital, practice, store, three, until};

/// Whose log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// The broker's.
    Broker,
    /// The hospital's.
    Hospital,
}

/// How much was read and recorded before.
pub(super) struct Before {
    reads: u64,
    broker: usize,
    nodes: Vec<(OdsCode, usize)>,
}

/// How the broker reaches the nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It dials them.
    Dialled,
    /// They have dialled in.
    Attached,
}

impl Way {
    /// Practice, hospital and community provider, reached in that way, with such sources.
    pub(super) async fn world_of(self, members: Vec<MemberSpec>) -> World {
        let attaching =
            |builder| [practice(), hospital(), community()].iter().fold(builder, FederationBuilder::attaching);
        match self {
            Way::Dialled => World::of(members).await,
            Way::Attached => World::built(members, attaching).await,
        }
    }

    pub(super) async fn world(self) -> World {
        self.world_of(three(allergic_to("penicillin"), allergic_to("latex"), store())).await
    }
}

pub(super) async fn world() -> World {
    Way::Dialled.world().await
}

impl Before {
    pub(super) fn of(world: &World) -> Self {
        let nodes = [practice(), hospital(), community()];
        let recorded = |organisation: OdsCode| {
            let entries = world.node_entries(&organisation).len();
            (organisation, entries)
        };
        Before { reads: world.all_reads(), broker: world.broker_entries().len(), nodes: nodes.map(recorded).into() }
    }

    /// Nothing was read, nobody else recorded anything, and that one recorded one refusal, of `peer`.
    pub(super) async fn refused_once(
        &self,
        words: &str,
        world: &World,
        whose: Whose,
        reason: Reason,
        peer: Option<&SpiffeId>,
    ) -> Entry {
        let entries = || match whose {
            Whose::Broker => world.broker_entries().split_off(self.broker),
            Whose::Hospital => world.node_entries(&hospital()).split_off(self.nodes[1].1),
        };
        until(|| !entries().is_empty()).await;
        assert_eq!(world.all_reads(), self.reads, "{words}: nothing was read");
        assert!(whose == Whose::Broker || world.broker_entries().len() == self.broker, "{words}");
        for (organisation, before) in &self.nodes {
            let is_other = whose == Whose::Broker || *organisation != hospital();
            assert!(!is_other || world.node_entries(organisation).len() == *before, "{words}: {organisation}");
        }
        let [recorded] = &entries()[..] else { panic!("{words}: one entry for one refusal") };
        let entry = recorded.entry.clone();
        assert_eq!((entry.kind, entry.reason), (Kind::Refusal, Some(reason)), "{words}");
        assert_eq!(entry.peer.as_ref(), peer, "{words}");
        assert!(entry.outcomes.is_empty() && entry.part_digests.is_empty(), "{words}");
        assert!(entry.statement_digests.is_empty() && entry.count.is_none(), "{words}");
        entry
    }
}
