//! The tables of a local system: which column holds which field of an item.

use weald_proto::Section;

/// A column, the field that it holds, and how.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) name: &'static str,
    /// The field's path in an item, as a mapping writes it.
    pub(super) path: &'static str,
    pub(super) form: Form,
}

/// How a column holds its field.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// As it is.
    Plain,
    /// A whole list, as JSON.
    Json,
    /// In local words: what is written, and what it stands for.
    Local(&'static [(&'static str, &'static str)]),
}

use Form::{Json, Local, Plain};

const fn column(name: &'static str, path: &'static str, form: Form) -> Column {
    Column { name, path, form }
}

macro_rules! columns {
    ($($name:literal $path:literal $form:expr),* $(,)?) => { &[$(column($name, $path, $form)),*] };
}

/// Sections whose codes are rows of the table `coding`, because an entry has several.
pub(super) const CODED_APART: &[Section] = &[Section::Conditions, Section::Results];

/// What every table has.
const COMMON: &[Column] = columns![
    "record" "source_record_id" Plain, "version" "source_version" Plain, "changed" "source_updated" Plain,
    "description" "text" Plain, "state" "status" Plain, "since" "effective_start" Plain, "until" "effective_end" Plain,
    "recorded" "recorded_at" Plain, "author_code" "recorder.id" Plain, "author" "recorder.name" Plain,
    "author_role" "recorder.role" Plain, "author_organisation" "recorder.organisation" Plain,
    "informant_code" "asserter.id" Plain, "informant" "asserter.name" Plain, "informant_role" "asserter.role" Plain,
    "informant_organisation" "asserter.organisation" Plain, "ask_name" "contact.name" Plain,
    "ask_role" "contact.role" Plain, "ask_organisation" "contact.organisation" Plain,
    "ask_phone" "contact.telecoms.value" Plain, "markers" "labels" Json, "remarks" "notes" Json,
    "numbers" "identifiers" Json, "is_error" "entered_in_error" Plain,
];

/// The one code of an entry, in tables whose entries have no more.
const CODE: &[Column] =
    columns!["scheme" "codes.system" Plain, "code" "codes.code" Plain, "code_words" "codes.display" Plain];

/// Every column of a section's table besides its key and the person's.
pub(super) fn columns(section: Section) -> impl Iterator<Item = &'static Column> {
    let code = if CODED_APART.contains(&section) { &[] } else { CODE };
    COMMON.iter().chain(code).chain(own(section))
}

/// What only one section's table has.
const fn own(section: Section) -> &'static [Column] {
    match section {
        Section::Demographics => DEMOGRAPHICS,
        Section::RelatedPeople => RELATED_PEOPLE,
        Section::Allergies => ALLERGIES,
        Section::Alerts => CATEGORY,
        Section::Medications => MEDICATIONS,
        Section::Conditions => CONDITIONS,
        Section::Procedures => PROCEDURES,
        Section::Results => RESULTS,
        Section::Immunisations => IMMUNISATIONS,
        Section::Encounters => ENCOUNTERS,
        Section::Referrals => REFERRALS,
        Section::Documents => DOCUMENTS,
        Section::CarePlans => CARE_PLANS,
        Section::AdvanceDirectives => ADVANCE_DIRECTIVES,
        Section::SafeguardingAdult | Section::SafeguardingChild => SAFEGUARDING,
        Section::SocialCareAdult | Section::SocialCareChild => SOCIAL_CARE,
        Section::MentalHealth => MENTAL_HEALTH,
        Section::CareTeam => CARE_TEAM,
        Section::Location => LOCATION,
    }
}

const DEMOGRAPHICS: &[Column] = columns![
    "names" "detail.names" Json, "born" "detail.birth_date" Plain, "gender" "detail.gender" GENDER,
    "address_use" "detail.addresses.use" Plain, "address_lines" "detail.addresses.lines" Json,
    "town" "detail.addresses.town" Plain, "county" "detail.addresses.county" Plain,
    "postcode" "detail.addresses.postcode" Plain, "country" "detail.addresses.country" Plain,
    "address" "detail.addresses.text" Plain, "telecoms" "detail.telecoms" Json, "died" "detail.deceased" Plain,
    "ethnicity_scheme" "detail.ethnic_category.system" Plain, "ethnicity" "detail.ethnic_category.code" Plain,
    "ethnicity_words" "detail.ethnic_category.display" Plain, "languages" "detail.languages" Json,
    "practice" "detail.gp_practice.organisation" Plain, "practice_phone" "detail.gp_practice.telecoms.value" Plain,
    "marital_status" "detail.marital_status" Plain, "number_status" "detail.nhs_number_status" Plain,
];

const GENDER: Form = Local(&[("F", "female"), ("M", "male")]);

const RELATED_PEOPLE: &[Column] = columns![
    "surname" "detail.name.family" Plain, "forenames" "detail.name.given" Json, "title" "detail.name.prefix" Json,
    "full_name" "detail.name.text" Plain, "name_use" "detail.name.use" Plain,
    "relationships" "detail.relationships" Json, "telecoms" "detail.telecoms" Json, "call_order" "detail.rank" Plain,
    "gender" "detail.gender" GENDER, "born" "detail.birth_date" Plain,
];

const ALLERGIES: &[Column] = columns![
    "substance_scheme" "detail.substance.system" Plain, "substance_code" "detail.substance.code" Plain,
    "substance" "detail.substance.display" Plain, "reactions" "detail.reactions" Json,
    "severity" "detail.severity" Local(&[("H", "high"), ("L", "low")]), "certainty" "detail.certainty" CERTAINTY,
    "kinds" "detail.categories" Json, "type" "detail.kind" Plain, "is_none" "detail.is_negation" Plain,
    "is_degraded" "detail.is_degraded" Plain, "has_ended" "detail.ended" Plain, "end_reason" "detail.end_reason" Plain,
    "last_seen" "detail.last_occurrence" Plain,
];

const CERTAINTY: Form = Local(&[("C", "confirmed"), ("S", "unconfirmed"), ("R", "refuted")]);

const CATEGORY: &[Column] = columns!["categories" "detail.categories" Json];

const MEDICATIONS: &[Column] = columns![
    "dose" "detail.dose_text" Plain, "amount" "detail.dose.value" Plain, "unit" "detail.dose.unit" Plain,
    "frequency" "detail.frequency" Plain, "route_scheme" "detail.route.system" Plain,
    "route_code" "detail.route.code" Plain, "route" "detail.route.display" Plain, "form" "detail.form" Plain,
    "last_issued" "detail.last_issue_date" Plain,
    "supply" "detail.supply_type" Local(&[("A", "acute"), ("R", "repeat"), ("RD", "repeat-dispensing")]),
    "when_required" "detail.as_needed" Plain, "review" "detail.review_date" Plain, "indication" "detail.reason" Plain,
    "kind" "detail.record_kind" Plain,
];

const CONDITIONS: &[Column] = columns![
    "certainty" "detail.certainty" CERTAINTY, "severity" "detail.severity" Plain,
    "categories" "detail.categories" Json, "significance" "detail.significance" Plain,
    "body_site" "detail.body_site" Plain, "is_none" "detail.is_negation" Plain,
];

const PROCEDURES: &[Column] = columns![
    "body_site" "detail.body_site" Plain, "outcome" "detail.outcome" Plain, "reason" "detail.reason" Plain,
];

const RESULTS: &[Column] = columns![
    "amount" "detail.value.quantity.value" Plain, "unit" "detail.value.quantity.unit" Plain,
    "ucum" "detail.value.quantity.code" Plain, "comparator" "detail.value.quantity.comparator" Plain,
    "finding_scheme" "detail.value.coding.system" Plain, "finding_code" "detail.value.coding.code" Plain,
    "finding" "detail.value.coding.display" Plain, "conclusion" "detail.value.text" Plain,
    "normal_range" "detail.reference_range" Plain, "flag" "detail.interpretation" Plain,
    "report_state" "detail.report_status" Plain, "specimen_taken" "detail.specimen_time" Plain,
    "comment" "detail.comment" Plain, "categories" "detail.categories" Json, "parts" "detail.components" Json,
    "members" "detail.members" Json,
];

const IMMUNISATIONS: &[Column] = columns![
    "dose_number" "detail.dose_number" Plain, "batch" "detail.lot_number" Plain, "site" "detail.site" Plain,
    "route_scheme" "detail.route.system" Plain, "route_code" "detail.route.code" Plain,
    "route" "detail.route.display" Plain, "maker" "detail.manufacturer" Plain,
    "refusal" "detail.not_given_reason" Plain, "amount" "detail.dose.value" Plain, "unit" "detail.dose.unit" Plain,
    "ucum" "detail.dose.code" Plain,
];

const ENCOUNTERS: &[Column] = columns![
    "class_scheme" "detail.class.system" Plain, "class" "detail.class.code" Plain,
    "class_words" "detail.class.display" Plain, "provider" "detail.provider" Plain, "reason" "detail.reason" Plain,
    "place" "detail.location" Plain, "admitted" "detail.admission_method" Plain,
    "discharged" "detail.discharge_method" Plain, "service" "detail.service_type" Plain,
];

const REFERRALS: &[Column] = columns![
    "from_code" "detail.requester.id" Plain, "from_name" "detail.requester.name" Plain,
    "from_role" "detail.requester.role" Plain, "from_organisation" "detail.requester.organisation" Plain,
    "sent_to" "detail.recipient.name" Plain, "priority" "detail.priority" Plain, "reason" "detail.reason" Plain,
    "intent" "detail.intent" Plain,
];

const DOCUMENTS: &[Column] = columns![
    "title" "detail.title" Plain, "mime_type" "detail.content_type" Plain, "bytes" "detail.size_bytes" Plain,
    "made" "detail.created_at" Plain, "address" "detail.url" Plain, "setting" "detail.practice_setting" Plain,
];

const CARE_PLANS: &[Column] = columns![
    "title" "detail.title" Plain, "categories" "detail.categories" Json, "activities" "detail.activities" Json,
    "intent" "detail.intent" Plain, "about" "detail.addresses" Json, "team" "detail.care_team" Plain,
];

const ADVANCE_DIRECTIVES: &[Column] = columns![
    "kind" "detail.kind" Plain, "review" "detail.review_date" Plain, "form" "detail.form" Plain,
    "provision" "detail.provision" Plain,
];

const SAFEGUARDING: &[Column] = columns![
    "categories" "detail.categories" Json, "lead_code" "detail.lead.id" Plain, "lead" "detail.lead.name" Plain,
    "lead_role" "detail.lead.role" Plain, "lead_organisation" "detail.lead.organisation" Plain,
];

const SOCIAL_CARE: &[Column] = columns![
    "manager_code" "detail.manager.id" Plain, "manager" "detail.manager.name" Plain,
    "manager_role" "detail.manager.role" Plain, "manager_organisation" "detail.manager.organisation" Plain,
    "services" "detail.services" Json, "responsible" "detail.organisation" Plain,
];

const MENTAL_HEALTH: &[Column] = columns![
    "status_scheme" "detail.legal_status.system" Plain, "status_code" "detail.legal_status.code" Plain,
    "status_words" "detail.legal_status.display" Plain, "kind" "detail.kind" Plain,
    "coordinator_code" "detail.coordinator.id" Plain, "coordinator" "detail.coordinator.name" Plain,
    "coordinator_role" "detail.coordinator.role" Plain, "coordinator_organisation" "detail.coordinator.organisation" Plain,
    "team" "detail.team" Plain,
];

const CARE_TEAM: &[Column] =
    columns!["name" "detail.name" Plain, "members" "detail.members" Json, "reason" "detail.reason" Plain];

const LOCATION: &[Column] = columns![
    "place" "detail.place" Plain, "class_scheme" "detail.class.system" Plain, "class" "detail.class.code" Plain,
    "class_words" "detail.class.display" Plain, "provider" "detail.provider" Plain,
];
