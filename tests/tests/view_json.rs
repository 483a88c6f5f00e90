//! The form of a view as JSON, which docs/view-json.md describes.

#![cfg(test)]

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use weald_proto::env::Env;
use weald_proto::network::TcpNetwork;
use weald_proto::wire::item::Detail;
use weald_proto::{
    BirthDate, FamilyName, JobRole, ManualClock, NhsNumber, OdsCode, OrganisationKind, Patient, RelationshipKind,
    Section, SystemRandom, Timestamp, wire,
};
use weald_tests::document::document;
use weald_tests::federation::{AssertionDraft, Federation, MemberSpec, MemoryStore, Source};

const NOW: Timestamp = Timestamp::from_secs(1_795_165_200);

fn patient() -> Patient {
    Patient {
        nhs_number: NhsNumber::parse("9990000018").unwrap(),
        birth_date: BirthDate::parse("1938-03-14").unwrap(),
        family_name: FamilyName::parse("Ashenhurst").unwrap(),
    }
}

fn allergy(id: &str, text: &str, in_error: bool) -> wire::Item {
    wire::Item {
        source_record_id: id.to_owned(),
        codes: vec![wire::Coding {
            system: "http://snomed.info/sct".into(),
            code: "91936005".into(),
            display: "Allergy to penicillin".into(),
        }],
        text: text.to_owned(),
        status: "active".to_owned(),
        effective_start: "1994".to_owned(),
        recorded_at: "1994-07-31".to_owned(),
        entered_in_error: in_error,
        detail: Some(Detail::Allergy(wire::Allergy { severity: "high".into(), ..wire::Allergy::default() })),
        ..wire::Item::default()
    }
}

fn member(code: &str, kind: OrganisationKind, sections: &[Section], source: Source) -> MemberSpec {
    MemberSpec {
        organisation: OdsCode::parse(code).unwrap(),
        name: format!("{code} (synthetic)"),
        kind,
        sections: sections.iter().copied().collect(),
        source,
        cache_seconds: 0,
        local_policies: None,
    }
}

/// Replaces what differs from run to run.
fn steady(document: &mut Value) {
    document["view_id"] = json!("[id]");
    document["audit_digest"] = json!("[digest]");
    for outcome in document["outcomes"].as_array_mut().unwrap() {
        outcome["milliseconds"] = json!("[ms]");
        for version in ["policy_version"] {
            if outcome[version].is_string() {
                outcome[version] = json!("[version]");
            }
        }
    }
}

#[tokio::test]
async fn the_form_of_a_view_is_the_one_that_is_described() {
    let clock = ManualClock::at(NOW);
    let env = Env { clock: Arc::new(clock), random: Arc::new(SystemRandom), network: Arc::new(TcpNetwork) };
    let folder = tempfile::tempdir().unwrap();
    let held = [Section::Allergies, Section::Conditions];
    let holding = |items: Vec<wire::Item>| {
        let store = MemoryStore::new(NOW).knows(&patient()).holds(&patient(), Section::Allergies, items);
        Source::Store(Arc::new(store))
    };
    let practice =
        holding(vec![allergy("a1", "Allergy to penicillin", false), allergy("a2", "Allergy to peanut", true)]);
    let federation = Federation::builder(folder.path(), env)
        .member(member("G99001", OrganisationKind::GpPractice, &held, practice))
        .member(member(
            "RVV",
            OrganisationKind::Acute,
            &held,
            holding(vec![allergy("x9", "Allergy to penicillin", false)]),
        ))
        .member(member("RYY", OrganisationKind::Community, &held, Source::Store(Arc::new(MemoryStore::new(NOW)))))
        .member(member("X9APP", OrganisationKind::AppProvider, &[], Source::None))
        .start()
        .await
        .unwrap();
    let gp = OdsCode::parse("G99001").unwrap();
    let mut draft = AssertionDraft::treatment(
        gp.clone(),
        JobRole::parse("R8014").unwrap(),
        RelationshipKind::OpenSocialCareCase,
        patient(),
    );
    draft.sections = BTreeSet::from([Section::Allergies, Section::Conditions, Section::Results, Section::Location]);
    let viewer = federation.viewer(&gp).unwrap();
    let view = viewer.view(&draft.sign(&federation).unwrap(), &BTreeSet::new()).await.unwrap();
    let mut document = document(&view, &federation.register()).unwrap();
    steady(&mut document);
    insta::assert_json_snapshot!(document);
}
