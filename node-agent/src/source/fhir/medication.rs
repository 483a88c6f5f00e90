//! Medicines: MedicationStatement, MedicationRequest, MedicationDispense, MedicationAdministration,
//! with the Medication that they refer to.

use weald_proto::wire::{self, item::Detail};

use super::element::{all_words, code, coding, extension, extension_itself, join, quantity, words};
use super::item::item;
use super::json::Json;
use super::resource::Resource;

/// A medication resource of any of the four types.
pub(crate) fn medication(resource: &Resource<'_>) -> wire::Item {
    let json = resource.json();
    let reference = json.at("medicationReference");
    let product = resource.resolve(reference);
    let concept = if reference.is_null() { json.at("medicationCodeableConcept") } else { product.at("code") };
    let dosages = json.first_of(&["dosage", "dosageInstruction"]);
    let repeat = extension_itself(json, "MedicationRepeatInformation");
    let prescriber = extension(json, "MedicationPrescribingOrganization");
    let detail = wire::Medication {
        dose_text: join(dosages.list().iter().map(|dosage| dosage.text_at("text")), "; "),
        dose: dosages.list().iter().find_map(dose),
        frequency: join(dosages.list().iter().map(|dosage| frequency(dosage.at("timing"))), "; "),
        route: dosages.list().iter().find_map(|dosage| coding(dosage.at("route"))),
        form: words(product.at("form")),
        prescriber_organisation_type: words(prescriber),
        last_issue_date: extension(json, "MedicationStatementLastIssueDate").text(),
        supply_type: supply_type(json, repeat, prescriber),
        as_needed: dosages.list().iter().any(is_as_needed),
        review_date: extension(repeat, "authorisationExpiryDate").text(),
        reason: reason(resource),
        record_kind: record_kind(&resource.entry().kind()).to_owned(),
        is_negation: false,
    };
    let mut item = item(resource, concept, Detail::Medication(detail));
    let display = reference.text_at("display");
    if concept.is_null() && !display.is_empty() {
        item.text = display;
    }
    item
}

/// Why: the reasons given, in words (`reasonCode`, then `reasonReference`).
/// Of another record only what the reference itself says of it.
pub(crate) fn reason(resource: &Resource<'_>) -> String {
    let referred = resource.at("reasonReference").list().iter().map(|reference| said_of(resource, reference));
    join([all_words(resource.at("reasonCode"))].into_iter().chain(referred), "; ")
}

/// What a resource says itself of another: the reference's display, else the words of what it contains.
pub(crate) fn said_of(resource: &Resource<'_>, reference: &Json) -> String {
    let display = reference.text_at("display");
    if display.is_empty() { words(resource.resolve(reference).at("code")) } else { display }
}

fn dose(dosage: &Json) -> Option<wire::Quantity> {
    let quantities = dosage.at("doseAndRate").list().iter().map(|one| one.at("doseQuantity"));
    quantities.chain([dosage.at("dose")]).find_map(quantity)
}

/// The timing's own words, else its repetition: "2 every 1 d".
fn frequency(timing: &Json) -> String {
    let said = words(timing.at("code"));
    let repeat = timing.at("repeat");
    if !said.is_empty() || repeat.at("period").is_null() {
        return said;
    }
    let times = repeat.text_at("frequency");
    let times = if times.is_empty() { "1".to_owned() } else { times };
    format!("{times} every {} {}", repeat.text_at("period"), repeat.text_at("periodUnit"))
}

fn is_as_needed(dosage: &Json) -> bool {
    dosage.at("asNeededBoolean").is_true() || !dosage.at("asNeededCodeableConcept").is_null()
}

/// The source's word for how it is supplied, in the words of the domain where they are known.
fn supply_type(json: &Json, repeat: &Json, prescriber: &Json) -> String {
    let said = extension(json, "PrescriptionType");
    let said = if said.is_null() { json.at("courseOfTherapyType") } else { said };
    match code(said).as_str() {
        "continuous" | "repeat" => "repeat".to_owned(),
        "continuous-repeat-dispensing" | "repeat-dispensing" => "repeat-dispensing".to_owned(),
        "" if code(prescriber) == "prescribed-by-another-organisation" => "prescribed-elsewhere".to_owned(),
        "" if !repeat.is_null() => "repeat".to_owned(),
        "acute" => "acute".to_owned(),
        _ => words(said),
    }
}

fn record_kind(kind: &str) -> &'static str {
    match kind {
        "MedicationRequest" => "requested",
        "MedicationDispense" => "dispensed",
        "MedicationAdministration" => "given",
        _ => "stated",
    }
}
