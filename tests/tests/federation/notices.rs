//! One of each notice that a session may have.

use prost::Message as _;
use weald_proto::session::{BrokerHello, BrokerNotice, Changed, NodeHello, NodeNotice, NodeState, Pong, Viewed};
use weald_proto::{
    Digest, Instance, JobRole, Jti, Purpose, Requester, SessionId, SpiffeId, SystemRandom, Timestamp, ViewId,
};

use crate::world::{NOW, practice};

fn encoded(notice: &BrokerNotice) -> Vec<u8> {
    notice.to_wire().encode_to_vec()
}

fn said(notice: &NodeNotice) -> Vec<u8> {
    notice.to_wire().encode_to_vec()
}

/// A broker's first word, when its log has begun with that entry.
pub(crate) fn hello_of(log: Option<Digest>, now: Timestamp) -> BrokerNotice {
    let software = "0.1.0".to_owned();
    BrokerNotice::Hello(BrokerHello { software, register_version: 1, register_issued_at: now, now, log })
}

/// What a broker with that log says of an answer to that query, which it has shown again.
pub(crate) fn viewed_in(log: Digest, sequence: u64, query: Digest) -> Viewed {
    Viewed {
        log,
        sequence,
        viewed_at: NOW,
        query,
        view: ViewId::generate(&SystemRandom),
        jti: Jti::generate(&SystemRandom),
        assertion: Digest::of(b"assertion"),
        requester: Requester::Professional {
            user: "u-1".into(),
            name: "Dr Ada Test".into(),
            role: JobRole::parse("R8000").unwrap(),
            organisation: practice(),
            team: Some("a team".into()),
        },
        purpose: Purpose::Treatment,
        viewer: SpiffeId::parse("spiffe://kent.weald.example/viewer/G99001/record").unwrap(),
    }
}

pub(crate) fn broker_hello() -> Vec<u8> {
    encoded(&hello_of(Some(Digest::of(b"log")), NOW))
}

pub(crate) fn viewed() -> Vec<u8> {
    let viewed = viewed_in(Digest::of(b"log"), 7, Digest::of(b"query"));
    encoded(&BrokerNotice::Viewed(Box::new(viewed)))
}

pub(crate) fn node_hello() -> Vec<u8> {
    said(&NodeNotice::Hello(NodeHello {
        software: "0.1.0".into(),
        register_version: 1,
        policy_version: "p".into(),
        now: NOW,
        instance: Instance::generate(&SystemRandom),
        state: NodeState::serving(),
        recorded: 3,
        session: SessionId::generate(&SystemRandom),
    }))
}

pub(crate) fn pong() -> Vec<u8> {
    let policy_version = "p".to_owned();
    said(&NodeNotice::Pong(Pong { number: 1, now: NOW, register_version: 1, policy_version, in_flight: 0 }))
}

pub(crate) fn changed() -> Vec<u8> {
    said(&NodeNotice::Changed(Changed::Queries([Digest::of(b"query")].into())))
}

#[test]
fn notices_arrive_as_they_were_said_and_one_that_nobody_knows_does_not_parse() {
    for said in [broker_hello(), viewed()] {
        let message = weald_proto::wire::BrokerNotice::decode(said.as_slice()).unwrap();
        assert_eq!(encoded(&BrokerNotice::from_wire(message).unwrap()), said);
    }
    for heard in [node_hello(), pong(), changed(), said(&NodeNotice::Recorded(9))] {
        let message = weald_proto::wire::NodeNotice::decode(heard.as_slice()).unwrap();
        assert_eq!(said(&NodeNotice::from_wire(message).unwrap()), heard);
    }
    let unknown = weald_proto::wire::BrokerNotice::default();
    assert_eq!(BrokerNotice::from_wire(unknown).unwrap_err().field, "notice");
    let unknown = weald_proto::wire::NodeNotice::default();
    assert_eq!(NodeNotice::from_wire(unknown).unwrap_err().field, "notice");
    let unnumbered = viewed_in(Digest::of(b"log"), 0, Digest::of(b"query"));
    let unnumbered = BrokerNotice::Viewed(Box::new(unnumbered)).to_wire();
    assert_eq!(BrokerNotice::from_wire(unnumbered).unwrap_err().field, "sequence");
}
