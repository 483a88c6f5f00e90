//! What a node answers a broker.

use std::sync::{Arc, Mutex};

use weald_audit::Kind;
use weald_proto::{Answer, AnswerError, Digest, Outcome, OutcomeReason, Query, Section, Signable as _, Signed, wire};

use super::scene::Way;
use crate::impostor::{Lie, LyingNode};
use crate::world::{World, allergic_to, doctor, hospital, item, only, patient, shown, store, three};

/// Makes a lie of the hospital's node.
pub(super) type Told = fn(&World) -> Lie;

/// The hospital's node tells it: the broker calls it invalid, records that, and releases nothing of it.
pub(super) async fn tell(words: &str, way: Way, told: Told, expected: AnswerError) {
    let hospitals = allergic_to("latex").holds(&patient(), Section::Conditions, vec![item("c1", "Asthma")]);
    let mut world = way.world_of(three(allergic_to("penicillin"), hospitals, store())).await;
    let node = LyingNode::in_place_of(&mut world, &hospital()).await;
    let (mut lie, sent) = (told(&world), Arc::new(Mutex::new(None)));
    let keep = Arc::clone(&sent);
    node.lies(move |lying, answer| {
        let answer = lie(lying, answer);
        *keep.lock().unwrap() = Some((lying.query.clone(), answer.clone()));
        answer
    });
    let view = world.view(&only(doctor(), &[Section::Allergies, Section::Conditions])).await.unwrap();
    let (query, answer) = sent.lock().unwrap().take().expect("an answer of the hospital");
    assert_eq!(error(&world, query, &answer), expected, "{words}");

    let came = &view.organisations()[&hospital()];
    assert_eq!(came.outcome(), Outcome::Invalid, "{words}");
    assert_eq!(came.reason_code(), expected.reason().as_str(), "{words}");
    assert_eq!(came.reason_text(), expected.reason().text(), "{words}");
    assert!(came.statement().is_none(), "{words}");
    for section in [Section::Allergies, Section::Conditions] {
        let of_hospital = |told: &(String, String)| told.0 == hospital().to_string();
        assert!(!shown(&view, section).iter().any(of_hospital), "{words}: nothing of it is released");
    }
    let release = world.broker_entries_of(Kind::Release).pop().expect("a release").entry;
    let recorded = release.outcomes.iter().find(|outcome| outcome.organisation == hospital()).unwrap();
    assert_eq!(recorded.outcome, Outcome::Invalid, "{words}");
    assert_eq!(recorded.reason, Some(OutcomeReason::Broker(expected.reason())), "{words}: its own reason");
    assert!(recorded.query_digest.is_some(), "{words}: it can be joined to the hospital's log");
    let statement = Digest::of(&answer.statement.unwrap().payload);
    assert!(!release.statement_digests.contains(&statement), "{words}");
    world.end().await;
}

/// What the check says of an answer to that query.
fn error(world: &World, query: wire::SignedMessage, answer: &wire::Answer) -> AnswerError {
    let asked = Query::decode(&query.payload).unwrap().grants.keys().copied().collect();
    let answer = Answer::from_wire(answer.clone()).unwrap();
    let register = world.federation.register();
    answer.verify(&hospital(), &Signed::from_wire(query), &asked, &patient(), &*register).unwrap_err()
}
