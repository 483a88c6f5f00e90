//! Records in the file. The crate's documentation gives the layout.

use weald_proto::Digest;

/// The largest encoded entry: 1 MiB.
pub const ENTRY_BYTES: usize = 1024 * 1024;

/// Bytes before the entry: its length, twice.
pub(crate) const HEADER: usize = 8;
/// Bytes after the entry: its digest.
pub(crate) const TRAILER: usize = 32;

/// Tells an entry's digest from every other.
const CONTEXT: &str = "weald/v1/audit";

/// An entry's digest: what the next entry holds.
pub(crate) fn digest(entry: &[u8]) -> Digest {
    Digest::in_context(CONTEXT, entry)
}

/// Appends a record to `records` and returns the entry's digest. The entry is at most [`ENTRY_BYTES`].
pub(crate) fn push(records: &mut Vec<u8>, entry: &[u8]) -> Digest {
    let digest = digest(entry);
    let length = u32::try_from(entry.len()).unwrap_or(u32::MAX);
    records.extend_from_slice(&length.to_le_bytes());
    records.extend_from_slice(&(!length).to_le_bytes());
    records.extend_from_slice(entry);
    records.extend_from_slice(digest.as_bytes());
    digest
}

/// The length that a header gives; none if its halves disagree or it is more than an entry may have.
pub(crate) fn length(header: [u8; HEADER]) -> Option<usize> {
    let [a, b, c, d, e, f, g, h] = header;
    let length = u32::from_le_bytes([a, b, c, d]);
    let inverted = u32::from_le_bytes([e, f, g, h]);
    let length = (length == !inverted).then_some(length)?;
    usize::try_from(length).ok().filter(|length| *length <= ENTRY_BYTES)
}
