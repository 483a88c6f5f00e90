//! Queries that a node refuses, put to it as a broker would: over its socket, with a broker's certificate.

use std::collections::BTreeMap;
use std::time::Duration;

use tonic::Status;
use weald_audit::{Entry, Kind};
use weald_proto::service::AskRequest;
use weald_proto::service::node_agent_service_client::NodeAgentServiceClient;
use weald_proto::{
    Assertion, Digest, FamilyName, FederationName, Filter, Grant, JobRole, KeyId, KeyUse, Level, Nonce, OdsCode,
    Outcome, Patient, Query, QueryId, Reason, Section, SectionState, Signed, SignedAssertion, SigningKey, SpiffeId,
    Statement, UnavailableCause, Verified, VerifyError, limit, wire,
};
use weald_tests::federation::{APP, AssertionDraft};

use crate::world::{World, allergic_to, doctor, hospital, only, patient, practice, reason, store, three, until};

async fn world() -> World {
    World::of(three(store(), allergic_to("penicillin"), store())).await
}

/// A doctor's assertion about allergies and conditions.
fn token(world: &World) -> SignedAssertion {
    only(doctor(), &[Section::Allergies, Section::Conditions]).sign(&world.federation).unwrap()
}

/// What the broker would ask the hospital for the bearer of `token`.
pub(crate) fn query(world: &World, token: SignedAssertion) -> Query {
    let federation = &world.federation;
    let now = federation.env().clock.now();
    let random = &*federation.env().random;
    Query {
        id: QueryId::generate(random),
        audience: hospital(),
        grants: grants(&[Section::Allergies]),
        assertion: token,
        register_version: federation.register().version(),
        register_issued_at: federation.register().issued_at(),
        issued_at: now,
        expires_at: now.plus(limit::QUERY_LIFE),
        nonce: Nonce::generate(random),
        time_left: Duration::from_secs(2),
        broker: federation.broker_id().clone(),
        session: None,
    }
}

pub(crate) fn grants(sections: &[Section]) -> BTreeMap<Section, Grant> {
    let full = Grant { level: Level::Full, filter: Filter::default() };
    sections.iter().map(|section| (*section, full.clone())).collect()
}

/// Signs it as the broker, for the organisation that it names.
pub(crate) fn signed(world: &World, query: &Query) -> wire::SignedMessage {
    Signed::sign(query, query.audience.as_str(), world.federation.broker_key()).as_wire().clone()
}

/// Puts a message to the hospital's node by a connection of that broker, which dials it.
async fn ask_as(world: &World, broker: &SpiffeId, message: wire::SignedMessage) -> Result<wire::Answer, Status> {
    let register = world.federation.register();
    let address = register.member(&hospital()).unwrap().address.clone().unwrap();
    let links = world.federation.links(broker).unwrap();
    let link = links.link(&address, &SpiffeId::node(world.federation.name(), &hospital())).await.unwrap();
    let request = AskRequest { query: Some(message) };
    NodeAgentServiceClient::new(link).ask(request).await.map(|answered| answered.into_inner().answer.unwrap())
}

/// Puts a message to the hospital's node as the broker.
pub(crate) async fn ask(world: &World, message: wire::SignedMessage) -> Result<wire::Answer, Status> {
    let federation = &world.federation;
    if federation.register().member(&hospital()).unwrap().address.is_some() {
        return ask_as(world, federation.broker_id(), message).await;
    }
    let attached = federation.attached();
    until(|| attached.is_attached(&hospital())).await;
    let link = attached.choose(&hospital(), &[]).unwrap().link();
    let request = AskRequest { query: Some(message) };
    NodeAgentServiceClient::new(link).ask(request).await.map(|answered| answered.into_inner().answer.unwrap())
}

/// The statement of an answer to that query.
pub(crate) fn stated(
    world: &World,
    query: &wire::SignedMessage,
    answer: wire::Answer,
) -> Result<Verified<Statement>, VerifyError> {
    let audience = Digest::of(&query.payload).to_string();
    Signed::from_wire(answer.statement.unwrap()).verify(&audience, &*world.federation.register())
}

/// The last entry of the hospital's log, which must be a refusal for that reason.
fn recorded(world: &World, expected: Reason) -> Entry {
    let entry = world.node_entries(&hospital()).pop().expect("an audit entry").entry;
    assert_eq!((entry.kind, entry.reason), (Kind::Refusal, Some(expected)));
    assert!(entry.part_digests.is_empty() && entry.outcomes.is_empty());
    assert!(entry.peer.is_some());
    entry
}

/// Puts a message to the node: it must refuse it for that reason, record that, and read nothing.
async fn refused(world: &World, message: wire::SignedMessage, expected: Reason) -> Entry {
    let (reads, entries) = (world.reads(&hospital()), world.node_entries(&hospital()).len());
    assert_eq!(reason(ask(world, message).await), expected);
    assert_eq!(world.reads(&hospital()), reads, "nothing was read");
    assert_eq!(world.node_entries(&hospital()).len(), entries + 1, "one entry for one refusal");
    recorded(world, expected)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_holds_is_answered_under_signature_and_recorded() {
    let world = world().await;
    let query = query(&world, token(&world));
    let message = signed(&world, &query);
    let answer = ask(&world, message.clone()).await.unwrap();
    assert_eq!(answer.parts.len(), 1);
    let statement = stated(&world, &message, answer).unwrap();
    assert_eq!(statement.outcome, Outcome::Answered);
    let recorded = world.node_entries(&hospital()).pop().unwrap();
    assert_eq!(recorded.entry.kind, Kind::Answer);
    assert_eq!(recorded.digest, statement.audit_digest, "the statement names its entry");
    assert_eq!(recorded.entry.nonce, Some(query.nonce));
    assert_eq!(Some(recorded.entry.part_digests), statement.sections[&Section::Allergies].part_digest.map(|d| vec![d]));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_answers_in_time_that_its_source_is_too_slow() {
    let world = world().await;
    world.federation.faults(&hospital()).unwrap().hold();
    let query = Query { time_left: Duration::from_millis(400), ..query(&world, token(&world)) };
    let message = signed(&world, &query);
    let statement = stated(&world, &message, ask(&world, message.clone()).await.unwrap()).unwrap();
    assert_eq!(statement.outcome, Outcome::Answered);
    let allergies = &statement.sections[&Section::Allergies];
    assert_eq!(allergies.state, SectionState::Unavailable);
    assert_eq!(allergies.unavailable_cause, Some(UnavailableCause::SourceTimeout));
    assert_eq!(world.reads(&hospital()), 1, "the reading was given up");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_log_cannot_be_written_sends_no_byte_of_an_answer() {
    let world = world().await;
    world.federation.node_log_faults(&hospital()).unwrap().fail_flushes();
    let message = signed(&world, &query(&world, token(&world)));
    assert_eq!(reason(ask(&world, message).await), Reason::AuditUnavailable);
    assert_eq!(world.reads(&hospital()), 1, "there was something to send");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_for_somebody_else_is_refused() {
    let world = world().await;
    let to_practice = Query { audience: practice(), ..query(&world, token(&world)) };
    refused(&world, signed(&world, &to_practice), Reason::QuerySignature).await;
    let readdressed = Signed::sign(&to_practice, hospital().as_str(), world.federation.broker_key());
    refused(&world, readdressed.as_wire().clone(), Reason::QueryMalformed).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_with_any_byte_altered_is_refused() {
    let world = world().await;
    let message = signed(&world, &query(&world, token(&world)));
    let mut altered = message.clone();
    *altered.payload.last_mut().unwrap() ^= 1;
    refused(&world, altered, Reason::QuerySignature).await;
    let mut altered = message.clone();
    altered.signature[0] ^= 1;
    refused(&world, altered, Reason::QuerySignature).await;
    refused(&world, wire::SignedMessage { signature: Vec::new(), ..message.clone() }, Reason::QuerySignature).await;
    refused(&world, wire::SignedMessage { key_id: String::new(), ..message }, Reason::QueryMalformed).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_the_register_does_not_give_to_a_broker_signs_no_query() {
    let world = world().await;
    let query = query(&world, token(&world));
    let seeds = [
        ("b1/query/2".to_owned(), *world.federation.broker_key().expose_seed(), Reason::QueryKeyUnknown),
        ("b1/query/1".to_owned(), [7; 32], Reason::QuerySignature),
        (
            world.federation.statement_key(&practice()).unwrap().id().to_string(),
            *world.federation.statement_key(&practice()).unwrap().expose_seed(),
            Reason::QueryKeyUnknown,
        ),
        (
            world.federation.assertion_key(&practice()).unwrap().id().to_string(),
            *world.federation.assertion_key(&practice()).unwrap().expose_seed(),
            Reason::QueryKeyUnknown,
        ),
    ];
    for (id, seed, expected) in seeds {
        let key: SigningKey<Query> = SigningKey::from_seed(KeyId::parse(&id).unwrap(), &seed);
        let message = Signed::sign(&query, hospital().as_str(), &key).as_wire().clone();
        refused(&world, message, expected).await;
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_of_one_broker_is_refused_on_the_connection_of_another() {
    let mut world = world().await;
    let second = SpiffeId::broker(world.federation.name(), "b2").unwrap();
    let key: SigningKey<Query> = SigningKey::from_seed(KeyId::parse("b2/query/1").unwrap(), &[9; 32]);
    let registered = weald_certs::RegisteredKey {
        id: key.id().clone(),
        usage: KeyUse::Query,
        key: key.verifying_key(),
        state: weald_certs::KeyState::Active,
    };
    let broker = weald_certs::Broker { id: second.clone(), address: None, keys: vec![registered] };
    world.federation.publish(|draft| draft.brokers.push(broker)).unwrap();

    let of_first = signed(&world, &query(&world, token(&world)));
    assert_eq!(reason(ask_as(&world, &second, of_first).await), Reason::QuerySigner);
    recorded(&world, Reason::QuerySigner);

    let as_first = Signed::sign(&query(&world, token(&world)), hospital().as_str(), &key).as_wire().clone();
    refused(&world, as_first, Reason::QuerySigner).await;

    let own = Query { broker: second.clone(), ..query(&world, token(&world)) };
    let own = Signed::sign(&own, hospital().as_str(), &key).as_wire().clone();
    ask_as(&world, &second, own).await.expect("an answer to the second broker");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_answered_once() {
    let world = world().await;
    let query = query(&world, token(&world));
    let message = signed(&world, &query);
    ask(&world, message.clone()).await.expect("an answer");
    let entry = refused(&world, message.clone(), Reason::QueryReplayed).await;
    assert_eq!(entry.nonce, Some(query.nonce));
    world.clock.advance(limit::QUERY_LIFE + limit::CLOCK_SKEW);
    refused(&world, message, Reason::QueryReplayed).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_answered_once_even_if_the_node_restarts_in_between() {
    let mut world = world().await;
    let token = token(&world);
    let message = signed(&world, &query(&world, token.clone()));
    ask(&world, message.clone()).await.expect("an answer");
    world.federation.restart_node(&hospital()).await.unwrap();
    refused(&world, message, Reason::QueryReplayed).await;

    let retry = signed(&world, &query(&world, token.clone()));
    ask(&world, retry).await.expect("one retry under the same assertion");
    world.federation.restart_node(&hospital()).await.unwrap();
    let third = signed(&world, &query(&world, token));
    refused(&world, third, Reason::AssertionReplayed).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_is_served_twice_and_not_a_third_time() {
    let world = world().await;
    let token = token(&world);
    for _ in 0..2 {
        ask(&world, signed(&world, &query(&world, token.clone()))).await.expect("an answer");
    }
    let entry = refused(&world, signed(&world, &query(&world, token.clone())), Reason::AssertionReplayed).await;
    assert_eq!(entry.assertion_digest, Some(token.digest()));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_counts_for_its_thirty_seconds_give_or_take_what_clocks_differ() {
    let world = world().await;
    let message = signed(&world, &query(&world, token(&world)));
    world.clock.advance(limit::QUERY_LIFE + limit::CLOCK_SKEW + Duration::from_secs(1));
    refused(&world, message, Reason::QueryExpired).await;

    let mut ahead = query(&world, token(&world));
    ahead.issued_at = ahead.issued_at.plus(limit::CLOCK_SKEW + Duration::from_secs(1));
    ahead.expires_at = ahead.issued_at.plus(limit::QUERY_LIFE);
    let message = signed(&world, &ahead);
    refused(&world, message.clone(), Reason::QueryNotYet).await;
    world.clock.advance(Duration::from_secs(1));
    ask(&world, message).await.expect("an answer once its time has come");

    let mut long = query(&world, token(&world));
    long.expires_at = long.issued_at.plus(limit::QUERY_LIFE + Duration::from_secs(1));
    refused(&world, signed(&world, &long), Reason::QueryMalformed).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_whose_register_is_a_day_behind_gets_nothing() {
    let world = world().await;
    let ours = world.federation.register().issued_at();
    let mut behind = query(&world, token(&world));
    behind.register_issued_at = ours.minus(limit::REGISTER_LAG + Duration::from_millis(1));
    refused(&world, signed(&world, &behind), Reason::RegisterTooOld).await;
    behind.register_issued_at = ours.minus(limit::REGISTER_LAG);
    ask(&world, signed(&world, &behind)).await.expect("an answer within the day");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_own_register_holds_no_more_answers_nobody() {
    let mut world = world().await;
    let until = world.federation.env().clock.now().plus(limit::CLOCK_SKEW);
    world.federation.publish(|draft| draft.expires_at = Some(until)).unwrap();
    ask(&world, signed(&world, &query(&world, token(&world)))).await.expect("an answer while it holds");
    world.clock.advance(limit::CLOCK_SKEW);
    refused(&world, signed(&world, &query(&world, token(&world))), Reason::RegisterExpired).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_never_goes_beyond_its_assertion() {
    let world = world().await;
    let mut wider = query(&world, token(&world));
    wider.grants = grants(&[Section::Allergies, Section::MentalHealth]);
    refused(&world, signed(&world, &wider), Reason::SectionsNotAsserted).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_cannot_ask_for_more_than_the_nodes_own_policies_allow() {
    let world = world().await;
    let receptionist = AssertionDraft { role: Some(JobRole::parse("R8009").unwrap()), ..doctor() };
    let mut greedy = query(&world, receptionist.sign(&world.federation).unwrap());
    greedy.grants = grants(&[Section::Allergies, Section::Demographics]);
    let message = signed(&world, &greedy);
    let statement = stated(&world, &message, ask(&world, message.clone()).await.unwrap()).unwrap();
    let allergies = &statement.sections[&Section::Allergies];
    assert_eq!((allergies.state, allergies.item_count), (SectionState::Withheld, 0));
    world.end().await;
}

/// A doctor's assertion with something else in its claims, signed by that organisation.
pub(crate) fn token_with(world: &World, signer: &OdsCode, change: impl FnOnce(&mut Assertion)) -> SignedAssertion {
    let mut claims = doctor().claims(&world.federation).unwrap();
    change(&mut claims);
    SignedAssertion::sign(&claims, world.federation.assertion_key(signer).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_alone_cannot_ask_the_node_checks_the_assertion_again() {
    let world = world().await;
    let refuse = |token: SignedAssertion, expected: Reason| {
        let message = signed(&world, &query(&world, token));
        refused(&world, message, expected)
    };
    let elsewhere = FederationName::parse("sussex.weald.example").unwrap();
    refuse(token_with(&world, &practice(), |claims| claims.audience = elsewhere), Reason::AssertionAudience).await;
    refuse(token_with(&world, &hospital(), |_| ()), Reason::AssertionSigner).await;

    let claims = doctor().claims(&world.federation).unwrap();
    let brokers: SigningKey<Assertion> =
        SigningKey::from_seed(world.federation.broker_key().id().clone(), world.federation.broker_key().expose_seed());
    refuse(SignedAssertion::sign(&claims, &brokers), Reason::AssertionKeyUnknown).await;

    let other_name = FamilyName::parse("Other").unwrap();
    let patient = Patient { family_name: other_name, ..patient() };
    let genuine = token_with(&world, &practice(), |_| ());
    let forged = token_with(&world, &practice(), |claims| claims.patient = patient);
    let [input, signature] = [forged.expose(), genuine.expose()].map(|token| token.rsplit_once('.').unwrap());
    let spliced = SignedAssertion::parse(&format!("{}.{}", input.0, signature.1)).unwrap();
    refuse(spliced, Reason::AssertionSignature).await;

    let old = token_with(&world, &practice(), |_| ());
    world.clock.advance(limit::ASSERTION_LIFE + limit::CLOCK_SKEW * 2);
    refused(&world, signed(&world, &query(&world, old)), Reason::AssertionExpired).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_lets_in_brokers_of_its_federation_and_nobody_else() {
    let world = world().await;
    let register = world.federation.register();
    let address = register.member(&hospital()).unwrap().address.clone().unwrap();
    let node = SpiffeId::node(world.federation.name(), &hospital());
    let app = SpiffeId::viewer(world.federation.name(), &practice(), APP).unwrap();
    for party in [app, SpiffeId::node(world.federation.name(), &practice())] {
        let links = world.federation.links(&party).unwrap();
        assert!(links.link(&address, &node).await.is_err(), "{party} was let in");
    }
    assert_eq!(world.reads(&hospital()), 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_members_node_releases_nothing_and_says_so_under_signature() {
    let mut world = world().await;
    let before = world.federation.register();
    let suspend = |draft: &mut weald_certs::RegisterDraft| {
        let member = draft.members.iter_mut().find(|member| member.organisation == hospital()).unwrap();
        member.state = weald_certs::MemberState::Suspended;
    };
    world.federation.publish(suspend).unwrap();
    let message = signed(&world, &query(&world, token(&world)));
    let answer = ask(&world, message.clone()).await.unwrap();
    assert!(answer.parts.is_empty() && answer.identity.is_empty());
    assert_eq!(world.reads(&hospital()), 0);
    let statement: Signed<Statement> = Signed::from_wire(answer.statement.clone().unwrap());
    let statement = statement.verify(&Digest::of(&message.payload).to_string(), &*before).unwrap();
    assert_eq!((statement.outcome, statement.reason_code.as_str()), (Outcome::Refused, Reason::NotAMember.as_str()));
    assert!(statement.sections.is_empty());
    assert_eq!(stated(&world, &message, answer).unwrap_err(), VerifyError::UnknownKey, "its word counts no more");
    world.end().await;
}
