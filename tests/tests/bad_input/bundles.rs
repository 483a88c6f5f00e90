//! Bundles that can be read and do not say whose they are.

use weald_proto::Section;

use crate::record::{NUMBER, OTHER_NUMBER, allergy, bundle, condition, of_person, patient};
use crate::world::{HELD, World};

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_without_a_patient_leaves_the_sections_of_its_resources_in_doubt_and_no_other() {
    let world = World::of_bundles(&[("good.json", of_person("c1"))]).await;
    world.write("nobody.json", bundle(&[allergy("a9", "1")]));
    world.is_in_doubt(&[Section::Allergies], &["Condition/c1"]).await;
    world.names(&["nobody.json", "1 of its resources have a subject that the bundle does not hold"]).await;
    world.write("nobody.json", bundle(&[patient("1", NUMBER), condition("c2", "1")]));
    world.heals(&["Condition/c1", "Condition/c2"]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_of_two_patients_gives_each_their_own() {
    let two = [patient("1", NUMBER), patient("2", OTHER_NUMBER), condition("c1", "1"), condition("c2", "2")];
    let world = World::of_bundles(&[("two.json", bundle(&two))]).await;
    world.is_well(&["Condition/c1"]).await;
    let more = [two.as_slice(), &[condition("c3", "9")]].concat();
    world.write("two.json", bundle(&more));
    world.is_in_doubt(&[Section::Conditions], &["Condition/c1"]).await;
    world.names(&["two.json", "1 of its resources have a subject that the bundle does not hold"]).await;
    world.write("two.json", bundle(&two));
    world.heals(&["Condition/c1"]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn references_that_resolve_to_nobody_are_kept_in_a_bundle_of_one_patient() {
    let world = World::of_bundles(&[("one.json", bundle(&[patient("1", NUMBER), condition("c1", "9")]))]).await;
    world.is_well(&["Condition/c1"]).await;
    let stranger = r#"{"resourceType":"AllergyIntolerance","patient":{"identifier":{"system":"urn:b","value":"9"}}}"#;
    world.write("one.json", bundle(&[patient("1", NUMBER), condition("c1", "9"), stranger.to_owned()]));
    world.is_in_doubt(&[Section::Allergies], &["Condition/c1"]).await;
    world.names(&["one.json", "1 of its resources have a subject that the bundle does not hold"]).await;
    world.write("one.json", of_person("c1"));
    world.heals(&["Condition/c1"]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_element_that_decides_and_is_of_another_type_costs_its_section_only() {
    let misfit = allergy("a9", "1").replacen("\"code\":{", "\"code\":5,\"note\":{", 1);
    let world = World::of_bundles(&[("one.json", of_person("c1"))]).await;
    world.write("one.json", bundle(&[patient("1", NUMBER), condition("c1", "1"), misfit]));
    world.is_in_doubt(&[Section::Allergies], &["Condition/c1"]).await;
    world.names(&["one.json", "entry[2].resource.code is not of the type that FHIR R4 gives it"]).await;
    world.write("one.json", of_person("c1"));
    world.heals(&["Condition/c1"]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_whose_identifier_is_of_another_type_may_be_anybody() {
    let world = World::of_bundles(&[("one.json", of_person("c1")), ("two.json", of_person("c2"))]).await;
    let nobody = patient("1", NUMBER).replacen("\"identifier\":[", "\"identifier\":\"9\",\"address\":[", 1);
    world.write("two.json", bundle(&[nobody, condition("c2", "1")]));
    world.is_in_doubt(&HELD, &["Condition/c1"]).await;
    world.names(&["two.json", "entry[0].resource.identifier is not of the type that FHIR R4 gives it"]).await;
    world.remove("one.json");
    world.is_in_doubt(&HELD, &[]).await;
    world.write("two.json", of_person("c2"));
    world.heals(&["Condition/c2"]).await;
    world.end().await;
}
