//! Accepting an assertion. Broker and node run the same check, each against its own register and clock.

use crate::assertion::NotNow;
use crate::key::KeyOwner;
use crate::{
    Assertion, FederationName, Malformed, Membership, Reason, SignedAssertion, Timestamp, Verified, VerifyError,
};

/// Why an assertion was not accepted.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{reason}: {detail}")]
pub struct NotAccepted {
    /// The stable reason.
    pub reason: Reason,
    /// Which step and which field; never a value.
    pub detail: String,
    /// The claim or part that does not parse, if that is what is wrong.
    pub field: Option<Malformed>,
    /// What it says, if at least its signature held.
    pub assertion: Option<Box<Verified<Assertion>>>,
}

impl SignedAssertion {
    /// Checks the signature, and then the claims that anybody can check: signed by the issuer, for
    /// this federation, valid now. Who presents it, and how often, is for the caller.
    ///
    /// If the register knows no such key, the issuer that it claims chooses between two reasons and nothing else:
    /// whoever is no active member has no key that counts.
    ///
    /// # Errors
    ///
    /// [`NotAccepted`] with the first thing that does not hold.
    pub fn accept(
        &self,
        register: &dyn Membership,
        federation: &FederationName,
        now: Timestamp,
    ) -> Result<Verified<Assertion>, NotAccepted> {
        let assertion = self.verify(register).map_err(|error| {
            let is_of_member = || self.claimed_issuer().is_none_or(|issuer| register.is_active_member(&issuer));
            match error {
                VerifyError::UnknownKey if !is_of_member() => NotAccepted {
                    reason: Reason::NotAMember,
                    detail: "the issuer is no active member, and the register knows no such key".into(),
                    field: None,
                    assertion: None,
                },
                error => unverified(error),
            }
        })?;
        let refused = |reason: Reason, detail: &str| NotAccepted {
            reason,
            detail: detail.to_owned(),
            field: None,
            assertion: Some(Box::new(assertion.clone())),
        };
        if *assertion.signer() != KeyOwner::Organisation(assertion.issuer.clone()) {
            return Err(refused(Reason::AssertionSigner, "signer and issuer differ"));
        }
        if assertion.audience != *federation {
            return Err(refused(Reason::AssertionAudience, "another federation"));
        }
        assertion.check_time(now).map_err(|not_now| match not_now {
            NotNow::Expired => refused(Reason::AssertionExpired, "its time is over"),
            NotNow::NotYet => refused(Reason::AssertionNotYet, "its time has not begun"),
        })?;
        Ok(assertion)
    }
}

fn unverified(error: VerifyError) -> NotAccepted {
    let reason = match &error {
        VerifyError::UnknownKey => Reason::AssertionKeyUnknown,
        VerifyError::WrongSignature => Reason::AssertionSignature,
        VerifyError::Malformed(_) => Reason::AssertionMalformed,
    };
    let detail = error.to_string();
    let field = match error {
        VerifyError::Malformed(fault) => Some(fault),
        VerifyError::UnknownKey | VerifyError::WrongSignature => None,
    };
    NotAccepted { reason, detail, field, assertion: None }
}
