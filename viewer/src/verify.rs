//! Everything that must hold before anything is shown.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use prost::Message as _;
use weald_certs::{Expected, Register};
use weald_proto::bounded;
use weald_proto::grant::parse_filter;
use weald_proto::merge;
use weald_proto::{
    Answer, Assertion, Completeness, Digest, Grant, KeyOwner, Level, Malformed, MergePlan, OdsCode, OrganisationKind,
    Outcome, Outline, PlanError, Query, Section, Signed, SignedAssertion, Timestamp, Verified, VerifiedAnswer, ViewId,
    limit, wire,
};

use crate::error::SummaryError;
use crate::view::{Decision, Organisation, View};

/// What was asked, and everything it is held against.
pub(crate) struct Asked<'a> {
    pub token: &'a SignedAssertion,
    pub assertion: Verified<Assertion>,
    pub sections: BTreeSet<Section>,
    pub register: &'a Register,
    pub now: Timestamp,
}

/// Verifies a summary.
pub(crate) fn verify(asked: &Asked<'_>, summary: wire::Summary) -> Result<View, SummaryError> {
    let ours = asked.register.version();
    if summary.register_version != ours {
        return Err(SummaryError::OtherRegister { theirs: summary.register_version, ours });
    }
    let decisions = decisions(asked, &summary.decisions)?;
    let organisations = outcomes(asked, &decisions, &summary.outcomes)?;
    let (expected, unnamed) = account(asked, &decisions, &organisations, &summary.unnamed)?;
    let plan = summary.plan.as_ref().ok_or(Malformed::new("plan", "a merge plan"))?;
    let plan_digest = Digest::of(&plan.encode_to_vec());
    let plan = MergePlan::from_wire(plan)?;
    check_plan(&plan, &organisations)?;
    let completeness = completeness(asked, &expected, &organisations, &summary.completeness)?;
    let receipt = summary.receipt.ok_or(Malformed::new("receipt", "a receipt"))?;
    let audit_digest = check_receipt(asked, &organisations, plan_digest, &receipt)?;
    Ok(View {
        id: ViewId::parse(&summary.view_id)?,
        register_version: ours,
        made_at: Timestamp::from_wire("made_at", summary.made_at)?,
        organisations,
        unnamed,
        plan,
        decisions,
        completeness,
        audit_digest,
    })
}

/// One decision for each section that was asked for, and no other.
fn decisions(
    asked: &Asked<'_>,
    decisions: &[wire::SectionDecision],
) -> Result<BTreeMap<Section, Decision>, SummaryError> {
    bounded::list("decisions", decisions, limit::SECTIONS, "at most 21")?;
    let mut parsed = BTreeMap::new();
    for decision in decisions {
        let level = Level::from_wire(decision.level)?;
        let grant = Grant { level, filter: parse_filter(&decision.predicates)? };
        let reason_text = reason(&decision.reason_text)?;
        let decision_of = Decision { grant, reason_text, policies: policies(&decision.policies)? };
        parsed.insert(Section::from_wire(decision.section)?, decision_of);
    }
    if decisions.len() == parsed.len() && parsed.keys().eq(asked.sections.iter()) {
        Ok(parsed)
    } else {
        Err(SummaryError::Decisions)
    }
}

fn reason(text: &str) -> Result<String, Malformed> {
    bounded::text("reason_text", text, limit::REASON_CHARS, "at most 512 characters")
}

fn policies(ids: &[String]) -> Result<Vec<String>, Malformed> {
    bounded::list("policies", ids, limit::POLICIES, "at most 64")?;
    ids.iter().map(|id| bounded::text("policies", id, limit::TEXT_CHARS, "of at most 256 characters each")).collect()
}

/// Each organisation once, in order; its own word with its signature, the broker's without.
fn outcomes(
    asked: &Asked<'_>,
    decisions: &BTreeMap<Section, Decision>,
    outcomes: &[wire::OrganisationOutcome],
) -> Result<BTreeMap<OdsCode, Organisation>, SummaryError> {
    bounded::list("outcomes", outcomes, limit::MEMBERS, "at most 10000")?;
    let mut parsed: BTreeMap<OdsCode, Organisation> = BTreeMap::new();
    for outcome in outcomes {
        let organisation = OdsCode::parse(&outcome.organisation)?;
        if parsed.last_key_value().is_some_and(|(last, _)| *last >= organisation) {
            return Err(SummaryError::Unaccounted);
        }
        let came = self::outcome(asked, decisions, &organisation, outcome)?;
        parsed.insert(organisation, came);
    }
    Ok(parsed)
}

pub(crate) fn outcome(
    asked: &Asked<'_>,
    decisions: &BTreeMap<Section, Decision>,
    organisation: &OdsCode,
    message: &wire::OrganisationOutcome,
) -> Result<Organisation, SummaryError> {
    let outcome = Outcome::from_wire(message.outcome)?;
    // The register is the locator: there is nobody whom a broker could have failed to locate.
    if outcome == Outcome::NotLocated {
        return Err(SummaryError::Unaccounted);
    }
    let mut came = Organisation {
        outcome,
        reason_code: bounded::text("reason_code", &message.reason_code, limit::TEXT_CHARS, "at most 256 characters")?,
        reason_text: reason(&message.reason_text)?,
        elapsed_ms: message.elapsed_ms,
        answer: None,
        cached: false,
    };
    match (&message.answer, outcome.is_organisations_word()) {
        (None, false) => Ok(came),
        (Some(verbatim), true) => {
            let answer = verify_answer(asked, decisions, organisation, verbatim)?;
            let statement = answer.statement();
            let same_words =
                statement.reason_code == message.reason_code && statement.reason_text == message.reason_text;
            if statement.outcome != outcome || !same_words {
                return Err(SummaryError::Unbacked(organisation.clone()));
            }
            came.cached = verbatim.cached;
            came.answer = Some(answer);
            Ok(came)
        }
        _ => Err(SummaryError::Unbacked(organisation.clone())),
    }
}

/// The query first (was this asked, for this requester and patient, and just as it was decided?), then
/// the answer to it.
fn verify_answer(
    asked: &Asked<'_>,
    decisions: &BTreeMap<Section, Decision>,
    organisation: &OdsCode,
    verbatim: &wire::VerbatimAnswer,
) -> Result<VerifiedAnswer, SummaryError> {
    let signed = verbatim.query.clone().ok_or(Malformed::new("query", "a signed query"))?;
    let signed: Signed<Query> = Signed::from_wire(signed);
    let query = signed
        .verify(organisation.as_str(), asked.register)
        .map_err(|error| SummaryError::Query(organisation.clone(), error))?;
    let by_broker = matches!(query.signer(), KeyOwner::Broker(_));
    let as_decided =
        |(section, grant): (&Section, &Grant)| decisions.get(section).is_some_and(|decision| *grant == decision.grant);
    let same = if verbatim.cached { same_question(asked, &query) } else { query.assertion == *asked.token };
    if !by_broker || query.audience != *organisation || !same || !query.grants.iter().all(as_decided) {
        return Err(SummaryError::OtherQuestion(organisation.clone()));
    }
    let answer = verbatim.answer.clone().ok_or(Malformed::new("answer", "an answer"))?;
    let sections = query.grants.keys().copied().collect();
    let answer = Answer::from_wire(answer)?
        .verify(organisation, &signed, &sections, &asked.assertion.patient, asked.register)
        .map_err(|error| SummaryError::Answer(organisation.clone(), error))?;
    let kept_without_grant = verbatim.cached && answer.statement().cache_seconds == 0;
    if kept_without_grant || asked.now > usable_until(&answer, verbatim.cached) {
        return Err(SummaryError::Old(organisation.clone()));
    }
    Ok(answer)
}

/// A kept answer may be shown for as long as its controller grants, and no answer for longer than any
/// controller may grant, give or take what clocks may be apart.
fn usable_until(answer: &VerifiedAnswer, cached: bool) -> Timestamp {
    let statement = answer.statement();
    let granted = Duration::from_secs(statement.cache_seconds.into());
    let life = if cached { granted.min(limit::CACHE_CEILING) } else { limit::CACHE_CEILING };
    statement.retrieved_at.plus(life).plus(limit::CLOCK_SKEW)
}

/// A kept answer was given to an earlier assertion: of the same requester, about the same person,
/// for the same reasons.
fn same_question(asked: &Asked<'_>, query: &Query) -> bool {
    query.assertion.verify(asked.register).is_ok_and(|earlier| {
        let now = &asked.assertion;
        earlier.requester == now.requester
            && earlier.patient == now.patient
            && earlier.purpose == now.purpose
            && earlier.relationship == now.relationship
            && earlier.break_glass == now.break_glass
    })
}

/// Every active member of our own register, named or counted, and nobody else.
fn account(
    asked: &Asked<'_>,
    decisions: &BTreeMap<Section, Decision>,
    organisations: &BTreeMap<OdsCode, Organisation>,
    unnamed: &[wire::UnnamedOrganisations],
) -> Result<(Expected, BTreeMap<OrganisationKind, u32>), SummaryError> {
    let permitted: BTreeSet<Section> = decisions
        .iter()
        .filter(|(_, decision)| decision.grant.level > Level::None)
        .map(|(section, _)| *section)
        .collect();
    let expected = Expected::of(asked.register, &permitted, &BTreeSet::new());
    bounded::list("unnamed", unnamed, OrganisationKind::ALL.len(), "each kind once")?;
    let mut counted = BTreeMap::new();
    for kind in unnamed {
        if counted.insert(kind.kind.parse::<OrganisationKind>()?, kind.count).is_some() {
            return Err(SummaryError::Unaccounted);
        }
    }
    if organisations.keys().eq(expected.named()) && counted == *expected.unnamed() {
        Ok((expected, counted))
    } else {
        Err(SummaryError::Unaccounted)
    }
}

/// Every item is referred to exactly once, and the plan is the one that its rules make: a broker can
/// neither set an item aside nor hide it behind another.
fn check_plan(plan: &MergePlan, organisations: &BTreeMap<OdsCode, Organisation>) -> Result<(), PlanError> {
    plan.check(&counts(organisations))?;
    if plan.version != merge::VERSION {
        return Err(PlanError::OtherRules);
    }
    let outline = |came: &Organisation| came.answer.as_ref().map(Outline::of);
    let outlines: Vec<_> = organisations.iter().filter_map(|(code, came)| Some((code, outline(came)?))).collect();
    if merge::merge(outlines.iter().map(|(code, outline)| (*code, outline))) == *plan {
        Ok(())
    } else {
        Err(PlanError::OtherPlan)
    }
}

fn counts(organisations: &BTreeMap<OdsCode, Organisation>) -> BTreeMap<(Section, OdsCode), u32> {
    let mut counts = BTreeMap::new();
    for (code, organisation) in organisations {
        for (section, items) in organisation.answer.iter().flat_map(|answer| answer.sections()) {
            counts.insert((section, code.clone()), u32::try_from(items.len()).unwrap_or(u32::MAX));
        }
    }
    counts
}

/// Computes how complete each section is, and holds what was sent against it.
fn completeness(
    asked: &Asked<'_>,
    expected: &Expected,
    organisations: &BTreeMap<OdsCode, Organisation>,
    sent: &[wire::SectionCompleteness],
) -> Result<BTreeMap<Section, Completeness>, SummaryError> {
    bounded::list("completeness", sent, limit::SECTIONS, "at most 21")?;
    let sent: BTreeMap<Section, Completeness> =
        sent.iter().map(|one| Completeness::from_wire(one).map(|one| (one.section, one))).collect::<Result<_, _>>()?;
    let stated = |code: &OdsCode| organisations.get(code).and_then(Organisation::statement);
    let mut rolled = BTreeMap::new();
    for section in &asked.sections {
        let ours = Completeness::roll_up(*section, expected.of_section(*section), stated);
        if sent.get(section) != Some(&ours) {
            return Err(SummaryError::Completeness(*section));
        }
        rolled.insert(*section, ours);
    }
    Ok(rolled)
}

fn check_receipt(
    asked: &Asked<'_>,
    organisations: &BTreeMap<OdsCode, Organisation>,
    plan: Digest,
    receipt: &wire::Receipt,
) -> Result<Digest, SummaryError> {
    let statements = organisations.values().filter_map(|organisation| organisation.answer.as_ref());
    let statements: Vec<Vec<u8>> = statements.map(|answer| answer.statement().digest().to_vec()).collect();
    let fits = receipt.assertion_digest == asked.token.digest().to_vec()
        && receipt.statement_digests == statements
        && receipt.plan_digest == plan.to_vec();
    if fits { Ok(Digest::parse("audit_digest", &receipt.audit_digest)?) } else { Err(SummaryError::Receipt) }
}
