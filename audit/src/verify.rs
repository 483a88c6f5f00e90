//! Is a log as it was written?

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use weald_proto::{Digest, Timestamp};

use crate::chain::{Bad, ChainError, Problem, Walk};

/// A log that is sound from its first entry to its last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verification {
    /// How many entries: the sequence of the last.
    pub entries: u64,
    /// Digest of the last entry; zero if there is none.
    pub head: Digest,
    /// When the first was recorded.
    pub first: Option<Timestamp>,
    /// When the last was recorded.
    pub last: Option<Timestamp>,
}

/// Checks every entry of the log in `path`: its digest, its sequence, and the digest that it holds
/// of the entry before.
///
/// A chain alone does not show that entries were cut off its end, or that it was replaced whole by
/// another: [`verify_against`] does.
///
/// # Errors
///
/// [`ChainError::Bad`] naming the first bad entry. In a log that is being written, the last may be
/// torn for a moment.
pub fn verify(path: &Path) -> Result<Verification, ChainError> {
    verify_reader(open(path)?)
}

/// Checks a log from any reader, like [`verify`].
///
/// # Errors
///
/// [`ChainError::Bad`] naming the first bad entry.
pub fn verify_reader(reader: impl Read) -> Result<Verification, ChainError> {
    check(Walk::new(reader), None)
}

/// Checks the log in `path` like [`verify`], and that the entry known to have been recorded as
/// number `sequence`, with `digest`, is in it. Both come from where the log's keeper cannot change
/// them: a signed statement, another party's log, a receipt.
///
/// # Errors
///
/// [`ChainError::Bad`] naming the first bad entry; [`Problem::CutOff`] if the log ends before the
/// known entry, [`Problem::Replaced`] if another is in its place.
pub fn verify_against(path: &Path, sequence: u64, digest: Digest) -> Result<Verification, ChainError> {
    check(Walk::new(open(path)?), Some((sequence, digest)))
}

fn open(path: &Path) -> Result<BufReader<File>, ChainError> {
    Ok(BufReader::with_capacity(1 << 16, File::open(path)?))
}

fn check(mut walk: Walk<impl Read>, known: Option<(u64, Digest)>) -> Result<Verification, ChainError> {
    let (mut first, mut last) = (None, None);
    while let Some(link) = walk.step()? {
        let replaced = known.is_some_and(|(sequence, digest)| sequence == link.sequence && digest != link.digest);
        if replaced {
            return Err(Bad { sequence: link.sequence, offset: link.offset, problem: Problem::Replaced }.into());
        }
        last = Timestamp::from_wire("recorded_at", link.message.recorded_at).ok();
        first = first.or(last);
    }
    match known {
        Some((known, _)) if known > walk.sequence() => {
            Err(Bad { sequence: walk.sequence() + 1, offset: walk.position(), problem: Problem::CutOff { known } }
                .into())
        }
        _ => Ok(Verification { entries: walk.sequence(), head: walk.head(), first, last }),
    }
}
