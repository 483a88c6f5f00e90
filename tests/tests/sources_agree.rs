//! One population, written as each kind of local system would hold it, read back through the node's sources.
//!
//! What a source yields is the ground truth of the population, item by item and field by field, except:
//! - `raw_digest`, the digest of the source's own bytes, so that each source has another;
//! - the order of items, which is the source's own.

#![cfg(test)]

use weald_node::source::{BundleFolder, SqliteDatabase};
use weald_node::{Record, RecordStore};
use weald_policy::{Circumstances, Engine, Permitted};
use weald_proto::wire::Item;
use weald_proto::{
    Assertion, FederationName, JobRole, Jti, KeyEntry, KeyId, KeyOwner, KeyUse, Keyring, OdsCode, Purpose,
    Relationship, RelationshipKind, Requester, Section, SectionState, SignedAssertion, SigningKey, SpiffeId, limit,
};
use weald_tests::population::{DEMO, Holding, Person, REFERENCE, person, sections_held};
use weald_tests::writer::{IDENTITIES, write_database, write_folder};

const PEOPLE: u32 = 60;

/// The one key of the requester's organisation.
struct OneKey(KeyEntry);

impl Keyring for OneKey {
    fn key(&self, _id: &KeyId, usage: KeyUse) -> Option<KeyEntry> {
        (usage == KeyUse::Assertion).then(|| self.0.clone())
    }
}

/// A permit for everything that a GP may see of a person.
fn permitted(engine: &Engine, person: &Person) -> Permitted {
    let (practice, federation) = (OdsCode::parse("G99001").unwrap(), FederationName::parse("sources.example").unwrap());
    let assertion = Assertion {
        issuer: practice.clone(),
        requester: Requester::Professional {
            user: "u-1".into(),
            name: "Robin Example".into(),
            role: JobRole::parse("R8000").unwrap(),
            organisation: practice.clone(),
            team: None,
        },
        patient: person.identity.patient().unwrap(),
        purpose: Purpose::Treatment,
        relationship: Some(Relationship { kind: RelationshipKind::RegisteredPractice, reference: "ref-1".into() }),
        break_glass: None,
        sections: Section::ALL.iter().copied().collect(),
        audience: federation.clone(),
        jti: Jti::parse("sources-agree-00000001").unwrap(),
        issued_at: REFERENCE,
        expires_at: REFERENCE.plus(limit::ASSERTION_LIFE),
        viewer: SpiffeId::viewer(&federation, &practice, "record").unwrap(),
    };
    let key: SigningKey<Assertion> = SigningKey::from_seed(KeyId::parse("k1").unwrap(), &[7; 32]);
    let keys = OneKey(KeyEntry { owner: KeyOwner::Organisation(practice), key: key.verifying_key() });
    let verified = SignedAssertion::sign(&assertion, &key).verify(&keys).unwrap();
    let circumstances = Circumstances::of(&verified, engine.roles(), None).unwrap();
    Permitted::new(engine.decide(&circumstances).permit().clone(), &verified, engine.version())
}

/// What a bundle has beside the records: read for what those say, and counted.
const SUPPORT: [&str; 6] =
    ["Composition", "Location", "Medication", "Organization", "Practitioner", "PractitionerRole"];

/// Items without what only a source can say, in an order of their own.
fn comparable(items: &[Item]) -> Vec<Item> {
    let mut items: Vec<Item> = items.iter().map(|item| Item { raw_digest: Vec::new(), ..item.clone() }).collect();
    items.sort_by(|one, other| {
        (&one.source_record_id, &one.source_version).cmp(&(&other.source_record_id, &other.source_version))
    });
    items
}

/// Holds what was read against what the organisation holds, section by section.
fn assert_told(source: &str, holding: &Holding, record: Record) {
    let told = record.person.unwrap_or_else(|| panic!("{source} does not know a person of {holding:?}"));
    assert_eq!(told.dropped, 0, "{source} at {holding:?}");
    let supports = |kind: &String| SUPPORT.contains(&kind.as_str());
    assert!(told.unmapped.keys().all(supports), "{source} at {holding:?} leaves out {:?}", told.unmapped);
    assert_eq!(told.identity.nhs_number, holding.identity.nhs_number, "{source}");
    assert_eq!(told.identity.birth_date, holding.identity.birth_date, "{source}");
    assert!(told.identity.names.contains(&holding.identity.name), "{source}");
    for section in sections_held(holding.organisation.kind) {
        let expected = holding.sections.get(section).map(Vec::as_slice).unwrap_or_default();
        let reading = told.sections.get(section).unwrap_or_else(|| panic!("{source} does not read {section}"));
        assert!(
            comparable(expected) == comparable(&reading.items),
            "{source} tells {section} of {holding:?} differently"
        );
        assert_eq!(reading.items.is_empty(), reading.state == SectionState::NoneRecorded, "{source}, {section}");
    }
}

/// Reads every person of the population at every organisation of the demo.
async fn assert_tells_everybody<S: RecordStore>(source: &str, open: impl Fn(&str, &[Person]) -> S) {
    let engine = Engine::baseline().unwrap();
    let people: Vec<Person> = (0..PEOPLE).map(|index| person(1, index)).collect();
    let mut read = 0;
    for organisation in DEMO {
        let store = open(organisation.ods, &people);
        for person in &people {
            let record = store.read(&permitted(&engine, person)).await.unwrap();
            match person.holding(organisation.ods) {
                Some(holding) => assert_told(source, holding, record),
                None => assert!(record.person.is_none(), "{source} at {} knows {person:?}", organisation.ods),
            }
            read += u32::from(person.holding(organisation.ods).is_some());
        }
    }
    assert!(read > 2 * PEOPLE, "{read}");
}

#[tokio::test]
async fn bundles_tell_exactly_what_the_organisation_holds() {
    let folder = tempfile::tempdir().unwrap();
    assert_tells_everybody("bundles", |organisation, people| {
        let own = folder.path().join(organisation);
        write_folder(&own, organisation, people).unwrap();
        BundleFolder::open(&own, Some(&own.join(IDENTITIES))).unwrap()
    })
    .await;
}

#[tokio::test]
async fn databases_tell_exactly_what_the_organisation_holds() {
    let folder = tempfile::tempdir().unwrap();
    assert_tells_everybody("databases", |organisation, people| {
        let written = write_database(&folder.path().join(organisation), organisation, people).unwrap();
        let database = SqliteDatabase::open(&written.database, &written.mapping).unwrap();
        assert_eq!(database.notices(), [], "{organisation}");
        database
    })
    .await;
}
