//! Random entries, and logs of them.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::{collection, option};
use weald_audit::{AuditedOutcome, Entry, Inputs, Kind, Log, PseudonymKey, Recorded, Recorder};
use weald_proto::grant::Filter;
use weald_proto::{
    BreakGlassReason, Digest, FederationName, Grant, JobRole, Jti, Level, ManualClock, NhsNumber, NoAnswer, Nonce,
    OdsCode, OrganisationKind, Outcome, OutcomeReason, Predicate, Purpose, QueryId, Reason, Relationship,
    RelationshipKind, Requester, Section, SpiffeId, Timestamp, ViewId,
};

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_secs(1_795_363_200)))
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Writes a log of these entries and closes it.
pub(crate) fn write(path: &Path, entries: Vec<Entry>) -> Vec<Recorded> {
    let log = Log::open(path, clock()).unwrap();
    let runtime = runtime();
    entries.into_iter().map(|entry| runtime.block_on(log.append(entry)).unwrap()).collect()
}

pub(crate) fn node() -> Recorder {
    Recorder::node(OdsCode::parse("RVV").unwrap())
}

/// An answer of a node under this nonce and assertion.
pub(crate) fn answer(nonce: u8, jti: &str) -> Entry {
    Entry {
        nonce: Some(Nonce::parse(&[nonce; 16]).unwrap()),
        jti: Some(Jti::parse(jti).unwrap()),
        ..Entry::new(Kind::Answer, node())
    }
}

pub(crate) fn entry() -> impl Strategy<Value = Entry> {
    let whole = (any_of(Kind::ALL), recorder(), option::of(requester()), option::of(inputs()), decision());
    let ids = (option::of(any::<[u8; 16]>()), option::of("[A-Za-z0-9._-]{1,64}"), option::of(any::<i32>()));
    let digests = (option::of(digest()), option::of(digest()), option::of(digest()));
    let leaves = (collection::vec(digest(), 0..4), collection::vec(digest(), 0..4), collection::vec(outcome(), 0..4));
    let rest = (option::of(any_of(Reason::ALL)), option::of(broker()), "[a-z0-9]{0,8}", any::<u64>());
    let counted = (any::<u64>(), option::of(any::<std::net::IpAddr>()));
    (whole, ids, digests, leaves, rest, counted).prop_map(|(whole, ids, digests, leaves, rest, counted)| Entry {
        requester: whole.2,
        inputs: whole.3,
        decision: whole.4,
        nonce: ids.0.map(|bytes| Nonce::parse(&bytes).unwrap()),
        jti: ids.1.map(|text| Jti::parse(&text).unwrap()),
        expires_at: ids.2.map(|secs| Timestamp::from_secs(secs.into())),
        query_digest: digests.0,
        assertion_digest: digests.1,
        plan_digest: digests.2,
        part_digests: leaves.0,
        statement_digests: leaves.1,
        outcomes: leaves.2,
        reason: rest.0,
        peer: rest.1,
        policy_version: rest.2,
        register_version: rest.3,
        count: NonZeroU64::new(counted.0),
        address: counted.1,
        ..Entry::new(whole.0, whole.1)
    })
}

fn any_of<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}

fn digest() -> impl Strategy<Value = Digest> {
    any::<[u8; 4]>().prop_map(|bytes| Digest::of(&bytes))
}

fn ods() -> impl Strategy<Value = OdsCode> {
    "[A-Z][A-Z0-9]{2,5}".prop_map(|code| OdsCode::parse(&code).unwrap())
}

fn broker() -> impl Strategy<Value = SpiffeId> {
    "[a-z0-9]{1,8}".prop_map(|name| SpiffeId::broker(&FederationName::parse("kent.example").unwrap(), &name).unwrap())
}

fn recorder() -> impl Strategy<Value = Recorder> {
    let number = NhsNumber::parse("9990000018").unwrap();
    let pseudonym = PseudonymKey::new([7; 32]).pseudonym(&number);
    let id = option::of(any::<[u8; 16]>());
    (any::<bool>(), broker(), ods(), id, any::<bool>()).prop_map(move |(at_node, broker, organisation, id, known)| {
        if at_node {
            let query = id.map(|bytes| QueryId::parse(&bytes).unwrap());
            Recorder::Node { organisation, query, patient: known.then(|| number.clone()) }
        } else {
            let view = id.map(|bytes| ViewId::parse(&bytes).unwrap());
            Recorder::Broker { id: broker, view, patient: known.then(|| pseudonym.clone()) }
        }
    })
}

fn requester() -> impl Strategy<Value = Requester> {
    ("[a-z0-9]{1,8}", "[A-Za-z' \u{e9}]{1,20}", ods(), option::of("[A-Za-z ]{1,12}"), 0..3_u8).prop_map(
        |(user, name, organisation, team, kind)| match kind {
            0 => Requester::Citizen { user, name, provider: organisation },
            1 => Requester::PrivacyOfficer { user, name, organisation },
            _ => Requester::Professional { user, name, role: JobRole::parse("R8000").unwrap(), organisation, team },
        },
    )
}

fn inputs() -> impl Strategy<Value = Inputs> {
    let relationship = (any_of(RelationshipKind::ALL), "[A-Z0-9/]{1,12}")
        .prop_map(|(kind, reference)| Relationship { kind, reference });
    (
        "[a-z_]{0,12}",
        option::of(any_of(Purpose::ALL)),
        option::of(relationship),
        option::of(any_of(BreakGlassReason::ALL)),
        option::of(any_of(OrganisationKind::ALL)),
        collection::btree_set(any_of(Section::ALL), 0..6),
    )
        .prop_map(|(requester_kind, purpose, relationship, break_glass, organisation_kind, sections)| Inputs {
            requester_kind,
            purpose,
            relationship,
            break_glass,
            organisation_kind,
            sections,
        })
}

fn decision() -> impl Strategy<Value = BTreeMap<Section, Grant>> {
    let filter = collection::btree_set(any_of(Predicate::ALL), 0..3)
        .prop_map(|predicates: BTreeSet<Predicate>| Filter::of(predicates));
    let grant = (any_of(Level::ALL), filter).prop_map(|(level, filter)| Grant { level, filter });
    collection::btree_map(any_of(Section::ALL), grant, 0..4)
}

fn outcome() -> impl Strategy<Value = AuditedOutcome> {
    let fields = (ods(), any_of(Outcome::ALL), any::<bool>(), option::of(digest()), option::of(outcome_reason()));
    fields.prop_map(|(organisation, outcome, cached, query_digest, reason)| AuditedOutcome {
        organisation,
        outcome,
        cached,
        query_digest,
        reason,
    })
}

fn outcome_reason() -> impl Strategy<Value = OutcomeReason> {
    prop_oneof![
        any_of(NoAnswer::ALL).prop_map(OutcomeReason::Broker),
        any_of(Reason::ALL).prop_map(OutcomeReason::Organisation),
    ]
}
