//! The same thing twice: told alike, told with other words, shared, entered in error, superseded.

use weald_proto::OrganisationKind::{Acute, Community, GpPractice};
use weald_proto::Section;
use weald_proto::wire::item::Detail;

use super::Planted;
use crate::population::calendar::moment;
use crate::population::chance::Chance;
use crate::population::chart::{Finding, Illness, Test};
use crate::population::concept;
use crate::population::conflict::{Conflict, Overlap};
use crate::population::life::Life;
use crate::population::life::services::referral;
use crate::population::person::Holding;

pub(super) fn plant(chance: &mut Chance, life: &mut Life, planted: &mut Planted) {
    let has_hospital = life.is_known_to(Acute);
    if has_hospital && chance.percent(10) {
        tell_in_other_words(life);
        planted.conflicts.push(Conflict::FreeText);
    } else if has_hospital && chance.percent(12) {
        tell_twice(life);
        planted.overlaps.push(Overlap::ToldTwice);
    }
    if chance.percent(7) {
        err(life);
        planted.conflicts.push(Conflict::EnteredInError);
    }
    let recipient = [Community, Acute].into_iter().find(|kind| life.is_known_to(*kind));
    if let Some(recipient) = recipient.filter(|_| chance.percent(15)) {
        share_referral(life, recipient);
        planted.overlaps.push(Overlap::SharedReferral);
    }
    if chance.percent(7) {
        measure(life);
        planted.overlaps.push(Overlap::SupersededVersion);
    }
}

/// A problem that both tell alike.
const SHARED_PROBLEM: Illness = Illness {
    concept: concept::ASTHMA,
    also: None,
    since: 500,
    ended: None,
    certainty: "confirmed",
    significance: "",
    severity: "Mild",
    note: "",
    is_restricted: false,
};

/// Both tell the same problem; `note` is what the hospital adds.
fn both_tell(life: &mut Life, note: &'static str) {
    for kind in [GpPractice, Acute] {
        if let Some(chart) = life.chart(kind) {
            chart.illnesses.retain(|illness| illness.concept != SHARED_PROBLEM.concept);
            let note = if kind == Acute { note } else { "" };
            chart.illnesses.push(Illness { note, ..SHARED_PROBLEM });
        }
    }
}

fn tell_in_other_words(life: &mut Life) {
    both_tell(life, "Uses a spacer; anxious in small rooms, leave the door open");
}

fn tell_twice(life: &mut Life) {
    both_tell(life, "");
}

/// A diagnosis that belonged to somebody else.
fn err(life: &mut Life) {
    if let Some(chart) = life.chart(GpPractice) {
        chart.illnesses.push(Illness {
            concept: concept::TYPE_2_DIABETES,
            since: 200,
            certainty: "entered-in-error",
            ..Illness::default()
        });
    }
}

fn share_referral(life: &mut Life, recipient: weald_proto::OrganisationKind) {
    let digits = life
        .particulars
        .nhs_number
        .bytes()
        .fold(0u32, |number, digit| number.wrapping_mul(10).wrapping_add(u32::from(digit.wrapping_sub(b'0'))));
    for kind in [GpPractice, recipient] {
        if let Some(chart) = life.chart(kind) {
            chart.referrals.push(referral(digits % 9_000_000, 25, 7));
        }
    }
}

/// An albumin level that was first preliminary; [`supersede`] adds the older version.
fn measure(life: &mut Life) {
    if let Some(chart) = life.chart(GpPractice) {
        chart.tests.push(Test {
            concept: concept::SERUM_ALBUMIN,
            loinc: None,
            finding: Finding::Amount("41", "g/L", "g/L"),
            range: "35 - 50 g/L",
            interpretation: "N",
            status: "final",
            comment: "",
            on: 9,
            is_released: false,
            report: None,
        });
    }
}

/// Puts the preliminary version of the albumin level beside its successor in the practice's holding.
pub(crate) fn supersede(holdings: &mut [Holding], overlaps: &[Overlap]) {
    if !overlaps.contains(&Overlap::SupersededVersion) {
        return;
    }
    let results = holdings.first_mut().and_then(|holding| holding.sections.get_mut(&Section::Results));
    let Some(results) = results else { return };
    let Some(latest) = results.iter_mut().find(|item| item.text == concept::SERUM_ALBUMIN.display) else { return };
    let mut older = latest.clone();
    "2".clone_into(&mut latest.source_version);
    older.source_updated = moment(9, 12, 0);
    "preliminary".clone_into(&mut older.status);
    if let Some(Detail::Result(result)) = &mut older.detail {
        "preliminary".clone_into(&mut result.report_status);
    }
    results.push(older);
}
