//! Requests that a broker refuses: each with its own reason and an audit entry, and nobody is asked.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::Signer as _;
use serde_json::{Value, json};
use tonic::Status;
use weald_audit::{Kind, RecordedEntry};
use weald_certs::MemberState;
use weald_proto::{
    Assertion, FederationName, JobRole, OdsCode, Purpose, Reason, Section, SignedAssertion, limit, wire,
};
use weald_tests::federation::{APP, AssertionDraft};
use weald_viewer::ViewError;

use crate::world::{
    World, allergic_to, doctor, hospital, ods, only, patient, practice, professional, reason, refusal, store, three,
};

async fn world() -> World {
    World::of(three(allergic_to("penicillin"), store(), store())).await
}

/// The last entry of the broker's log, which must be a refusal for that reason, and nobody was asked.
fn recorded(world: &World, expected: Reason) -> RecordedEntry {
    assert_eq!(world.all_reads(), 0, "nobody is asked");
    assert!(world.broker_entries_of(Kind::Intent).is_empty());
    assert!(world.broker_entries_of(Kind::Release).is_empty());
    let entry = world.broker_entries().pop().expect("an audit entry");
    assert_eq!((entry.entry.kind, entry.entry.reason), (Kind::Refusal, Some(expected)));
    assert!(entry.entry.peer.is_some());
    entry
}

/// Presents a token by the practice's app; it must be refused for that reason, and that recorded.
async fn refused(world: &World, token: &str, expected: Reason) -> RecordedEntry {
    let before = world.broker_entries().len();
    let status = world.present(token).await.expect_err("a refusal");
    assert_eq!(Reason::of_status(&status), Some(expected), "{status:?}");
    assert_eq!(world.broker_entries().len(), before + 1, "one entry for one refusal");
    recorded(world, expected)
}

/// A doctor's assertion with something else in its claims.
fn token_with(world: &World, change: impl FnOnce(&mut Assertion)) -> SignedAssertion {
    let mut claims = doctor().claims(&world.federation).unwrap();
    change(&mut claims);
    SignedAssertion::sign(&claims, world.federation.assertion_key(&practice()).unwrap())
}

/// The header and the claims of a doctor's assertion as JSON.
pub(crate) fn opened(world: &World) -> (Value, Value) {
    let token = doctor().sign(&world.federation).unwrap();
    let mut parts = token.expose().split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
    let mut next = || serde_json::from_slice(&parts.next().unwrap()).unwrap();
    (next(), next())
}

/// A compact JWS over these, rightly signed with the practice's key.
pub(crate) fn sealed(world: &World, header: &Value, claims: &Value) -> String {
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let input = format!("{}.{}", encode(header), encode(claims));
    let seed = world.federation.assertion_key(&practice()).unwrap().expose_seed();
    let signature = ed25519_dalek::SigningKey::from_bytes(seed).sign(input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn research_is_refused_with_the_policys_own_words() {
    let world = world().await;
    let research = AssertionDraft { purpose: Purpose::Research, ..doctor() };
    let (reason, text) = refusal(world.view(&research).await);
    assert_eq!(reason, Reason::PolicyRefused);
    assert!(text.contains("research gets no identifiable data"), "{text}");
    let entry = recorded(&world, Reason::PolicyRefused).entry;
    assert!(entry.requester.is_some() && entry.jti.is_some() && entry.assertion_digest.is_some());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_in_no_row_of_the_table_is_refused() {
    let world = world().await;
    let unknown = AssertionDraft { role: Some(JobRole::parse("R9999").unwrap()), ..doctor() };
    assert_eq!(refusal(world.view(&unknown).await).0, Reason::RoleUnknown);
    recorded(&world, Reason::RoleUnknown);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receptionist_who_asks_for_clinical_sections_alone_is_refused() {
    let world = world().await;
    let clinical = only(professional("R8009"), &[Section::Allergies, Section::MentalHealth]);
    let (reason, text) = refusal(world.view(&clinical).await);
    assert_eq!(reason, Reason::PolicyRefused);
    assert!(!text.is_empty());
    recorded(&world, Reason::PolicyRefused);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_counts_from_its_beginning_to_its_end_give_or_take_what_clocks_differ() {
    let world = world().await;
    let token = doctor().sign(&world.federation).unwrap();
    world.clock.advance(limit::ASSERTION_LIFE + limit::CLOCK_SKEW * 2);
    refused(&world, token.expose(), Reason::AssertionExpired).await;

    let ahead = token_with(&world, |claims| {
        claims.issued_at = claims.issued_at.plus(limit::CLOCK_SKEW * 2);
        claims.expires_at = claims.issued_at.plus(limit::ASSERTION_LIFE);
    });
    refused(&world, ahead.expose(), Reason::AssertionNotYet).await;
    world.clock.advance(limit::CLOCK_SKEW);
    world.present(ahead.expose()).await.expect("a view once its time has come");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_with_any_part_altered_is_refused() {
    let world = world().await;
    let (header, claims) = opened(&world);
    let token = sealed(&world, &header, &claims);
    let [head, _, signature] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let mut wider = claims.clone();
    wider["patient"]["nhs_number"] = json!("9990000026");
    let wider = URL_SAFE_NO_PAD.encode(wider.to_string());
    refused(&world, &format!("{head}.{wider}.{signature}"), Reason::AssertionSignature).await;

    let other = doctor().sign(&world.federation).unwrap();
    let others_signature = other.expose().rsplit_once('.').unwrap().1;
    let input = token.rsplit_once('.').unwrap().0;
    refused(&world, &format!("{input}.{others_signature}"), Reason::AssertionSignature).await;
    refused(&world, &format!("{input}."), Reason::AssertionSignature).await;

    let hospitals = world.federation.assertion_key(&hospital()).unwrap().id().as_str().to_owned();
    let mut misnamed = header.clone();
    misnamed["kid"] = json!(hospitals);
    refused(&world, &sealed(&world, &misnamed, &claims), Reason::AssertionSignature).await;
    misnamed["kid"] = json!("nobody/assertion/1");
    refused(&world, &sealed(&world, &misnamed, &claims), Reason::AssertionKeyUnknown).await;
    let statement_key = world.federation.statement_key(&practice()).unwrap().id().as_str().to_owned();
    misnamed["kid"] = json!(statement_key);
    refused(&world, &sealed(&world, &misnamed, &claims), Reason::AssertionKeyUnknown).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_cannot_choose_how_it_is_checked() {
    let world = world().await;
    let (header, claims) = opened(&world);
    for algorithm in ["none", "None", "HS256", "ES256", "RS256", ""] {
        let mut chosen = header.clone();
        chosen["alg"] = json!(algorithm);
        refused(&world, &sealed(&world, &chosen, &claims), Reason::AssertionMalformed).await;
    }
    let mut unsigned = header.clone();
    unsigned["alg"] = json!("none");
    let token = sealed(&world, &unsigned, &claims);
    refused(&world, &format!("{}.", token.rsplit_once('.').unwrap().0), Reason::AssertionMalformed).await;
    let mut with_key = header.clone();
    with_key["jwk"] = json!({ "kty": "OKP" });
    refused(&world, &sealed(&world, &with_key, &claims), Reason::AssertionMalformed).await;
    refused(&world, "no token at all", Reason::AssertionMalformed).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_nobody_knows_is_refused_and_named_without_its_value() {
    let world = world().await;
    let (header, claims) = opened(&world);
    let cases = [
        ("/patient/nhs_number", json!("9990000019"), "nhs_number"),
        ("/patient/birth_date", json!("1950-02-30"), "birth_date"),
        ("/purpose", json!("CURIOSITY"), "purpose"),
        ("/relationship/kind", json!("neighbour"), "relationship"),
        ("/sections", json!(["allergies", "bank_account"]), "section"),
        ("/sections", json!([]), "sections"),
        ("/sections", json!(["allergies", "allergies"]), "sections"),
        ("/role", json!("a doctor"), "role"),
        ("/exp", json!(claims["iat"].as_i64().unwrap() + 301), "exp"),
    ];
    for (place, value, named) in cases {
        let mut odd = claims.clone();
        *odd.pointer_mut(place).unwrap() = value.clone();
        let token = sealed(&world, &header, &odd);
        refused(&world, &token, Reason::AssertionMalformed).await;
        let status = world.present(&token).await.unwrap_err();
        assert!(status.message().contains(named), "{place}: {}", status.message());
        if let Some(value) = value.as_str() {
            assert!(!status.message().contains(value), "{place}: {}", status.message());
        }
    }
    let mut more = claims.clone();
    more["admin"] = json!(true);
    refused(&world, &sealed(&world, &header, &more), Reason::AssertionMalformed).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_for_another_federation_is_refused() {
    let world = world().await;
    let elsewhere = FederationName::parse("sussex.weald.example").unwrap();
    let token = token_with(&world, |claims| claims.audience = elsewhere);
    refused(&world, token.expose(), Reason::AssertionAudience).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_that_another_app_presents_is_refused() {
    let world = world().await;
    let token = doctor().sign(&world.federation).unwrap();
    let by = |organisation: OdsCode, app: &'static str| {
        let (world, token) = (&world, &token);
        async move { world.call(&organisation, app, Some(token.expose()), &[]).await }
    };
    assert_eq!(reason(by(practice(), "other").await), Reason::AssertionViewer);
    recorded(&world, Reason::AssertionViewer);
    assert_eq!(reason(by(hospital(), APP).await), Reason::AssertionViewer);
    assert_eq!(
        recorded(&world, Reason::AssertionViewer).entry.peer.unwrap().to_string(),
        format!("spiffe://kent.weald.example/viewer/RVV/{APP}")
    );
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_that_another_organisation_signed_is_refused() {
    let world = world().await;
    let claims = doctor().claims(&world.federation).unwrap();
    let token = SignedAssertion::sign(&claims, world.federation.assertion_key(&hospital()).unwrap());
    refused(&world, token.expose(), Reason::AssertionSigner).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_is_served_twice_and_not_a_third_time() {
    let world = world().await;
    let token = doctor().sign(&world.federation).unwrap();
    world.present(token.expose()).await.expect("a view");
    world.present(token.expose()).await.expect("a retry");
    let reads = world.all_reads();
    let status = world.present(token.expose()).await;
    assert_eq!(reason(status), Reason::AssertionReplayed);
    assert_eq!(world.all_reads(), reads);
    let entry = world.broker_entries().pop().unwrap().entry;
    assert_eq!((entry.kind, entry.reason), (Kind::Refusal, Some(Reason::AssertionReplayed)));
    assert_eq!(entry.assertion_digest, Some(token.digest()));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assertion_is_served_twice_even_if_the_broker_restarts_in_between() {
    let mut world = world().await;
    let token = doctor().sign(&world.federation).unwrap();
    world.present(token.expose()).await.expect("a view");
    world.federation = world.federation.restart_broker().await.unwrap();
    world.present(token.expose()).await.expect("a retry");
    world.federation = world.federation.restart_broker().await.unwrap();
    let reads = world.all_reads();
    assert_eq!(reason(world.present(token.expose()).await), Reason::AssertionReplayed);
    assert_eq!(world.all_reads(), reads, "nobody is asked");
    world.present(doctor().sign(&world.federation).unwrap().expose()).await.expect("a view under a new one");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sections_that_the_assertion_does_not_name_are_refused() {
    let world = world().await;
    let draft = only(doctor(), &[Section::Allergies]);
    let token = draft.sign(&world.federation).unwrap();
    let viewer = world.federation.viewer(&practice()).unwrap();
    let result = viewer.view(&token, &[Section::Allergies, Section::Conditions].into()).await;
    assert_eq!(refusal(result).0, Reason::SectionsNotAsserted);
    recorded(&world, Reason::SectionsNotAsserted);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_a_section_that_nobody_knows_is_refused() {
    let world = world().await;
    let token = doctor().sign(&world.federation).unwrap();
    for section in [0, 99, -1] {
        let result = world.call(&practice(), APP, Some(token.expose()), &[section]).await;
        assert_eq!(reason(result), Reason::RequestMalformed, "{section}");
        recorded(&world, Reason::RequestMalformed);
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_an_assertion_is_refused() {
    let world = world().await;
    let result: Result<wire::Summary, Status> = world.call(&practice(), APP, None, &[]).await;
    assert_eq!(reason(result), Reason::AssertionMissing);
    recorded(&world, Reason::AssertionMissing);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_member_neither_asks_nor_vouches_nor_is_asked() {
    let mut world = world().await;
    let suspended = hospital();
    world
        .federation
        .publish(|draft| {
            let member = draft.members.iter_mut().find(|member| member.organisation == suspended).unwrap();
            member.state = MemberState::Suspended;
        })
        .unwrap();
    let draft = AssertionDraft { organisation: hospital(), ..doctor() };
    let token = draft.sign(&world.federation).unwrap();
    assert!(matches!(world.view(&draft).await, Err(ViewError::Assertion(_))), "its own client would not even ask");

    let result = world.call(&hospital(), APP, Some(token.expose()), &[]).await;
    assert_eq!(reason(result), Reason::NotAMember);
    recorded(&world, Reason::NotAMember);
    refused(&world, token.expose(), Reason::NotAMember).await;

    let view = world.view(&doctor()).await.unwrap();
    assert!(!view.organisations().contains_key(&hospital()));
    assert_eq!(world.reads(&hospital()), 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_that_the_register_does_not_list_is_refused_whatever_its_certificate() {
    let world = world().await;
    let stranger = ods("X99");
    let token = AssertionDraft { patient: patient(), ..doctor() }.sign(&world.federation).unwrap();
    let result = world.call(&stranger, APP, Some(token.expose()), &[]).await;
    assert_eq!(reason(result), Reason::NotAMember);
    recorded(&world, Reason::NotAMember);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_served_under_a_register_that_holds_no_more() {
    let mut world = world().await;
    let until = world.federation.env().clock.now().plus(limit::CLOCK_SKEW);
    world.federation.publish(|draft| draft.expires_at = Some(until)).unwrap();
    world.view(&doctor()).await.expect("a view while it holds");
    let reads = world.all_reads();
    world.clock.advance(limit::CLOCK_SKEW);
    let token = doctor().sign(&world.federation).unwrap();
    assert_eq!(reason(world.present(token.expose()).await), Reason::RegisterExpired);
    assert_eq!(world.all_reads(), reads);
    let entry = world.broker_entries().pop().unwrap().entry;
    assert_eq!((entry.kind, entry.reason), (Kind::Refusal, Some(Reason::RegisterExpired)));
    assert!(world.view(&doctor()).await.is_err(), "nor does the client show anything");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn assertions_of_two_organisations_may_have_the_same_id() {
    let world = world().await;
    let ours = doctor().claims(&world.federation).unwrap();
    let theirs = AssertionDraft { organisation: hospital(), ..doctor() }.claims(&world.federation).unwrap();
    let theirs = Assertion { jti: ours.jti.clone(), ..theirs };
    let sign = |claims: &Assertion| {
        let key = world.federation.assertion_key(&claims.issuer).unwrap();
        SignedAssertion::sign(claims, key)
    };
    for _ in 0..limit::ASSERTION_USES {
        world.present(sign(&ours).expose()).await.expect("a view of ours");
        let (token, organisation) = (sign(&theirs), hospital());
        world.call(&organisation, APP, Some(token.expose()), &[]).await.expect("a view of theirs");
    }
    assert_eq!(world.broker_entries_of(Kind::Refusal).len(), 0);
    assert_eq!(reason(world.present(sign(&ours).expose()).await), Reason::AssertionReplayed);
    world.end().await;
}
