//! The signed part of an answer.

use std::collections::BTreeMap;

use prost::Message as _;

use crate::grant::parse_filter;
use crate::key::KeyUse;
use crate::{
    Digest, Filter, Level, Malformed, OdsCode, Outcome, Predicate, Section, SectionState, Signable, Timestamp,
    UnavailableCause, WithheldReason, bounded, limit, wire,
};

/// What an organisation says of one query. The audience of its signature is the query's digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The organisation.
    pub organisation: OdsCode,
    /// Digest of the query that it answers.
    pub query_digest: Digest,
    /// One of the outcomes that are an organisation's word.
    pub outcome: Outcome,
    /// Stable reason code of an outcome that is no answer; else empty.
    pub reason_code: String,
    /// The reason in plain words; else empty.
    pub reason_text: String,
    /// What it says of each section of the query, if it answered; else empty.
    pub sections: BTreeMap<Section, SectionStatement>,
    /// Digest of the identity block, if there is one.
    pub identity_digest: Option<Digest>,
    /// How fresh the source's data are.
    pub source_as_of: Timestamp,
    /// When the source was read.
    pub retrieved_at: Timestamp,
    /// For how many seconds the answer may be kept; 0 for not at all.
    pub cache_seconds: u32,
    /// Version of the policies that decided.
    pub policy_version: String,
    /// Digest of the organisation's audit entry.
    pub audit_digest: Digest,
    /// Version of the organisation's register.
    pub register_version: u64,
    /// Records that belong to no section, by kind.
    pub unmapped: BTreeMap<String, u32>,
}

/// What an organisation says of one section.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionStatement {
    /// Its state.
    pub state: SectionState,
    /// Number of items in its part.
    pub item_count: u32,
    /// Digest of its part, if there is one.
    pub part_digest: Option<Digest>,
    /// Items left out because the answer would have been too large.
    pub cut_items: u32,
    /// Why it is withheld: exactly when the state says so.
    pub withheld_reason: Option<WithheldReason>,
    /// Why it is unavailable: exactly when the state says so.
    pub unavailable_cause: Option<UnavailableCause>,
    /// The level that was applied.
    pub level: Level,
    /// The filter that was applied.
    pub filter: Filter,
    /// The policy's reason, if it left less than full.
    pub reason_text: String,
}

impl SectionStatement {
    fn to_wire(&self, section: Section) -> wire::SectionStatement {
        wire::SectionStatement {
            section: section.to_wire(),
            state: self.state.to_wire(),
            item_count: self.item_count,
            part_digest: self.part_digest.map(|digest| digest.to_vec()).unwrap_or_default(),
            cut_items: self.cut_items,
            withheld_reason: self.withheld_reason.map_or(0, WithheldReason::to_wire),
            unavailable_cause: self.unavailable_cause.map_or(0, UnavailableCause::to_wire),
            level: self.level.to_wire(),
            predicates: self.filter.predicates().map(Predicate::to_wire).collect(),
            reason_text: self.reason_text.clone(),
        }
    }

    fn from_wire(wire: &wire::SectionStatement) -> Result<(Section, Self), Malformed> {
        let state = SectionState::from_wire(wire.state)?;
        let has_part = !wire.part_digest.is_empty();
        if has_part != (wire.item_count > 0) {
            return Err(Malformed::new("part_digest", "present exactly when there are items"));
        }
        if state == SectionState::Present && wire.item_count == 0 && wire.cut_items == 0 {
            return Err(Malformed::new("item_count", "more than zero when the state is present"));
        }
        let may_have_items = matches!(
            state,
            SectionState::Present
                | SectionState::AssertedNone
                | SectionState::Withheld
                | SectionState::InTransit
                | SectionState::Stale
                | SectionState::Unavailable
        );
        if wire.item_count > 0 && !may_have_items {
            return Err(Malformed::new("item_count", "zero in a state that says there are none"));
        }
        if usize::try_from(wire.item_count).map_or(true, |count| count > limit::ITEMS) {
            return Err(Malformed::new("item_count", "at most 20000"));
        }
        let section = SectionStatement {
            state,
            item_count: wire.item_count,
            part_digest: has_part.then(|| Digest::parse("part_digest", &wire.part_digest)).transpose()?,
            cut_items: wire.cut_items,
            withheld_reason: when(state == SectionState::Withheld, || WithheldReason::from_wire(wire.withheld_reason))?,
            unavailable_cause: when(state == SectionState::Unavailable, || {
                UnavailableCause::from_wire(wire.unavailable_cause)
            })?,
            level: Level::from_wire(wire.level)?,
            filter: parse_filter(&wire.predicates)?,
            reason_text: short("reason_text", &wire.reason_text)?,
        };
        Ok((Section::from_wire(wire.section)?, section))
    }
}

fn when<T>(needed: bool, parse: impl FnOnce() -> Result<T, Malformed>) -> Result<Option<T>, Malformed> {
    if needed { parse().map(Some) } else { Ok(None) }
}

fn short(field: &'static str, text: &str) -> Result<String, Malformed> {
    bounded::text(field, text, limit::REASON_CHARS, "at most 512 characters")
}

fn unmapped(records: &[wire::UnmappedRecords]) -> Result<BTreeMap<String, u32>, Malformed> {
    bounded::list("unmapped", records, limit::UNMAPPED_KINDS, "at most 256 kinds")?;
    let kind = |kind: &str| bounded::text("kind", kind, limit::TEXT_CHARS, "at most 256 characters");
    records.iter().map(|records| Ok((kind(&records.kind)?, records.count))).collect()
}

impl Signable for Statement {
    const CONTEXT: &'static str = "application/vnd.weald.statement.v1+protobuf";
    const USE: KeyUse = KeyUse::Statement;

    fn encode(&self) -> Vec<u8> {
        let message = wire::Statement {
            organisation: self.organisation.to_string(),
            query_digest: self.query_digest.to_vec(),
            outcome: self.outcome.to_wire(),
            reason_code: self.reason_code.clone(),
            reason_text: self.reason_text.clone(),
            sections: self.sections.iter().map(|(section, statement)| statement.to_wire(*section)).collect(),
            identity_digest: self.identity_digest.map(|digest| digest.to_vec()).unwrap_or_default(),
            source_as_of: Some(self.source_as_of.to_wire()),
            retrieved_at: Some(self.retrieved_at.to_wire()),
            cache_seconds: self.cache_seconds,
            policy_version: self.policy_version.clone(),
            audit_digest: self.audit_digest.to_vec(),
            register_version: self.register_version,
            unmapped: self
                .unmapped
                .iter()
                .map(|(kind, count)| wire::UnmappedRecords { kind: kind.clone(), count: *count })
                .collect(),
        };
        message.encode_to_vec()
    }

    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let message =
            wire::Statement::decode(bytes).map_err(|_| Malformed::new("statement", "an encoded Statement"))?;
        let outcome = Outcome::from_wire(message.outcome)?;
        if !outcome.is_organisations_word() {
            return Err(Malformed::new("outcome", "an outcome that an organisation may state"));
        }
        let mut sections = BTreeMap::new();
        for section in &message.sections {
            let (section, statement) = SectionStatement::from_wire(section)?;
            if sections.insert(section, statement).is_some() {
                return Err(Malformed::new("sections", "each section once"));
            }
        }
        let items: u64 = sections.values().map(|section: &SectionStatement| u64::from(section.item_count)).sum();
        if usize::try_from(items).map_or(true, |items| items > limit::ITEMS) {
            return Err(Malformed::new("item_count", "at most 20000 over all sections"));
        }
        if (outcome == Outcome::Answered) == sections.is_empty() {
            return Err(Malformed::new("sections", "present exactly when the outcome is an answer"));
        }
        Ok(Statement {
            organisation: OdsCode::parse(&message.organisation)?,
            query_digest: Digest::parse("query_digest", &message.query_digest)?,
            outcome,
            reason_code: short("reason_code", &message.reason_code)?,
            reason_text: short("reason_text", &message.reason_text)?,
            sections,
            identity_digest: (!message.identity_digest.is_empty())
                .then(|| Digest::parse("identity_digest", &message.identity_digest))
                .transpose()?,
            source_as_of: Timestamp::from_wire("source_as_of", message.source_as_of)?,
            retrieved_at: Timestamp::from_wire("retrieved_at", message.retrieved_at)?,
            cache_seconds: message.cache_seconds,
            policy_version: short("policy_version", &message.policy_version)?,
            audit_digest: Digest::parse("audit_digest", &message.audit_digest)?,
            register_version: message.register_version,
            unmapped: unmapped(&message.unmapped)?,
        })
    }
}
