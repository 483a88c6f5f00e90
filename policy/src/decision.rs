//! What the policies say of one set of circumstances.

use std::collections::{BTreeMap, BTreeSet};

use weald_proto::{Grant, Section};

use crate::Permit;

/// Why a section is granted as it is, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionReason {
    /// In plain words, for the requester.
    pub text: String,
    /// Ids of the policies that decided, in order; none if no policy allows it.
    pub policies: Vec<String>,
}

/// A decision on every section, made once for each combination of circumstances and policies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    permit: Permit,
    /// INVARIANT (complete): one entry for each section.
    reasons: BTreeMap<Section, SectionReason>,
    refusal: Option<SectionReason>,
    unknown: SectionReason,
}

/// What was decided on one section, before it is part of a decision.
pub(crate) struct SectionRuling {
    pub(crate) grant: Grant,
    /// The policies that decided, by id, each with its reason.
    pub(crate) because: BTreeMap<String, String>,
    /// Said when no policy decided.
    pub(crate) otherwise: &'static str,
}

/// Said of a section that no policy allows.
pub(crate) const NOT_ALLOWED: &str = "no policy lets this kind of requester see this section in these circumstances";

impl Decision {
    pub(crate) fn of(rulings: BTreeMap<Section, SectionRuling>) -> Self {
        let reasons = rulings.iter().map(|(section, ruling)| (*section, ruling.reason())).collect();
        let refusal = refusal(&rulings);
        let permit = Permit::of(rulings.into_iter().map(|(section, ruling)| (section, ruling.grant)));
        let unknown = SectionReason { text: NOT_ALLOWED.to_owned(), policies: Vec::new() };
        Decision { permit, reasons, refusal, unknown }
    }

    /// What may leave.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    /// Why this section is granted as it is, or not at all.
    pub fn reason(&self, section: Section) -> &SectionReason {
        self.reasons.get(&section).unwrap_or(&self.unknown)
    }

    /// Why nothing at all is allowed; `None` when something is.
    pub fn refusal(&self) -> Option<&SectionReason> {
        self.refusal.as_ref()
    }
}

impl SectionRuling {
    /// Nothing, and why.
    pub(crate) fn denied(otherwise: &'static str) -> Self {
        SectionRuling { grant: Grant::none(), because: BTreeMap::new(), otherwise }
    }

    fn reason(&self) -> SectionReason {
        reason(self.because.iter().collect(), self.otherwise)
    }
}

/// When every section is refused: what all refusals have in common, if anything.
fn refusal(rulings: &BTreeMap<Section, SectionRuling>) -> Option<SectionReason> {
    if rulings.values().any(|ruling| ruling.grant != Grant::none()) {
        return None;
    }
    let mut of_each = rulings.values();
    let mut common: BTreeMap<&String, &String> = of_each.next()?.because.iter().collect();
    for ruling in of_each {
        common.retain(|id, _| ruling.because.contains_key(*id));
    }
    Some(reason(common, "no policy lets this kind of requester see anything in these circumstances"))
}

fn reason(because: BTreeMap<&String, &String>, otherwise: &str) -> SectionReason {
    if because.is_empty() {
        return SectionReason { text: otherwise.to_owned(), policies: Vec::new() };
    }
    let texts: BTreeSet<&str> = because.values().map(|text| text.as_str()).collect();
    SectionReason {
        text: texts.into_iter().collect::<Vec<_>>().join("; "),
        policies: because.into_keys().cloned().collect(),
    }
}
