//! Walking a chain from its beginning, and what can be wrong with it.

use std::fmt;
use std::io::{self, Read};

use prost::Message as _;
use weald_proto::{Digest, Malformed, wire};

use crate::frame::{self, HEADER, TRAILER};

/// The first bad entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    /// The sequence that the entry at this place should have; everything before it is sound.
    pub sequence: u64,
    /// Where its record begins, in bytes from the beginning of the file.
    pub offset: u64,
    /// What is wrong with it.
    pub problem: Problem,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "entry {} at byte {}: {}", self.sequence, self.offset, self.problem)
    }
}

impl std::error::Error for Bad {}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The record was not written to its end.
    #[error("the record was not written to its end")]
    Torn,
    /// The two halves of the record's header disagree.
    #[error("the record's length was altered")]
    Length,
    /// The bytes do not have the digest beside them.
    #[error("the entry or its digest was altered")]
    Altered,
    /// Another entry is here: at least one was removed, or the order was changed.
    #[error("missing or out of order: entry {found} is in its place")]
    Missing {
        /// The sequence of the entry that is here.
        found: u64,
    },
    /// An earlier entry is here again, or the order was changed.
    #[error("doubled or out of order: entry {found} is in its place")]
    Repeated {
        /// The sequence of the entry that is here.
        found: u64,
    },
    /// It does not follow the entry before it: one of the two was replaced.
    #[error("it holds another digest than that of the entry before it")]
    WrongPrevious,
    /// The bytes are as they were written and do not read as an entry.
    #[error("it does not read as an entry: {0}")]
    Unreadable(Malformed),
    /// The log ends before an entry that is known to have been recorded.
    #[error("the log ends here, but entry {known} was recorded")]
    CutOff {
        /// The sequence that was recorded.
        known: u64,
    },
    /// The entry is sound in itself, but another one was recorded under this sequence.
    #[error("another entry than the one that was recorded")]
    Replaced,
}

/// Why a log could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The file could not be read.
    #[error("the audit log cannot be read; check that the file exists and who may read it")]
    Unreadable(#[from] io::Error),
    /// An entry is bad. Nothing from here on can be relied upon.
    #[error("the audit log is damaged: {0}; keep the file as evidence")]
    Bad(Bad),
}

impl From<Bad> for ChainError {
    fn from(bad: Bad) -> Self {
        ChainError::Bad(bad)
    }
}

/// One sound entry, in its place.
pub(crate) struct Link {
    pub(crate) sequence: u64,
    pub(crate) offset: u64,
    pub(crate) digest: Digest,
    pub(crate) message: wire::AuditEntry,
}

/// A walk along a chain, which stops at the first bad entry.
pub(crate) struct Walk<R> {
    source: R,
    /// Bytes read so far.
    position: u64,
    /// Sequence of the last sound entry; 0 before the first.
    sequence: u64,
    /// Digest of the last sound entry.
    head: Digest,
    record: Vec<u8>,
}

impl<R: Read> Walk<R> {
    pub(crate) fn new(source: R) -> Self {
        Walk { source, position: 0, sequence: 0, head: Digest::ZERO, record: Vec::new() }
    }

    /// The number of sound entries so far, which is the sequence of the last.
    pub(crate) fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The digest of the last sound entry.
    pub(crate) fn head(&self) -> Digest {
        self.head
    }

    /// Bytes read so far; of a torn record, all there is.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The next entry; none at the end.
    pub(crate) fn step(&mut self) -> Result<Option<Link>, ChainError> {
        let offset = self.position;
        let bad = |sequence, problem| Bad { sequence, offset, problem };
        let expected = self.sequence + 1;
        let Some(digest) = self.read_record().map_err(|fault| fault.at(expected, offset))? else { return Ok(None) };
        let (entry, _) = self.record.split_at(self.record.len().saturating_sub(TRAILER));
        let message = wire::AuditEntry::decode(entry)
            .map_err(|_| bad(expected, Problem::Unreadable(Malformed::new("entry", "an encoded AuditEntry"))))?;
        if message.sequence > expected {
            return Err(bad(expected, Problem::Missing { found: message.sequence }).into());
        }
        if message.sequence < expected {
            return Err(bad(expected, Problem::Repeated { found: message.sequence }).into());
        }
        if message.previous_digest != self.head.as_bytes() {
            return Err(bad(expected, Problem::WrongPrevious).into());
        }
        self.sequence = expected;
        self.head = digest;
        Ok(Some(Link { sequence: expected, offset, digest, message }))
    }

    /// The next entry of a log that is in use: a record that is being written is its end.
    pub(crate) fn next_whole(&mut self) -> Result<Option<Link>, ChainError> {
        match self.step() {
            Err(ChainError::Bad(Bad { problem: Problem::Torn, .. })) => Ok(None),
            other => other,
        }
    }

    /// Reads a record and checks it against its digest; none at the end of the file.
    fn read_record(&mut self) -> Result<Option<Digest>, Fault> {
        let mut header = [0; HEADER];
        match self.fill(&mut header)? {
            0 => return Ok(None),
            HEADER => {}
            _ => return Err(Problem::Torn.into()),
        }
        let Some(length) = frame::length(header) else {
            let [_, _, _, _, inverted @ ..] = header;
            return Err(self.torn_or(inverted == [0; 4], Problem::Length)?.into());
        };
        let mut record = std::mem::take(&mut self.record);
        record.clear();
        record.resize(length + TRAILER, 0);
        let filled = self.fill(&mut record)?;
        let whole = filled == record.len();
        self.record = record;
        if !whole {
            return Err(Problem::Torn.into());
        }
        let (entry, trailer) = self.record.split_at(length);
        let digest = frame::digest(entry);
        if trailer != digest.as_bytes() {
            let unwritten = trailer.ends_with(&[0; 8]);
            return Err(self.torn_or(unwritten, Problem::Altered)?.into());
        }
        Ok(Some(digest))
    }

    /// Torn if the record ends in bytes that were never written, and so does the file behind it.
    fn torn_or(&mut self, unwritten: bool, damage: Problem) -> io::Result<Problem> {
        Ok(if unwritten && self.rest_is_zero()? { Problem::Torn } else { damage })
    }

    fn rest_is_zero(&mut self) -> io::Result<bool> {
        let mut block = [0; 4096];
        loop {
            let filled = self.fill(&mut block)?;
            if block.iter().take(filled).any(|byte| *byte != 0) {
                return Ok(false);
            }
            if filled < block.len() {
                return Ok(true);
            }
        }
    }

    /// Reads until the buffer is full or the file ends.
    fn fill(&mut self, mut buffer: &mut [u8]) -> io::Result<usize> {
        let wanted = buffer.len();
        while !buffer.is_empty() {
            match self.source.read(buffer) {
                Ok(0) => break,
                Ok(count) => buffer = buffer.get_mut(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        let filled = wanted - buffer.len();
        self.position += u64::try_from(filled).unwrap_or(u64::MAX);
        Ok(filled)
    }
}

/// What went wrong with a record, before it is said which.
enum Fault {
    Io(io::Error),
    Problem(Problem),
}

impl Fault {
    fn at(self, sequence: u64, offset: u64) -> ChainError {
        match self {
            Fault::Io(error) => ChainError::Unreadable(error),
            Fault::Problem(problem) => ChainError::Bad(Bad { sequence, offset, problem }),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Fault::Io(error)
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Fault::Problem(problem)
    }
}
