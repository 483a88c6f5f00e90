//! A folder of bundles as it is in life: files break, change, come and go, and hold more than one person.

#![cfg(test)]

#[path = "common/bundles.rs"]
mod bundles;
mod common;

use weald_node::source::BundleFolder;
use weald_proto::{Section, SectionState};

use self::bundles::{COULD_NOT_SAY, NOBODY, ONE, about, bundle, folder, open, patient, person, read, state};

const OTHER: &str = "9990000026";

#[tokio::test]
async fn each_of_two_people_in_a_bundle_gets_their_own_and_the_rest_is_counted() {
    let two = [
        patient("1", ONE),
        patient("2", OTHER),
        about("Condition", "c1", "1"),
        about("Condition", "c2", "2"),
        about("Condition", "c3", "2"),
        about("Claim", "k", "1"),
    ];
    let folder = folder(&[("two.json", bundle(&two))]);
    let store = open(folder.path());
    let one = person(&store, ONE).await;
    let ids: Vec<&str> =
        one.sections[&Section::Conditions].items.iter().map(|item| item.source_record_id.as_str()).collect();
    assert_eq!(ids, ["Condition/c1"]);
    assert_eq!(one.dropped, 3, "the other Patient and two conditions");
    assert_eq!(one.unmapped.into_iter().collect::<Vec<_>>(), [("Claim".to_owned(), 1)]);
    assert_eq!(person(&store, OTHER).await.sections[&Section::Conditions].items.len(), 2);
    assert!(read(&store, NOBODY).await.unwrap().person.is_none());
}

#[tokio::test]
async fn a_person_in_several_files_is_one_person() {
    let first = bundle(&[patient("1", ONE), about("Condition", "c1", "1")]);
    let second = bundle(&[patient("77", ONE), about("Condition", "c1", "77")]);
    let folder = folder(&[("a.json", first), ("b.json", second)]);
    let one = person(&open(folder.path()), ONE).await;
    assert_eq!(one.sections[&Section::Conditions].items.len(), 2, "nothing is lost, even under one id");
    assert_eq!(one.identity.names.len(), 1);
    assert_eq!(one.identity.birth_date, "1950-04-01");
}

#[tokio::test]
async fn patients_who_disagree_on_the_birth_date_give_none() {
    let second = patient("77", ONE).replace("1950-04-01", "1950-04-02");
    let folder = folder(&[("a.json", bundle(&[patient("1", ONE)])), ("b.json", bundle(&[second]))]);
    assert_eq!(person(&open(folder.path()), ONE).await.identity.birth_date, "");
}

#[tokio::test]
async fn a_truncated_file_is_named_and_makes_no_section_empty() {
    let whole = bundle(&[patient("1", ONE), about("Condition", "c1", "1")]);
    let cut = whole.chars().take(whole.len() / 2).collect();
    let folder = folder(&[("cut.json", cut), ("whole.json", whole)]);
    let store = open(folder.path());
    let [notice] = &store.notices()[..] else { panic!("one notice") };
    assert!(
        notice.place.ends_with("cut.json") && notice.problem.starts_with("is cut off from line 2, column"),
        "{notice}"
    );
    let one = person(&store, ONE).await;
    assert_eq!(state(&one, Section::Conditions), COULD_NOT_SAY, "there may be more");
    assert_eq!(one.sections[&Section::Conditions].items.len(), 1, "what was read is kept");
    assert_eq!(state(&one, Section::Allergies), COULD_NOT_SAY);
    let error = read(&store, NOBODY).await.unwrap_err();
    assert!(error.to_string().contains("cut.json"), "nobody is called unknown: {error}");
}

#[tokio::test]
async fn a_folder_that_is_whole_says_none_recorded() {
    let folder = folder(&[("a.json", bundle(&[patient("1", ONE)])), (".swp", "not a bundle".to_owned())]);
    let store = open(folder.path());
    assert_eq!(store.notices(), []);
    assert_eq!(state(&person(&store, ONE).await, Section::Allergies).0, SectionState::NoneRecorded);
}

#[tokio::test]
async fn a_record_that_nobody_owns_leaves_its_section_in_doubt_and_no_other() {
    let two = [patient("1", ONE), patient("2", OTHER), about("AllergyIntolerance", "a", "9")];
    let folder = folder(&[("two.json", bundle(&two))]);
    let store = open(folder.path());
    let one = person(&store, ONE).await;
    assert_eq!(state(&one, Section::Allergies), COULD_NOT_SAY);
    assert!(one.sections[&Section::Allergies].items.is_empty());
    assert_eq!(state(&one, Section::Conditions).0, SectionState::NoneRecorded);
    assert!(store.notices()[0].problem.starts_with("1 of its resources"), "{:?}", store.notices());
}

#[tokio::test]
async fn a_search_that_failed_in_part_proves_no_absence() {
    let outcome = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"warning","code":"timeout"}]}"#.to_owned();
    let folder = folder(&[("a.json", bundle(&[patient("1", ONE), outcome]))]);
    assert_eq!(state(&person(&open(folder.path()), ONE).await, Section::Results), COULD_NOT_SAY);
}

#[tokio::test]
async fn a_page_of_a_search_proves_no_absence_until_the_next_is_there() {
    let page = |own: &str, next: &str, resource: String| {
        let links = format!(
            r#"{{"link":[{{"relation":"self","url":"{own}"}},{{"relation":"{next}","url":"https://fhir.example/2"}}],"#
        );
        bundle(&[resource]).replacen('{', &links, 1)
    };
    let folder = folder(&[("1.json", page("https://fhir.example/1", "next", patient("1", ONE)))]);
    let store = open(folder.path());
    assert_eq!(state(&person(&store, ONE).await, Section::Results), COULD_NOT_SAY);
    assert!(store.notices()[0].problem.contains("fetch all pages"), "{:?}", store.notices());
    let second = page("https://fhir.example/2", "previous", patient("2", OTHER));
    std::fs::write(folder.path().join("2.json"), second).unwrap();
    assert_eq!(state(&person(&store, ONE).await, Section::Results).0, SectionState::NoneRecorded);
    assert_eq!(store.notices(), []);
}

#[tokio::test]
async fn files_that_come_change_and_go_are_noticed() {
    let folder = folder(&[("other.json", bundle(&[patient("2", OTHER)]))]);
    let store = open(folder.path());
    let file = folder.path().join("a.json");
    assert!(read(&store, ONE).await.unwrap().person.is_none());
    std::fs::write(&file, bundle(&[patient("1", ONE)])).unwrap();
    assert!(person(&store, ONE).await.sections[&Section::Conditions].items.is_empty());
    std::fs::write(&file, bundle(&[patient("1", ONE), about("Condition", "c1", "1")])).unwrap();
    assert_eq!(person(&store, ONE).await.sections[&Section::Conditions].items.len(), 1);
    std::fs::remove_file(&file).unwrap();
    assert!(read(&store, ONE).await.unwrap().person.is_none());
    std::fs::remove_dir_all(folder.path()).unwrap();
    assert!(read(&store, ONE).await.unwrap_err().to_string().contains("cannot be listed"));
}

#[tokio::test]
async fn a_local_identifier_stands_for_the_number_that_the_identities_give() {
    let local = r#"{"resourceType":"Patient","id":"1","identifier":[{"system":"urn:a","value":"77"}]}"#.to_owned();
    let folder = folder(&[("a.json", bundle(&[local]))]);
    let identities = folder.path().join("people.csv");
    std::fs::write(&identities, format!("system,value,nhs_number,birth_date\nurn:a,77,{ONE},1950-04-01\n")).unwrap();
    let store = BundleFolder::open(folder.path(), Some(&identities)).unwrap();
    assert_eq!(store.notices(), [], "the identities may lie in the folder");
    let one = person(&store, ONE).await;
    assert_eq!((one.identity.nhs_number.as_str(), one.identity.birth_date.as_str()), (ONE, "1950-04-01"));

    std::fs::write(&identities, format!("system,value,nhs_number,birth_date\nurn:a,77,{OTHER},1950-04-01\n,,x,\n"))
        .unwrap();
    assert_eq!(person(&store, OTHER).await.identity.nhs_number, OTHER, "the new row counts");
    assert!(read(&store, ONE).await.is_err(), "a bad row could be anybody's");
    let [notice] = &store.notices()[..] else { panic!("one notice") };
    assert!(notice.place.ends_with("people.csv:3"), "{notice}");

    std::fs::remove_file(&identities).unwrap();
    assert!(read(&store, OTHER).await.unwrap_err().to_string().contains("people.csv"));
}

#[tokio::test]
async fn a_patient_with_another_birth_date_than_the_identities_give_is_nobodys() {
    let local = r#"{"resourceType":"Patient","id":"1","birthDate":"1960-01-01","identifier":[{"system":"urn:a","value":"77"}]}"#;
    let folder = folder(&[("a.json", bundle(&[local.to_owned()]))]);
    let identities = folder.path().join("people.csv");
    std::fs::write(&identities, format!("system,value,nhs_number,birth_date\nurn:a,77,{ONE},1950-04-01\n")).unwrap();
    let store = BundleFolder::open(folder.path(), Some(&identities)).unwrap();
    let error = read(&store, ONE).await.unwrap_err().to_string();
    assert!(error.contains("contradict"), "{error}");
    assert!(!error.contains(ONE) && !error.contains("1950"), "no values: {error}");
}

#[tokio::test]
async fn negations_and_empty_reasons_set_the_state() {
    let composition = r#"{"resourceType":"Composition","subject":{"reference":"Patient/1"},"section":[
        {"code":{"coding":[{"system":"http://loinc.org","code":"11450-4"}]},"emptyReason":{"coding":[{"code":"nilknown"}]}},
        {"code":{"coding":[{"system":"http://loinc.org","code":"11369-6"}]},"emptyReason":{"coding":[{"code":"withheld"}]}},
        {"code":{"coding":[{"system":"http://loinc.org","code":"47519-4"}]},"entry":[{"reference":"Procedure/gone"}]}]}"#;
    let allergy = r#"{"resourceType":"AllergyIntolerance","patient":{"reference":"Patient/1"},
        "code":{"coding":[{"system":"http://snomed.info/sct","code":"716186003"}]}}"#;
    let folder = folder(&[("a.json", bundle(&[patient("1", ONE), composition.into(), allergy.into()]))]);
    let one = person(&open(folder.path()), ONE).await;
    assert_eq!(state(&one, Section::Allergies).0, SectionState::AssertedNone);
    assert_eq!(one.sections[&Section::Allergies].items.len(), 1, "a negation is kept");
    assert_eq!(state(&one, Section::Conditions).0, SectionState::AssertedNone);
    assert_eq!(state(&one, Section::Immunisations).0, SectionState::Withheld);
    assert_eq!(state(&one, Section::Procedures), COULD_NOT_SAY);
    assert_eq!(state(&one, Section::Results).0, SectionState::NoneRecorded);
}

#[tokio::test]
async fn a_composition_whose_subject_is_nobody_never_says_none() {
    let composition = |subject: &str| {
        format!(
            r#"{{"resourceType":"Composition","subject":{subject},"section":[
                {{"code":{{"coding":[{{"code":"11450-4"}}]}},"emptyReason":{{"coding":[{{"code":"nilknown"}}]}}}},
                {{"code":{{"coding":[{{"code":"11369-6"}}]}},"emptyReason":{{"coding":[{{"code":"withheld"}}]}}}}]}}"#
        )
    };
    for subject in [r#"{"reference":"Patient/9"}"#, r#"{"identifier":{"system":"urn:b","value":"9"}}"#] {
        let folder = folder(&[("a.json", bundle(&[patient("1", ONE), composition(subject)]))]);
        let one = person(&open(folder.path()), ONE).await;
        assert_eq!(state(&one, Section::Conditions).0, SectionState::NoneRecorded, "{subject}: asserted by nobody");
        assert_eq!(state(&one, Section::Immunisations).0, SectionState::Withheld, "{subject}");
    }
}

#[tokio::test]
async fn a_record_of_an_unknown_identifier_leaves_its_section_in_doubt() {
    let stranger = r#"{"resourceType":"AllergyIntolerance","patient":{"identifier":{"system":"urn:b","value":"9"}}}"#;
    let folder = folder(&[("a.json", bundle(&[patient("1", ONE), stranger.into()]))]);
    let one = person(&open(folder.path()), ONE).await;
    assert!(one.sections[&Section::Allergies].items.is_empty(), "it is not theirs");
    assert_eq!(state(&one, Section::Allergies), COULD_NOT_SAY);
}

#[tokio::test]
async fn a_number_in_groups_or_not_verified_is_found_and_the_gate_decides() {
    let unverified = |family: &str, born: &str| {
        let status = r#""value":"999 000 0018","extension":[{"url":"https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
            "valueCodeableConcept":{"coding":[{"code":"02"}]}}]"#;
        let text = patient("1", ONE).replace(r#""value":"9990000018""#, status);
        bundle(&[text.replace("Ashenhurst", family).replace("1950-04-01", born), about("Condition", "c1", "1")])
    };
    let verified = || bundle(&[patient("2", ONE)]);
    let names = |files: &[(&str, String)]| {
        let folder = folder(files);
        async move {
            let one = person(&open(folder.path()), ONE).await;
            assert_eq!(one.sections[&Section::Conditions].items.len(), 1);
            (one.identity.birth_date, one.identity.names.into_iter().map(|name| name.family).collect::<Vec<_>>())
        }
    };
    let example = ("1950-04-01".to_owned(), vec!["Ashenhurst".to_owned()]);
    assert_eq!(names(&[("a.json", unverified("Ashenhurst", "1950-04-01"))]).await, example);
    assert_eq!(names(&[("a.json", unverified("Ashenhurst", "1950-04-01")), ("b.json", verified())]).await, example);
    let (_, none) = names(&[("a.json", unverified("Stranger", "1950-04-01")), ("b.json", verified())]).await;
    assert!(!none.contains(&"Ashenhurst".to_owned()), "a verified name does not let another person's record through");
    let (date, _) = names(&[("a.json", unverified("Ashenhurst", "1960-01-01")), ("b.json", verified())]).await;
    assert_eq!(date, "");
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_or_a_socket_named_like_a_file_is_named_and_blocks_nobody() {
    let folder = folder(&[("a.json", bundle(&[patient("1", ONE)]))]);
    let socket = folder.path().join("x.json");
    let _open = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let pipe = folder.path().join("y.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let store = open(folder.path());
    let notices = store.notices();
    assert_eq!(notices.len(), 2, "{notices:?}");
    assert!(notices.iter().all(|notice| notice.problem.contains("regular file")), "{notices:?}");
    assert_eq!(state(&person(&store, ONE).await, Section::Allergies), COULD_NOT_SAY);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_to_nowhere_is_named_and_makes_no_section_empty() {
    let folder = folder(&[("a.json", bundle(&[patient("1", ONE)]))]);
    std::os::unix::fs::symlink(folder.path().join("gone"), folder.path().join("x.json")).unwrap();
    let store = open(folder.path());
    let [notice] = &store.notices()[..] else { panic!("one notice") };
    assert!(notice.place.ends_with("x.json") && notice.problem.contains("cannot be opened"), "{notice}");
    assert_eq!(state(&person(&store, ONE).await, Section::Allergies), COULD_NOT_SAY);
}

#[tokio::test]
async fn a_person_is_as_fresh_as_the_oldest_of_their_files() {
    let at = |day: &str, resource: String| {
        bundle(&[resource]).replacen('{', &format!(r#"{{"timestamp":"2026-05-{day}T09:00:00Z","#), 1)
    };
    let files = [
        ("a.json", at("02", patient("1", ONE))),
        ("b.json", at("01", patient("2", ONE))),
        ("c.json", at("03", patient("3", ONE))),
        ("d.json", at("04", patient("4", OTHER))),
    ];
    let folder = folder(&files);
    let store = open(folder.path());
    assert_eq!(read(&store, ONE).await.unwrap().as_of.to_string(), "2026-05-01T09:00:00.000Z");
    assert_eq!(read(&store, OTHER).await.unwrap().as_of.to_string(), "2026-05-04T09:00:00.000Z");
}

#[tokio::test]
async fn a_record_without_a_source_is_of_the_server_that_its_full_url_names() {
    let entry = |url: &str, meta: &str| {
        format!(
            r#"{{"fullUrl":"{url}","resource":{{"resourceType":"AllergyIntolerance","id":"1"{meta},"patient":{{"reference":"Patient/1"}}}}}}"#
        )
    };
    let system_of = |url: &str, meta: &str| {
        let own = format!(r#"{{"resource":{}}}"#, patient("1", ONE));
        let text = format!(r#"{{"resourceType":"Bundle","type":"batch","entry":[{own},{}]}}"#, entry(url, meta));
        let folder = folder(&[("a.json", text)]);
        async move { person(&open(folder.path()), ONE).await.sections[&Section::Allergies].items[0].source_system.clone() }
    };
    let url = "https://a.example/fhir/AllergyIntolerance/1";
    assert_eq!(system_of(url, "").await, "https://a.example/fhir");
    assert_eq!(system_of(url, r#","meta":{"source":"urn:ehr"}"#).await, "urn:ehr");
    for without in ["urn:uuid:x", "", "https://a.example/fhir/Other/1", "https://AllergyIntolerance/1"] {
        assert_eq!(system_of(without, "").await, "", "{without}");
    }
}

#[tokio::test]
async fn the_newest_of_timestamp_update_and_file_says_how_fresh_it_is() {
    let stamped = bundle(&[patient("1", ONE)]).replacen('{', r#"{"timestamp":"2026-05-01T09:00:00+01:00","#, 1);
    let updated = bundle(&[patient("2", OTHER).replacen('{', r#"{"meta":{"lastUpdated":"2026-04-01T09:00:00Z"},"#, 1)]);
    let folder = folder(&[("a.json", stamped), ("b.json", updated)]);
    let store = open(folder.path());
    assert_eq!(read(&store, ONE).await.unwrap().as_of.to_string(), "2026-05-01T08:00:00.000Z");
    assert_eq!(read(&store, OTHER).await.unwrap().as_of.to_string(), "2026-04-01T09:00:00.000Z");
}
