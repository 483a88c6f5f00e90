//! Second step: may this be answered? The organisation decides again, under the baseline and its own policies.

use std::sync::Arc;

use weald_policy::{Circumstances, Decision, Permitted};
use weald_proto::{OrganisationKind, Outcome, Reason};

use crate::node::Node;
use crate::verify::Asked;

/// The stable reason of a paused node.
const PAUSED: &str = "PAUSED";

/// A decision that allows something.
#[derive(Debug)]
pub struct Decided {
    /// What is permitted, for whom.
    pub permitted: Permitted,
    /// The decision, with a reason for each section.
    pub decision: Arc<Decision>,
}

/// A decision that nothing may be answered. Signed, like an answer.
#[derive(Debug)]
pub struct Declined {
    /// The outcome that will be stated.
    pub outcome: Outcome,
    /// Stable reason.
    pub code: &'static str,
    /// The reason in plain words, for the requester.
    pub text: String,
}

/// What this organisation is, as policies see it; none if it is no active member.
pub(crate) fn kind_of(node: &Node) -> Option<OrganisationKind> {
    node.register().member(node.organisation()).filter(|member| member.is_active()).map(|member| member.kind)
}

/// Decides. The result is never wider than what the broker's decision left.
///
/// # Errors
///
/// [`Declined`] when the organisation has paused its node, the role is unknown, or nothing of what was asked
/// is allowed.
pub fn decide(node: &Node, asked: &Asked) -> Result<Decided, Declined> {
    if let Some(text) = node.sessions.paused() {
        return Err(Declined { outcome: Outcome::Paused, code: PAUSED, text });
    }
    let refused = |reason: Reason, text: String| Declined { outcome: Outcome::Refused, code: reason.as_str(), text };
    let Some(kind) = kind_of(node) else {
        return Err(refused(
            Reason::NotAMember,
            "this organisation is not an active member of the register it holds".into(),
        ));
    };
    let answering = Some((node.organisation().clone(), kind));
    let circumstances = Circumstances::of(asked.assertion(), node.parts.engine.roles(), answering)
        .map_err(|_| refused(Reason::RoleUnknown, Reason::RoleUnknown.text().into()))?;
    let decision = node.parts.engine.decide(&circumstances);
    let permit = decision.permit().within(&asked.query().grants);
    if permit.is_empty() {
        let text =
            decision.refusal().map_or_else(|| Reason::PolicyRefused.text().to_owned(), |reason| reason.text.clone());
        return Err(refused(Reason::PolicyRefused, text));
    }
    let permitted = Permitted::new(permit, asked.assertion(), node.parts.engine.version());
    Ok(Decided { permitted, decision })
}
