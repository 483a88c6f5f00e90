//! When two items say the same.

use prost::Message as _;

use crate::{Digest, wire};

/// Digest of what an item says, leaving aside who holds it and under which number.
///
/// Two items with the same content are told by two sources, or twice by one; everything that a
/// clinician reads (codes, words, status, dates, notes, details) is in the digest.
pub(crate) fn content(item: &wire::Item) -> Digest {
    let said = wire::Item {
        source_system: String::new(),
        source_record_id: String::new(),
        source_version: String::new(),
        source_updated: String::new(),
        raw_digest: Vec::new(),
        recorder: None,
        contact: None,
        ..item.clone()
    };
    Digest::in_context("weald/v1/item-content", &said.encode_to_vec())
}

/// True of an item that was cut down so far that nothing tells it from another: no codes, no words,
/// and nothing in its detail.
pub(crate) fn says_nothing(item: &wire::Item) -> bool {
    let detail = wire::Item { detail: item.detail.clone(), ..wire::Item::default() };
    // An empty detail still takes up its tag (two bytes) and its length (one).
    item.codes.is_empty() && item.text.is_empty() && detail.encoded_len() <= 3
}
