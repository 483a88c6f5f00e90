//! One view in the terminal, laid out so that a clinician could read it.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the terminal is what the demo is for")]

use std::fmt::Write as _;

use weald_proto::{Completeness, Level, Outcome, RolledState, Section, Statement, UnavailableCause};
use weald_viewer::{Entry, SectionView, Told, View};

use crate::details::{details, reach};
use crate::world::World;

/// Safety first (allergies, warnings, decisions about resuscitation, safeguarding), then the rest.
const ORDER: [Section; 21] = [
    Section::Allergies,
    Section::Alerts,
    Section::AdvanceDirectives,
    Section::SafeguardingAdult,
    Section::SafeguardingChild,
    Section::Medications,
    Section::Conditions,
    Section::Results,
    Section::Encounters,
    Section::Location,
    Section::CarePlans,
    Section::MentalHealth,
    Section::SocialCareAdult,
    Section::SocialCareChild,
    Section::Procedures,
    Section::Immunisations,
    Section::Referrals,
    Section::Documents,
    Section::CareTeam,
    Section::RelatedPeople,
    Section::Demographics,
];

/// Columns of a terminal.
const WIDTH: usize = 110;
/// Entries shown of a section that may be cut: never of one that may not (domain rules, ordering).
const SHOWN: usize = 4;

/// A heading of the story.
pub(crate) fn heading(text: &str) {
    println!("\n\u{2550}\u{2550} {text} {}", "\u{2550}".repeat(WIDTH.saturating_sub(text.chars().count() + 4)));
}

/// A line of the story.
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// What went wrong, whole chain.
pub(crate) fn complain(error: &anyhow::Error) {
    eprintln!("demo: {error:#}");
}

/// The whole view.
pub(crate) fn view(world: &World, view: &View) {
    organisations(world, view);
    for section in ORDER {
        if let Some(seen) = view.section(section) {
            self::section(section, &seen);
        }
    }
}

/// Who answered.
pub(crate) fn organisations(world: &World, view: &View) {
    for (organisation, came) in view.organisations() {
        let word = if came.outcome().is_organisations_word() { "its own word" } else { "the broker's word" };
        let why = match came.statement().and_then(unread) {
            Some(cause) => format!(": but {cause}"),
            None if came.reason_text().is_empty() => String::new(),
            None => format!(": {}", came.reason_text()),
        };
        let unmapped: u32 = came.statement().map_or(0, |statement| statement.unmapped.values().sum());
        let aside = if unmapped == 0 { String::new() } else { format!(", {unmapped} records in no section") };
        println!(
            "  {:<7} {:<46} {} ({word}, {} ms{aside}){why}",
            organisation.as_str(),
            world.name_of(organisation),
            came.outcome().as_str().replace('_', " "),
            came.elapsed_ms()
        );
    }
    for (kind, count) in view.unnamed() {
        println!("  {count} of kind {} hold nothing that this requester may see", kind.as_str().replace('_', " "));
    }
}

/// Why an organisation that answered could give nothing at all, if that is so.
fn unread(statement: &Statement) -> Option<&'static str> {
    let mut causes = statement.sections.values().map(|section| section.unavailable_cause);
    let first = causes.next()??;
    causes.all(|cause| cause == Some(first)).then_some(match first {
        UnavailableCause::SourceTimeout => "its own system was too slow",
        UnavailableCause::SourceError => "its own system could not be read",
        UnavailableCause::NoInformation => "its own system has no information",
    })
}

fn section(section: Section, seen: &SectionView<'_>) {
    let name = section.as_str().replace('_', " ").to_uppercase();
    match seen {
        SectionView::NotPermitted(decision) => {
            println!("\n  {name}: not for this requester ({})", decision.reason_text)
        }
        SectionView::NobodyHoldsIt => println!("\n  {name}: nobody in this federation holds it, so nothing is known"),
        SectionView::Complete { entries, set_aside, completeness } => {
            println!("\n  {name}: {} {}", amounts_to(completeness), answered(completeness));
            list(section, entries);
            aside(set_aside.len());
        }
        SectionView::Incomplete { entries, set_aside, completeness } => {
            println!("\n  {name}: INCOMPLETE, {} {}", amounts_to(completeness), answered(completeness));
            list(section, entries);
            aside(set_aside.len());
        }
    }
}

/// The state in words; "none" only where the rule allows it.
fn amounts_to(completeness: &Completeness) -> &'static str {
    match completeness.state {
        RolledState::Present => "recorded",
        RolledState::AssertedNone => "none, and somebody said so",
        RolledState::NoneRecorded => "none recorded",
        RolledState::Unknown if !completeness.nothing_to_show.is_empty() => "nothing to show",
        RolledState::Unknown => "not known",
        RolledState::NotAsked => "nobody was asked",
    }
}

/// How many answered, who did not, and who holds something back.
pub(crate) fn answered(completeness: &Completeness) -> String {
    let mut text =
        format!("({} of {} expected organisations answered", completeness.answered.len(), completeness.expected.len());
    let missing: Vec<&str> =
        completeness.expected.difference(&completeness.answered).map(|organisation| organisation.as_str()).collect();
    if !missing.is_empty() {
        let _ = write!(text, "; no full answer from {}", missing.join(", "));
    }
    if !completeness.withheld.is_empty() {
        let withheld: Vec<&str> = completeness.withheld.iter().map(|organisation| organisation.as_str()).collect();
        let _ = write!(text, "; withheld at {}", withheld.join(", "));
    }
    if !completeness.nothing_to_show.is_empty() {
        let _ = write!(text, "; {} have nothing that may be shown", completeness.nothing_to_show.len());
    }
    text.push(')');
    text
}

fn list(section: Section, entries: &[Entry<'_>]) {
    let never_cut = matches!(
        section,
        Section::Allergies
            | Section::Alerts
            | Section::AdvanceDirectives
            | Section::SafeguardingAdult
            | Section::SafeguardingChild
            | Section::Medications
    );
    let shown = if never_cut { entries.len() } else { SHOWN };
    for entry in entries.iter().take(shown) {
        self::entry(entry);
    }
    if entries.len() > shown {
        println!("    and {} older", entries.len() - shown);
    }
}

fn entry(entry: &Entry<'_>) {
    let Some(first) = entry.told.first() else { return };
    let item = first.item;
    let sources: Vec<String> = entry.told.iter().map(source).collect();
    let status = if item.status.is_empty() { String::new() } else { format!(" [{}]", item.status) };
    let text = match (&item.text, &item.contact) {
        (text, _) if !text.is_empty() => text.clone(),
        (_, Some(contact)) => format!("exists: ask {}", reach(contact)),
        _ => "exists".to_owned(),
    };
    println!("    \u{2022} {text}{status}  \u{2014} {}", sources.join(", "));
    wrap(8, &details(item));
}

/// Who tells it, and of when it is.
fn source(told: &Told<'_>) -> String {
    let item = told.item;
    let when = [&item.effective_start, &item.recorded_at].into_iter().find(|date| !date.is_empty());
    let day: String = when.map(|date| date.chars().take(10).collect()).unwrap_or_default();
    if day.is_empty() { told.organisation.to_string() } else { format!("{} {day}", told.organisation) }
}

/// Prints a text in whole words, indented, over as many lines as it takes: nothing is cut off.
fn wrap(indent: usize, text: &str) {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && indent + line.chars().count() + 1 + word.chars().count() > WIDTH {
            println!("{:indent$}{line}", "");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        println!("{:indent$}{line}", "");
    }
}

fn aside(count: usize) {
    if count > 0 {
        println!("    set aside: {count} (entered in error, or older versions)");
    }
}

/// The levels of a view, one line each.
pub(crate) fn levels(view: &View) {
    let mut by_level: Vec<(Level, Vec<String>)> = Vec::new();
    for level in Level::ALL.iter().rev() {
        let sections = view.decisions().iter().filter(|(_, decision)| decision.grant.level == *level);
        let names = sections
            .map(|(section, decision)| {
                let filter: Vec<&str> =
                    decision.grant.filter.predicates().map(|predicate| predicate.as_str()).collect();
                let name = section.as_str().replace('_', " ");
                if filter.is_empty() { name } else { format!("{name} ({})", filter.join(", ").replace('_', " ")) }
            })
            .collect::<Vec<_>>();
        by_level.push((*level, names));
    }
    for (level, names) in by_level.iter().filter(|(_, names)| !names.is_empty()) {
        println!("  {}:", level.as_str());
        wrap(4, &names.join(", "));
    }
}

/// How many organisations came to that outcome.
pub(crate) fn count(view: &View, outcome: Outcome) -> usize {
    view.organisations().values().filter(|came| came.outcome() == outcome).count()
}
