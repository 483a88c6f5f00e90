//! One requester's permit for one person's record, as a value.

use std::fmt;

use weald_proto::{Assertion, BreakGlassReason, Digest, Patient, Purpose, Relationship, Requester, Section, Verified};

use crate::Permit;

/// Who may see what of whom, and why: made once a view, from a decision and a verified assertion.
///
/// Record stores and caches take it instead of a patient's number, so that there is no way to read
/// without a decision. `Debug` prints nothing of it but its digest.
#[derive(Clone, PartialEq, Eq)]
pub struct Permitted {
    permit: Permit,
    requester: Requester,
    patient: Patient,
    purpose: Purpose,
    relationship: Option<Relationship>,
    break_glass: Option<BreakGlassReason>,
    policy_version: String,
}

impl Permitted {
    /// What this permit allows under this assertion: never more than the sections that it names.
    ///
    /// `policy_version` is the [`Engine::version`](crate::Engine::version) that decided.
    pub fn new(permit: Permit, assertion: &Verified<Assertion>, policy_version: &str) -> Self {
        Permitted {
            permit: permit.only(&assertion.sections),
            requester: assertion.requester.clone(),
            patient: assertion.patient.clone(),
            purpose: assertion.purpose,
            relationship: assertion.relationship.clone(),
            break_glass: assertion.break_glass,
            policy_version: policy_version.to_owned(),
        }
    }

    /// What may leave.
    pub fn permit(&self) -> &Permit {
        &self.permit
    }

    /// Who looks.
    pub fn requester(&self) -> &Requester {
        &self.requester
    }

    /// Whom it is about.
    pub fn patient(&self) -> &Patient {
        &self.patient
    }

    /// What for.
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Why it is their business.
    pub fn relationship(&self) -> Option<&Relationship> {
        self.relationship.as_ref()
    }

    /// Why the glass was broken, if it was.
    pub fn break_glass(&self) -> Option<BreakGlassReason> {
        self.break_glass
    }

    /// Version of the policies that decided.
    pub fn policy_version(&self) -> &str {
        &self.policy_version
    }

    /// Digest of everything above. Two views have the same digest only if all of it is the same, so
    /// that a cache keyed by it serves nobody else and nothing else.
    pub fn digest(&self) -> Digest {
        let mut encoding = Encoding::default();
        encoding.requester(&self.requester);
        encoding.text(self.patient.nhs_number.expose());
        encoding.text(self.patient.birth_date.expose());
        encoding.text(self.patient.family_name.expose());
        encoding.text(self.purpose.code());
        encoding.option(self.relationship.as_ref(), |encoding, relationship| {
            encoding.text(relationship.kind.as_str());
            encoding.text(&relationship.reference);
        });
        encoding.option(self.break_glass, |encoding, reason| encoding.text(reason.as_str()));
        encoding.permit(&self.permit);
        encoding.text(&self.policy_version);
        Digest::in_context("weald/v1/permitted", &encoding.0)
    }
}

impl fmt::Debug for Permitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permitted({})", self.digest())
    }
}

/// An injective encoding: every text and every list is preceded by its length, every choice by a tag.
#[derive(Default)]
struct Encoding(Vec<u8>);

impl Encoding {
    fn length(&mut self, length: usize) {
        self.0.extend_from_slice(&u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn option<T>(&mut self, value: Option<T>, encode: impl FnOnce(&mut Self, T)) {
        self.0.push(u8::from(value.is_some()));
        if let Some(value) = value {
            encode(self, value);
        }
    }

    fn requester(&mut self, requester: &Requester) {
        self.text(match requester {
            Requester::Professional { .. } => "professional",
            Requester::Citizen { .. } => "citizen",
            Requester::PrivacyOfficer { .. } => "privacy_officer",
        });
        self.text(requester.organisation().as_str());
        self.text(requester.user());
        self.text(requester.name());
        self.option(requester.role(), Encoding::text);
        self.option(requester.team(), Encoding::text);
    }

    fn permit(&mut self, permit: &Permit) {
        self.length(permit.grants().len());
        for (section, grant) in permit.grants() {
            self.text(Section::as_str(*section));
            self.text(grant.level.as_str());
            self.length(grant.filter.predicates().count());
            grant.filter.predicates().for_each(|predicate| self.text(predicate.as_str()));
        }
    }
}
