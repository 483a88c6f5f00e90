//! Everything that arrives and can be long has a bound: each string, run of bytes and list of the contract has
//! its row here, and each row is tried.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, ReflectMessage as _, Value,
};
use serde_json::{Value as Json, json};
use weald_certs::{FileName, KeyState, RegisteredKey};
use weald_proto::session::{BrokerNotice, NodeNotice};
use weald_proto::{
    Answer, Assertion, Completeness, Digest, Enrolled, Enrolment, EnrolmentToken, Identity, KeyEntry, KeyId, KeyUse,
    Keyring, Malformed, MergePlan, Query, Section, Signable as _, Signed, SpiffeId, Statement, VerifyError, limit,
    wire,
};
use weald_viewer::SummaryError;

use crate::forger::Forgers;
use crate::notices;
use crate::world::{World, doctor, practice, store, three};

/// How one field is bounded.
#[derive(Clone, Copy)]
enum Bound {
    /// So many characters, bytes or entries fit, one more is malformed and named so.
    Fits(usize, &'static str),
    /// More than so many is malformed and named so; of what is shorter, not everything is well formed.
    Most(usize, &'static str),
    /// The same, at the client, of a summary.
    Client(usize, &'static str),
    /// Only what is expected passes, and that is short. Says what notices anything else.
    Expected(&'static str),
    /// Opaque, under the signature of an organisation: its bound is that of the whole.
    Whole(&'static str),
}

use Bound::{Client, Expected, Fits, Most, Whole};

/// `spiffe://`, a federation, `/broker/` and a name.
const BROKER_CHARS: usize = 9 + 63 + 8 + 32;
/// `spiffe://`, a federation, `/viewer/`, an organisation, `/` and a name.
const VIEWER_CHARS: usize = 9 + 63 + 8 + 12 + 1 + 32;

/// Every string, every run of bytes and every list, by message and field.
const TABLE: &[(&str, Bound)] = &[
    // At a broker, from a viewer. The assertion has a table of its own below.
    ("GetSummaryRequest.sections", Fits(limit::SECTIONS, "sections")),
    ("WatchSummaryRequest.sections", Fits(limit::SECTIONS, "sections")),
    // At a broker, from anybody; and at the authority, through a broker.
    ("GetRegisterFileRequest.name", Most(64, "name")),
    ("Enrolment.party", Most(VIEWER_CHARS, "spiffe_id")),
    ("Enrolment.authority", Fits(32, "authority")),
    ("Enrolment.certificate_request", Most(limit::CERTIFICATE_REQUEST_BYTES, "certificate_request")),
    ("TokenProof.token_id", Fits(32, "token_id")),
    ("TokenProof.mac", Fits(32, "mac")),
    // At a newcomer, from a broker; and at a broker, from the authority.
    (
        "GetRegisterFileResponse.piece",
        Expected("no more in all than the head said, and that no more than REGISTER_FILE_BYTES"),
    ),
    ("Enrolled.chain", Most(limit::CHAIN, "chain")),
    // At a node, from a broker, and at the client, from a broker.
    ("SignedMessage.payload", Whole("REQUEST_BYTES, ANSWER_BYTES or SUMMARY_BYTES")),
    ("SignedMessage.key_id", Fits(64, "key_id")),
    ("SignedMessage.signature", Expected("64 bytes that fit, or the signature is wrong")),
    ("Query.id", Fits(16, "id")),
    ("Query.audience", Fits(12, "organisation")),
    ("Query.grants", Most(limit::SECTIONS, "grants")),
    ("Query.assertion", Most(limit::ASSERTION_BYTES, "assertion")),
    ("Query.nonce", Fits(16, "nonce")),
    ("Query.broker", Most(BROKER_CHARS, "spiffe_id")),
    ("Query.session", Fits(16, "session")),
    ("SectionGrant.predicates", Fits(limit::PREDICATES, "predicates")),
    // At a node, from a broker, on a session.
    ("BrokerHello.software", Fits(limit::SOFTWARE_CHARS, "software")),
    ("BrokerHello.log", Fits(32, "log")),
    ("Viewed.query_digest", Fits(32, "query_digest")),
    ("Viewed.view_id", Fits(16, "view_id")),
    ("Viewed.jti", Most(64, "jti")),
    ("Viewed.assertion_digest", Fits(32, "assertion_digest")),
    ("Viewed.purpose", Expected("a known code")),
    ("Viewed.viewer", Most(VIEWER_CHARS, "spiffe_id")),
    ("Viewed.log", Fits(32, "log")),
    ("AuditRequester.user", Fits(limit::TEXT_CHARS, "user")),
    ("AuditRequester.name", Fits(limit::TEXT_CHARS, "name")),
    ("AuditRequester.role", Most(16, "role")),
    ("AuditRequester.team", Fits(limit::TEXT_CHARS, "team")),
    ("AuditRequester.organisation", Fits(12, "organisation")),
    // At a broker, from a node, on a session.
    ("NodeHello.software", Fits(limit::SOFTWARE_CHARS, "software")),
    ("NodeHello.policy_version", Fits(limit::REASON_CHARS, "policy_version")),
    ("NodeHello.instance", Fits(16, "instance")),
    ("NodeHello.session", Fits(16, "session")),
    ("NodeState.reason", Fits(limit::REASON_CHARS, "reason")),
    ("Pong.policy_version", Fits(limit::REASON_CHARS, "policy_version")),
    ("Changed.query_digests", Fits(limit::CHANGED_QUERIES, "query_digests")),
    // At a broker, from a node, and at the client, through a broker.
    ("Answer.identity", Fits(limit::IDENTITY_BYTES, "identity")),
    ("Answer.parts", Fits(limit::SECTIONS, "parts")),
    ("OpaquePart.content", Whole("ANSWER_BYTES")),
    ("Part.salt", Whole("ANSWER_BYTES")),
    ("Part.items", Expected("the signed count, of at most ITEMS, before they are decoded")),
    ("IdentityBlock.salt", Whole("IDENTITY_BYTES")),
    ("IdentityBlock.nhs_number", Expected("the number that was asked for, by the identity gate")),
    ("IdentityBlock.birth_date", Expected("the date that was asked for, by the identity gate")),
    ("IdentityBlock.names", Fits(limit::NAMES, "names")),
    ("Statement.organisation", Fits(12, "organisation")),
    ("Statement.query_digest", Fits(32, "query_digest")),
    ("Statement.reason_code", Fits(limit::REASON_CHARS, "reason_code")),
    ("Statement.reason_text", Fits(limit::REASON_CHARS, "reason_text")),
    ("Statement.sections", Most(limit::SECTIONS, "sections")),
    ("Statement.identity_digest", Fits(32, "identity_digest")),
    ("Statement.policy_version", Fits(limit::REASON_CHARS, "policy_version")),
    ("Statement.audit_digest", Fits(32, "audit_digest")),
    ("Statement.unmapped", Fits(limit::UNMAPPED_KINDS, "unmapped")),
    ("SectionStatement.part_digest", Fits(32, "part_digest")),
    ("SectionStatement.predicates", Fits(limit::PREDICATES, "predicates")),
    ("SectionStatement.reason_text", Fits(limit::REASON_CHARS, "reason_text")),
    ("UnmappedRecords.kind", Fits(limit::TEXT_CHARS, "kind")),
    // At the client, from a broker.
    ("Summary.view_id", Client(16, "view_id")),
    ("Summary.outcomes", Client(limit::MEMBERS, "outcomes")),
    ("Summary.unnamed", Client(weald_proto::OrganisationKind::ALL.len(), "unnamed")),
    ("Summary.decisions", Client(limit::SECTIONS, "decisions")),
    ("Summary.completeness", Client(limit::SECTIONS, "completeness")),
    ("OrganisationOutcome.organisation", Client(12, "organisation")),
    ("OrganisationOutcome.reason_code", Client(limit::TEXT_CHARS, "reason_code")),
    ("OrganisationOutcome.reason_text", Client(limit::REASON_CHARS, "reason_text")),
    ("UnnamedOrganisations.kind", Client(32, "kind")),
    ("SectionDecision.predicates", Client(limit::PREDICATES, "predicates")),
    ("SectionDecision.reason_text", Client(limit::REASON_CHARS, "reason_text")),
    ("SectionDecision.policies", Client(limit::POLICIES, "policies")),
    ("MergePlan.version", Fits(limit::TEXT_CHARS, "version")),
    ("MergePlan.sections", Fits(limit::SECTIONS, "sections")),
    ("SectionPlan.groups", Expected("each item once, and no group empty")),
    ("SectionPlan.set_aside", Expected("each item once")),
    ("Group.items", Expected("each item once")),
    ("ItemRef.organisation", Fits(12, "organisation")),
    ("SectionCompleteness.expected", Fits(limit::MEMBERS, "expected")),
    ("SectionCompleteness.answered", Fits(limit::MEMBERS, "answered")),
    ("SectionCompleteness.withheld", Fits(limit::MEMBERS, "withheld")),
    ("SectionCompleteness.nothing_to_show", Fits(limit::MEMBERS, "nothing_to_show")),
    ("Receipt.assertion_digest", Expected("that of the assertion")),
    ("Receipt.statement_digests", Expected("those of the statements")),
    ("Receipt.plan_digest", Expected("that of the plan")),
    ("Receipt.audit_digest", Client(32, "audit_digest")),
];

/// What is inside these is opaque, and bounded as a whole: `ANSWER_BYTES`, `IDENTITY_BYTES`.
const OPAQUE: [&str; 2] = ["Item", "HumanName"];

/// One for all: descriptors of two pools are never equal.
static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(weald_proto::FILE_DESCRIPTOR_SET).unwrap());

fn is_long(field: &FieldDescriptor) -> bool {
    field.is_list() || field.is_map() || matches!(field.kind(), Kind::String | Kind::Bytes)
}

/// Every field that can be long, of everything that a service takes or gives and of what is signed inside.
fn long_fields() -> BTreeMap<String, FieldDescriptor> {
    let of_services = POOL.services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let mut next: Vec<MessageDescriptor> = of_services.flat_map(|method| [method.input(), method.output()]).collect();
    let signed = ["Query", "Statement", "Part", "IdentityBlock"];
    next.extend(signed.map(|name| POOL.get_message_by_name(&format!("weald.v1.{name}")).unwrap()));
    let (mut seen, mut long) = (Vec::new(), BTreeMap::new());
    while let Some(message) = next.pop() {
        if seen.contains(&message) || OPAQUE.contains(&message.name()) {
            continue;
        }
        for field in message.fields() {
            if let Kind::Message(inner) = field.kind() {
                next.push(inner);
            }
            if is_long(&field) {
                long.insert(format!("{}.{}", message.name(), field.name()), field);
            }
        }
        seen.push(message);
    }
    long
}

/// Fills the first such field of a message, or of one inside it, with so many characters, bytes or entries.
fn fill(message: &mut DynamicMessage, field: &FieldDescriptor, many: usize) -> bool {
    if message.descriptor() == *field.parent_message() {
        let filled = if field.is_list() { list(message, field, many) } else { text(field, many) };
        message.set_field(field, filled);
        return true;
    }
    message.descriptor().fields().any(|inner| {
        let Kind::Message(kind) = inner.kind() else { return false };
        if inner.is_list() {
            let list = message.get_field_mut(&inner).as_list_mut().unwrap();
            if list.is_empty() {
                list.push(Value::Message(DynamicMessage::new(kind)));
            }
            let found = fill(list[0].as_message_mut().unwrap(), field, many);
            if !found && list[0].as_message().unwrap().encoded_len() == 0 {
                list.clear();
            }
            found
        } else {
            message.has_field(&inner) && fill(message.get_field_mut(&inner).as_message_mut().unwrap(), field, many)
        }
    })
}

fn text(field: &FieldDescriptor, many: usize) -> Value {
    match field.kind() {
        Kind::Bytes => Value::Bytes(vec![b'A'; many].into()),
        _ if matches!(field.name(), "organisation" | "audience" | "key_id" | "assertion" | "broker" | "software") => {
            Value::String("A".repeat(many))
        }
        // Two bytes each: characters are counted, not bytes.
        _ => Value::String("\u{e9}".repeat(many)),
    }
}

fn list(message: &DynamicMessage, field: &FieldDescriptor, many: usize) -> Value {
    let first = message.get_field(field).as_list().and_then(|list| list.first().cloned());
    let one = first.unwrap_or_else(|| match field.kind() {
        Kind::Message(kind) => Value::Message(DynamicMessage::new(kind)),
        Kind::Enum(_) => Value::EnumNumber(1),
        Kind::Bytes => Value::Bytes(vec![b'A'].into()),
        _ => Value::String("RVV".into()),
    });
    Value::List(vec![one; many])
}

/// A summary as it was before anything was done to it, and what is signed inside.
struct Samples {
    forgers: Forgers,
    summary: wire::Summary,
}

impl Samples {
    async fn gather() -> Self {
        let forgers = Forgers::gather().await;
        let kept: Arc<Mutex<Option<wire::Summary>>> = Arc::default();
        let keep = Arc::clone(&kept);
        forgers.forge(move |summary| *keep.lock().unwrap() = Some(summary.clone())).await.unwrap();
        let summary = kept.lock().unwrap().take().unwrap();
        Samples { forgers, summary }
    }

    /// The message in which a field of that message stands, with its name.
    fn around(&self, message: &str) -> (&'static str, Vec<u8>) {
        let verbatim = self.summary.outcomes.iter().find_map(|outcome| outcome.answer.as_ref()).unwrap();
        let (query, answer) = (verbatim.query.as_ref().unwrap(), verbatim.answer.as_ref().unwrap());
        let statement = answer.statement.as_ref().unwrap();
        let completeness = &self.summary.completeness[0];
        match message {
            "GetSummaryRequest" | "WatchSummaryRequest" => ("service.v1.GetSummaryRequest", Vec::new()),
            "GetRegisterFileRequest" => ("service.v1.GetRegisterFileRequest", Vec::new()),
            "Enrolment" | "TokenProof" => ("v1.Enrolment", enrolment()),
            "Enrolled" => ("v1.Enrolled", Vec::new()),
            "SignedMessage" => ("v1.SignedMessage", query.encode_to_vec()),
            "Query" | "SectionGrant" => ("v1.Query", query.payload.clone()),
            "Answer" => ("v1.Answer", answer.encode_to_vec()),
            "IdentityBlock" => ("v1.IdentityBlock", answer.identity.clone()),
            "Statement" | "SectionStatement" | "UnmappedRecords" => ("v1.Statement", statement.payload.clone()),
            "BrokerHello" => ("v1.BrokerNotice", notices::broker_hello()),
            "Viewed" | "AuditRequester" => ("v1.BrokerNotice", notices::viewed()),
            "NodeHello" | "NodeState" => ("v1.NodeNotice", notices::node_hello()),
            "Pong" => ("v1.NodeNotice", notices::pong()),
            "Changed" => ("v1.NodeNotice", notices::changed()),
            "MergePlan" | "ItemRef" => ("v1.MergePlan", self.summary.plan.as_ref().unwrap().encode_to_vec()),
            "SectionCompleteness" => ("v1.SectionCompleteness", completeness.encode_to_vec()),
            other => panic!("nothing is known to hold {other}"),
        }
    }

    /// Reads the message around a field that was filled with so many, as whoever gets it reads it.
    fn read(&self, field: &FieldDescriptor, many: usize) -> Result<(), Malformed> {
        let (name, bytes) = self.around(field.parent_message().name());
        let kind = POOL.get_message_by_name(&format!("weald.{name}")).unwrap();
        // A watched view's request is read as any.
        let field =
            kind.get_field_by_name(field.name()).filter(|_| name.starts_with("service")).unwrap_or(field.clone());
        let mut message = DynamicMessage::decode(kind, bytes.as_slice()).unwrap();
        assert!(fill(&mut message, &field, many), "{name} holds no {}", field.full_name());
        let bytes = message.encode_to_vec();
        let bytes = bytes.as_slice();
        match name {
            "service.v1.GetSummaryRequest" => {
                let request = weald_proto::service::GetSummaryRequest::decode(bytes).unwrap();
                Section::of_request(&request.sections).map(drop)
            }
            "service.v1.GetRegisterFileRequest" => {
                let request = weald_proto::service::GetRegisterFileRequest::decode(bytes).unwrap();
                FileName::parse(&request.name).map(drop)
            }
            "v1.Enrolment" => Enrolment::from_wire(wire::Enrolment::decode(bytes).unwrap()).map(drop),
            "v1.Enrolled" => Enrolled::from_wire(wire::Enrolled::decode(bytes).ok()).map(drop),
            "v1.SignedMessage" => {
                let signed: Signed<Query> = Signed::from_wire(wire::SignedMessage::decode(bytes).unwrap());
                match signed.verify("RVV", &NoKeys) {
                    Err(VerifyError::Malformed(fault)) => Err(fault),
                    Err(VerifyError::UnknownKey) => Ok(()),
                    other => panic!("verified without keys: {other:?}"),
                }
            }
            "v1.Query" => Query::decode(bytes).map(drop),
            "v1.BrokerNotice" => BrokerNotice::from_wire(wire::BrokerNotice::decode(bytes).unwrap()).map(drop),
            "v1.NodeNotice" => NodeNotice::from_wire(wire::NodeNotice::decode(bytes).unwrap()).map(drop),
            "v1.Answer" => Answer::from_wire(wire::Answer::decode(bytes).unwrap()).map(drop),
            "v1.IdentityBlock" => Identity::decode(bytes).map(drop),
            "v1.Statement" => Statement::decode(bytes).map(drop),
            "v1.MergePlan" => MergePlan::from_wire(&wire::MergePlan::decode(bytes).unwrap()).map(drop),
            _ => Completeness::from_wire(&wire::SectionCompleteness::decode(bytes).unwrap()).map(drop),
        }
    }

    /// What the client says of a summary of which one field was filled with so many.
    async fn seen(&self, field: &FieldDescriptor, many: usize) -> SummaryError {
        let field = field.clone();
        let forgery = move |summary: &mut wire::Summary| {
            let kind = POOL.get_message_by_name("weald.v1.Summary").unwrap();
            let mut message = DynamicMessage::decode(kind, summary.encode_to_vec().as_slice()).unwrap();
            assert!(fill(&mut message, &field, many), "{}", field.full_name());
            *summary = wire::Summary::decode(message.encode_to_vec().as_slice()).unwrap();
        };
        self.forgers.refused(forgery).await
    }
}

/// An enrolment in good form.
fn enrolment() -> Vec<u8> {
    let token = EnrolmentToken::parse("k7Jq2Vb0sYw3Zx8Lr5Tn1A".to_owned()).unwrap();
    let party = SpiffeId::parse("spiffe://kent.weald.example/org/RVV/node").unwrap();
    let enrolment = Enrolment::with_token(&token, party, Digest::of(b"root"), vec![0x30, 0x00]);
    enrolment.to_wire().encode_to_vec()
}

struct NoKeys;

impl Keyring for NoKeys {
    fn key(&self, _: &KeyId, _: KeyUse) -> Option<KeyEntry> {
        None
    }
}

#[test]
fn every_field_that_can_be_long_has_its_row_and_every_row_its_field() {
    let long = long_fields();
    for name in long.keys() {
        assert!(TABLE.iter().any(|(row, _)| row == name), "{name} arrives, can be long, and has no bound");
    }
    for (position, (row, bound)) in TABLE.iter().enumerate() {
        assert!(long.contains_key(*row), "{row} is no field that arrives");
        assert!(TABLE[..position].iter().all(|(before, _)| before != row), "{row} twice");
        if let Expected(why) | Whole(why) = bound {
            assert!(!why.is_empty(), "{row}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_more_than_fits_is_refused_and_the_field_named() {
    let samples = Samples::gather().await;
    for (row, bound) in TABLE {
        let field = &long_fields()[*row];
        match *bound {
            Fits(most, named) => {
                assert_eq!(samples.read(field, most), Ok(()), "{row}: {most} fit");
                assert_eq!(samples.read(field, most + 1).unwrap_err().field, named, "{row}");
            }
            Most(most, named) => assert_eq!(samples.read(field, most + 1).unwrap_err().field, named, "{row}"),
            Client(most, named) => match samples.seen(field, most + 1).await {
                SummaryError::Malformed(fault) => assert_eq!(fault.field, named, "{row}"),
                other => panic!("{row}: {other:?}"),
            },
            Expected(_) | Whole(_) => {}
        }
    }
    samples.forgers.world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_more_than_fits_in_a_claim_is_refused_and_the_claim_named() {
    let world = World::of(three(store(), store(), store())).await;
    let claims: Json = serde_json::from_slice(&doctor().claims(&world.federation).unwrap().encode()).unwrap();
    let read = |claims: &Json| Assertion::decode(claims.to_string().as_bytes()).map_err(|fault| fault.field);
    let texts = [
        ("/sub", limit::TEXT_CHARS, "sub"),
        ("/name", limit::TEXT_CHARS, "name"),
        ("/team", limit::TEXT_CHARS, "team"),
        ("/relationship/reference", limit::TEXT_CHARS, "reference"),
        ("/patient/family_name", limit::TEXT_CHARS, "family_name"),
        ("/iss", 12, "iss"),
        ("/role", 16, "role"),
        ("/jti", 64, "jti"),
        ("/aud", 63, "aud"),
    ];
    let mut whole = claims.clone();
    whole["team"] = json!("a team");
    for (claim, most, named) in texts {
        let letter = if named == "aud" { "a" } else { "A" };
        let mut long = whole.clone();
        *long.pointer_mut(claim).unwrap() = json!(letter.repeat(most));
        assert_eq!(read(&long).map(drop), Ok(()), "{claim}: {most} fit");
        *long.pointer_mut(claim).unwrap() = json!(letter.repeat(most + 1));
        assert_eq!(read(&long).map(drop), Err(named), "{claim}");
    }
    let closed = [
        ("/patient/nhs_number", "nhs_number"),
        ("/patient/birth_date", "birth_date"),
        ("/purpose", "purpose"),
        ("/relationship/kind", "relationship"),
        ("/cnf/spiffe_id", "cnf"),
        ("/sections/0", "section"),
    ];
    for (claim, named) in closed {
        let mut long = whole.clone();
        *long.pointer_mut(claim).unwrap() = json!("A".repeat(7000));
        assert_eq!(read(&long).map(drop), Err(named), "{claim}");
    }
    let mut glass = whole.clone();
    glass["break_glass"] = json!("A".repeat(7000));
    assert_eq!(read(&glass).map(drop), Err("break_glass"));
    let mut sections = whole.clone();
    sections["sections"] = Section::ALL.iter().chain(Section::ALL.first()).map(|section| section.as_str()).collect();
    assert_eq!(read(&sections).map(drop), Err("sections"), "one more than there are");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_register_with_more_than_fits_is_refused_and_the_field_named() {
    let mut world = World::of(three(store(), store(), store())).await;
    let key = |n: usize| RegisteredKey {
        id: KeyId::parse(&format!("{}/assertion/n{n}", practice())).unwrap(),
        usage: KeyUse::Assertion,
        key: world.federation.assertion_key(&practice()).unwrap().verifying_key(),
        state: KeyState::Active,
    };
    let keys: Vec<_> = (0..=limit::KEYS).map(key).collect();
    type Change = Box<dyn FnOnce(&mut weald_certs::RegisterDraft)>;
    let cases: [(&str, Change); 6] = [
        ("roots", Box::new(|draft| draft.roots = vec![draft.roots[0].clone(); limit::ROOTS + 1])),
        ("brokers", Box::new(|draft| draft.brokers = vec![draft.brokers[0].clone(); limit::BROKERS + 1])),
        ("members", Box::new(|draft| draft.members = vec![draft.members[0].clone(); limit::MEMBERS + 1])),
        ("keys", Box::new(|draft| draft.members[0].keys = keys)),
        ("name", Box::new(|draft| draft.members[0].name = "n".repeat(201))),
        ("address", Box::new(|draft| draft.members[0].address = Some(format!("{}:1", "a".repeat(256))))),
    ];
    for (named, change) in cases {
        let error = format!("{:#}", world.federation.publish(change).unwrap_err());
        assert!(error.contains(&format!("field `{named}`")), "{named}: {error}");
    }
    world.end().await;
}
