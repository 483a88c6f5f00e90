//! What community, mental-health, social-care and ambulance services know of person 0.

use super::{blood, problem, relatives};
use crate::population::chart::{Chart, Concern, Episode, Finding, Illness, Package, Plan, Team, Test, Visit, Warning};
use crate::population::concept;
use crate::population::life::services::{CONTACT, referral, vital};

/// Nurses who come to her home.
pub(super) fn community() -> Chart {
    Chart {
        visits: vec![Visit {
            class: Some(concept::HOME),
            text: "Community nurse visit",
            reason: "Skin tear on the left shin",
            place: "Home",
            service: "District nursing",
            from: 2,
            to: Some(2),
            ..CONTACT
        }],
        referrals: vec![referral(0, 25, 7)],
        plans: vec![Plan {
            category: concept::CARE_PLAN,
            title: "Wound care plan",
            activities: &["Dressing twice a week", "Measure the wound each Friday"],
            about: "Skin tear",
            team: "Whitstable community nurses",
            note: "Key safe by the back door; ask her daughter for the number",
            on: 3,
        }],
        teams: vec![Team { name: "Whitstable community nurses", reason: "Wound care", from: 3 }],
        warnings: vec![Warning { text: "Two staff to visit: dog in the house", on: 3, is_hidden_from_person: false }],
        ..Chart::default()
    }
}

/// The memory service.
pub(super) fn mental_health() -> Chart {
    Chart {
        illnesses: vec![Illness { is_restricted: true, significance: "", ..problem(concept::DEMENTIA, 320) }],
        episodes: vec![
            Episode::Spell { team: "Older people's memory service", status: "active", from: 340, to: None },
            Episode::CrisisPlan {
                activities: &["Call her daughter first", "Remind her of the garden; avoid the subject of driving"],
                on: 150,
            },
        ],
        teams: vec![Team { name: "Older people's memory service", reason: "Memory problems", from: 340 }],
        ..Chart::default()
    }
}

/// The council.
pub(super) fn social_care() -> Chart {
    Chart {
        packages: vec![Package {
            text: "Adult social care package",
            services: &["Home care, four times a day", "Meals at home", "Pendant alarm"],
            is_about_child: false,
            status: "active",
            from: 280,
            to: None,
        }],
        concerns: vec![Concern { concept: concept::VULNERABLE_ADULT, on: 100, is_about_child: false, is_plan: false }],
        plans: vec![Plan {
            category: concept::CONTINGENCY_PLAN,
            title: "If home care fails",
            activities: &["Ring the duty desk", "Daughter stays the night"],
            about: "Lives alone",
            team: "Whitstable locality team",
            note: "",
            on: 280,
        }],
        teams: vec![Team { name: "Whitstable locality team", reason: "Adult social care", from: 280 }],
        relatives: relatives(),
        ..Chart::default()
    }
}

/// The crew that came when she fell.
pub(super) fn ambulance() -> Chart {
    Chart {
        visits: vec![Visit {
            class: Some(concept::EMERGENCY),
            text: "Ambulance attendance",
            reason: "Fall at home, on warfarin",
            place: "Home",
            service: "Ambulance",
            discharge: "Taken to the emergency department",
            from: 5,
            to: Some(5),
            is_released: false,
            ..CONTACT
        }],
        tests: vec![
            vital(concept::HEART_RATE, concept::HEART_RATE_LOINC, ("48", "/min", "/min"), 5),
            vital(concept::OXYGEN_SATURATION, concept::OXYGEN_SATURATION_LOINC, ("95", "%", "%"), 5),
            Test {
                finding: Finding::Amount("3", "score", "{score}"),
                ..blood(concept::NEWS2_TOTAL, ("3", "score"), "", 5)
            },
        ],
        ..Chart::default()
    }
}
