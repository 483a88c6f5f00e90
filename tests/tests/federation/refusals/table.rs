//! The cases, in the words of what is promised.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use prost::Message as _;
use serde_json::{Value, json};
use weald_certs::{Authority, LeafUsage, MemberState};
use weald_proto::{AnswerError as Wrong, Reason as Why};
use weald_proto::{
    Assertion, Digest, FederationName, IdentityMismatch, JobRole, KeyId, Query, Section, Signed, SignedAssertion,
    SigningKey, SpiffeId, limit, wire,
};
use weald_tests::federation::{AssertionDraft, alter};

use super::Attack;
use super::answer::Told;
use super::call::Call;
use super::connection::{issued, wrong_party};
use super::query::Meanwhile;
use crate::impostor::{Lie, Lying};
use crate::lie::part_of;
use crate::node::{grants, query, signed, token_with};
use crate::refuse::{opened, sealed};
use crate::world::{World, doctor, hospital, ods, only, other_patient, practice, professional};

const HOUR: Duration = Duration::from_secs(3600);

/// Every case: what is promised, who is attacked and how, and with what reason it is refused.
pub(super) fn cases() -> Vec<(&'static str, Attack)> {
    let mut cases = assertions();
    cases.extend(requesters());
    cases.extend(queries());
    cases.extend(answers());
    cases.extend(connections());
    cases
}

fn assertions() -> Vec<(&'static str, Attack)> {
    use Attack::{Assertion, AssertionAgain, Call, Query};
    vec![
        ("expired", Assertion(expired, Why::AssertionExpired, "has expired")),
        ("future", Assertion(future, Why::AssertionNotYet, "not valid yet")),
        ("replayed (more than a retry)", AssertionAgain),
        (
            "altered",
            Assertion(|world| spliced(world, "/purpose", json!("ETREAT")), Why::AssertionSignature, "signature"),
        ),
        ("alg: none", Assertion(|world| with_algorithm(world, "none"), Why::AssertionMalformed, "`alg`")),
        ("wrong-algorithm", Assertion(|world| with_algorithm(world, "HS256"), Why::AssertionMalformed, "`alg`")),
        ("for another patient", Assertion(for_another_patient, Why::AssertionSignature, "signature")),
        ("other sections", Call(other_sections, Why::SectionsNotAsserted, "sections that the assertion names")),
        ("other sections, of a query", Query(query_for_other_sections, Why::SectionsNotAsserted)),
        ("another federation", Assertion(for_another_federation, Why::AssertionAudience, "another federation")),
        ("presented by another viewer app", Call(by_another_app, Why::AssertionViewer, "another viewer app")),
        ("presented by another organisation's app", Call(by_anothers_app, Why::AssertionViewer, "another viewer app")),
        ("signed by no member", Assertion(signed_by_a_stranger, Why::NotAMember, "not an active member")),
        ("presented by no member's app", Call(by_a_strangers_app, Why::NotAMember, "not an active member")),
        ("signed by a suspended member", Assertion(signed_by_suspended, Why::NotAMember, "not an active member")),
        (
            "signed by a key of no member",
            Assertion(with_another_key_id, Why::AssertionKeyUnknown, "no such assertion key"),
        ),
        (
            "signed by another than the requester's",
            Assertion(signed_by_another, Why::AssertionSigner, "own organisation"),
        ),
    ]
}

fn requesters() -> Vec<(&'static str, Attack)> {
    use Attack::{Assertion, Call};
    vec![
        ("a role that may not", Call(a_receptionist_asks_for_allergies, Why::PolicyRefused, "")),
        ("an unknown role", Call(an_unknown_role, Why::RoleUnknown, "role table")),
        (
            "a role that is none",
            Assertion(|world| claiming(world, "/role", json!("doctor")), Why::AssertionMalformed, "`role`"),
        ),
        ("a bad check digit", Assertion(a_bad_check_digit, Why::AssertionMalformed, "`nhs_number`")),
        (
            "an unknown purpose",
            Assertion(|world| claiming(world, "/purpose", json!("CURIOSITY")), Why::AssertionMalformed, "`purpose`"),
        ),
        (
            "an unknown relationship",
            Assertion(
                |world| claiming(world, "/relationship/kind", json!("neighbour")),
                Why::AssertionMalformed,
                "`relationship`",
            ),
        ),
        (
            "an unknown section",
            Assertion(
                |world| claiming(world, "/sections/0", json!("bank_account")),
                Why::AssertionMalformed,
                "`section`",
            ),
        ),
        ("an unknown section, of a request", Call(an_unknown_section, Why::RequestMalformed, "`section`")),
    ]
}

fn queries() -> Vec<(&'static str, Attack)> {
    use Attack::{Query, QueryAgain};
    vec![
        ("a query with the wrong audience", Query(for_the_practice, Why::QuerySignature)),
        ("under a register more than 24 h older", Query(under_an_old_register, Why::RegisterTooOld)),
        ("a query replayed", QueryAgain(Meanwhile::Nothing)),
        ("a query replayed after the node restarted", QueryAgain(Meanwhile::Restart)),
        ("signed by a key that no broker has", Query(signed_by_no_broker, Why::QueryKeyUnknown)),
        ("signed by a member's statement key", Query(signed_by_a_member, Why::QueryKeyUnknown)),
    ]
}

fn answers() -> Vec<(&'static str, Attack)> {
    let case = |told: Told, wrong: Wrong| Attack::Answer(told, wrong);
    vec![
        ("an answer altered in one part", case(altered, Wrong::PartAltered(Section::Allergies))),
        ("with a part missing", case(a_part_missing, Wrong::PartMissing(Section::Conditions))),
        ("swapped between sections", case(swapped, Wrong::PartSwapped(Section::Allergies))),
        ("for another query", case(for_another_query, Wrong::OtherQuery)),
        ("with the wrong count", case(wrong_count, Wrong::WrongCount(Section::Allergies))),
        ("signed by another organisation", case(signed_by_the_practice, Wrong::WrongSigner)),
        ("another person's identity block", case(of_another_person, Wrong::OtherPerson(IdentityMismatch::NhsNumber))),
    ]
}

fn connections() -> Vec<(&'static str, Attack)> {
    use Attack::{Call, Connection, Method};
    vec![
        ("a method that is not served", Method),
        ("a request larger than any may be", Call(too_large, Why::RequestTooLarge, "larger")),
        ("no client certificate", Connection(|_, _| None, Why::CertificateMissing)),
        ("another CA's", Connection(of_another_authority, Why::CertificateIssuer)),
        ("another federation's", Connection(of_another_federation, Why::CertificateName)),
        ("a node's where a viewer's belongs", Connection(a_nodes, Why::WrongParty)),
        ("an expired certificate", Connection(an_expired_one, Why::CertificateExpired)),
        ("a certificate not yet valid", Connection(an_early_one, Why::CertificateNotYet)),
        ("wrong EKU", Connection(a_servers, Why::CertificateUsage)),
    ]
}

fn expired(world: &mut World) -> String {
    let token = doctor().sign(&world.federation).unwrap();
    world.clock.advance(limit::ASSERTION_LIFE + limit::CLOCK_SKEW * 2);
    token.expose().to_owned()
}

fn future(world: &mut World) -> String {
    let ahead = |claims: &mut Assertion| {
        claims.issued_at = claims.issued_at.plus(limit::CLOCK_SKEW * 2);
        claims.expires_at = claims.issued_at.plus(limit::ASSERTION_LIFE);
    };
    token_with(world, &practice(), ahead).expose().to_owned()
}

/// A doctor's assertion that says something else in one claim, rightly signed.
fn claiming(world: &World, claim: &str, value: Value) -> String {
    let (header, mut claims) = opened(world);
    *claims.pointer_mut(claim).unwrap() = value;
    sealed(world, &header, &claims)
}

/// The same under the signature of the assertion before.
fn spliced(world: &World, claim: &str, value: Value) -> String {
    let (header, mut claims) = opened(world);
    let genuine = sealed(world, &header, &claims);
    *claims.pointer_mut(claim).unwrap() = value;
    let [head, _, signature] = genuine.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    format!("{head}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims.to_string()))
}

fn with_algorithm(world: &World, algorithm: &str) -> String {
    let (mut header, claims) = opened(world);
    header["alg"] = json!(algorithm);
    sealed(world, &header, &claims)
}

fn for_another_patient(world: &mut World) -> String {
    spliced(world, "/patient/nhs_number", json!(other_patient().nhs_number.expose()))
}

fn a_bad_check_digit(world: &mut World) -> String {
    claiming(world, "/patient/nhs_number", json!("9990000019"))
}

fn for_another_federation(world: &mut World) -> String {
    let elsewhere = FederationName::parse("sussex.weald.example").unwrap();
    token_with(world, &practice(), |claims| claims.audience = elsewhere).expose().to_owned()
}

/// The member is one, and the key's name has a slip of the pen.
fn with_another_key_id(world: &mut World) -> String {
    let (mut header, claims) = opened(world);
    header["kid"] = json!("G99001/assertion/l");
    sealed(world, &header, &claims)
}

/// Nobody vouches for one of its own; the app that presents it is an active member's.
fn signed_by_a_stranger(world: &mut World) -> String {
    let genuine = doctor().claims(&world.federation).unwrap();
    let claims = Assertion { issuer: ods("X99"), ..genuine };
    let key = SigningKey::from_seed(KeyId::parse("X99/assertion/1").unwrap(), &[7; 32]);
    SignedAssertion::sign(&claims, &key).expose().to_owned()
}

/// The hospital vouches for one of its own; the app that presents it is an active member's.
fn signed_by_suspended(world: &mut World) -> String {
    let claims = AssertionDraft { organisation: hospital(), ..doctor() }.claims(&world.federation).unwrap();
    let viewer = doctor().claims(&world.federation).unwrap().viewer;
    let key = world.federation.assertion_key(&hospital()).unwrap();
    let token = SignedAssertion::sign(&Assertion { viewer, ..claims }, key);
    let suspend = |draft: &mut weald_certs::RegisterDraft| {
        let member = draft.members.iter_mut().find(|member| member.organisation == hospital()).unwrap();
        member.state = MemberState::Suspended;
    };
    world.federation.publish(suspend).unwrap();
    token.expose().to_owned()
}

fn signed_by_another(world: &mut World) -> String {
    token_with(world, &hospital(), |_| ()).expose().to_owned()
}

fn other_sections(world: &mut World) -> Call {
    let token = only(doctor(), &[Section::Allergies]).sign(&world.federation).unwrap();
    let sections = vec![Section::Allergies.to_wire(), Section::MentalHealth.to_wire()];
    Call { sections, ..Call::with(token.expose().to_owned()) }
}

fn query_for_other_sections(world: &mut World) -> wire::SignedMessage {
    let token = only(doctor(), &[Section::Allergies]).sign(&world.federation).unwrap();
    let wider = Query { grants: grants(&[Section::Allergies, Section::MentalHealth]), ..query(world, token) };
    signed(world, &wider)
}

fn by_another_app(world: &mut World) -> Call {
    let token = doctor().sign(&world.federation).unwrap();
    Call { app: "other", ..Call::with(token.expose().to_owned()) }
}

fn by_anothers_app(world: &mut World) -> Call {
    let token = doctor().sign(&world.federation).unwrap();
    Call { organisation: hospital(), ..Call::with(token.expose().to_owned()) }
}

fn by_a_strangers_app(world: &mut World) -> Call {
    let token = doctor().sign(&world.federation).unwrap();
    Call { organisation: ods("X99"), ..Call::with(token.expose().to_owned()) }
}

fn a_receptionist_asks_for_allergies(world: &mut World) -> Call {
    let token = only(professional("R8009"), &[Section::Allergies]).sign(&world.federation).unwrap();
    Call::with(token.expose().to_owned())
}

fn an_unknown_role(world: &mut World) -> Call {
    let unknown = AssertionDraft { role: Some(JobRole::parse("R9999").unwrap()), ..doctor() };
    Call::with(unknown.sign(&world.federation).unwrap().expose().to_owned())
}

fn an_unknown_section(world: &mut World) -> Call {
    let token = doctor().sign(&world.federation).unwrap();
    Call { sections: vec![99], ..Call::with(token.expose().to_owned()) }
}

fn too_large(world: &mut World) -> Call {
    let token = doctor().sign(&world.federation).unwrap();
    let sections = vec![Section::Allergies.to_wire(); 2 * limit::REQUEST_BYTES];
    Call { sections, ..Call::with(token.expose().to_owned()) }
}

fn honest(world: &World) -> Query {
    query(world, doctor().sign(&world.federation).unwrap())
}

fn for_the_practice(world: &mut World) -> wire::SignedMessage {
    signed(world, &Query { audience: practice(), ..honest(world) })
}

fn under_an_old_register(world: &mut World) -> wire::SignedMessage {
    let ours = world.federation.register().issued_at();
    let before = ours.minus(limit::REGISTER_LAG + Duration::from_millis(1));
    signed(world, &Query { register_issued_at: before, ..honest(world) })
}

fn signed_by_no_broker(world: &mut World) -> wire::SignedMessage {
    let key = SigningKey::from_seed(KeyId::parse("b9/query/1").unwrap(), &[9; 32]);
    Signed::sign(&honest(world), hospital().as_str(), &key).as_wire().clone()
}

fn signed_by_a_member(world: &mut World) -> wire::SignedMessage {
    let members = world.federation.statement_key(&practice()).unwrap();
    let key = SigningKey::from_seed(members.id().clone(), members.expose_seed());
    Signed::sign(&honest(world), hospital().as_str(), &key).as_wire().clone()
}

fn altered(_: &World) -> Lie {
    Box::new(|_, mut answer| {
        alter(&mut part_of(&mut answer, Section::Allergies).content);
        answer
    })
}

fn a_part_missing(_: &World) -> Lie {
    Box::new(|_, mut answer| {
        answer.parts.retain(|part| part.section != Section::Conditions.to_wire());
        answer
    })
}

fn swapped(_: &World) -> Lie {
    Box::new(|_, mut answer| {
        let [one, other] = &mut answer.parts[..] else { panic!("two parts") };
        std::mem::swap(&mut one.content, &mut other.content);
        answer
    })
}

fn for_another_query(_: &World) -> Lie {
    let cite = |lying: &Lying, answer| lying.restate(answer, |stated| stated.query_digest = Digest::of(b"another"));
    Box::new(cite)
}

fn wrong_count(_: &World) -> Lie {
    Box::new(|lying, answer| {
        lying.restate(answer, |stated| stated.sections.get_mut(&Section::Allergies).unwrap().item_count = 2)
    })
}

fn signed_by_the_practice(world: &World) -> Lie {
    let practices = world.federation.statement_key(&practice()).unwrap().clone();
    Box::new(move |lying, answer| lying.restate_with(&practices, answer, |_| ()))
}

fn of_another_person(_: &World) -> Lie {
    Box::new(|lying, answer| {
        let mut block = wire::IdentityBlock::decode(answer.identity.as_slice()).unwrap();
        block.nhs_number = other_patient().nhs_number.expose().into();
        let identity = block.encode_to_vec();
        let digest = Digest::of(&identity);
        let answer = lying.restate(answer, |stated| stated.identity_digest = Some(digest));
        wire::Answer { identity, ..answer }
    })
}

type Shown = Option<Arc<weald_certs::Credentials>>;

fn authority(world: &World, federation: &str) -> Authority {
    let (env, name) = (world.federation.env(), FederationName::parse(federation).unwrap());
    Authority::new(name, Arc::clone(&env.random), env.clock.now()).unwrap()
}

fn of_another_authority(world: &World, guest: &SpiffeId) -> Shown {
    issued(&authority(world, world.federation.name().as_str()), world, guest, |_| ())
}

/// Its root is believed: only the name is another's.
fn of_another_federation(world: &World, guest: &SpiffeId) -> Shown {
    let other = authority(world, "sussex.weald.example");
    let roots = [world.federation.authority().root().clone(), other.root().clone()];
    world.federation.trust().replace(&roots).unwrap();
    let id = SpiffeId { federation: FederationName::parse("sussex.weald.example").unwrap(), path: guest.path.clone() };
    issued(&other, world, &id, |_| ())
}

fn a_nodes(world: &World, _: &SpiffeId) -> Shown {
    issued(world.federation.authority(), world, &wrong_party(world), |_| ())
}

fn an_expired_one(world: &World, guest: &SpiffeId) -> Shown {
    let over = world.federation.env().clock.now().minus(Duration::from_secs(1));
    issued(world.federation.authority(), world, guest, |terms| terms.not_after = over)
}

fn an_early_one(world: &World, guest: &SpiffeId) -> Shown {
    let begins = world.federation.env().clock.now().plus(HOUR);
    issued(world.federation.authority(), world, guest, |terms| terms.not_before = begins)
}

fn a_servers(world: &World, guest: &SpiffeId) -> Shown {
    issued(world.federation.authority(), world, guest, |terms| terms.usage = LeafUsage::Server)
}
