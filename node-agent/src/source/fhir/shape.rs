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

/// The first deciding element of a resource that is not of its type, as a path into the resource.
pub(crate) fn misfit(resource: &Json) -> Option<String> {
    let concepts = CONCEPTS.iter().find_map(|name| of_concepts(resource, name));
    let references = || REFERENCES.iter().find_map(|name| of_references(resource, name));
    let texts = || texts(resource, "", TEXTS);
    concepts
        .or_else(references)
        .or_else(texts)
        .or_else(|| of_identifiers(resource))
        .or_else(|| of_names(resource))
        .or_else(|| objects(resource, "class", texts_of_coding))
        .or_else(|| objects(resource, "participant", |one, path| prefixed(path, of_references(one, "actor"))))
        .or_else(|| objects(resource, "section", |one, path| prefixed(path, misfit(one))))
        .or_else(|| objects(resource, "meta", |meta, path| prefixed(path, of_codings(meta, "security"))))
        .or_else(|| truth(resource, "doNotPerform"))
}

fn of_concepts(resource: &Json, name: &str) -> Option<String> {
    // An allergy's category and type are codes, and no concepts.
    let is_code = resource.text_at("resourceType") == "AllergyIntolerance" && ["category", "type"].contains(&name);
    if is_code {
        return resource.at(name).list().iter().any(|code| !is_text(code)).then(|| name.to_owned());
    }
    objects(resource, name, |concept, path| {
        prefixed(path, of_codings(concept, "coding")).or_else(|| texts(concept, path, &["text"]))
    })
}

/// A resource has a list of them, but for a Composition.
fn of_identifiers(resource: &Json) -> Option<String> {
    let is_single = matches!(resource.at("identifier"), Json::Object(_));
    if is_single && resource.text_at("resourceType") != "Composition" {
        return Some("identifier".to_owned());
    }
    objects(resource, "identifier", texts_of_identifier)
}

/// A team has a name that is a text.
fn of_names(resource: &Json) -> Option<String> {
    let is_person = ["Patient", "RelatedPerson"].contains(&resource.text_at("resourceType").as_str());
    let names = || objects(resource, "name", |name, path| texts(name, path, &["family", "text"]));
    is_person.then(names).flatten()
}

fn of_codings(concept: &Json, name: &str) -> Option<String> {
    objects(concept, name, texts_of_coding)
}

fn texts_of_coding(coding: &Json, path: &str) -> Option<String> {
    texts(coding, path, &["system", "code"])
}

fn of_references(resource: &Json, name: &str) -> Option<String> {
    objects(resource, name, |reference, path| {
        texts(reference, path, &["reference", "type"])
            .or_else(|| prefixed(path, objects(reference, "identifier", texts_of_identifier)))
    })
}

fn texts_of_identifier(identifier: &Json, path: &str) -> Option<String> {
    texts(identifier, path, &["system", "value", "use"])
}

/// The path to a field that is neither one object nor a list of them, or to what is wrong within.
fn objects(of: &Json, name: &str, within: impl Fn(&Json, &str) -> Option<String>) -> Option<String> {
    of.at(name).list().iter().find_map(|one| match one {
        Json::Object(_) => within(one, name),
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
            (r#"{"identifier":{"value":"9"}}"#, "identifier"),
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
        ] {
            assert_eq!(misfit(&json(resource)), None, "{resource}");
        }
    }
}
