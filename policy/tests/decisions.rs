//! What the baseline allows and refuses beside the matrix: purposes, relationships, emergencies.

#![cfg(test)]

use std::sync::{Arc, LazyLock};

use weald_policy::{Circumstances, Decision, Engine, RequesterKind};
use weald_proto::{BreakGlassReason, OrganisationKind, Purpose, RelationshipKind, Section};

static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::baseline().unwrap());

fn doctor(purpose: Purpose) -> Circumstances {
    Circumstances {
        kind: RequesterKind::Doctor,
        purpose,
        relationship: Some(RelationshipKind::OpenEncounter),
        break_glass: None,
        requester_organisation: "RVV".parse().unwrap(),
        answering: None,
    }
}

fn decide(circumstances: &Circumstances) -> Arc<Decision> {
    ENGINE.decide(circumstances)
}

/// The ids of the policies that refuse everything.
fn refused_by(circumstances: &Circumstances) -> Vec<String> {
    let decision = decide(circumstances);
    assert!(decision.permit().is_empty());
    decision.refusal().expect("a refusal when nothing is allowed").policies.clone()
}

fn is_allowed(circumstances: &Circumstances) -> bool {
    let decision = decide(circumstances);
    assert_eq!(decision.refusal().is_none(), !decision.permit().is_empty());
    !decision.permit().is_empty()
}

#[test]
fn research_is_refused_and_told_why() {
    let decision = decide(&doctor(Purpose::Research));
    let refusal = decision.refusal().unwrap();
    assert!(refusal.text.contains("research gets no identifiable data"), "{}", refusal.text);
    assert!(refusal.policies.contains(&"purpose-research".to_owned()));
}

#[test]
fn no_purpose_but_care_reaches_a_record_whoever_asks() {
    let of_care = [Purpose::Treatment, Purpose::Coordination, Purpose::EmergencyTreatment, Purpose::BreakGlass];
    let of_people = [Purpose::PatientRequest, Purpose::FamilyRequest, Purpose::PowerOfAttorney];
    for purpose in Purpose::ALL.iter().filter(|purpose| !of_care.contains(purpose) && !of_people.contains(purpose)) {
        for kind in RequesterKind::ALL {
            let refused = refused_by(&Circumstances { kind: *kind, ..doctor(*purpose) });
            assert!(!refused.is_empty(), "{kind} for {purpose} is refused without a policy that says why");
        }
    }
}

#[test]
fn compliance_reaches_no_record_not_even_for_a_privacy_officer() {
    let officer =
        Circumstances { kind: RequesterKind::PrivacyOfficer, relationship: None, ..doctor(Purpose::Compliance) };
    assert_eq!(refused_by(&officer), ["purpose-compliance", "purpose-privacy-officer"]);
    assert_eq!(refused_by(&Circumstances { purpose: Purpose::Treatment, ..officer }), ["purpose-privacy-officer"]);
}

#[test]
fn citizens_and_professionals_cannot_borrow_each_others_purposes() {
    assert_eq!(refused_by(&doctor(Purpose::PatientRequest)), ["purpose-professional"]);
    let citizen = Circumstances { kind: RequesterKind::Citizen, relationship: None, ..doctor(Purpose::Treatment) };
    assert_eq!(refused_by(&citizen), ["purpose-citizen"]);
    for purpose in [Purpose::PatientRequest, Purpose::FamilyRequest, Purpose::PowerOfAttorney] {
        assert!(is_allowed(&Circumstances { purpose, ..citizen.clone() }));
    }
}

#[test]
fn a_proxy_sees_no_more_than_the_person() {
    let person = Circumstances { kind: RequesterKind::Citizen, relationship: None, ..doctor(Purpose::PatientRequest) };
    for purpose in [Purpose::FamilyRequest, Purpose::PowerOfAttorney] {
        let proxy = ENGINE.decide(&Circumstances { purpose, ..person.clone() });
        assert_eq!(proxy.permit(), ENGINE.decide(&person).permit());
    }
}

#[test]
fn every_section_conceals_from_a_citizen_and_none_from_a_doctor() {
    let citizen =
        decide(&Circumstances { kind: RequesterKind::Citizen, relationship: None, ..doctor(Purpose::PatientRequest) });
    let doctor = decide(&doctor(Purpose::Treatment));
    for section in Section::ALL {
        assert!(citizen.permit().conceals(*section), "{section}");
        assert!(!doctor.permit().conceals(*section), "{section}");
    }
}

#[test]
fn a_professional_without_a_relationship_is_refused() {
    let nobodys = Circumstances { relationship: None, ..doctor(Purpose::Treatment) };
    assert_eq!(refused_by(&nobodys), ["relationship-needed"]);
}

#[test]
fn a_relationship_that_only_the_requester_claims_is_refused_for_treatment() {
    let claimed = Circumstances { relationship: Some(RelationshipKind::SelfClaimed), ..doctor(Purpose::Treatment) };
    assert_eq!(refused_by(&claimed), ["relationship-self-claimed"]);
    let with_a_reason = Circumstances {
        purpose: Purpose::EmergencyTreatment,
        break_glass: Some(BreakGlassReason::SelfClaimEmergency),
        ..claimed
    };
    assert!(is_allowed(&with_a_reason));
}

#[test]
fn treatment_never_serves_for_breaking_the_glass() {
    assert!(is_allowed(&doctor(Purpose::Treatment)));
    assert_eq!(refused_by(&doctor(Purpose::BreakGlass)), ["break-glass-reason-needed"]);
    let reason = Some(BreakGlassReason::Emergency);
    assert_eq!(
        refused_by(&Circumstances { break_glass: reason, ..doctor(Purpose::Treatment) }),
        ["break-glass-own-purpose"]
    );
    assert!(is_allowed(&Circumstances { break_glass: reason, ..doctor(Purpose::BreakGlass) }));
}

#[test]
fn emergencies_are_for_those_who_are_entitled_to_them() {
    for (kind, treats, breaks_glass) in [
        (RequesterKind::Doctor, true, true),
        (RequesterKind::Nurse, true, true),
        (RequesterKind::Paramedic, true, true),
        (RequesterKind::Ahp, false, true),
        (RequesterKind::AdultSocialWorker, false, true),
        (RequesterKind::ChildSocialWorker, false, true),
        (RequesterKind::CareHomeManager, false, false),
        (RequesterKind::CareWorker, false, false),
        (RequesterKind::Receptionist, false, false),
        (RequesterKind::Citizen, false, false),
        (RequesterKind::PrivacyOfficer, false, false),
    ] {
        let emergency = Circumstances { kind, ..doctor(Purpose::EmergencyTreatment) };
        assert_eq!(is_allowed(&emergency), treats, "{kind}");
        let break_glass = Some(BreakGlassReason::Emergency);
        let glass = Circumstances { kind, break_glass, ..doctor(Purpose::BreakGlass) };
        assert_eq!(is_allowed(&glass), breaks_glass, "{kind}");
    }
}

#[test]
fn each_reason_for_breaking_the_glass_goes_with_the_national_alert_types() {
    for (reason, claimed, without_permission) in [
        (BreakGlassReason::PublicInterest, true, true),
        (BreakGlassReason::Statute, true, true),
        (BreakGlassReason::CourtOrder, true, true),
        (BreakGlassReason::SelfClaimEmergency, true, false),
        (BreakGlassReason::Emergency, false, true),
        (BreakGlassReason::Other, true, false),
    ] {
        let glass = Circumstances { break_glass: Some(reason), ..doctor(Purpose::BreakGlass) };
        assert_eq!(is_allowed(&glass), without_permission, "{reason}");
        let self_claimed = Circumstances { relationship: Some(RelationshipKind::SelfClaimed), ..glass };
        assert_eq!(is_allowed(&self_claimed), claimed, "{reason}");
    }
}

#[test]
fn breaking_the_glass_lifts_nothing_but_the_relationship() {
    for kind in [RequesterKind::Ahp, RequesterKind::Paramedic, RequesterKind::AdultSocialWorker] {
        let ordinary = Circumstances { kind, ..doctor(Purpose::Treatment) };
        let glass = Circumstances {
            purpose: Purpose::BreakGlass,
            break_glass: Some(BreakGlassReason::Emergency),
            ..ordinary.clone()
        };
        assert_eq!(ENGINE.decide(&glass).permit(), ENGINE.decide(&ordinary).permit(), "{kind}");
    }
}

#[test]
fn every_word_of_the_contract_is_one_that_the_schema_knows() {
    let check = |circumstances: &Circumstances| {
        let decision = ENGINE.decide(circumstances);
        for section in Section::ALL {
            let text = &decision.reason(*section).text;
            assert!(!text.contains("could not be evaluated"), "{circumstances:?}: {text}");
        }
    };
    Purpose::ALL.iter().for_each(|purpose| check(&doctor(*purpose)));
    for relationship in RelationshipKind::ALL {
        check(&Circumstances { relationship: Some(*relationship), ..doctor(Purpose::Treatment) });
    }
    for reason in BreakGlassReason::ALL {
        check(&Circumstances { break_glass: Some(*reason), ..doctor(Purpose::BreakGlass) });
    }
    for kind in OrganisationKind::ALL {
        let answering = Some(("X9KCC".parse().unwrap(), *kind));
        check(&Circumstances { answering, ..doctor(Purpose::Treatment) });
    }
    for kind in RequesterKind::ALL {
        check(&Circumstances { kind: *kind, ..doctor(Purpose::Treatment) });
    }
}
