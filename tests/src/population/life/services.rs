//! What organisations do for a person: contacts, letters, plans, packages, teams, family.

use weald_proto::OrganisationKind::{Acute, Ambulance, Community, GpPractice, MentalHealth, SocialCare};

use super::Life;
use crate::population::chance::Chance;
use crate::population::chart::{
    Chart, Concern, Decision, Episode, Finding, Package, Paper, Plan, Referring, Relative, Team, Test, Vaccination,
    Visit, Warning,
};
use crate::population::concept::{self, Concept};
use crate::population::name;

pub(super) fn serve(chance: &mut Chance, life: &mut Life, index: u32) {
    let relatives = family(chance, life);
    let (age, is_child) = (life.age, life.is_child());
    if let Some(chart) = life.chart(GpPractice) {
        practise(chance, chart, age, index);
        chart.relatives.clone_from(&relatives);
    }
    if let Some(chart) = life.chart(Acute) {
        treat(chance, chart);
        chart.relatives.extend(relatives.iter().take(1).cloned());
    }
    if let Some(chart) = life.chart(Community) {
        visit_at_home(chance, chart, age);
    }
    if let Some(chart) = life.chart(MentalHealth) {
        support(chance, chart);
    }
    if let Some(chart) = life.chart(SocialCare) {
        provide(chance, chart, is_child);
        chart.relatives = relatives;
    }
    if let Some(chart) = life.chart(Ambulance) {
        respond(chance, chart);
    }
}

/// A contact that has ended and is released to the person.
pub(crate) const CONTACT: Visit = Visit {
    class: Some(concept::AMBULATORY),
    status: "finished",
    text: "Consultation",
    reason: "",
    place: "",
    service: "",
    admission: "",
    discharge: "",
    from: 0,
    to: None,
    is_released: true,
};

fn practise(chance: &mut Chance, chart: &mut Chart, age: i64, index: u32) {
    let on = i64::from(chance.between(3, 90));
    chart.visits.push(Visit { reason: "Review", place: "Consulting room 2", from: on, to: Some(on), ..CONTACT });
    chart.visits.push(Visit {
        class: None,
        status: "booked",
        text: "Booked appointment",
        reason: "Medication review",
        from: -i64::from(chance.between(1, 30)),
        ..CONTACT
    });
    if chance.percent(30) {
        let from = i64::from(chance.between(1, 200));
        let text = "Telephone consultation";
        chart.visits.push(Visit { class: Some(concept::VIRTUAL), text, from, to: Some(from), ..CONTACT });
    }
    chart.vaccinations.push(vaccination(chance));
    if chance.percent(50) {
        chart.referrals.push(referral(index, i64::from(chance.between(10, 200)), 0));
    }
    if chance.percent(20) {
        chart.warnings.push(Warning {
            text: "Needs an interpreter at appointments",
            on: 500,
            is_hidden_from_person: false,
        });
    }
    if age >= 80 && chance.percent(15) {
        chart.decisions.push(Decision::PowerOfAttorney { on: 800 });
    }
    if age >= 75 && chance.percent(30) {
        chart.plans.push(CARE_PLAN);
    }
    chart.teams.push(Team { name: "Practice team", reason: "Registered patient", from: 1500.min(age * 365) });
}

const CARE_PLAN: Plan = Plan {
    category: concept::PERSONALISED_PLAN,
    title: "Personalised care and support plan",
    activities: &["Review every six months", "Keep walking to the shop"],
    about: "Frailty",
    team: "Practice team",
    note: "",
    on: 90,
};

fn vaccination(chance: &mut Chance) -> Vaccination {
    let given = Vaccination {
        vaccine: Some(concept::PFIZER_COVID_VACCINE),
        text: concept::PFIZER_COVID_VACCINE.display,
        dose_number: "2",
        lot: "SYNTH-01",
        maker: "Pfizer",
        refusal: "",
        on: i64::from(chance.between(20, 400)),
    };
    if chance.percent(15) {
        Vaccination { refusal: "Declined by the person", lot: "", maker: "", dose_number: "", ..given }
    } else {
        given
    }
}

/// A referral with its booking reference, the same at both ends.
pub(crate) fn referral(index: u32, on: i64, nth: u32) -> Referring {
    Referring {
        text: "Referral to outpatient clinic",
        recipient: "Outpatient clinic",
        ubrn: format!("0000{:08}", (u64::from(index) * 10 + u64::from(nth)) % 100_000_000),
        priority: if on < 30 { "urgent" } else { "routine" },
        reason: "For opinion",
        status: "active",
        on,
    }
}

fn treat(chance: &mut Chance, chart: &mut Chart) {
    let on = i64::from(chance.between(1, 300));
    chart.visits.push(Visit {
        class: Some(concept::EMERGENCY),
        text: "Emergency department attendance",
        reason: chance.pick(&["Fall", "Chest pain", "Breathlessness", "Abdominal pain"]),
        place: "Emergency department",
        service: "Accident and emergency",
        discharge: "Home",
        from: on,
        to: Some(on),
        ..CONTACT
    });
    if chance.percent(6) {
        chart.visits.push(Visit {
            class: Some(concept::INPATIENT),
            status: "in-progress",
            text: "Inpatient stay",
            reason: "Pneumonia",
            place: "Mock Ward 4",
            service: "Acute medicine",
            admission: "Emergency department",
            from: i64::from(chance.between(1, 6)),
            is_released: false,
            ..CONTACT
        });
    }
    chart.papers.push(Paper {
        concept: concept::DISCHARGE_SUMMARY,
        title: "Discharge summary",
        setting: "Emergency medicine",
        size: 48_213,
        on,
        labels: if on > 14 { &[concept::RELEASED] } else { &[] },
    });
    if chance.percent(12) {
        chart.warnings.push(Warning { text: "Difficult intubation", on: 700, is_hidden_from_person: false });
    }
    if chance.percent(30) {
        chart.teams.push(Team { name: "Medical team", reason: "Outpatient follow-up", from: on });
    }
}

fn visit_at_home(chance: &mut Chance, chart: &mut Chart, age: i64) {
    let on = i64::from(chance.between(1, 20));
    chart.visits.push(Visit {
        class: Some(concept::HOME),
        text: "Community nurse visit",
        reason: "Wound care",
        place: "Home",
        service: "District nursing",
        from: on,
        to: Some(on),
        ..CONTACT
    });
    if age >= 60 {
        chart.plans.push(Plan {
            title: "Wound care plan",
            category: concept::CARE_PLAN,
            team: "Community nurses",
            ..CARE_PLAN
        });
    }
    chart.teams.push(Team { name: "Community nurses", reason: "Wound care", from: 60 });
}

fn support(chance: &mut Chance, chart: &mut Chart) {
    chart.episodes.push(Episode::Spell {
        team: "Community mental health team",
        status: "active",
        from: i64::from(chance.between(20, 800)),
        to: None,
    });
    if chance.percent(50) {
        chart.episodes.push(Episode::CrisisPlan {
            activities: &["Call the crisis line", "Stay with a friend"],
            on: i64::from(chance.between(5, 200)),
        });
    }
    if chance.percent(30) {
        chart.warnings.push(Warning { text: "Risk of self-neglect", on: 120, is_hidden_from_person: true });
    }
    chart.teams.push(Team { name: "Community mental health team", reason: "Care coordination", from: 200 });
}

fn provide(chance: &mut Chance, chart: &mut Chart, is_child: bool) {
    let from = i64::from(chance.between(20, 700));
    chart.packages.push(Package {
        text: if is_child { "Children's social care: child in need" } else { "Adult social care package" },
        services: if is_child { &["Family support worker"] } else { &["Home care, twice a day", "Meals at home"] },
        is_about_child: is_child,
        status: "active",
        from,
        to: None,
    });
    if is_child && chance.percent(20) {
        chart.concerns.push(Concern {
            concept: concept::CHILD_PROTECTION_PLAN,
            on: from,
            is_about_child: true,
            is_plan: true,
        });
    }
    chart.plans.push(Plan {
        title: "Support plan",
        category: concept::CONTINGENCY_PLAN,
        team: "Locality team",
        on: from,
        ..CARE_PLAN
    });
    chart.teams.push(Team { name: "Locality team", reason: "Open case", from });
}

fn respond(chance: &mut Chance, chart: &mut Chart) {
    let on = i64::from(chance.between(1, 200));
    chart.visits.push(Visit {
        class: Some(concept::EMERGENCY),
        text: "Ambulance attendance",
        reason: "Fall at home",
        place: "Home",
        service: "Ambulance",
        from: on,
        to: Some(on),
        is_released: false,
        ..CONTACT
    });
    chart.tests.push(vital(concept::OXYGEN_SATURATION, concept::OXYGEN_SATURATION_LOINC, ("95", "%", "%"), on));
    chart.tests.push(vital(concept::HEART_RATE, concept::HEART_RATE_LOINC, ("88", "/min", "/min"), on));
}

/// A vital sign.
pub(crate) fn vital(
    concept: Concept,
    loinc: Concept,
    (value, unit, code): (&'static str, &'static str, &'static str),
    on: i64,
) -> Test {
    Test {
        concept,
        loinc: Some(loinc),
        finding: Finding::Amount(value, unit, code),
        range: "",
        interpretation: "",
        status: "final",
        comment: "",
        on,
        is_released: false,
        report: None,
    }
}

const fn role(code: &'static str, display: &'static str) -> Concept {
    Concept { system: "http://terminology.hl7.org/CodeSystem/v3-RoleCode", code, display }
}

/// Mother.
pub(crate) const MOTHER: Concept = role("MTH", "mother");
/// Daughter.
pub(crate) const DAUGHTER: Concept = role("DAU", "natural daughter");
/// Son.
pub(crate) const SON: Concept = role("SON", "natural son");
/// Spouse.
const SPOUSE: Concept = role("SPS", "spouse");

fn family(chance: &mut Chance, life: &Life) -> Vec<Relative> {
    let relationship = if life.is_child() { MOTHER } else { chance.pick(&[DAUGHTER, SPOUSE, SON]) };
    let is_woman = relationship != SON && (relationship != SPOUSE || life.particulars.gender == "male");
    let shared =
        if chance.percent(70) { life.particulars.name.family.clone() } else { name::family(chance).to_owned() };
    let first = name::given(chance, is_woman).to_owned();
    vec![Relative {
        name: name::whole(if is_woman { "Ms" } else { "Mr" }, vec![first], &shared),
        relationship,
        telecoms: super::telecoms(chance),
        gender: if is_woman { "female" } else { "male" },
        rank: 1,
        is_third_party: chance.percent(10),
    }]
}
