//! Fourth step: release the minimum. What is not in a [`Release`] cannot be signed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use prost::Message as _;
use sha2::Sha256;
use weald_policy::{conceals, release as redact};
use weald_proto::wire::item::Detail;
use weald_proto::{
    Digest, Filter, Grant, Identity, Level, Outcome, Random, Section, SectionState, SectionStatement, Statement,
    UnavailableCause, WithheldReason, elements, limit, wire,
};

use crate::decide::{Decided, Declined};
use crate::node::Node;
use crate::read::Read;
use crate::session::Lent;
use crate::store::{Person, SectionReading};
use crate::verify::Asked;

/// Bytes kept free in an answer for the statement, the identity block and the framing.
const RESERVE: usize = 128 * 1024;

/// Makes salts that only this process can make again, so that the same record under the same permit
/// gives the same bytes, and a digest in a log cannot be guessed at.
pub struct SaltKey([u8; 32]);

impl SaltKey {
    /// A new one.
    pub fn generate(random: &dyn Random) -> Self {
        let mut key = [0; 32];
        random.fill(&mut key);
        SaltKey(key)
    }

    fn salt(&self, context: &str, content: &[u8]) -> Vec<u8> {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return Vec::new() };
        mac.update(context.as_bytes());
        mac.update(&[0]);
        mac.update(content);
        mac.finalize().into_bytes().iter().take(16).copied().collect()
    }
}

/// What leaves, and what will be stated of it. Made by [`release`] and [`Release::declined`] only.
pub struct Release {
    statement: Statement,
    identity: Vec<u8>,
    parts: BTreeMap<Section, Vec<u8>>,
    dropped: u32,
}

impl Release {
    /// Nothing leaves: the organisation's decision is stated, and no more.
    pub fn declined(node: &Node, asked: &Asked, declined: Declined) -> Self {
        let mut release = Release::empty(node, asked, declined.outcome);
        release.statement.reason_code = declined.code.to_owned();
        release.statement.reason_text = brief(&declined.text);
        release
    }

    fn empty(node: &Node, asked: &Asked, outcome: Outcome) -> Self {
        let now = node.parts.env.clock.now();
        let statement = Statement {
            organisation: node.organisation().clone(),
            query_digest: asked.query().digest(),
            outcome,
            reason_code: String::new(),
            reason_text: String::new(),
            sections: BTreeMap::new(),
            identity_digest: None,
            source_as_of: now,
            retrieved_at: now,
            cache_seconds: 0,
            policy_version: node.parts.engine.version().to_owned(),
            audit_digest: Digest::ZERO,
            register_version: node.register().version(),
            unmapped: BTreeMap::new(),
        };
        Release { statement, identity: Vec::new(), parts: BTreeMap::new(), dropped: 0 }
    }

    /// The outcome that will be stated.
    pub fn outcome(&self) -> Outcome {
        self.statement.outcome
    }

    /// The stable reason of an outcome that is no answer.
    pub fn reason_code(&self) -> &str {
        &self.statement.reason_code
    }

    /// What will be stated of each section.
    pub fn sections(&self) -> &BTreeMap<Section, SectionStatement> {
        &self.statement.sections
    }

    /// What was applied to each section: what the organisation's own decision left.
    pub fn grants(&self) -> BTreeMap<Section, Grant> {
        let grant = |stated: &SectionStatement| Grant { level: stated.level, filter: stated.filter.clone() };
        self.statement.sections.iter().map(|(section, stated)| (*section, grant(stated))).collect()
    }

    /// Digests of the parts that leave.
    pub fn part_digests(&self) -> Vec<Digest> {
        self.statement.sections.values().filter_map(|section| section.part_digest).collect()
    }

    /// Records of the local system that were dropped because they are about somebody else.
    pub fn dropped(&self) -> u32 {
        self.dropped
    }

    /// The statement over this release, citing its audit entry.
    pub(crate) fn into_statement(mut self, entry: Digest) -> (Statement, Vec<u8>, Vec<wire::OpaquePart>) {
        self.statement.audit_digest = entry;
        let parts = self.parts.into_iter();
        let parts =
            parts.map(|(section, content)| wire::OpaquePart { section: section.to_wire(), content: content.into() });
        (self.statement, self.identity, parts.collect())
    }
}

impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Release({}, {} parts)", self.statement.outcome, self.parts.len())
    }
}

/// Releases what was read, cut down to the permit; it may be kept if it was lent.
pub fn release(node: &Node, asked: &Asked, decided: &Decided, lent: Option<Lent>, read: Read) -> Release {
    let record = match read {
        Ok(record) => record,
        Err(cause) => return unavailable(node, asked, cause),
    };
    let Some(person) = record.person else {
        let mut unknown = Release::empty(node, asked, Outcome::NotKnownHere);
        unknown.statement.source_as_of = record.as_of;
        return unknown;
    };
    // The identity gate (domain rules 6.3): a mismatch releases nothing.
    if Identity::of_block(&person.identity).admits(&asked.assertion().patient).is_err() {
        return Release::empty(node, asked, Outcome::IdentityMismatch);
    }
    let mut release = Release::empty(node, asked, Outcome::Answered);
    release.statement.source_as_of = record.as_of;
    if sees_something_of_all(decided) {
        let kinds = person.unmapped.iter().filter(|(kind, _)| fits(kind)).take(limit::UNMAPPED_KINDS);
        release.statement.unmapped = kinds.map(|(kind, count)| (kind.clone(), *count)).collect();
    }
    release.dropped = person.dropped;
    release.identify(node, &person);
    release.fill(node, asked, decided, person.sections);
    // What could not be read now may be there for the next view.
    let is_whole = release.statement.sections.values().all(|stated| stated.unavailable_cause.is_none());
    release.statement.cache_seconds = lent.filter(|_| is_whole).map_or(0, Lent::seconds);
    release
}

/// True for a name or a kind that an answer may hold: whatever a source says, the answer is one that
/// others accept.
fn fits(text: &str) -> bool {
    text.chars().count() <= limit::TEXT_CHARS
}

/// True for a requester to whom every section is open at least in summary, and nothing concealed: the
/// counts of records that belong to no section are for nobody else.
fn sees_something_of_all(decided: &Decided) -> bool {
    let permit = decided.decision.permit();
    Section::ALL
        .iter()
        .all(|section| permit.grant(*section).is_some_and(|grant| grant.level >= Level::Summary && !conceals(grant)))
}

/// The source could not be read at all: every section says so.
fn unavailable(node: &Node, asked: &Asked, cause: UnavailableCause) -> Release {
    let mut release = Release::empty(node, asked, Outcome::Answered);
    for (section, grant) in &asked.query().grants {
        let stated =
            SectionStatement { unavailable_cause: Some(cause), ..stated(SectionState::Unavailable, grant.level, "") };
        release.statement.sections.insert(*section, stated);
    }
    release
}

fn stated(state: SectionState, level: Level, reason_text: &str) -> SectionStatement {
    SectionStatement {
        state,
        item_count: 0,
        part_digest: None,
        cut_items: 0,
        withheld_reason: None,
        unavailable_cause: None,
        level,
        filter: Filter::default(),
        reason_text: brief(reason_text),
    }
}

/// As much of a reason as a statement may hold: an organisation's own policies may say more.
fn brief(reason: &str) -> String {
    reason.chars().take(limit::REASON_CHARS).collect()
}

impl Release {
    fn identify(&mut self, node: &Node, person: &Person) {
        // The gate compares family names; no other name is needed, so none leaves.
        let names = person.identity.names.iter().filter(|name| fits(&name.family) && fits(&name.text));
        let names = names.take(limit::NAMES).map(|name| wire::HumanName {
            family: name.family.clone(),
            text: if name.family.is_empty() { name.text.clone() } else { String::new() },
            ..wire::HumanName::default()
        });
        let mut block = wire::IdentityBlock { salt: Vec::new(), names: names.collect(), ..person.identity.clone() };
        block.salt = node.salts.salt("identity", &block.encode_to_vec());
        self.identity = block.encode_to_vec();
        self.statement.identity_digest = Some(Digest::of(&self.identity));
    }

    fn fill(&mut self, node: &Node, asked: &Asked, decided: &Decided, mut read: BTreeMap<Section, SectionReading>) {
        let mut room = Room { bytes: limit::ANSWER_BYTES - RESERVE, items: limit::ITEMS, elements: limit::ELEMENTS };
        for section in asked.query().grants.keys() {
            let reason = decided.decision.reason(*section).text.clone();
            let permit = decided.permitted.permit();
            let stated = match permit.grant(*section) {
                None => SectionStatement {
                    withheld_reason: Some(WithheldReason::Policy),
                    ..stated(SectionState::Withheld, Level::None, &reason)
                },
                Some(grant) => {
                    let unread = SectionReading { state: SectionState::Unavailable, cause: None, items: Vec::new() };
                    let reading = read.remove(section).unwrap_or(unread);
                    let whole = grant.level == Level::Full && grant.filter.is_empty();
                    let reason = if whole { String::new() } else { reason };
                    self.section(node, permit, *section, reading, reason, &mut room)
                }
            };
            self.statement.sections.insert(*section, stated);
        }
    }

    /// Redacts one section, puts its part in the release and says what will be stated of it.
    fn section(
        &mut self,
        node: &Node,
        permit: &weald_policy::Permit,
        section: Section,
        reading: SectionReading,
        reason: String,
        room: &mut Room,
    ) -> SectionStatement {
        let released = redact(permit, section, reading.items, node.parts.env.clock.now());
        let (level, filter, is_concealing) = (released.level(), released.filter().clone(), released.conceals());
        let removed = released.removed() > 0;
        let (mut items, cut_items) = cut(released.into_parts().0, room);
        forget_absent_members(&mut items);
        let is_empty = items.is_empty() && cut_items == 0;
        let state = if is_concealing {
            concealing_state(reading.state, is_empty)
        } else {
            announcing_state(reading.state, is_empty, removed)
        };
        let mut stated = SectionStatement { filter, cut_items, ..stated(state, level, &reason) };
        stated.withheld_reason = (stated.state == SectionState::Withheld).then_some(if removed {
            WithheldReason::Policy
        } else {
            WithheldReason::Confidential
        });
        stated.unavailable_cause = (stated.state == SectionState::Unavailable)
            .then_some(reading.cause.unwrap_or(UnavailableCause::SourceError));
        if !items.is_empty() {
            stated.item_count = u32::try_from(items.len()).unwrap_or(u32::MAX);
            let mut part = wire::Part { salt: Vec::new(), items };
            part.salt = node.salts.salt(section.as_str(), &part.encode_to_vec());
            let content = part.encode_to_vec();
            stated.part_digest = Some(Digest::of(&content));
            self.parts.insert(section, content);
        }
        stated
    }
}

/// What a section is called where policy conceals: the same, whatever was concealed and whatever the
/// source says of items that are. Every empty answer is `nothing_to_show`; what is shown is `present`,
/// unless the source could not be read to its end, which has nothing to do with what it holds.
fn concealing_state(read: SectionState, is_empty: bool) -> SectionState {
    match read {
        _ if is_empty => SectionState::NothingToShow,
        SectionState::Unavailable | SectionState::InTransit | SectionState::Stale => read,
        _ => SectionState::Present,
    }
}

/// What a section is called elsewhere: what a filter took away is announced, never passed over.
fn announcing_state(read: SectionState, is_empty: bool, removed: bool) -> SectionState {
    match read {
        SectionState::Unavailable | SectionState::InTransit | SectionState::Stale => read,
        _ if removed => SectionState::Withheld,
        SectionState::Present if is_empty => SectionState::NoneRecorded,
        other => other,
    }
}

/// A report names the results in it: those that do not leave are not named either.
fn forget_absent_members(items: &mut [wire::Item]) {
    let leaving: BTreeSet<String> = items.iter().map(|item| item.source_record_id.clone()).collect();
    for item in items {
        if let Some(Detail::Result(result)) = &mut item.detail {
            result.members.retain(|member| leaving.contains(member));
        }
    }
}

/// What an answer may still hold.
struct Room {
    bytes: usize,
    items: usize,
    elements: usize,
}

/// Keeps whole items while there is room, and counts the rest.
fn cut(mut items: Vec<wire::Item>, room: &mut Room) -> (Vec<wire::Item>, u32) {
    let mut kept = 0;
    for item in items.iter().take(room.items) {
        // Two framing bytes and a length of at most four.
        let size = item.encoded_len() + 8;
        let elements = elements(item);
        if size > room.bytes || elements > room.elements {
            break;
        }
        room.elements -= elements;
        room.bytes -= size;
        kept += 1;
    }
    room.items -= kept;
    let cut = items.len() - kept;
    items.truncate(kept);
    (items, u32::try_from(cut).unwrap_or(u32::MAX))
}
