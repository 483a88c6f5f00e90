//! The one table that says which resource goes to which section.

use weald_proto::{Section, wire};

use super::resource::Resource;
use super::{allergy, condition, directive, document, encounter, flag, immunisation, medication, person, plan};
use super::{referral, result, social, team};

/// Where resources of a type go.
enum Destination {
    /// Each is an item of this section.
    To(Section, fn(&Resource<'_>) -> wire::Item),
    /// Each is one item; its codes decide of which of these sections.
    Sorted(&'static [Section], fn(&Resource<'_>) -> (Section, wire::Item)),
    /// Each is any number of items of these sections.
    Several(&'static [Section], fn(&Resource<'_>) -> Vec<(Section, wire::Item)>),
    /// Read for what others say by referring to it.
    Support,
}

use Destination::{Several, Sorted, Support, To};
use Section::{
    AdvanceDirectives, Alerts, CarePlans, Demographics, Documents, Encounters, Location, MentalHealth, RelatedPeople,
    SafeguardingAdult, SafeguardingChild, SocialCareAdult, SocialCareChild,
};

const TABLE: &[(&str, Destination)] = &[
    ("Patient", Several(&[Demographics, RelatedPeople], person::patient)),
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
    ("Encounter", Several(&[Encounters, Location, MentalHealth], encounter::encounter)),
    ("Appointment", To(Section::Encounters, encounter::appointment)),
    ("EpisodeOfCare", Sorted(&[SocialCareAdult, SocialCareChild, MentalHealth, Encounters], social::episode)),
    ("ServiceRequest", To(Section::Referrals, referral::referral)),
    ("DocumentReference", Sorted(&[Documents, AdvanceDirectives], document::document)),
    ("Consent", Several(&[AdvanceDirectives], |resource| directive::consent(resource).into_iter().collect())),
    ("CarePlan", Sorted(&[CarePlans, SafeguardingChild, SafeguardingAdult, MentalHealth], plan::plan)),
    ("CareTeam", To(Section::CareTeam, team::team)),
    ("Flag", Sorted(&[AdvanceDirectives, SafeguardingChild, SafeguardingAdult, MentalHealth, Alerts], flag::flag)),
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

/// True if resources of this type are read at all, for themselves or in support of others.
pub(crate) fn takes(kind: &str) -> bool {
    destination(kind).is_some()
}

/// True if resources of this type are read in support of others only.
pub(crate) fn supports(kind: &str) -> bool {
    matches!(destination(kind), Some(Support))
}

/// True if resources of this type are records of their own: items of some section, with labels of their own.
pub(crate) fn is_record(kind: &str) -> bool {
    takes(kind) && !supports(kind)
}

/// True if what resources of this type say of themselves decides what a section is called.
pub(crate) fn decides(kind: &str) -> bool {
    is_record(kind) || kind == "Composition"
}

/// The sections that a resource of this type may say something of. A Composition speaks of any.
pub(crate) fn reach(kind: &str) -> &'static [Section] {
    match destination(kind) {
        Some(To(section, _)) => std::slice::from_ref(section),
        Some(Sorted(sections, _) | Several(sections, _)) => sections,
        Some(Support) if decides(kind) => Section::ALL,
        Some(Support) | None => &[],
    }
}

/// The items that a resource makes; none if it belongs to no section.
///
/// A request that something must not be done says so in its words, at every level: `doNotPerform`
/// turns the meaning of all the rest round (FHIR R4, modifier elements).
pub(crate) fn items(resource: &Resource<'_>) -> Vec<(Section, wire::Item)> {
    let mut items = match destination(&resource.entry().kind()) {
        Some(To(section, map)) => vec![(*section, map(resource))],
        Some(Sorted(_, map)) => vec![map(resource)],
        Some(Several(_, map)) => map(resource),
        Some(Support) | None => Vec::new(),
    };
    if resource.at("doNotPerform").is_true() {
        items.iter_mut().for_each(|(_, item)| item.text = format!("Not to be done: {}", item.text));
    }
    items
}

fn destination(kind: &str) -> Option<&'static Destination> {
    TABLE.iter().find(|(name, _)| *name == kind).map(|(_, destination)| destination)
}

#[cfg(test)]
mod tests {
    use super::super::bundle::Bundle;
    use super::*;

    fn items_of(resource: &str) -> Vec<(Section, wire::Item)> {
        let text = format!(r#"{{"resourceType":"Bundle","type":"batch","entry":[{{"resource":{resource}}}]}}"#);
        let bundle = Bundle::parse(text.as_bytes()).unwrap();
        items(&Resource::all(&bundle).next().unwrap())
    }

    fn sections_of(resource: &str) -> Vec<Section> {
        items_of(resource).into_iter().map(|(section, _)| section).collect()
    }

    #[test]
    fn a_resource_that_lacks_everything_is_still_an_item_with_words() {
        for (kind, _) in TABLE.iter().filter(|(_, destination)| !matches!(destination, Support)) {
            let items = items_of(&format!(r#"{{"resourceType":"{kind}"}}"#));
            assert_eq!(items.len(), 1, "{kind}");
            assert!(items.iter().all(|(_, item)| !item.text.is_empty() && !item.source_record_id.is_empty()), "{kind}");
            assert!(reach(kind).contains(&items[0].0), "{kind}");
        }
    }

    #[test]
    fn what_must_not_be_done_says_so_in_its_words() {
        let request = r#"{"resourceType":"MedicationRequest","doNotPerform":true,"medicationCodeableConcept":{"text":"Aspirin"}}"#;
        assert_eq!(items_of(request)[0].1.text, "Not to be done: Aspirin");
    }

    #[test]
    fn no_item_says_a_word_of_another_record_that_it_refers_to() {
        let others: Vec<String> = TABLE
            .iter()
            .filter(|(kind, _)| !supports(kind))
            .map(|(kind, _)| {
                let words = r#""text":"Secret","title":"Secret","telecom":[{"value":"Secret"}],"identifier":[{"value":"Secret"}]"#;
                format!(
                    r#"{{"resource":{{"resourceType":"{kind}","id":"x",{words},"name":[{{"text":"Secret"}}],
                        "code":{{"text":"Secret"}},"category":[{{"text":"Secret"}}],"relationship":[{{"text":"Secret"}}]}}}}"#
                )
            })
            .collect();
        for (kind, _) in TABLE.iter().filter(|(kind, _)| !supports(kind)) {
            for (other, _) in TABLE.iter().filter(|(kind, _)| !supports(kind)) {
                let to = format!(r#"{{"reference":"{other}/x"}}"#);
                let lists =
                    ["reasonReference", "addresses", "careTeam", "team", "performer", "author", "generalPractitioner"];
                let lists: String = lists.iter().map(|field| format!(r#""{field}":[{to}],"#)).collect();
                let singles =
                    ["asserter", "recorder", "requester", "careManager", "managingOrganization", "serviceProvider"];
                let singles: String = singles.iter().map(|field| format!(r#""{field}":{to},"#)).collect();
                let referring = format!(
                    r#"{{"resource":{{"resourceType":"{kind}",{lists}{singles}"diagnosis":[{{"condition":{to}}}],"location":[{{"location":{to}}}],
                        "participant":[{{"member":{to},"individual":{to},"actor":{to}}}],"activity":[{{"reference":{to}}}],"medicationReference":{to}}}}}"#
                );
                let text =
                    format!(r#"{{"resourceType":"Bundle","type":"batch","entry":[{referring},{}]}}"#, others.join(","));
                let bundle = Bundle::parse(text.as_bytes()).unwrap();
                for (_, item) in items(&Resource::all(&bundle).next().unwrap()) {
                    let bytes = prost::Message::encode_to_vec(&item);
                    assert!(!bytes.windows(6).any(|six| six == b"Secret"), "{kind} tells of {other}");
                }
            }
        }
    }

    #[test]
    fn what_a_reference_says_itself_is_told() {
        let plan = r#"{"resourceType":"CarePlan","addresses":[{"reference":"Condition/x","display":"Asthma"}],
            "careTeam":[{"reference":"CareTeam/x","display":"Chest team"}]}"#;
        let Some(wire::item::Detail::CarePlan(plan)) = items_of(plan).remove(0).1.detail else { panic!("not a plan") };
        assert_eq!((plan.addresses, plan.care_team.as_str()), (vec!["Asthma".to_owned()], "Chest team"));
        let medicine = r##"{"resourceType":"MedicationRequest","reasonCode":[{"text":"Pain"}],
            "reasonReference":[{"display":"Gout"},{"reference":"#c"},{"reference":"Condition/x"}],
            "contained":[{"resourceType":"Condition","id":"c","code":{"text":"Gout, left foot"}}]}"##;
        let Some(wire::item::Detail::Medication(told)) = items_of(medicine).remove(0).1.detail else { panic!("none") };
        assert_eq!(told.reason, "Pain; Gout; Gout, left foot");
    }

    #[test]
    fn flags_go_by_code_before_category() {
        let snomed = "http://snomed.info/sct";
        for (code, category, section) in [
            ("450476008", "", Section::AdvanceDirectives),
            ("836881000000105", "", Section::SafeguardingChild),
            ("417430008", "", Section::SafeguardingAdult),
            ("1", "child-protection-information-system-flag", Section::SafeguardingChild),
            ("1", "safeguarding", Section::SafeguardingChild),
            ("1", "advance-directive", Section::AdvanceDirectives),
            ("1", "risk-information", Section::MentalHealth),
            ("1", "diet", Section::Alerts),
        ] {
            let flag = format!(
                r#"{{"resourceType":"Flag","code":{{"coding":[{{"system":"{snomed}","code":"{code}"}}]}},
                    "category":[{{"coding":[{{"code":"{category}"}}]}}]}}"#
            );
            assert_eq!(sections_of(&flag), [section], "{code} {category}");
        }
    }

    #[test]
    fn episodes_go_by_type() {
        for (words, section) in [
            ("Adult social care", Section::SocialCareAdult),
            ("Children's social care", Section::SocialCareChild),
            ("Social care", Section::SocialCareChild),
            ("Community mental health team", Section::MentalHealth),
            ("Diabetes care", Section::Encounters),
        ] {
            let episode = format!(r#"{{"resourceType":"EpisodeOfCare","type":[{{"text":"{words}"}}]}}"#);
            assert_eq!(sections_of(&episode), [section], "{words}");
        }
    }

    #[test]
    fn a_consent_about_privacy_is_in_no_section() {
        let consent =
            |scope: &str| format!(r#"{{"resourceType":"Consent","scope":{{"coding":[{{"code":"{scope}"}}]}}}}"#);
        assert_eq!(sections_of(&consent("patient-privacy")), []);
        assert_eq!(sections_of(&consent("research")), []);
        assert_eq!(sections_of(&consent("treatment")), [Section::AdvanceDirectives]);
    }

    #[test]
    fn an_encounter_in_progress_also_says_where_the_person_is() {
        let encounter = r#"{"resourceType":"Encounter","status":"in-progress"}"#;
        assert_eq!(sections_of(encounter), [Section::Encounters, Section::Location]);
    }

    #[test]
    fn the_end_of_a_cpr_flag_is_its_review_and_does_not_end_it() {
        let flag = r#"{"resourceType":"Flag","period":{"start":"2020","end":"2021"},
            "code":{"coding":[{"system":"http://snomed.info/sct","code":"450476008"}]}}"#;
        let item = items_of(flag).remove(0).1;
        assert_eq!(item.effective_end, "");
        let Some(wire::item::Detail::AdvanceDirective(directive)) = item.detail else { panic!("not a directive") };
        assert_eq!((directive.kind.as_str(), directive.review_date.as_str()), ("cpr", "2021"));
    }
}
