//! What a level keeps of an item.
//!
//! Levels are nested lists of fields: full > summary > alert > contact. Each list names what is kept,
//! so that a field which is added to the contract later stays behind until somebody lists it here.
//!
//! - contact: whom to ask; in related people and care teams that is what they consist of.
//! - alert: that there is something, its status, and whom to ask.
//! - summary: the words it is known by, dates, status, and the short facts without which the name
//!   misleads; no notes, no narrative, no reasons in free text, nothing that leads to a document.
//! - full: everything that the source sends.
//!
//! Two marks stay at every level, because an item without them would mislead: that it was entered in
//! error, and that its subject was not resolved.

mod detail;

use weald_proto::{Level, wire};

/// Keeps of an item what the level lists.
pub(crate) fn keep(level: Level, item: wire::Item) -> wire::Item {
    match level {
        Level::Full => item,
        Level::Summary => summary(item),
        Level::Alert => wire::Item { status: item.status.clone(), ..contact(item) },
        Level::Contact => contact(item),
        Level::None => wire::Item::default(),
    }
}

fn contact(item: wire::Item) -> wire::Item {
    wire::Item {
        contact: item.contact,
        subject_unresolved: item.subject_unresolved,
        entered_in_error: item.entered_in_error,
        detail: item.detail.and_then(detail::contact),
        ..wire::Item::default()
    }
}

fn summary(item: wire::Item) -> wire::Item {
    wire::Item {
        source_system: item.source_system,
        source_record_id: item.source_record_id,
        source_version: item.source_version,
        source_updated: item.source_updated,
        codes: item.codes,
        text: item.text,
        status: item.status,
        effective_start: item.effective_start,
        effective_end: item.effective_end,
        recorded_at: item.recorded_at,
        recorder: item.recorder.map(organisation_of),
        labels: item.labels,
        contact: item.contact,
        identifiers: item.identifiers,
        subject_unresolved: item.subject_unresolved,
        entered_in_error: item.entered_in_error,
        detail: item.detail.map(detail::summary),
        ..wire::Item::default()
    }
}

/// Of an author, the organisation and nothing of the person.
fn organisation_of(author: wire::Author) -> wire::Author {
    wire::Author { organisation: author.organisation, ..wire::Author::default() }
}
