//! When silence may be called "none", and that no item is lost.

#![cfg(test)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use weald_proto::plan::{Group, ItemRef, SectionPlan, SetAsideReason};
use weald_proto::*;

const SECTION: Section = Section::Allergies;

/// What an organisation may do to a view.
#[derive(Debug, Clone)]
enum Conduct {
    Silent,
    Says(Outcome),
    States(SectionState, u32, u32),
}

fn conduct() -> impl Strategy<Value = Conduct> {
    let word = prop::sample::select(
        Outcome::ALL
            .iter()
            .copied()
            .filter(|o| o.is_organisations_word() && *o != Outcome::Answered)
            .collect::<Vec<_>>(),
    );
    let state = prop::sample::select(SectionState::ALL.to_vec());
    prop_oneof![
        Just(Conduct::Silent),
        word.prop_map(Conduct::Says),
        (state, 0u32..3, 0u32..2).prop_map(|(state, items, cut)| Conduct::States(state, items, cut)),
    ]
}

fn statement(conduct: &Conduct) -> Option<Statement> {
    let (outcome, section) = match conduct {
        Conduct::Silent => return None,
        Conduct::Says(outcome) => (*outcome, None),
        Conduct::States(state, items, cut) => {
            let items = if *state == SectionState::Present { items + 1 } else { *items };
            let items = match state {
                SectionState::NoneRecorded
                | SectionState::NotHeld
                | SectionState::NothingToShow
                | SectionState::NotAsked => 0,
                _ => items,
            };
            (
                Outcome::Answered,
                Some(SectionStatement {
                    state: *state,
                    item_count: items,
                    part_digest: (items > 0).then(|| Digest::of(b"part")),
                    cut_items: *cut,
                    withheld_reason: (*state == SectionState::Withheld).then_some(WithheldReason::Policy),
                    unavailable_cause: (*state == SectionState::Unavailable).then_some(UnavailableCause::SourceError),
                    level: Level::Full,
                    filter: Filter::default(),
                    reason_text: String::new(),
                }),
            )
        }
    };
    Some(Statement {
        organisation: OdsCode::parse("RVV").unwrap(),
        query_digest: Digest::ZERO,
        outcome,
        reason_code: String::new(),
        reason_text: String::new(),
        sections: section.map(|section| (SECTION, section)).into_iter().collect(),
        identity_digest: None,
        source_as_of: Timestamp::from_secs(0),
        retrieved_at: Timestamp::from_secs(0),
        cache_seconds: 0,
        policy_version: String::new(),
        audit_digest: Digest::ZERO,
        register_version: 1,
        unmapped: BTreeMap::new(),
    })
}

#[test]
fn an_expected_organisation_that_says_it_never_holds_the_section_lets_nothing_be_complete() {
    let [said, other] = ["R0", "R1"].map(|code| OdsCode::parse(code).unwrap());
    let expected = BTreeSet::from([said.clone(), other.clone()]);
    let never = statement(&Conduct::States(SectionState::NotHeld, 0, 0));
    for (state, items, rolled_up) in [
        (SectionState::NoneRecorded, 0, RolledState::Unknown),
        (SectionState::AssertedNone, 0, RolledState::Unknown),
        (SectionState::Present, 1, RolledState::Present),
    ] {
        let others = statement(&Conduct::States(state, items, 0));
        let rolled = Completeness::roll_up(SECTION, &expected, |organisation| {
            if *organisation == said { never.as_ref() } else { others.as_ref() }
        });
        assert_eq!(rolled.state, rolled_up, "{state}");
        assert_eq!(rolled.answered, BTreeSet::from([other.clone()]), "{state}");
        assert!(!rolled.is_complete(), "{state}");
    }
    let alone = Completeness::roll_up(SECTION, &BTreeSet::from([said]), |_| never.as_ref());
    assert_eq!((alone.state, alone.is_complete()), (RolledState::Unknown, false));
}

proptest! {
    #[test]
    fn none_is_never_said_while_an_expected_organisation_has_not_said_so(
        conducts in prop::collection::vec(conduct(), 0..6),
    ) {
        let named: BTreeMap<OdsCode, Option<Statement>> = conducts.iter().enumerate()
            .map(|(i, conduct)| (OdsCode::parse(&format!("R{i}")).unwrap(), statement(conduct)))
            .collect();
        let expected: BTreeSet<OdsCode> = named.keys().cloned().collect();
        let rolled = Completeness::roll_up(SECTION, &expected, |organisation| named[organisation].as_ref());
        let says_none = |conduct: &Conduct| matches!(conduct,
            Conduct::Says(Outcome::NotKnownHere)
            | Conduct::States(SectionState::AssertedNone | SectionState::NoneRecorded, ..));
        if matches!(rolled.state, RolledState::NoneRecorded | RolledState::AssertedNone) {
            prop_assert!(!conducts.is_empty() && conducts.iter().all(says_none));
        }
        if rolled.state == RolledState::NoneRecorded {
            prop_assert!(!conducts.iter().any(|c| matches!(c, Conduct::States(SectionState::AssertedNone, ..))));
        }
        for (conduct, organisation) in conducts.iter().zip(named.keys()) {
            if matches!(conduct, Conduct::Silent | Conduct::States(SectionState::NotHeld | SectionState::NotAsked, ..)) {
                prop_assert!(!rolled.answered.contains(organisation) && !rolled.is_complete());
            }
        }
        if let Ok(again) = Completeness::from_wire(&rolled.to_wire()) {
            prop_assert_eq!(again, rolled);
        } else {
            prop_assert!(false, "a completeness survives the wire");
        }
    }

    #[test]
    fn a_plan_that_loses_doubles_or_invents_an_item_is_refused(
        counts in prop::collection::vec(1u32..5, 1..4), which in any::<prop::sample::Index>(), fault in 0..4,
    ) {
        let codes: Vec<OdsCode> = (0..counts.len()).map(|i| OdsCode::parse(&format!("R{i}")).unwrap()).collect();
        let counted: BTreeMap<(Section, OdsCode), u32> =
            codes.iter().cloned().zip(&counts).map(|(code, count)| ((SECTION, code), *count)).collect();
        let items: Vec<ItemRef> = codes.iter().zip(&counts)
            .flat_map(|(code, count)| (0..*count).map(|index| ItemRef { organisation: code.clone(), index }))
            .collect();
        let plan = |items: &[ItemRef]| MergePlan {
            version: "t".into(),
            sections: vec![SectionPlan {
                section: SECTION,
                groups: items.iter().skip(1).map(|item| Group { items: vec![item.clone()] }).collect(),
                set_aside: items.first().map(|item| (item.clone(), SetAsideReason::EnteredInError)).into_iter().collect(),
            }],
        };
        prop_assert_eq!(plan(&items).check(&counted), Ok(()));
        let mut wrong = items.clone();
        let at = which.index(items.len());
        match fault {
            0 => { wrong.remove(at); }
            1 => wrong.push(items[at].clone()),
            2 => wrong[at].index += 100,
            _ => wrong.push(ItemRef { organisation: OdsCode::parse("NOBODY").unwrap(), index: 0 }),
        }
        prop_assert!(plan(&wrong).check(&counted).is_err());
        let mut empty = plan(&items);
        empty.sections[0].groups.push(Group { items: Vec::new() });
        prop_assert!(empty.check(&counted).is_err());
    }
}
