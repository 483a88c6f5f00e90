//! What contact and summary keep of what only one kind of item has.

use weald_proto::wire;
use weald_proto::wire::item::Detail;

use super::organisation_of;

/// Longest text that is a value; beyond that it is narrative (the conclusion of a report).
const VALUE_CHARS: usize = 80;

/// Next of kin and care teams consist of contacts; nothing else has any in its detail.
pub(super) fn contact(detail: Detail) -> Option<Detail> {
    match detail {
        Detail::RelatedPerson(person) => Some(Detail::RelatedPerson(related_person(person))),
        Detail::CareTeam(team) => Some(Detail::CareTeam(care_team(team))),
        _ => None,
    }
}

/// The short facts of each kind.
pub(super) fn summary(detail: Detail) -> Detail {
    match detail {
        Detail::Demographics(of) => Detail::Demographics(demographics(of)),
        Detail::RelatedPerson(of) => Detail::RelatedPerson(related_person(of)),
        Detail::Allergy(of) => Detail::Allergy(allergy(of)),
        Detail::Alert(of) => Detail::Alert(wire::Alert { categories: of.categories }),
        Detail::Medication(of) => Detail::Medication(medication(of)),
        Detail::Condition(of) => Detail::Condition(condition(of)),
        Detail::Procedure(of) => Detail::Procedure(procedure(of)),
        Detail::Result(of) => Detail::Result(result(of)),
        Detail::Immunisation(of) => Detail::Immunisation(immunisation(of)),
        Detail::Encounter(of) => Detail::Encounter(encounter(of)),
        Detail::Referral(of) => Detail::Referral(referral(of)),
        Detail::Document(of) => Detail::Document(document(of)),
        Detail::CarePlan(of) => Detail::CarePlan(care_plan(of)),
        Detail::AdvanceDirective(of) => Detail::AdvanceDirective(advance_directive(of)),
        Detail::Safeguarding(of) => Detail::Safeguarding(safeguarding(of)),
        Detail::SocialCare(of) => Detail::SocialCare(social_care(of)),
        Detail::MentalHealth(of) => Detail::MentalHealth(mental_health(of)),
        Detail::CareTeam(of) => Detail::CareTeam(care_team(of)),
        Detail::CurrentLocation(of) => Detail::CurrentLocation(current_location(of)),
    }
}

fn demographics(of: wire::Demographics) -> wire::Demographics {
    wire::Demographics {
        names: of.names,
        birth_date: of.birth_date,
        gender: of.gender,
        deceased: of.deceased,
        gp_practice: of.gp_practice,
        nhs_number_status: of.nhs_number_status,
        ..wire::Demographics::default()
    }
}

fn related_person(of: wire::RelatedPerson) -> wire::RelatedPerson {
    wire::RelatedPerson {
        name: of.name,
        relationships: of.relationships,
        telecoms: of.telecoms,
        rank: of.rank,
        ..wire::RelatedPerson::default()
    }
}

fn allergy(of: wire::Allergy) -> wire::Allergy {
    wire::Allergy {
        substance: of.substance,
        reactions: of.reactions.into_iter().map(reaction).collect(),
        severity: of.severity,
        certainty: of.certainty,
        categories: of.categories,
        kind: of.kind,
        is_negation: of.is_negation,
        is_degraded: of.is_degraded,
        ended: of.ended,
        last_occurrence: of.last_occurrence,
        ..wire::Allergy::default()
    }
}

/// A reaction without a code is known by its words alone.
fn reaction(of: wire::Reaction) -> wire::Reaction {
    let text = if of.manifestations.is_empty() { of.text } else { String::new() };
    wire::Reaction { manifestations: of.manifestations, text, severity: of.severity }
}

fn medication(of: wire::Medication) -> wire::Medication {
    wire::Medication {
        dose_text: of.dose_text,
        dose: of.dose,
        frequency: of.frequency,
        route: of.route,
        form: of.form,
        prescriber_organisation_type: of.prescriber_organisation_type,
        last_issue_date: of.last_issue_date,
        supply_type: of.supply_type,
        as_needed: of.as_needed,
        review_date: of.review_date,
        record_kind: of.record_kind,
        is_negation: of.is_negation,
        ..wire::Medication::default()
    }
}

fn condition(of: wire::Condition) -> wire::Condition {
    wire::Condition {
        certainty: of.certainty,
        severity: of.severity,
        categories: of.categories,
        significance: of.significance,
        body_site: of.body_site,
        is_negation: of.is_negation,
    }
}

fn procedure(of: wire::Procedure) -> wire::Procedure {
    wire::Procedure { body_site: of.body_site, category: of.category, ..wire::Procedure::default() }
}

fn result(of: wire::Result) -> wire::Result {
    wire::Result {
        value: of.value.and_then(value),
        reference_range: of.reference_range,
        interpretation: of.interpretation,
        report_status: of.report_status,
        specimen_time: of.specimen_time,
        categories: of.categories,
        components: of.components.into_iter().map(component).collect(),
        members: of.members,
        absent_reason: of.absent_reason,
        ..wire::Result::default()
    }
}

fn component(of: wire::Component) -> wire::Component {
    wire::Component { codes: of.codes, text: of.text, value: of.value.and_then(value) }
}

fn value(of: wire::Value) -> Option<wire::Value> {
    match &of.kind {
        Some(wire::value::Kind::Text(text)) if text.chars().count() > VALUE_CHARS || text.contains('\n') => None,
        _ => Some(of),
    }
}

fn immunisation(of: wire::Immunisation) -> wire::Immunisation {
    wire::Immunisation {
        dose_number: of.dose_number,
        lot_number: of.lot_number,
        site: of.site,
        route: of.route,
        manufacturer: of.manufacturer,
        target_diseases: of.target_diseases,
        dose: of.dose,
        ..wire::Immunisation::default()
    }
}

fn encounter(of: wire::Encounter) -> wire::Encounter {
    wire::Encounter {
        class: of.class,
        provider: of.provider,
        location: of.location,
        admission_method: of.admission_method,
        discharge_method: of.discharge_method,
        service_type: of.service_type,
        ..wire::Encounter::default()
    }
}

fn referral(of: wire::Referral) -> wire::Referral {
    wire::Referral {
        requester: of.requester.map(organisation_of),
        recipient: of.recipient.map(organisation_of),
        priority: of.priority,
        category: of.category,
        intent: of.intent,
        ..wire::Referral::default()
    }
}

fn document(of: wire::Document) -> wire::Document {
    wire::Document {
        title: of.title,
        content_type: of.content_type,
        size_bytes: of.size_bytes,
        created_at: of.created_at,
        hash: of.hash,
        categories: of.categories,
        practice_setting: of.practice_setting,
        ..wire::Document::default()
    }
}

fn care_plan(of: wire::CarePlan) -> wire::CarePlan {
    wire::CarePlan {
        title: of.title,
        categories: of.categories,
        intent: of.intent,
        care_team: of.care_team,
        ..wire::CarePlan::default()
    }
}

fn advance_directive(of: wire::AdvanceDirective) -> wire::AdvanceDirective {
    wire::AdvanceDirective {
        kind: of.kind,
        review_date: of.review_date,
        provision: of.provision,
        ..wire::AdvanceDirective::default()
    }
}

fn safeguarding(of: wire::Safeguarding) -> wire::Safeguarding {
    wire::Safeguarding { categories: of.categories, lead: of.lead.map(organisation_of) }
}

fn social_care(of: wire::SocialCare) -> wire::SocialCare {
    wire::SocialCare { manager: of.manager.map(organisation_of), services: of.services, organisation: of.organisation }
}

fn mental_health(of: wire::MentalHealth) -> wire::MentalHealth {
    wire::MentalHealth {
        legal_status: of.legal_status,
        kind: of.kind,
        coordinator: of.coordinator.map(organisation_of),
        team: of.team,
    }
}

fn care_team(of: wire::CareTeam) -> wire::CareTeam {
    wire::CareTeam { name: of.name, members: of.members, ..wire::CareTeam::default() }
}

fn current_location(of: wire::CurrentLocation) -> wire::CurrentLocation {
    wire::CurrentLocation { place: of.place, class: of.class, provider: of.provider }
}
