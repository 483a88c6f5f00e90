//! Files that are no bundle of FHIR R4, beside a good one and in its place.

use std::path::Path;

use crate::record::{NUMBER, bundle, condition, half, of_person, patient};
use crate::world::{HELD, World};

/// A file of that name and content is named with these words. Beside a good file it leaves everything in doubt
/// and takes nothing away; in the place of the only good one there is nothing to tell. Both heal.
async fn is_named_and_heals(name: &str, content: impl AsRef<[u8]>, words: &[&str]) {
    let world = World::of_bundles(&[("good.json", of_person("c1"))]).await;
    world.is_well(&["Condition/c1"]).await;
    let named: Vec<&str> = words.iter().copied().chain([name]).collect();

    world.write(name, &content);
    world.is_in_doubt(&HELD, &["Condition/c1"]).await;
    world.names(&named).await;
    world.remove(name);
    world.heals(&["Condition/c1"]).await;

    world.remove("good.json");
    world.write(name, &content);
    world.is_in_doubt(&HELD, &[]).await;
    world.names(&named).await;
    world.remove(name);
    world.write("good.json", of_person("c2"));
    world.heals(&["Condition/c2"]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn truncated_json() {
    is_named_and_heals("bad.json", half(&of_person("c9")), &["is cut off from line", "copy it again"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_json() {
    let malformed = of_person("c9").replacen("\"entry\":", "\"entry\"", 1);
    is_named_and_heals("bad.json", malformed, &["is not JSON from line 2, column 8"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn xml() {
    let xml = format!(r#"<Bundle xmlns="http://hl7.org/fhir"><id value="{NUMBER}"/></Bundle>"#);
    is_named_and_heals("bad.xml", &xml, &["is not a .json file", "export it as a .json bundle"]).await;
    is_named_and_heals("bad.json", &xml, &["is not JSON from line 1, column 1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fhir_stu3() {
    let stu3 = condition("c9", "1").replacen('{', r#"{"clinicalStatus":"active","#, 1);
    let words = ["entry[1].resource is not FHIR R4: Condition.clinicalStatus has the form of another version"];
    is_named_and_heals("bad.json", bundle(&[patient("1", NUMBER), stu3]), &words).await;
    let words = ["entry[0].resource is not FHIR R4: ReferralRequest is a type of another version"];
    is_named_and_heals("bad.json", bundle(&[r#"{"resourceType":"ReferralRequest"}"#.to_owned()]), &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fhir_stu3_as_a_supplier_exports_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/fhir/gp-connect-stu3");
    let Ok(files) = std::fs::read_dir(&folder) else {
        eprintln!("SKIPPED: no bundle of a supplier in {}", folder.display());
        return;
    };
    for file in files {
        let content = std::fs::read(file.unwrap().path()).unwrap();
        is_named_and_heals("bad.json", content, &["entry[", "].resource is not FHIR R4"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file() {
    is_named_and_heals("bad.json", "", &["is cut off"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_null() {
    is_named_and_heals("bad.json", "null", &["is not a JSON object"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_one_resource() {
    is_named_and_heals("bad.json", patient("1", NUMBER), &["is a lone resource: put it into a Bundle"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn utf_16() {
    let bytes = |start: [u8; 2], order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        start.into_iter().chain(of_person("c9").encode_utf16().flat_map(order)).collect()
    };
    let words = ["is not UTF-8 text from byte 0 on: save it as UTF-8"];
    is_named_and_heals("bad.json", bytes([0xff, 0xfe], u16::to_le_bytes), &words).await;
    is_named_and_heals("bad.json", bytes([0xfe, 0xff], u16::to_be_bytes), &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn utf_8_with_a_byte_order_mark_is_read() {
    let world = World::of_bundles(&[("good.json", format!("\u{feff}{}", of_person("c1")))]).await;
    world.is_well(&["Condition/c1"]).await;
    assert_eq!(world.notices(), Vec::<String>::new());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deep_nesting() {
    for depth in [100, 50_000] {
        let deep = format!("{{\"text\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
        let note = condition("c9", "1").replacen('{', &format!("{{\"note\":{deep},"), 1);
        let words = ["entry[1].resource: a value in it is nested too deeply (line 4"];
        is_named_and_heals("bad.json", bundle(&[patient("1", NUMBER), note]), &words).await;
        is_named_and_heals("bad.json", "[".repeat(depth), &["is not a JSON object"]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_there_twice() {
    let twice = condition("c9", "1").replacen('{', r#"{"subject":{"reference":"Patient/2"},"#, 1);
    let words = ["entry[1].resource: a value in it holds a field twice (line 4, column 13)"];
    is_named_and_heals("bad.json", bundle(&[patient("1", NUMBER), twice]), &words).await;
    let entries = of_person("c9").replacen("\"entry\":", "\"entry\":[],\"entry\":", 1);
    is_named_and_heals("bad.json", entries, &["holds a field twice at line 1, column 1"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_half_a_character() {
    let broken = condition("c9", "1").replacen("\"text\":\"", "\"text\":\"\\ud800", 1);
    let words = ["entry[1].resource: a value in it holds broken text (line 4"];
    is_named_and_heals("bad.json", bundle(&[patient("1", NUMBER), broken]), &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_beyond_every_range_are_told_as_they_are_written() {
    let number = "1".repeat(400) + "e999999";
    let note = condition("c1", "1").replacen('{', &format!("{{\"note\":[{{\"text\":{number}}}],"), 1);
    let world = World::of_bundles(&[("good.json", bundle(&[patient("1", NUMBER), note]))]).await;
    world.is_well(&["Condition/c1"]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_entries() {
    let entries = vec!["{}"; 1_000_000].join(",");
    let many = format!(r#"{{"resourceType":"Bundle","type":"batch","entry":[{entries}]}}"#);
    is_named_and_heals("bad.json", many, &["has more than 100000 entries: split it"]).await;
}
