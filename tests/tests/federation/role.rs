//! Roles at a node, of which a broker asks without having looked at them: the node decides for itself.

use weald_audit::Kind;
use weald_proto::{JobRole, Outcome, Query, Reason, Section};
use weald_tests::federation::AssertionDraft;

use crate::node::{ask, grants, query, signed, stated};
use crate::world::{World, allergic_to, doctor, hospital, only, professional, store, three};

/// Asks the hospital for allergies under that assertion: it must refuse under its signature, record that with the
/// reason, and read nothing.
async fn refused(draft: AssertionDraft, expected: Reason) {
    let world = World::of(three(store(), allergic_to("penicillin"), store())).await;
    let token = only(draft, &[Section::Allergies]).sign(&world.federation).unwrap();
    let message = signed(&world, &Query { grants: grants(&[Section::Allergies]), ..query(&world, token) });
    let answer = ask(&world, message.clone()).await.unwrap();
    assert!(answer.parts.is_empty() && answer.identity.is_empty());
    let statement = stated(&world, &message, answer).unwrap();
    assert_eq!((statement.outcome, statement.reason_code.as_str()), (Outcome::Refused, expected.as_str()));
    assert!(!statement.reason_text.is_empty() && statement.sections.is_empty());
    assert_eq!(world.reads(&hospital()), 0, "nothing was read");

    let recorded = world.node_entries(&hospital()).pop().expect("an audit entry");
    assert_eq!(recorded.digest, statement.audit_digest, "the statement names its entry");
    let entry = recorded.entry;
    assert_eq!((entry.kind, entry.reason), (Kind::Answer, Some(expected)));
    let [outcome] = &entry.outcomes[..] else { panic!("its own outcome") };
    assert_eq!(outcome.outcome, Outcome::Refused);
    assert_eq!(outcome.reason.map(|reason| reason.as_str()), Some(expected.as_str()));
    assert!(entry.part_digests.is_empty() && entry.decision.is_empty());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_no_table_holds_is_refused_by_the_node_itself() {
    refused(AssertionDraft { role: Some(JobRole::parse("R9999").unwrap()), ..doctor() }, Reason::RoleUnknown).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_not_is_refused_by_the_node_itself() {
    refused(professional("R8009"), Reason::PolicyRefused).await;
}
