//! What holds for every pattern of faults, every order of arrival and every set of items.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;
use weald_node::{Reading, RecordStore};
use weald_policy::Permitted;
use weald_proto::{OdsCode, OrganisationKind, Outcome, Patient, RolledState, Section, SectionState, wire};
use weald_tests::federation::{MemoryStore, Source};
use weald_viewer::{SectionView, View};

use crate::between::{Keys, Way, Ways};
use crate::world::{NOW, World, doctor, item, member, ods, only, other_patient, patient, shown, store};

/// Sections that every case asks for.
const SECTIONS: [Section; 2] = [Section::Allergies, Section::Conditions];

/// A source that is exchanged from case to case.
struct Exchanged(Arc<ArcSwap<MemoryStore>>);

impl RecordStore for Exchanged {
    fn read<'a>(&'a self, permitted: &'a Permitted) -> Reading<'a> {
        Box::pin(async move {
            let store = self.0.load_full();
            store.read(permitted).await
        })
    }
}

/// Four organisations whose sources and ways change from case to case.
struct Bench {
    runtime: Runtime,
    world: World,
    ways: Ways,
    sources: BTreeMap<OdsCode, Arc<ArcSwap<MemoryStore>>>,
}

fn four() -> [OdsCode; 4] {
    ["G99001", "RVV", "RXY", "RYY"].map(ods)
}

impl Bench {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let kinds = [
            OrganisationKind::GpPractice,
            OrganisationKind::Acute,
            OrganisationKind::MentalHealth,
            OrganisationKind::Community,
        ];
        let sources: BTreeMap<_, _> =
            four().map(|code| (code, Arc::new(ArcSwap::from_pointee(store())))).into_iter().collect();
        let members = four().into_iter().zip(kinds).map(|(code, kind)| {
            let source = Source::Store(Arc::new(Exchanged(Arc::clone(&sources[&code]))));
            weald_tests::federation::MemberSpec { source, ..member(code, kind, store()) }
        });
        let (ways, keys) = (Ways::default(), Keys::default());
        let (shared, held) = (ways.clone(), Arc::clone(&keys));
        let between = |builder: weald_tests::federation::FederationBuilder| {
            builder.between(move |direct| shared.before(direct, held))
        };
        let world = runtime.block_on(World::built(members.collect(), between));
        for code in four() {
            let key = world.federation.statement_key(&code).unwrap().clone();
            keys.lock().unwrap().insert(code, key);
        }
        Bench { runtime, world, ways, sources }
    }

    fn view(&self) -> View {
        self.runtime.block_on(self.world.view(&only(doctor(), &SECTIONS))).unwrap()
    }

    fn end(self) {
        self.runtime.block_on(self.world.end());
    }
}

/// What one organisation does in one case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Conduct {
    /// It answers: items, none recorded, none asserted.
    Items,
    Nothing,
    AssertsNone,
    /// It answers that it does not know the person.
    NotKnown,
    /// What it holds is not the person asked for.
    Mismatch,
    /// Its source says that the section cannot be read.
    BrokenSection,
    /// Its source cannot be read at all.
    BrokenSource,
    /// Its source says that something is withheld.
    Withholds,
    Down,
    Slow,
    Refused,
    Lying,
}

impl Conduct {
    const ALL: [Conduct; 12] = [
        Conduct::Items,
        Conduct::Nothing,
        Conduct::AssertsNone,
        Conduct::NotKnown,
        Conduct::Mismatch,
        Conduct::BrokenSection,
        Conduct::BrokenSource,
        Conduct::Withholds,
        Conduct::Down,
        Conduct::Slow,
        Conduct::Refused,
        Conduct::Lying,
    ];

    /// True if it has said of itself that there is nothing.
    fn says_none(self) -> bool {
        matches!(self, Conduct::Nothing | Conduct::AssertsNone | Conduct::NotKnown)
    }

    fn outcome(self) -> Outcome {
        match self {
            Conduct::NotKnown => Outcome::NotKnownHere,
            Conduct::Mismatch => Outcome::IdentityMismatch,
            Conduct::Down => Outcome::Unreachable,
            Conduct::Slow => Outcome::TimedOut,
            Conduct::Refused => Outcome::Refused,
            Conduct::Lying => Outcome::Invalid,
            _ => Outcome::Answered,
        }
    }

    fn source(self) -> MemoryStore {
        let says =
            |state| SECTIONS.iter().fold(store(), |store, section| store.says(&patient(), *section, state, Vec::new()));
        match self {
            Conduct::NotKnown => MemoryStore::new(NOW),
            Conduct::Mismatch => {
                let mistaken = Patient { birth_date: other_patient().birth_date, ..patient() };
                SECTIONS.iter().fold(MemoryStore::new(NOW).knows(&mistaken), |store, section| {
                    store.holds(&mistaken, *section, vec![item("x", "A stranger's wasp stings")])
                })
            }
            Conduct::AssertsNone => says(SectionState::AssertedNone),
            Conduct::BrokenSection => says(SectionState::Unavailable),
            Conduct::Withholds => says(SectionState::Withheld),
            // Had they been let through, they would have said that there is nothing.
            Conduct::Nothing | Conduct::BrokenSource | Conduct::Down | Conduct::Slow => store(),
            Conduct::Items | Conduct::Refused | Conduct::Lying => SECTIONS.iter().fold(store(), |store, section| {
                store.holds(&patient(), *section, vec![item("i", "A thing that is held")])
            }),
        }
    }

    fn way(self) -> Way {
        match self {
            Conduct::Down => Way::Down,
            Conduct::Slow => Way::Slow,
            Conduct::Refused => Way::Refused,
            Conduct::Lying => Way::Lying,
            _ => Way::Honest,
        }
    }

    fn happen(self, bench: &Bench, organisation: &OdsCode) {
        bench.sources[organisation].store(Arc::new(self.source()));
        bench.ways.go(organisation.clone(), self.way());
        bench.world.federation.faults(organisation).unwrap().broken(self == Conduct::BrokenSource);
    }
}

fn conducts() -> impl Strategy<Value = [Conduct; 4]> {
    let any = || proptest::sample::select(Conduct::ALL.as_slice());
    // Every other case has three that say none, so that the fourth alone decides.
    let quiet = || proptest::sample::select([Conduct::Nothing, Conduct::AssertsNone, Conduct::NotKnown].as_slice());
    prop_oneof![
        [any(), any(), any(), any()],
        (quiet(), quiet(), quiet(), any(), 0..4usize).prop_map(|(one, two, three, odd, place)| {
            let mut all = [one, two, three, odd];
            all.swap(place, 3);
            all
        }),
    ]
}

fn run<S: Strategy>(cases: u32, strategy: S, test: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 64, ..Config::default() };
    TestRunner::new(config).run(&strategy, test).unwrap();
}

#[test]
fn no_section_is_empty_for_certain_while_an_expected_organisation_has_not_said_so() {
    let bench = Bench::new();
    run(96, conducts(), |conducts| {
        for (organisation, conduct) in four().iter().zip(conducts) {
            conduct.happen(&bench, organisation);
        }
        let view = bench.view();
        let everybody_says_none = conducts.iter().all(|conduct| conduct.says_none());
        for (organisation, conduct) in four().iter().zip(conducts) {
            prop_assert_eq!(view.organisations()[organisation].outcome(), conduct.outcome(), "{}", organisation);
        }
        for section in SECTIONS {
            let state = view.completeness()[&section].state;
            let is_none = matches!(state, RolledState::NoneRecorded | RolledState::AssertedNone);
            prop_assert_eq!(is_none, everybody_says_none, "{}: {}", section, state);
            let asserted = conducts.contains(&Conduct::AssertsNone);
            prop_assert_eq!(state == RolledState::AssertedNone, everybody_says_none && asserted);
            let complete = matches!(view.section(section), Some(SectionView::Complete { .. }));
            let everybody_spoke = conducts.iter().all(|conduct| conduct.says_none() || *conduct == Conduct::Items);
            prop_assert_eq!(complete, everybody_spoke, "{}", section);
            let holders = conducts.iter().filter(|conduct| **conduct == Conduct::Items).count();
            prop_assert_eq!(shown(&view, section).len(), holders);
        }
        Ok(())
    });
    bench.end();
}

/// Items with few ids, texts, versions and marks, so that many meet.
fn items() -> impl Strategy<Value = Vec<wire::Item>> {
    let one = (0..4u8, 0..3u8, 0..3u8, proptest::bool::weighted(0.2), 0..3u8);
    let item = one.prop_map(|(id, text, version, error, date)| wire::Item {
        source_version: if version == 0 { String::new() } else { version.to_string() },
        source_record_id: if id == 0 { String::new() } else { id.to_string() },
        entered_in_error: error,
        recorded_at: ["", "2026-01-10", "2024-06-01"][usize::from(date)].to_owned(),
        ..item("", &format!("text {text}"))
    });
    proptest::collection::vec(item, 0..8)
}

type Held = [[Vec<wire::Item>; 2]; 4];

fn held() -> impl Strategy<Value = Held> {
    let of_one = || [items(), items()];
    [of_one(), of_one(), of_one(), of_one()]
}

fn hold(bench: &Bench, held: &Held) {
    for (organisation, of_one) in four().iter().zip(held) {
        let store = SECTIONS
            .iter()
            .zip(of_one)
            .fold(store(), |store, (section, items)| store.holds(&patient(), *section, items.clone()));
        bench.sources[organisation].store(Arc::new(store));
    }
}

/// How often each item is shown, with whose it is.
fn tally(items: impl Iterator<Item = (OdsCode, wire::Item)>) -> Vec<(OdsCode, Vec<u8>)> {
    let mut tally: Vec<_> = items.map(|(code, item)| (code, prost::Message::encode_to_vec(&item))).collect();
    tally.sort();
    tally
}

#[test]
fn every_item_is_shown_exactly_once_however_many_are_alike() {
    let bench = Bench::new();
    run(64, held(), |held| {
        hold(&bench, &held);
        let view = bench.view();
        for (index, section) in SECTIONS.iter().enumerate() {
            let sent = four()
                .into_iter()
                .zip(&held)
                .flat_map(|(code, of_one)| of_one[index].iter().map(move |item| (code.clone(), item.clone())));
            let Some(SectionView::Complete { entries, set_aside, .. }) = view.section(*section) else {
                return Err(TestCaseError::fail(format!("{section} is not complete")));
            };
            let shown = entries.iter().flat_map(|entry| &entry.told).chain(set_aside.iter().map(|(told, _)| told));
            let shown = shown.map(|told| (told.organisation.clone(), told.item.clone()));
            prop_assert_eq!(tally(shown), tally(sent), "{}", section);
            for entry in &entries {
                let texts: BTreeSet<_> =
                    entry.told.iter().map(|told| (&told.item.text, &told.item.recorded_at)).collect();
                prop_assert_eq!(texts.len(), 1, "what differs is not folded");
                prop_assert!(entry.told.iter().all(|told| !told.item.entered_in_error));
            }
        }
        Ok(())
    });
    bench.end();
}

#[test]
fn a_summary_does_not_depend_on_the_order_in_which_answers_come() {
    let bench = Bench::new();
    let order = Just([0u64, 1, 2, 3]).prop_shuffle();
    run(16, (held(), order), |(held, order)| {
        hold(&bench, &held);
        let arrive = |order: [u64; 4]| {
            for (organisation, place) in four().into_iter().zip(order) {
                bench.ways.go(organisation, Way::Late(Duration::from_millis(place * 12)));
            }
            bench.view()
        };
        let (one, other) = (arrive([0, 1, 2, 3]), arrive(order));
        prop_assert_eq!(one.plan(), other.plan());
        prop_assert_eq!(one.completeness(), other.completeness());
        prop_assert_eq!(one.decisions(), other.decisions());
        let outcomes = |view: &View| -> Vec<_> {
            view.organisations().iter().map(|(code, came)| (code.clone(), came.outcome())).collect()
        };
        prop_assert_eq!(outcomes(&one), outcomes(&other));
        Ok(())
    });
    bench.end();
}
