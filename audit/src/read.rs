//! Reading a log back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use weald_proto::replay::Served;
use weald_proto::{Digest, Malformed, NhsNumber, SpiffeId, Timestamp, wire};

use crate::chain::{Bad, ChainError, Link, Problem, Walk};
use crate::entry::{Entry, Kind};

/// An entry as it was recorded.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordedEntry {
    /// Its place in the log, from 1.
    pub sequence: u64,
    /// Digest of the entry before it.
    pub previous_digest: Digest,
    /// Its own digest.
    pub digest: Digest,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// What it says.
    pub entry: Entry,
}

impl fmt::Debug for RecordedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordedEntry({} at {}: {:?})", self.sequence, self.recorded_at, self.entry)
    }
}

/// The entries of a log, oldest first, each checked against the chain before it is handed out.
/// Ends after the first error.
pub struct Entries {
    walk: Walk<BufReader<File>>,
    ended: bool,
}

impl fmt::Debug for Entries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entries(after {})", self.walk.sequence())
    }
}

/// Reads the log in `path` from its beginning. It may be in use; then the last entry may be torn
/// for a moment.
///
/// # Errors
///
/// [`ChainError::Unreadable`] if the file cannot be opened.
pub fn entries(path: &Path) -> Result<Entries, ChainError> {
    let file = BufReader::with_capacity(1 << 16, File::open(path)?);
    Ok(Entries { walk: Walk::new(file), ended: false })
}

/// The entries recorded at `since` or later, oldest first: what a node needs to know nonces and
/// assertion ids again after a restart. Call it once the log is open, so that no end is torn.
///
/// # Errors
///
/// [`ChainError`] for anything in the whole log that is not sound: what cannot be read back
/// cannot be told from what was never used.
pub fn recent(path: &Path, since: Timestamp) -> Result<Vec<RecordedEntry>, ChainError> {
    let mut walk = entries(path)?.walk;
    let mut recent = Vec::new();
    loop {
        let previous_digest = walk.head();
        let Some(link) = walk.step()? else { return Ok(recent) };
        if recorded_at(&link)? >= since {
            recent.push(read(link, previous_digest)?);
        }
    }
}

/// What [`Replay::recover`](weald_proto::Replay::recover) asks for: every query that a node answered
/// and every view for which a broker asked, recorded at `since` or later. A release counts nothing,
/// because one view may have many, each after its intent.
///
/// # Errors
///
/// As [`recent`].
pub fn served(path: &Path, since: Timestamp) -> Result<Vec<Served>, ChainError> {
    let served = recent(path, since)?.into_iter().filter(|entry| match entry.entry.kind {
        Kind::Answer | Kind::Intent => true,
        Kind::Release | Kind::Refusal | Kind::Viewed | Kind::Enrolment => false,
    });
    Ok(served
        .map(|RecordedEntry { entry, recorded_at, .. }| Served {
            nonce: entry.nonce,
            assertion: entry.requester.map(|requester| requester.organisation().clone()).zip(entry.jti),
            recorded_at,
        })
        .collect())
}

/// Up to and with which number of each broker's log a node has written down what was shown again from
/// memory, by the broker and the digest of that log's first entry: what a node needs to know after a restart.
///
/// # Errors
///
/// As [`recent`].
pub fn viewed(path: &Path) -> Result<BTreeMap<(SpiffeId, Digest), u64>, ChainError> {
    let mut walk = entries(path)?.walk;
    let mut recorded = BTreeMap::new();
    while let Some(link) = walk.step()? {
        let Some(viewed) = &link.message.viewed else { continue };
        let whose = SpiffeId::parse(&link.message.peer)
            .and_then(|broker| Ok((broker, Digest::parse("log", &viewed.log)?)))
            .map_err(|malformed| unreadable(&link, malformed))?;
        let highest = recorded.entry(whose).or_insert(0);
        *highest = viewed.sequence.max(*highest);
    }
    Ok(recorded)
}

/// Whom the answers to these queries were about, by a node's log, which may be in use and is read once. Queries
/// that the log does not know are not in the result.
///
/// # Errors
///
/// As [`recent`], for what is read until all are found.
pub fn answered(path: &Path, mut queries: BTreeSet<Digest>) -> Result<BTreeMap<Digest, NhsNumber>, ChainError> {
    let (mut walk, mut people) = (entries(path)?.walk, BTreeMap::new());
    while !queries.is_empty() {
        let Some(link) = walk.next_whole()? else { break };
        if link.message.kind() != wire::AuditKind::Answer {
            continue;
        }
        let Some(query) = queries.iter().find(|query| link.message.query_digest == query.as_bytes()).copied() else {
            continue;
        };
        let patient = NhsNumber::parse(&link.message.patient).map_err(|malformed| unreadable(&link, malformed))?;
        queries.remove(&query);
        people.insert(query, patient);
    }
    Ok(people)
}

impl Entries {
    /// The same, of a log that is in use: a record that is being written is its end.
    pub fn so_far(self) -> impl Iterator<Item = Result<RecordedEntry, ChainError>> {
        self.take_while(|entry| !matches!(entry, Err(ChainError::Bad(Bad { problem: Problem::Torn, .. }))))
    }
}

impl Iterator for Entries {
    type Item = Result<RecordedEntry, ChainError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let previous_digest = self.walk.head();
        let entry =
            self.walk.step().and_then(|link| link.map(|link| read(link, previous_digest)).transpose()).transpose();
        self.ended = !matches!(entry, Some(Ok(_)));
        entry
    }
}

fn read(link: Link, previous_digest: Digest) -> Result<RecordedEntry, ChainError> {
    let recorded_at = recorded_at(&link)?;
    let entry = Entry::from_message(&link.message).map_err(|malformed| unreadable(&link, malformed))?;
    Ok(RecordedEntry { sequence: link.sequence, previous_digest, digest: link.digest, recorded_at, entry })
}

fn recorded_at(link: &Link) -> Result<Timestamp, ChainError> {
    Timestamp::from_wire("recorded_at", link.message.recorded_at).map_err(|malformed| unreadable(link, malformed))
}

fn unreadable(link: &Link, malformed: Malformed) -> ChainError {
    Bad { sequence: link.sequence, offset: link.offset, problem: Problem::Unreadable(malformed) }.into()
}
