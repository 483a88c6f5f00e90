//! The one table that says which resource goes to which section.

use weald_proto::{Section, wire};

use super::resource::Resource;
use super::{allergy, condition, directive, document, encounter, flag, immunisation, medication, person, plan};
use super::{referral, result, social, team};

/// Where resources of a type go.
enum Destination {
    /// Each is an item of this section.
    To(Section, fn(&Resource<'_>) -> wire::Item),
    /// Each is one item; its codes decide of which section.
    Sorted(fn(&Resource<'_>) -> (Section, wire::Item)),
    /// Each is any number of items, in any sections.
    Several(fn(&Resource<'_>) -> Vec<(Section, wire::Item)>),
    /// Read for what others say by referring to it.
    Support,
}

use Destination::{Several, Sorted, Support, To};

const TABLE: &[(&str, Destination)] = &[
    ("Patient", Several(person::patient)),
    ("RelatedPerson", To(Section::RelatedPeople, person::related_person)),
    ("AllergyIntolerance", To(Section::Allergies, allergy::allergy)),
    ("MedicationStatement", To(Section::Medications, medication::medication)),
    ("MedicationRequest", To(Section::Medications, medication::medication)),
    ("MedicationDispense", To(Section::Medications, medication::medication)),
    ("MedicationAdministration", To(Section::Medications, medication::medication)),
    ("Condition", To(Section::Conditions, condition::condition)),
    ("Procedure", To(Section::Procedures, condition::procedure)),
    ("Observation", To(Section::Results, result::observation)),
    ("DiagnosticReport", To(Section::Results, result::report)),
    ("Immunization", To(Section::Immunisations, immunisation::immunisation)),
    ("Encounter", Several(encounter::encounter)),
    ("Appointment", To(Section::Encounters, encounter::appointment)),
    ("EpisodeOfCare", Sorted(social::episode)),
    ("ServiceRequest", To(Section::Referrals, referral::referral)),
    ("DocumentReference", Sorted(document::document)),
    ("Consent", Several(|resource| directive::consent(resource).into_iter().collect())),
    ("CarePlan", Sorted(plan::plan)),
    ("CareTeam", To(Section::CareTeam, team::team)),
    ("Flag", Sorted(flag::flag)),
    ("Composition", Support),
    ("Device", Support),
    ("Location", Support),
    ("Medication", Support),
    ("OperationOutcome", Support),
    ("Organization", Support),
    ("Practitioner", Support),
    ("PractitionerRole", Support),
    ("Provenance", Support),
    ("Specimen", Support),
];

/// Types of which nothing is lost when they are read for support only: a Composition sets the
/// states of sections, Provenance the recorders, and an outcome is a search's word on itself.
const SAID_ELSEWHERE: &[&str] = &["Composition", "OperationOutcome", "Provenance"];

/// True if resources of this type are read at all, for themselves or in support of others.
pub(crate) fn takes(kind: &str) -> bool {
    destination(kind).is_some()
}

/// True if resources of this type are read in support of others only.
pub(crate) fn supports(kind: &str) -> bool {
    matches!(destination(kind), Some(Support))
}

/// True if what resources of this type say always shows somewhere else.
pub(crate) fn is_said_elsewhere(kind: &str) -> bool {
    SAID_ELSEWHERE.contains(&kind)
}

/// The items that a resource makes; none if it belongs to no section.
pub(crate) fn items(resource: &Resource<'_>) -> Vec<(Section, wire::Item)> {
    match destination(&resource.entry().kind()) {
        Some(To(section, map)) => vec![(*section, map(resource))],
        Some(Sorted(map)) => vec![map(resource)],
        Some(Several(map)) => map(resource),
        Some(Support) | None => Vec::new(),
    }
}

fn destination(kind: &str) -> Option<&'static Destination> {
    TABLE.iter().find(|(name, _)| *name == kind).map(|(_, destination)| destination)
}
