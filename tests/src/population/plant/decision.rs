//! CPR decisions that contradict or succeed each other, or that nobody made; safeguarding.

use weald_proto::OrganisationKind::{Acute, Ambulance, Community, GpPractice, SocialCare};

use super::Planted;
use crate::population::chance::Chance;
use crate::population::chart::{Concern, Decision, Illness, Plan};
use crate::population::concept::{self, Concept};
use crate::population::conflict::Conflict;
use crate::population::life::Life;

/// From which age CPR decisions are planted.
const FROM_AGE: i64 = 60;

pub(super) fn plant(chance: &mut Chance, life: &mut Life, planted: &mut Planted) {
    if life.age >= FROM_AGE && chance.percent(35) {
        let other = [Acute, Community, Ambulance].into_iter().find(|kind| life.is_known_to(*kind));
        match (chance.below(3), other) {
            (0, Some(other)) => {
                decide(life, GpPractice, concept::FOR_CPR, 30);
                decide(life, other, concept::NOT_FOR_CPR, 30);
                planted.conflicts.push(Conflict::CprContradiction);
            }
            (1, Some(other)) => {
                decide(life, GpPractice, concept::FOR_CPR, 400);
                decide(life, other, concept::NOT_FOR_CPR, 12);
                planted.conflicts.push(Conflict::CprLaterDecision);
            }
            _ => {
                near_the_end(life);
                planted.conflicts.push(Conflict::CprMissing);
            }
        }
    }
    if chance.percent(7) {
        raise_concern(life);
        planted.conflicts.push(Conflict::SafeguardingAlert);
    }
}

fn decide(life: &mut Life, kind: weald_proto::OrganisationKind, concept: Concept, on: i64) {
    if let Some(chart) = life.chart(kind) {
        chart.decisions.push(Decision::Cpr { concept, status: "active", on, review_in: 180 });
        if concept == concept::NOT_FOR_CPR {
            chart.decisions.push(Decision::Form { title: "ReSPECT form", on });
        }
    }
}

/// On the end-of-life register, with a plan, and no decision anywhere.
fn near_the_end(life: &mut Life) {
    if let Some(chart) = life.chart(GpPractice) {
        chart.illnesses.push(Illness {
            concept: concept::END_OF_LIFE_REGISTER,
            since: 60,
            certainty: "confirmed",
            significance: "major",
            ..Illness::default()
        });
        chart.plans.push(Plan {
            category: concept::END_OF_LIFE_PLAN,
            title: "End of life care plan",
            activities: &["Preferred place of care: home"],
            about: "On end of life care register",
            team: "Practice team",
            note: "Family to be called at any hour",
            on: 60,
        });
    }
}

/// A concern held by the council where it knows the person, else by the practice.
fn raise_concern(life: &mut Life) {
    let is_child = life.is_child();
    let holder = if life.is_known_to(SocialCare) { SocialCare } else { GpPractice };
    let concept = match (is_child, holder) {
        (true, SocialCare) => concept::LOOKED_AFTER_CHILD,
        (true, _) => concept::CHILD_CONCERN,
        (false, _) => concept::VULNERABLE_ADULT,
    };
    if let Some(chart) = life.chart(holder) {
        chart.concerns.push(Concern { concept, on: 150, is_about_child: is_child, is_plan: false });
    }
}
