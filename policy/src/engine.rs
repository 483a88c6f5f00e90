//! Asks the policies, once for each combination of circumstances.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use cedar_policy::{AuthorizationError, Authorizer, Context, PolicyId, Request};
use weald_proto::{Digest, Grant, Level, Section};

use crate::circumstances::Combination;
use crate::decision::{NOT_ALLOWED, SectionRuling};
use crate::manifest::{CompleteSet, short};
use crate::remembered::Remembered;
use crate::rules::{Rules, Source};
use crate::vocabulary::{LEVELS, Vocabulary, context};
use crate::{Circumstances, Decision, PolicyError, RoleTable, baseline};

/// How many decisions are remembered. A day's work needs a few hundred.
const REMEMBERED: usize = 4096;

/// Said when a policy could not be evaluated.
const FAILED: &str = "a policy could not be evaluated, so nothing is released; tell whoever keeps the policies";

/// The policies of one version, ready to decide. Deny by default; a forbid wins over every permit; an
/// evaluation error is a denial, because Cedar skips a policy that fails, a forbid included.
pub struct Engine {
    authorizer: Authorizer,
    vocabulary: Vocabulary,
    rules: Rules,
    roles: RoleTable,
    version: String,
    remembered: Remembered,
}

impl Engine {
    /// The baseline policies that this was built with.
    ///
    /// # Errors
    ///
    /// [`PolicyError`], which a test rules out.
    pub fn baseline() -> Result<Self, PolicyError> {
        Engine::of(&CompleteSet::check(baseline::files())?)
    }

    /// Baseline policies from a folder that is complete by its `manifest.json`.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] naming the file: not complete, not as the manifest says, not parsing, not
    /// validating strictly, or breaking one of our own rules ([`PolicyFault`](crate::PolicyFault)).
    pub fn load(folder: &Path) -> Result<Self, PolicyError> {
        Engine::of(&CompleteSet::read(folder)?)
    }

    fn of(set: &CompleteSet) -> Result<Self, PolicyError> {
        let vocabulary = Vocabulary::read(set.file("schema.cedarschema")?, set.file("entities.json")?)?;
        let roles = RoleTable::parse(set.file("roles.csv")?)?;
        let mut rules = Rules::default();
        for (file, text) in set.policies() {
            rules.add_file(file, text, Source::Baseline, &vocabulary)?;
        }
        Ok(Engine {
            authorizer: Authorizer::new(),
            vocabulary,
            rules,
            roles,
            version: set.version().to_owned(),
            remembered: Remembered::with_capacity(REMEMBERED),
        })
    }

    /// Adds a controller's own policies, which may only forbid more.
    ///
    /// # Errors
    ///
    /// [`PolicyError`] naming the file and the policy: one that permits, has the id of another, does
    /// not validate, or breaks another rule.
    pub fn with_local(mut self, file: &str, text: &str) -> Result<Self, PolicyError> {
        self.rules.add_file(file, text, Source::Local, &self.vocabulary)?;
        let digest = Digest::in_context(&self.version, text.as_bytes());
        self.version = format!("{}.local-{}", self.version.split(".local-").next().unwrap_or_default(), short(digest));
        self.remembered = Remembered::with_capacity(REMEMBERED);
        Ok(self)
    }

    /// Names exactly these policies: the version and digest of the baseline, and a digest of local ones.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The role table of this version.
    pub fn roles(&self) -> &RoleTable {
        &self.roles
    }

    /// Decides on every section. Remembered, so that only the first view of each combination pays.
    pub fn decide(&self, circumstances: &Circumstances) -> Arc<Decision> {
        let combination = Combination::of(circumstances, self.rules.named());
        self.remembered.or_make(combination, || self.evaluate(circumstances))
    }

    fn evaluate(&self, circumstances: &Circumstances) -> Decision {
        let context = context(circumstances);
        let rulings = Section::ALL.iter().map(|section| {
            let ruling = match &context {
                Some(context) => self.rule(circumstances, *section, context),
                None => SectionRuling::denied(FAILED),
            };
            (*section, ruling)
        });
        Decision::of(rulings.collect())
    }

    /// Climbs from the lowest level until one is denied. A level is granted only with all those below
    /// it, so that forbidding one never leaves a wider one standing.
    fn rule(&self, circumstances: &Circumstances, section: Section, context: &Context) -> SectionRuling {
        let mut ruling = SectionRuling::denied(NOT_ALLOWED);
        for level in LEVELS {
            let (allowed, ids) = match self.ask(circumstances, level, section, context.clone()) {
                Verdict::Allowed(ids) => (true, ids),
                Verdict::Forbidden(ids) => (false, ids),
                Verdict::Failed(ids) => {
                    ruling.because.extend(ids.into_iter().map(|id| (id.to_string(), FAILED.to_owned())));
                    ruling.otherwise = FAILED;
                    break;
                }
            };
            let because = ids.iter().map(|id| (id.to_string(), self.rules.reason(id)));
            if !allowed {
                ruling.because.extend(because);
                break;
            }
            ruling.because = because.collect();
            ruling.grant = Grant { level, filter: self.rules.filter(ids.iter()) };
        }
        ruling
    }

    fn ask(&self, circumstances: &Circumstances, level: Level, section: Section, context: Context) -> Verdict {
        let Some((principal, action, resource)) = self.vocabulary.question(circumstances.kind, level, section) else {
            return Verdict::Failed(Vec::new());
        };
        let Ok(request) = Request::new(principal, action, resource, context, Some(&self.vocabulary.schema)) else {
            return Verdict::Failed(Vec::new());
        };
        let response = self.authorizer.is_authorized(&request, self.rules.set(), &self.vocabulary.entities);
        let failed: Vec<_> = response.diagnostics().errors().map(failing_policy).collect();
        if !failed.is_empty() {
            return Verdict::Failed(failed);
        }
        let ids = response.diagnostics().reason().cloned().collect();
        match response.decision() {
            cedar_policy::Decision::Allow => Verdict::Allowed(ids),
            cedar_policy::Decision::Deny => Verdict::Forbidden(ids),
        }
    }
}

/// What the policies say of one level of one section.
enum Verdict {
    /// Permitted by these, and forbidden by none.
    Allowed(Vec<PolicyId>),
    /// Forbidden by these; permitted by none if there are none.
    Forbidden(Vec<PolicyId>),
    /// These could not be evaluated.
    Failed(Vec<PolicyId>),
}

fn failing_policy(error: &AuthorizationError) -> PolicyId {
    match error {
        AuthorizationError::PolicyEvaluationError(error) => error.policy_id().clone(),
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Engine({})", self.version)
    }
}
