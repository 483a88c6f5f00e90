//! One view in the terminal, laid out so that a clinician could read it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use weald_proto::wire::Item;
use weald_proto::{Completeness, Level, Outcome, Predicate, RolledState, Section, Statement, UnavailableCause};
use weald_viewer::{Decision, Entry, SectionView, Told, View};

use crate::details::details;
use crate::terminal::{line, wrap};
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

/// Entries shown of a section that may be cut: never of one that may not (domain rules, ordering).
const SHOWN: usize = 4;

/// The whole view.
pub(crate) fn view(world: &World, view: &View) {
    organisations(world, view);
    for section in ORDER {
        self::section(view, section);
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
        line(&format!(
            "  {:<7} {:<46} {} ({word}, {} ms{aside}){why}",
            organisation.as_str(),
            world.name_of(organisation),
            came.outcome().as_str().replace('_', " "),
            came.elapsed_ms()
        ));
    }
    for (kind, count) in view.unnamed() {
        line(&format!(
            "  {count} of kind {} hold nothing that this requester may see",
            kind.as_str().replace('_', " ")
        ));
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

/// One section of a view; nothing if it was not asked for.
pub(crate) fn section(view: &View, section: Section) {
    let Some(seen) = view.section(section) else { return };
    // Dates of items are compared as FHIR writes them.
    let today: String = view.made_at().to_string().chars().take(10).collect();
    let today = today.as_str();
    let name = section.as_str().replace('_', " ").to_uppercase();
    match &seen {
        SectionView::NotPermitted(decision) => {
            line(&format!("\n  {name}: not for this requester ({})", decision.reason_text))
        }
        SectionView::NobodyHoldsIt => {
            line(&format!("\n  {name}: nobody in this federation holds it, so nothing is known"))
        }
        SectionView::Complete { entries, set_aside, completeness } => {
            line(&format!("\n  {name}: {} {}", amounts_to(completeness), answered(completeness)));
            list(section, entries, today);
            aside(set_aside.len());
        }
        SectionView::Incomplete { entries, set_aside, completeness } => {
            line(&format!("\n  {name}: INCOMPLETE, {} {}", amounts_to(completeness), answered(completeness)));
            list(section, entries, today);
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

fn list(section: Section, entries: &[Entry<'_>], today: &str) {
    let never_cut = matches!(
        section,
        Section::Allergies
            | Section::Alerts
            | Section::AdvanceDirectives
            | Section::SafeguardingAdult
            | Section::SafeguardingChild
            | Section::Medications
    );
    let printed = printed(entries, today);
    let shown = if never_cut { printed.len() } else { SHOWN };
    for one in printed.iter().take(shown) {
        line(&format!("    \u{2022} {}  \u{2014} {}", one.head, one.sources.join(", ")));
        wrap(8, &one.details);
    }
    if printed.len() > shown {
        line(&format!("    and {} more", printed.len() - shown));
    }
}

/// One entry as it is printed.
struct Printed {
    head: String,
    details: String,
    sources: Vec<String>,
}

/// Entries as they are printed. Those that read the same to the letter (an address, say, under each
/// organisation's own number) are printed once, with every source.
fn printed(entries: &[Entry<'_>], today: &str) -> Vec<Printed> {
    let mut printed: Vec<Printed> = Vec::new();
    for entry in entries {
        let Some(first) = entry.told.first() else { continue };
        let (head, details) = texts(first.item, today);
        let sources = entry.told.iter().map(source);
        let same = |one: &&mut Printed| {
            one.head == head && one.details == details && (!first.item.text.is_empty() || first.item.contact.is_none())
        };
        match printed.iter_mut().find(same) {
            Some(one) => one.sources.extend(sources),
            None => printed.push(Printed { head, details, sources: sources.collect() }),
        }
    }
    printed
}

/// What an item is, and what there is to say of it. Of one that was cut down to a contact, the contact is
/// all that there is.
fn texts(item: &Item, today: &str) -> (String, String) {
    let status = if item.status.is_empty() { String::new() } else { format!(" [{}]", item.status) };
    let details = details(item, today);
    if !item.text.is_empty() {
        (format!("{}{status}", item.text), details)
    } else if details.is_empty() {
        (format!("exists{status}"), details)
    } else if item.contact.is_some() {
        (format!("exists{status}: {details}"), String::new())
    } else {
        (format!("{details}{status}"), String::new())
    }
}

/// Who tells it, and of when it is.
fn source(told: &Told<'_>) -> String {
    let item = told.item;
    let when = [&item.effective_start, &item.recorded_at].into_iter().find(|date| !date.is_empty());
    let day: String = when.map(|date| date.chars().take(10).collect()).unwrap_or_default();
    if day.is_empty() { told.organisation.to_string() } else { format!("{} {day}", told.organisation) }
}

fn aside(count: usize) {
    if count > 0 {
        line(&format!("    set aside: {count} (entered in error, or older versions)"));
    }
}

/// The levels of a view, one paragraph each; what holds of every section is said once.
pub(crate) fn levels(view: &View) {
    let filter = |decision: &Decision| decision.grant.filter.predicates().collect::<BTreeSet<Predicate>>();
    let seen = || view.decisions().iter().filter(|(_, decision)| decision.grant.level > Level::None);
    let everywhere: BTreeSet<Predicate> =
        seen().map(|(_, decision)| filter(decision)).reduce(|one, other| &one & &other).unwrap_or_default();
    for level in Level::ALL.iter().rev() {
        let sections = view.decisions().iter().filter(|(_, decision)| decision.grant.level == *level);
        let names: Vec<String> = sections
            .map(|(section, decision)| match words(filter(decision).difference(&everywhere)) {
                only if only.is_empty() => section.as_str().replace('_', " "),
                only => format!("{} ({only})", section.as_str().replace('_', " ")),
            })
            .collect();
        if !names.is_empty() {
            line(&format!("  {level}:"));
            wrap(4, &names.join(", "));
        }
    }
    if !everywhere.is_empty() {
        line(&format!("  everywhere only what is {}", words(&everywhere)));
    }
}

fn words<'a>(predicates: impl IntoIterator<Item = &'a Predicate>) -> String {
    let words: Vec<String> = predicates.into_iter().map(|predicate| predicate.as_str().replace('_', " ")).collect();
    words.join(", ")
}

/// How many organisations came to that outcome.
pub(crate) fn count(view: &View, outcome: Outcome) -> usize {
    view.organisations().values().filter(|came| came.outcome() == outcome).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_section_is_left_out_of_a_view() {
        assert_eq!(ORDER.iter().collect::<BTreeSet<_>>(), Section::ALL.iter().collect());
    }
}
