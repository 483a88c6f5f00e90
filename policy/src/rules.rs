//! Policies, each with what we demand of it beyond Cedar's own rules.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr as _;

use cedar_policy::{ActionConstraint, Effect, Policy, PolicyId, PolicySet, ValidationMode, Validator};
use weald_proto::{Filter, OdsCode, Predicate};

use crate::vocabulary::{Vocabulary, organisation};
use crate::{PolicyError, PolicyFault};

/// Policies that parse, validate strictly and carry their annotations.
#[derive(Default)]
pub(crate) struct Rules {
    set: PolicySet,
    said: BTreeMap<PolicyId, Said>,
    named: BTreeSet<OdsCode>,
}

/// What a policy says in its annotations.
struct Said {
    reason: String,
    filter: Filter,
}

/// Whose policies they are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Everybody's, from the register.
    Baseline,
    /// One controller's own, which may only forbid more.
    Local,
}

impl Rules {
    /// Adds the policies of one file.
    pub(crate) fn add_file(
        &mut self,
        file: &str,
        text: &str,
        source: Source,
        vocabulary: &Vocabulary,
    ) -> Result<(), PolicyError> {
        let parsed = PolicySet::from_str(text)
            .map_err(|error| PolicyError::Syntax { file: file.to_owned(), message: error.to_string() })?;
        let refuse =
            |policy: &str, fault| PolicyError::Policy { file: file.to_owned(), policy: policy.to_owned(), fault };
        if let Some(template) = parsed.templates().next() {
            return Err(refuse(template.annotation("id").unwrap_or("?"), PolicyFault::Template));
        }
        let mut checked = PolicySet::new();
        for policy in parsed.policies() {
            let name = policy.annotation("id").unwrap_or(policy.id().as_ref());
            let (policy, said) = read(policy, source, vocabulary).map_err(|fault| refuse(name, fault))?;
            let id = policy.id().clone();
            self.named.extend(policy.entity_literals().iter().filter_map(organisation));
            let twice = |_| refuse(id.as_ref(), PolicyFault::DuplicateId);
            checked.add(policy.clone()).map_err(twice)?;
            self.set.add(policy).map_err(twice)?;
            self.said.insert(id.clone(), said);
        }
        validate(file, &checked, vocabulary)
    }

    /// The policies, to be asked.
    pub(crate) fn set(&self) -> &PolicySet {
        &self.set
    }

    /// Organisations that any policy names: only for them does it matter which one asks or answers.
    pub(crate) fn named(&self) -> &BTreeSet<OdsCode> {
        &self.named
    }

    /// The reason of a policy.
    pub(crate) fn reason(&self, id: &PolicyId) -> String {
        self.said.get(id).map(|said| said.reason.clone()).unwrap_or_default()
    }

    /// Every predicate of every one of these policies.
    pub(crate) fn filter<'a>(&self, ids: impl Iterator<Item = &'a PolicyId>) -> Filter {
        Filter::of(ids.filter_map(|id| self.said.get(id)).flat_map(|said| said.filter.predicates()))
    }
}

fn read(policy: &Policy, source: Source, vocabulary: &Vocabulary) -> Result<(Policy, Said), PolicyFault> {
    let needed = |name: &'static str| {
        policy.annotation(name).filter(|text| !text.trim().is_empty()).ok_or(PolicyFault::NoAnnotation(name))
    };
    let (id, reason) = (needed("id")?, needed("reason")?);
    let permits = policy.effect() == Effect::Permit;
    if policy.annotations().any(|(name, _)| !(matches!(name, "id" | "reason") || (name == "filter" && permits))) {
        return Err(PolicyFault::UnknownAnnotation);
    }
    if permits && source == Source::Local {
        return Err(PolicyFault::LocalPermit);
    }
    if permits && !is_graded(&policy.action_constraint()) {
        return Err(PolicyFault::Ungraded);
    }
    if let Some(unknown) = policy.entity_literals().iter().find(|name| !vocabulary.knows(name)) {
        return Err(PolicyFault::UnknownName(unknown.to_string()));
    }
    let filter = policy.annotation("filter").map_or(Ok(Filter::default()), read_filter)?;
    Ok((policy.new_id(PolicyId::new(id)), Said { reason: reason.to_owned(), filter }))
}

fn read_filter(words: &str) -> Result<Filter, PolicyFault> {
    let predicates = words.split(',').map(|word| word.trim().parse::<Predicate>());
    Ok(Filter::of(predicates.collect::<Result<Vec<_>, _>>().map_err(|_| PolicyFault::UnknownFilter)?))
}

/// A permit grants whole steps of the ladder, so that forbidding the top one leaves those below.
fn is_graded(action: &ActionConstraint) -> bool {
    match action {
        ActionConstraint::In(groups) => groups.iter().all(|group| group.id().unescaped().starts_with("up_to_")),
        ActionConstraint::Any | ActionConstraint::Eq(_) => false,
    }
}

/// Strict validation; a warning (a policy that can never match) is as bad as an error.
fn validate(file: &str, set: &PolicySet, vocabulary: &Vocabulary) -> Result<(), PolicyError> {
    let result = Validator::new(vocabulary.schema.clone()).validate(set, ValidationMode::Strict);
    if result.validation_passed_without_warnings() {
        return Ok(());
    }
    let errors = result.validation_errors().map(ToString::to_string);
    let warnings = result.validation_warnings().map(ToString::to_string);
    let message = errors.chain(warnings).collect::<Vec<_>>().join("; ");
    Err(PolicyError::Invalid { file: file.to_owned(), message })
}
