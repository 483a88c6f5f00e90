//! Second step: what may this requester see, under the baseline?

use std::sync::Arc;

use weald_policy::{Circumstances, Decision, Permitted};
use weald_proto::{Reason, Told};

use crate::admit::Admitted;
use crate::broker::Broker;
use crate::refusal::Refusal;

/// A decision that allows something.
#[derive(Debug)]
pub struct Decided {
    /// What is permitted, for whom.
    pub permitted: Permitted,
    /// The decision, with a reason for each section.
    pub decision: Arc<Decision>,
}

/// Decides.
///
/// # Errors
///
/// [`Refusal`] when the role is unknown, or nothing of what was asked is allowed.
pub fn decide(broker: &Broker, admitted: &Admitted) -> Result<Decided, Refusal> {
    let refused = |refusal: Refusal| Refusal {
        assertion: Some(Box::new(admitted.assertion().clone())),
        token: Some(admitted.token().digest()),
        ..refusal
    };
    let circumstances = Circumstances::of(admitted.assertion(), broker.parts.engine.roles(), None)
        .map_err(|_| refused(Refusal::new(Reason::RoleUnknown, "the job role is in no row")))?;
    let decision = broker.parts.engine.decide(&circumstances);
    let permit = decision.permit().only(admitted.sections());
    if permit.is_empty() {
        let told = decision.refusal().map(|reason| Told::text(reason.text.clone())).unwrap_or_default();
        return Err(refused(Refusal {
            told: Box::new(told),
            ..Refusal::new(Reason::PolicyRefused, "nothing is allowed")
        }));
    }
    let permitted = Permitted::new(permit, admitted.assertion(), broker.parts.engine.version());
    Ok(Decided { permitted, decision })
}
