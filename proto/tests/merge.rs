//! What the plan makes of answers: nothing folded that differs, nothing hidden that stands.

#![cfg(test)]

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use prost::Message as _;
use weald_proto::merge::merge;
use weald_proto::plan::SetAsideReason;
use weald_proto::wire::item::Detail;
use weald_proto::*;

const NOW: Timestamp = Timestamp::from_secs(1_795_000_000);
const SECTION: Section = Section::Allergies;

/// The keys of everybody here: each organisation's, and the broker's.
struct Ring {
    statements: BTreeMap<OdsCode, SigningKey<Statement>>,
    query: SigningKey<Query>,
}

impl Ring {
    fn of(organisations: &[OdsCode]) -> Self {
        let key = |(code, seed): (&OdsCode, u8)| {
            (code.clone(), SigningKey::from_seed(KeyId::parse(&format!("{code}/1")).unwrap(), &[seed; 32]))
        };
        Ring {
            statements: organisations.iter().zip(1..).map(key).collect(),
            query: SigningKey::from_seed(KeyId::parse("b1/1").unwrap(), &[200; 32]),
        }
    }
}

impl Keyring for Ring {
    fn key(&self, id: &KeyId, usage: KeyUse) -> Option<KeyEntry> {
        let (code, key) = self.statements.iter().find(|(_, key)| key.id() == id)?;
        let owner = KeyOwner::Organisation(code.clone());
        (usage == KeyUse::Statement).then(|| KeyEntry { owner, key: key.verifying_key() })
    }
}

/// A random generator that is none.
struct Fixed;

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn ods(code: &str) -> OdsCode {
    OdsCode::parse(code).unwrap()
}

fn patient() -> Patient {
    Patient {
        nhs_number: NhsNumber::parse("9990000018").unwrap(),
        birth_date: BirthDate::parse("1950-04-01").unwrap(),
        family_name: FamilyName::parse("Test").unwrap(),
    }
}

fn query(organisation: &OdsCode, ring: &Ring) -> Signed<Query> {
    let federation = FederationName::parse("kent.weald.example").unwrap();
    let query = Query {
        id: QueryId::generate(&Fixed),
        audience: organisation.clone(),
        grants: [(SECTION, Grant { level: Level::Full, filter: Filter::default() })].into(),
        // Nobody looks into it here: the answer is bound to the query's bytes.
        assertion: SignedAssertion::parse("header.claims.signature").unwrap(),
        register_version: 1,
        register_issued_at: NOW,
        issued_at: NOW,
        expires_at: NOW.plus(limit::QUERY_LIFE),
        nonce: Nonce::generate(&Fixed),
        time_left: Duration::from_secs(1),
        broker: SpiffeId::broker(&federation, "b1").unwrap(),
        session: None,
    };
    Signed::sign(&query, organisation.as_str(), &ring.query)
}

/// An organisation's answer with these allergies, signed by it and checked as a client would.
fn answer(organisation: &OdsCode, items: &[wire::Item], ring: &Ring) -> VerifiedAnswer {
    let query = query(organisation, ring);
    let name = wire::HumanName { family: "Test".into(), ..wire::HumanName::default() };
    let identity = wire::IdentityBlock {
        nhs_number: "9990000018".into(),
        birth_date: "1950-04-01".into(),
        names: vec![name],
        ..wire::IdentityBlock::default()
    };
    let identity = identity.encode_to_vec();
    let content = wire::Part { salt: Vec::new(), items: items.to_vec() }.encode_to_vec();
    let is_empty = items.is_empty();
    let section = SectionStatement {
        state: if is_empty { SectionState::NoneRecorded } else { SectionState::Present },
        item_count: u32::try_from(items.len()).unwrap(),
        part_digest: (!is_empty).then(|| Digest::of(&content)),
        cut_items: 0,
        withheld_reason: None,
        unavailable_cause: None,
        level: Level::Full,
        filter: Filter::default(),
        reason_text: String::new(),
    };
    let statement = Statement {
        organisation: organisation.clone(),
        query_digest: query.digest(),
        outcome: Outcome::Answered,
        reason_code: String::new(),
        reason_text: String::new(),
        sections: [(SECTION, section)].into(),
        identity_digest: Some(Digest::of(&identity)),
        source_as_of: NOW,
        retrieved_at: NOW,
        cache_seconds: 0,
        policy_version: "v1".into(),
        audit_digest: Digest::of(b"entry"),
        register_version: 1,
        unmapped: BTreeMap::new(),
    };
    let statement = Signed::sign(&statement, &query.digest().to_string(), &ring.statements[organisation]);
    let parts = if is_empty { Vec::new() } else { vec![OpaquePart { section: SECTION, content: content.into() }] };
    let answer = Answer { statement, identity, parts };
    answer.verify(organisation, &query, &[SECTION].into(), &patient(), ring).expect("an answer that holds")
}

/// The plan of what these organisations hold, given in that order.
fn plan(held: &[(&str, Vec<wire::Item>)]) -> MergePlan {
    let codes: Vec<OdsCode> = held.iter().map(|(code, _)| ods(code)).collect();
    let mut sorted = codes.clone();
    sorted.sort();
    let ring = Ring::of(&sorted);
    let outlines: Vec<Outline> =
        codes.iter().zip(held).map(|(code, (_, items))| Outline::of(&answer(code, items, &ring))).collect();
    merge(codes.iter().zip(&outlines))
}

/// Entries and what was set aside of one organisation's items, by index.
fn of_one(items: Vec<wire::Item>) -> (Vec<Vec<u32>>, Vec<(u32, SetAsideReason)>) {
    let plan = plan(&[("RVV", items)]);
    let [section] = &plan.sections[..] else { panic!("one section") };
    let entries = section.groups.iter().map(|group| group.items.iter().map(|item| item.index).collect()).collect();
    (entries, section.set_aside.iter().map(|(item, reason)| (item.index, *reason)).collect())
}

fn coding(code: &str) -> wire::Coding {
    wire::Coding { system: "http://snomed.info/sct".into(), code: code.into(), ..wire::Coding::default() }
}

fn item(id: &str, code: &str, text: &str) -> wire::Item {
    wire::Item { source_record_id: id.into(), codes: vec![coding(code)], text: text.into(), ..wire::Item::default() }
}

fn updated(at: &str, item: wire::Item) -> wire::Item {
    wire::Item { source_updated: at.into(), ..item }
}

#[test]
fn an_older_version_of_the_same_record_with_the_same_codes_is_superseded() {
    let old = updated("2026-01-01T10:00:00Z", item("a1", "91936005", "Penicillin allergy"));
    let new = updated("2026-02-01T10:00:00Z", item("a1", "91936005", "Penicillin allergy, severe"));
    let superseded = vec![(0, SetAsideReason::Superseded)];
    assert_eq!(of_one(vec![old.clone(), new.clone()]), (vec![vec![1]], superseded));
    assert_eq!(of_one(vec![new.clone(), old.clone()]), (vec![vec![0]], vec![(1, SetAsideReason::Superseded)]));

    let elsewhere = plan(&[("RVV", vec![old.clone()]), ("RYY", vec![new.clone()])]);
    assert!(elsewhere.sections[0].set_aside.is_empty(), "an id means nothing beyond its organisation");
    let other_system = wire::Item { source_system: "lab".into(), ..new };
    assert!(of_one(vec![old, other_system]).1.is_empty(), "nor beyond its system");
}

#[test]
fn what_reuses_an_id_for_another_thing_hides_nothing() {
    let latex = updated("2026-01-01T10:00:00Z", item("a1", "300916003", "Latex allergy"));
    let penicillin = updated("2026-02-01T10:00:00Z", item("a1", "91936005", "Penicillin allergy"));
    let (entries, set_aside) = of_one(vec![latex, penicillin]);
    assert_eq!((entries.len(), set_aside), (2, vec![]));
    let nameless = |at, text| updated(at, item("", "91936005", text));
    let (entries, set_aside) =
        of_one(vec![nameless("2026-01-01T10:00:00Z", "one"), nameless("2026-02-01T10:00:00Z", "two")]);
    assert_eq!((entries.len(), set_aside), (2, vec![]), "two records without an id are two records");
}

#[test]
fn versions_are_compared_as_instants_and_not_as_text() {
    let old = updated("2026-11-20T10:00:00+01:00", item("a1", "91936005", "Penicillin allergy"));
    let new = updated("2026-11-20T09:30:00Z", item("a1", "91936005", "Penicillin allergy, severe"));
    assert_eq!(of_one(vec![old, new]).1, [(0, SetAsideReason::Superseded)]);
}

#[test]
fn a_version_that_is_not_certainly_newer_hides_nothing() {
    let numbered = |number: &str, at: &str| wire::Item {
        source_version: number.into(),
        ..updated(at, item("a1", "91936005", &format!("Penicillin allergy {number}")))
    };
    let contradicting = vec![numbered("1", "2026-02-01T10:00:00Z"), numbered("2", "2026-01-01T10:00:00Z")];
    assert!(of_one(contradicting).1.is_empty());
    assert!(of_one(vec![numbered("a", ""), numbered("b", "")]).1.is_empty());
}

#[test]
fn what_was_entered_in_error_is_set_aside_and_supersedes_nothing() {
    let right = updated("2026-01-01T10:00:00Z", item("a1", "91936005", "Penicillin allergy"));
    let wrong = wire::Item {
        entered_in_error: true,
        ..updated("2026-02-01T10:00:00Z", item("a1", "91936005", "Penicillin allergy"))
    };
    assert_eq!(of_one(vec![right, wrong]), (vec![vec![0]], vec![(1, SetAsideReason::EnteredInError)]));
}

#[test]
fn what_two_sources_tell_alike_is_one_entry() {
    let told = || vec![item("a1", "91936005", "Penicillin allergy")];
    let plan = plan(&[("RVV", told()), ("G99001", vec![item("z9", "91936005", "Penicillin allergy")])]);
    assert_eq!(plan.sections[0].groups.len(), 1);
    assert_eq!(plan.sections[0].groups[0].items.len(), 2);
}

#[test]
fn two_items_of_which_nothing_is_left_but_whom_to_ask_stay_two_entries() {
    let cut = |id: &str| wire::Item {
        source_record_id: id.into(),
        contact: Some(wire::Contact::default()),
        ..wire::Item::default()
    };
    assert_eq!(of_one(vec![cut("a1"), cut("a2")]).0.len(), 2);
    let plan = plan(&[("RVV", vec![cut("")]), ("RYY", vec![cut("")])]);
    assert_eq!(plan.sections[0].groups.len(), 2);
}

#[test]
fn what_there_is_comes_before_what_there_is_not_and_newest_first() {
    let dated = |date: &str, item: wire::Item| wire::Item { recorded_at: date.into(), ..item };
    let allergy =
        |allergy: wire::Allergy, item: wire::Item| wire::Item { detail: Some(Detail::Allergy(allergy)), ..item };
    let negation = wire::Allergy { is_negation: true, ..wire::Allergy::default() };
    let ended = wire::Allergy { ended: true, ..wire::Allergy::default() };
    let (entries, _) = of_one(vec![
        allergy(negation, dated("2026-11-01", item("a0", "716186003", "No known allergy"))),
        dated("2019-01-01", item("a1", "91936005", "Penicillin allergy")),
        allergy(ended, dated("2026-10-01", item("a2", "91935009", "Peanut allergy"))),
        dated("2021-01-01", item("a3", "300916003", "Latex allergy")),
    ]);
    assert_eq!(entries, [[3], [1], [0], [2]]);
}

#[test]
fn no_items_make_no_section() {
    assert_eq!(plan(&[("RVV", Vec::new())]).sections, []);
    assert_eq!(plan(&[("RVV", Vec::new())]).version, merge::VERSION);
}

fn items() -> impl Strategy<Value = Vec<wire::Item>> {
    let one = (0..3usize, 0..3usize, 0..3usize, 0..3usize, any::<bool>()).prop_map(|(id, code, text, at, error)| {
        let at = ["", "2026-01-01T10:00:00Z", "2026-01-01T10:30:00+01:00"][at];
        let item = item(["", "a1", "a2"][id], ["91936005", "300916003", ""][code], ["", "one", "two"][text]);
        let codes = item.codes.iter().filter(|coding| !coding.code.is_empty()).cloned().collect();
        updated(at, wire::Item { codes, entered_in_error: error, recorded_at: at.into(), ..item })
    });
    prop::collection::vec(one, 0..5)
}

proptest! {
    #[test]
    fn the_plan_is_the_same_in_whatever_order_answers_are_given_and_refers_to_every_item_once(
        held in prop::collection::vec(items(), 3), rotation in 0..3usize, is_reversed in any::<bool>(),
    ) {
        let mut held: Vec<_> = ["G99001", "RVV", "RYY"].into_iter().zip(held).collect();
        let counts = held.iter().filter(|(_, items)| !items.is_empty())
            .map(|(code, items)| ((SECTION, ods(code)), u32::try_from(items.len()).unwrap()))
            .collect();
        let first = plan(&held);
        prop_assert_eq!(first.check(&counts), Ok(()));
        held.rotate_left(rotation);
        if is_reversed { held.reverse() }
        prop_assert_eq!(plan(&held), first.clone());
        prop_assert_eq!(MergePlan::from_wire(&first.to_wire()), Ok(first));
    }
}
