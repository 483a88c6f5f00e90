//! Whether what was planted can be seen in the items themselves.
//!
//! Each predicate looks at a person's items only, never at what the person claims.

use weald_proto::wire::item::Detail;
use weald_proto::wire::{Allergy, Coding, Item, Medication};
use weald_proto::{OrganisationKind, Section};

use super::allergy::STYLES;
use crate::population::concept::{self, Concept};
use crate::population::conflict::{Conflict, Overlap};
use crate::population::person::Person;

/// True if the items of two organisations show the conflict.
pub(super) fn shows(person: &Person, conflict: Conflict) -> bool {
    use Conflict::*;
    match conflict {
        AllergyAgainstNone => allergies(person, |one, other| is_active(one) && other.is_negation),
        ActiveAgainstEnded => {
            same_allergy(person, |one, other| is_active(one) && other.ended && other.certainty != "refuted")
        }
        ActiveAgainstRefuted => same_allergy(person, |one, other| is_active(one) && other.certainty == "refuted"),
        DifferentSeverity => same_allergy(person, |one, other| one.severity != other.severity),
        DifferentReaction => {
            same_allergy(person, |one, other| reaction(one).is_some() && reaction(one) != reaction(other))
        }
        SuspectedAgainstConfirmed => {
            same_allergy(person, |one, other| one.certainty == "unconfirmed" && other.certainty == "confirmed")
        }
        DifferentDose => same_medicine(person, |one, other| {
            one.1.dose.as_ref().map(|dose| &dose.value) != other.1.dose.as_ref().map(|dose| &dose.value)
        }),
        DifferentStrength => {
            medicines(person, |one, other| moiety(one.0) == moiety(other.0) && strength(one.0) != strength(other.0))
        }
        DifferentForm => medicines(person, |one, other| moiety(one.0) == moiety(other.0) && one.1.form != other.1.form),
        DifferentRoute => same_medicine(person, |one, other| {
            one.1.route.as_ref().map(|route| &route.code) != other.1.route.as_ref().map(|route| &route.code)
        }),
        DifferentFrequency => same_medicine(person, |one, other| one.1.frequency != other.1.frequency),
        DifferentStartOrStop => same_medicine(person, |one, other| {
            (&one.0.effective_start, &one.0.effective_end) != (&other.0.effective_start, &other.0.effective_end)
        }),
        AcuteAgainstRepeat => {
            same_medicine(person, |one, other| one.1.supply_type == "acute" && other.1.supply_type == "repeat")
        }
        BrandThatMatters => medicines(person, |one, other| {
            one.0.text.starts_with("Priadel") && other.0.text.starts_with("Lithium carbonate")
        }),
        StoppedInHospital => practice_and_hospital(person, |at_practice, at_hospital| {
            at_practice.text == at_hospital.text && at_practice.status == "active" && at_hospital.status == "stopped"
        }),
        CprContradiction => decisions(person, |one, other| one.effective_start == other.effective_start),
        CprLaterDecision => decisions(person, |one, other| one.effective_start < other.effective_start),
        CprMissing => is_dying(person) && cpr(person).next().is_none() && may_hold_decisions(person),
        SafeguardingAlert => [Section::SafeguardingAdult, Section::SafeguardingChild]
            .into_iter()
            .any(|section| items(person, section).any(|(_, item)| !item.codes.is_empty())),
        DegradedEntry => items(person, Section::Allergies).any(|(_, item)| has(item, concept::DEGRADED_DRUG_ALLERGY)),
        EnteredInError => person
            .holdings
            .iter()
            .flat_map(|holding| holding.sections.values().flatten())
            .any(|item| item.entered_in_error),
        FreeText => pairs(person, Section::Conditions, |one, other| {
            one.codes == other.codes && one.status == other.status && !one.notes.is_empty() && other.notes.is_empty()
        }),
    }
}

/// True if the items show the overlap.
pub(super) fn repeats(person: &Person, overlap: Overlap) -> bool {
    match overlap {
        Overlap::AllergyInThreeStyles => {
            STYLES.iter().all(|style| items(person, Section::Allergies).any(|(_, item)| has(item, *style)))
        }
        Overlap::MedicineUnderTwoIds => medicines(person, |one, other| {
            one.0.text == other.0.text && code(one.0) == Some("39732311000001104") && code(other.0) == Some("323509004")
        }),
        Overlap::MedicineUnderTwoSystems => medicines(person, |one, other| {
            code(one.0).is_some() && code(one.0) == code(other.0) && system(one.0) != system(other.0)
        }),
        Overlap::ToldTwice => {
            [Section::Conditions, Section::Medications, Section::Procedures].into_iter().any(|section| {
                pairs(person, section, |one, other| {
                    one.codes == other.codes
                        && one.status == other.status
                        && one.effective_start == other.effective_start
                        && one.effective_end == other.effective_end
                        && one.notes == other.notes
                        && one.detail == other.detail
                })
            })
        }
        Overlap::SharedReferral => pairs(person, Section::Referrals, |one, other| {
            !one.identifiers.is_empty() && one.identifiers == other.identifiers
        }),
        Overlap::SupersededVersion => {
            person.holdings.iter().flat_map(|holding| holding.sections.values()).any(|items| {
                items.iter().any(|one| {
                    items.iter().any(|other| {
                        one.source_record_id == other.source_record_id
                            && one.source_version < other.source_version
                            && one.source_updated < other.source_updated
                    })
                })
            })
        }
    }
}

fn items(person: &Person, section: Section) -> impl Iterator<Item = (OrganisationKind, &Item)> {
    person.holdings.iter().flat_map(move |holding| {
        holding.sections.get(&section).into_iter().flatten().map(|item| (holding.organisation.kind, item))
    })
}

/// True if two items of a section, held by two organisations, stand in a relation.
fn pairs(person: &Person, section: Section, related: impl Fn(&Item, &Item) -> bool) -> bool {
    person.holdings.iter().any(|here| {
        person.holdings.iter().filter(|there| there.organisation != here.organisation).any(|there| {
            let (here, there) = (here.sections.get(&section), there.sections.get(&section));
            here.into_iter().flatten().any(|one| there.into_iter().flatten().any(|other| related(one, other)))
        })
    })
}

fn allergies(person: &Person, related: impl Fn(&Allergy, &Allergy) -> bool) -> bool {
    pairs(person, Section::Allergies, |one, other| match (&one.detail, &other.detail) {
        (Some(Detail::Allergy(one)), Some(Detail::Allergy(other))) => related(one, other),
        _ => false,
    })
}

fn same_allergy(person: &Person, related: impl Fn(&Allergy, &Allergy) -> bool) -> bool {
    pairs(person, Section::Allergies, |one, other| match (&one.detail, &other.detail) {
        (Some(Detail::Allergy(here)), Some(Detail::Allergy(there))) => {
            one.codes == other.codes && !here.is_negation && related(here, there)
        }
        _ => false,
    })
}

fn is_active(allergy: &Allergy) -> bool {
    !allergy.is_negation && !allergy.ended && allergy.certainty != "refuted"
}

fn reaction(allergy: &Allergy) -> Option<&str> {
    allergy.reactions.first().map(|reaction| reaction.text.as_str())
}

type Told<'a> = (&'a Item, &'a Medication);

fn medicines(person: &Person, related: impl Fn(Told<'_>, Told<'_>) -> bool) -> bool {
    pairs(person, Section::Medications, |one, other| match (&one.detail, &other.detail) {
        (Some(Detail::Medication(here)), Some(Detail::Medication(there))) => related((one, here), (other, there)),
        _ => false,
    })
}

fn same_medicine(person: &Person, related: impl Fn(Told<'_>, Told<'_>) -> bool) -> bool {
    medicines(person, |one, other| one.0.text == other.0.text && related(one, other))
}

fn moiety(item: &Item) -> Option<&str> {
    item.text.split(' ').next()
}

fn strength(item: &Item) -> Option<&str> {
    item.text.split(' ').nth(1)
}

fn practice_and_hospital(person: &Person, related: impl Fn(&Item, &Item) -> bool) -> bool {
    let of = |kind| items(person, Section::Medications).filter(move |(holder, _)| *holder == kind);
    of(OrganisationKind::GpPractice).any(|(_, one)| of(OrganisationKind::Acute).any(|(_, other)| related(one, other)))
}

fn cpr(person: &Person) -> impl Iterator<Item = &Item> {
    items(person, Section::AdvanceDirectives)
        .map(|(_, item)| item)
        .filter(|item| has(item, concept::FOR_CPR) || has(item, concept::NOT_FOR_CPR))
}

/// An active "for" at one organisation and an active "not for" at another, in a relation of time.
fn decisions(person: &Person, related: impl Fn(&Item, &Item) -> bool) -> bool {
    pairs(person, Section::AdvanceDirectives, |one, other| {
        has(one, concept::FOR_CPR)
            && has(other, concept::NOT_FOR_CPR)
            && one.status == "active"
            && other.status == "active"
            && related(one, other)
    })
}

fn is_dying(person: &Person) -> bool {
    items(person, Section::Conditions).any(|(_, item)| has(item, concept::END_OF_LIFE_REGISTER))
}

fn may_hold_decisions(person: &Person) -> bool {
    let holds = |kind| crate::population::sections_held(kind).contains(&Section::AdvanceDirectives);
    person.holdings.iter().any(|holding| holds(holding.organisation.kind))
}

fn has(item: &Item, concept: Concept) -> bool {
    item.codes.iter().any(|coding: &Coding| concept.is(coding))
}

fn code(item: &Item) -> Option<&str> {
    item.codes.first().map(|coding| coding.code.as_str())
}

fn system(item: &Item) -> Option<&str> {
    item.codes.first().map(|coding| coding.system.as_str())
}

mod tests {
    use super::*;
    use crate::population::people;

    const PEOPLE: u32 = 4_000;

    #[test]
    fn every_conflict_is_shown_by_one_person_in_a_hundred() {
        let mut shown = [0u32; Conflict::ALL.len()];
        for person in people(1, PEOPLE) {
            for (count, conflict) in shown.iter_mut().zip(Conflict::ALL) {
                let is_shown = shows(&person, conflict);
                assert!(is_shown || !person.conflicts.contains(&conflict), "{conflict:?} in {person:?}");
                *count += u32::from(is_shown && person.conflicts.contains(&conflict));
            }
        }
        for (count, conflict) in shown.into_iter().zip(Conflict::ALL) {
            assert!(count * 100 >= PEOPLE, "{conflict:?}: {count} of {PEOPLE}");
        }
    }

    #[test]
    fn every_overlap_is_shown_by_one_person_in_a_hundred() {
        let mut shown = [0u32; Overlap::ALL.len()];
        for person in people(1, PEOPLE) {
            for (count, overlap) in shown.iter_mut().zip(Overlap::ALL) {
                let is_shown = repeats(&person, overlap);
                assert!(is_shown || !person.overlaps.contains(&overlap), "{overlap:?} in {person:?}");
                *count += u32::from(is_shown && person.overlaps.contains(&overlap));
            }
        }
        for (count, overlap) in shown.into_iter().zip(Overlap::ALL) {
            assert!(count * 100 >= PEOPLE, "{overlap:?}: {count} of {PEOPLE}");
        }
    }
}
