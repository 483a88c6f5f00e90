//! An answer, and the check that binds it to its query. Broker and client run the same one.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use prost::Message as _;
use prost::bytes::Bytes;
use prost::encoding::{DecodeContext, decode_key, skip_field};

use crate::elements::elements_in;
use crate::{
    Digest, Identity, IdentityMismatch, KeyOwner, Keyring, Malformed, OdsCode, Outcome, Patient, Query, Section,
    SectionState, Signed, Statement, Verified, VerifyError, bounded, limit, wire,
};

/// One section's part, still encoded.
#[derive(Clone)]
pub struct OpaquePart {
    /// The section.
    pub section: Section,
    /// An encoded part: its digest is over these bytes. Clones share them; a slice of a message that arrived keeps
    /// all of it in memory.
    pub content: Bytes,
}

/// An answer as it came. Passed on verbatim.
#[derive(Clone)]
pub struct Answer {
    /// The signed statement.
    pub statement: Signed<Statement>,
    /// The encoded identity block; empty if there is none.
    pub identity: Vec<u8>,
    /// The parts.
    pub parts: Vec<OpaquePart>,
}

impl Answer {
    /// Takes a message as it came.
    ///
    /// # Errors
    ///
    /// [`Malformed`] when there is no statement, a part of an unknown section, or more than there may be.
    pub fn from_wire(message: wire::Answer) -> Result<Self, Malformed> {
        let statement = message.statement.ok_or(Malformed::new("statement", "a signed statement"))?;
        bounded::list("identity", &message.identity, limit::IDENTITY_BYTES, "at most 64 KiB")?;
        bounded::list("parts", &message.parts, limit::SECTIONS, "at most 21")?;
        let parts = message
            .parts
            .into_iter()
            .map(|part| Ok(OpaquePart { section: Section::from_wire(part.section)?, content: part.content }))
            .collect::<Result<_, Malformed>>()?;
        Ok(Answer { statement: Signed::from_wire(statement), identity: message.identity, parts })
    }

    /// The message, to be passed on.
    pub fn to_wire(&self) -> wire::Answer {
        wire::Answer {
            statement: Some(self.statement.as_wire().clone()),
            identity: self.identity.clone(),
            parts: self
                .parts
                .iter()
                .map(|part| wire::OpaquePart { section: part.section.to_wire(), content: part.content.clone() })
                .collect(),
        }
    }

    /// Checks everything that binds this answer to a query to `organisation` about `patient`:
    /// signature and signer, query digest, the sections, each part's digest and count, and the
    /// identity gate. Decodes the bytes that it checked.
    ///
    /// # Errors
    ///
    /// [`AnswerError`] naming the first thing that does not hold.
    pub fn verify(
        &self,
        organisation: &OdsCode,
        query: &Signed<Query>,
        asked: &BTreeSet<Section>,
        patient: &Patient,
        keys: &dyn Keyring,
    ) -> Result<VerifiedAnswer, AnswerError> {
        let digest = query.digest();
        let statement = self.statement.verify(&digest.to_string(), keys)?;
        if *statement.signer() != KeyOwner::Organisation(organisation.clone())
            || statement.organisation != *organisation
        {
            return Err(AnswerError::WrongSigner);
        }
        if statement.query_digest != digest {
            return Err(AnswerError::OtherQuery);
        }
        if statement.outcome == Outcome::Answered && !statement.sections.keys().eq(asked.iter()) {
            return Err(AnswerError::WrongSections);
        }
        self.check_identity(&statement, patient)?;
        let parts = self.check_parts(&statement)?;
        Ok(VerifiedAnswer { statement, parts })
    }

    fn check_identity(&self, statement: &Statement, patient: &Patient) -> Result<(), AnswerError> {
        let expected = statement.identity_digest;
        if expected.is_some() == self.identity.is_empty() {
            return Err(AnswerError::NoIdentity);
        }
        let is_out_of_place = expected.is_some() && statement.outcome != Outcome::Answered;
        if is_out_of_place || (expected.is_none() && needs_identity(statement)) {
            return Err(AnswerError::NoIdentity);
        }
        match expected {
            None => Ok(()),
            Some(expected) if expected != Digest::of(&self.identity) => Err(AnswerError::IdentityAltered),
            Some(_) => Identity::decode(&self.identity)?.admits(patient).map_err(AnswerError::OtherPerson),
        }
    }

    fn check_parts(&self, statement: &Statement) -> Result<BTreeMap<Section, Vec<wire::Item>>, AnswerError> {
        let mut parts = BTreeMap::new();
        let mut elements: usize = 0;
        for part in &self.parts {
            let section = part.section;
            let stated = statement.sections.get(&section).ok_or(AnswerError::PartUnstated(section))?;
            let digest = Some(Digest::of(&part.content));
            if stated.part_digest != digest {
                let is_swapped = statement.sections.values().any(|other| other.part_digest == digest);
                return Err(if is_swapped {
                    AnswerError::PartSwapped(section)
                } else {
                    AnswerError::PartAltered(section)
                });
            }
            // Counted first: an item of two bytes is some hundred times as large once it is decoded.
            if u32::try_from(item_count(&part.content)?) != Ok(stated.item_count) {
                return Err(AnswerError::WrongCount(section));
            }
            elements = elements.saturating_add(elements_in(&part.content)?);
            if elements > limit::ELEMENTS {
                return Err(AnswerError::TooManyElements(section));
            }
            let items = wire::Part::decode(&*part.content).map_err(|_| NO_PART)?.items;
            if parts.insert(section, items).is_some() {
                return Err(AnswerError::PartUnstated(section));
            }
        }
        match statement
            .sections
            .iter()
            .find(|(section, stated)| stated.part_digest.is_some() && !parts.contains_key(section))
        {
            Some((section, _)) => Err(AnswerError::PartMissing(*section)),
            None => Ok(parts),
        }
    }
}

const NO_PART: Malformed = Malformed::new("parts", "an encoded Part");

/// The number of items in an encoded part.
fn item_count(mut part: &[u8]) -> Result<usize, Malformed> {
    const ITEMS: u32 = 2;
    let mut count = 0;
    while !part.is_empty() {
        let (tag, wire_type) = decode_key(&mut part).map_err(|_| NO_PART)?;
        skip_field(wire_type, tag, &mut part, DecodeContext::default()).map_err(|_| NO_PART)?;
        count += usize::from(tag == ITEMS);
    }
    Ok(count)
}

/// An answer says who it is about, unless its source could not be read at all. (A source that knows the
/// person and can read none of the sections says so too, and is held to it.)
fn needs_identity(statement: &Statement) -> bool {
    statement.outcome == Outcome::Answered
        && !statement
            .sections
            .values()
            .all(|section| section.state == SectionState::Unavailable && section.item_count == 0)
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Answer({:?}, {} parts)", self.statement, self.parts.len())
    }
}

/// An answer that was checked against its query. Nothing but the check makes one.
#[derive(Clone)]
pub struct VerifiedAnswer {
    statement: Verified<Statement>,
    parts: BTreeMap<Section, Vec<wire::Item>>,
}

impl VerifiedAnswer {
    /// What the organisation stated.
    pub fn statement(&self) -> &Verified<Statement> {
        &self.statement
    }

    /// What the organisation stated, alone.
    pub fn into_statement(self) -> Verified<Statement> {
        self.statement
    }

    /// The items of one section, in the source's order; none if it has no part.
    pub fn items(&self, section: Section) -> &[wire::Item] {
        self.parts.get(&section).map(Vec::as_slice).unwrap_or_default()
    }

    /// The sections that have items.
    pub fn sections(&self) -> impl Iterator<Item = (Section, &[wire::Item])> {
        self.parts.iter().map(|(section, items)| (*section, items.as_slice()))
    }
}

impl fmt::Debug for VerifiedAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifiedAnswer({:?})", self.statement)
    }
}

/// Why an answer does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The statement's signature or shape.
    #[error("the statement does not hold: {0}")]
    Statement(#[from] VerifyError),
    /// A part or the identity block does not decode.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Signed by somebody other than the organisation that was asked.
    #[error("another organisation signed it")]
    WrongSigner,
    /// It answers another query.
    #[error("it answers another query")]
    OtherQuery,
    /// It does not state exactly the sections that were asked for.
    #[error("it states other sections than were asked for")]
    WrongSections,
    /// An answer that does not say who it is about, or a refusal that does.
    #[error("the identity block is missing or out of place")]
    NoIdentity,
    /// The identity block is not the one that was signed.
    #[error("the identity block was altered")]
    IdentityAltered,
    /// It is about somebody else.
    #[error("it is about somebody else: {0}")]
    OtherPerson(IdentityMismatch),
    /// A part that the statement does not name, or one twice.
    #[error("the part of section {0} is not stated, or comes twice")]
    PartUnstated(Section),
    /// A part that is not the one that was signed.
    #[error("the part of section {0} was altered")]
    PartAltered(Section),
    /// A part that was signed, as another section's.
    #[error("the part of section {0} is another section's")]
    PartSwapped(Section),
    /// A part that the statement names is not there.
    #[error("the part of section {0} is missing")]
    PartMissing(Section),
    /// A part with another number of items than was signed.
    #[error("the part of section {0} has another number of items than stated")]
    WrongCount(Section),
    /// A part that would take up too much memory once it is decoded, with those before it.
    #[error("the parts up to that of section {0} have more than {most} elements", most = limit::ELEMENTS)]
    TooManyElements(Section),
}
