//! Are the elements that decide of the types that FHIR gives them? Whose a record is, of which section,
//! who may see it, whether it holds: where one of these cannot be read, the record cannot be told.

use super::json::Json;

/// Concepts (CodeableConcept) of a resource, one or several.
const CONCEPTS: &[&str] =
    &["code", "category", "type", "scope", "clinicalStatus", "verificationStatus", "securityLabel", "emptyReason"];
/// References of a resource to whom it is about.
const REFERENCES: &[&str] = &["subject", "patient", "beneficiary", "individual", "for"];
/// Plain texts of a resource.
const TEXTS: &[&str] = &["id", "status", "birthDate"];

/// The fields of each data type (FHIR R4, data types).
const CONCEPT: &[&str] = &["coding", "text"];
const CODING: &[&str] = &["system", "version", "code", "display", "userSelected"];
const REFERENCE: &[&str] = &["reference", "type", "identifier", "display"];
const IDENTIFIER: &[&str] = &["use", "type", "system", "value", "_value", "period", "assigner"];
const NAME: &[&str] = &["use", "text", "family", "_family", "given", "_given", "prefix", "suffix", "period"];
const META: &[&str] = &["versionId", "lastUpdated", "source", "profile", "security", "tag"];
const PARTICIPANT: &[&str] =
    &["type", "actor", "individual", "required", "status", "period", "role", "member", "onBehalfOf"];
const SECTION: &[&str] =
    &["title", "code", "author", "focus", "text", "mode", "orderedBy", "entry", "emptyReason", "section"];

/// The first deciding element of a resource that is not of its type, as a path into the resource.
pub(crate) fn misfit(resource: &Json) -> Option<String> {
    let concepts = CONCEPTS.iter().find_map(|name| of_concepts(resource, name));
    let references = || REFERENCES.iter().find_map(|name| of_references(resource, name));
    let texts = || texts(resource, "", TEXTS);
    concepts
        .or_else(references)
        .or_else(texts)
        .or_else(|| objects(resource, "identifier", IDENTIFIER, texts_of_identifier))
        .or_else(|| of_names(resource))
        .or_else(|| objects(resource, "class", CODING, texts_of_coding))
        .or_else(|| {
            objects(resource, "participant", PARTICIPANT, |one, path| prefixed(path, of_references(one, "actor")))
        })
        .or_else(|| objects(resource, "section", SECTION, |one, path| prefixed(path, misfit(one))))
        .or_else(|| objects(resource, "meta", META, |meta, path| prefixed(path, of_codings(meta, "security"))))
        .or_else(|| truth(resource, "doNotPerform"))
}

fn of_concepts(resource: &Json, name: &str) -> Option<String> {
    // An allergy's category and type are codes, and no concepts.
    let is_code = resource.text_at("resourceType") == "AllergyIntolerance" && ["category", "type"].contains(&name);
    if is_code {
        return resource.at(name).list().iter().any(|code| !is_text(code)).then(|| name.to_owned());
    }
    objects(resource, name, CONCEPT, |concept, path| {
        prefixed(path, of_codings(concept, "coding")).or_else(|| texts(concept, path, &["text"]))
    })
}

/// A team has a name that is a text.
fn of_names(resource: &Json) -> Option<String> {
    let is_person = ["Patient", "RelatedPerson"].contains(&resource.text_at("resourceType").as_str());
    let names = || objects(resource, "name", NAME, |name, path| texts(name, path, &["family", "text"]));
    is_person.then(names).flatten()
}

fn of_codings(concept: &Json, name: &str) -> Option<String> {
    objects(concept, name, CODING, texts_of_coding)
}

fn texts_of_coding(coding: &Json, path: &str) -> Option<String> {
    texts(coding, path, &["system", "code"])
}

fn of_references(resource: &Json, name: &str) -> Option<String> {
    objects(resource, name, REFERENCE, |reference, path| {
        texts(reference, path, &["reference", "type"])
            .or_else(|| prefixed(path, objects(reference, "identifier", IDENTIFIER, texts_of_identifier)))
    })
}

fn texts_of_identifier(identifier: &Json, path: &str) -> Option<String> {
    texts(identifier, path, &["system", "value", "use"])
}

/// The path to a field that is neither one object nor a list of them, that has none of the fields which
/// FHIR gives it, or to what is wrong within.
fn objects(of: &Json, name: &str, known: &[&str], within: impl Fn(&Json, &str) -> Option<String>) -> Option<String> {
    let is_known = |(field, _): (&str, &Json)| known.contains(&field) || ["id", "extension"].contains(&field);
    of.at(name).list().iter().find_map(|one| match one {
        Json::Object(fields) if fields.iter().any(is_known) => within(one, name),
        _ => Some(name.to_owned()),
    })
}

/// The path to the first of these fields that is there and no text.
fn texts(of: &Json, path: &str, names: &[&str]) -> Option<String> {
    let wrong = names.iter().find(|name| !is_text(of.at(name)))?;
    prefixed(path, Some((*wrong).to_owned()))
}

fn truth(of: &Json, name: &str) -> Option<String> {
    (!matches!(of.at(name), Json::Bool(_) | Json::Null)).then(|| name.to_owned())
}

fn is_text(value: &Json) -> bool {
    matches!(value, Json::Text(_) | Json::Null)
}

fn prefixed(path: &str, within: Option<String>) -> Option<String> {
    within.map(|within| if path.is_empty() { within } else { format!("{path}.{within}") })
}

#[cfg(test)]
mod tests {
    use super::super::json::json;
    use super::*;

    #[test]
    fn a_deciding_element_of_another_type_is_named_by_its_path() {
        for (resource, path) in [
            (r#"{"code":5}"#, "code"),
            (r#"{"code":{"coding":["x"]}}"#, "code.coding"),
            (r#"{"code":{"coding":[{"code":"a"},{"code":1}]}}"#, "code.coding.code"),
            (r#"{"identifier":[{"system":{},"value":"1"}]}"#, "identifier.system"),
            (r#"{"identifier":"9"}"#, "identifier"),
            (r#"{"identifier":[{"x":"x"}]}"#, "identifier"),
            (r#"{"code":{"coding":{"x":"x"}}}"#, "code.coding"),
            (r#"{"subject":"Patient/1"}"#, "subject"),
            (r#"{"subject":{"identifier":{"value":9}}}"#, "subject.identifier.value"),
            (r#"{"participant":[{"actor":7}]}"#, "participant.actor"),
            (r#"{"meta":{"security":[{"code":["R"]}]}}"#, "meta.security.code"),
            (r#"{"section":[{"section":[{"emptyReason":"withheld"}]}]}"#, "section.section.emptyReason"),
            (r#"{"resourceType":"Patient","name":[{"family":["Example"]}]}"#, "name.family"),
            (r#"{"status":["active"]}"#, "status"),
            (r#"{"doNotPerform":"true"}"#, "doNotPerform"),
            (r#"{"resourceType":"AllergyIntolerance","category":[{}]}"#, "category"),
        ] {
            assert_eq!(misfit(&json(resource)).as_deref(), Some(path), "{resource}");
        }
    }

    #[test]
    fn what_is_of_its_type_or_missing_passes() {
        for resource in [
            "{}",
            r#"{"code":{"text":"x"},"category":[{"coding":[{"system":"s","code":"c"}]}],"identifier":[]}"#,
            r#"{"resourceType":"AllergyIntolerance","category":["food"],"type":"allergy"}"#,
            r#"{"resourceType":"Encounter","class":{"code":"IMP"},"subject":{"reference":"Patient/1"}}"#,
            r#"{"resourceType":"CareTeam","name":"x","note":5,"text":7}"#,
            r#"{"resourceType":"Composition","identifier":{"value":"9"}}"#,
            r#"{"code":{"extension":[{"url":"absent"}]},"meta":{"lastUpdated":"2026"}}"#,
        ] {
            assert_eq!(misfit(&json(resource)), None, "{resource}");
        }
    }
}
