//! First step: who is on the connection, and does their organisation say so?

use std::collections::BTreeSet;

use tokio::time::Instant;
use weald_certs::{CallGuard, Member, PeerIdentity};
use weald_proto::{
    Assertion, NotAccepted, Reason, Section, SignedAssertion, SpiffeId, SpiffePath, Told, Verified, ViewId,
};

use crate::broker::Broker;
use crate::refusal::Refusal;

/// What a viewer app asks for, as it came through the door.
#[derive(Debug)]
pub struct Request {
    /// The bearer token; none if none came.
    pub token: Option<String>,
    /// Numbers of the sections wanted, as they came; none means all of the assertion's.
    pub sections: Vec<i32>,
    /// When the whole view must have ended.
    pub deadline: Instant,
    /// Holds what is in memory for the view until its last byte has left; none if nothing is to be sent.
    pub call: Option<CallGuard>,
}

/// A request of a viewer app, with an assertion that holds for it. Nothing but [`admit`] makes one.
#[derive(Debug)]
pub struct Admitted {
    view: ViewId,
    viewer: SpiffeId,
    token: SignedAssertion,
    assertion: Verified<Assertion>,
    sections: BTreeSet<Section>,
}

impl Admitted {
    /// The id of this view.
    pub fn view(&self) -> ViewId {
        self.view
    }

    /// The viewer app on the connection.
    pub fn viewer(&self) -> &SpiffeId {
        &self.viewer
    }

    /// The assertion, verbatim.
    pub fn token(&self) -> &SignedAssertion {
        &self.token
    }

    /// What it says.
    pub fn assertion(&self) -> &Verified<Assertion> {
        &self.assertion
    }

    /// The sections to be shown.
    pub fn sections(&self) -> &BTreeSet<Section> {
        &self.sections
    }
}

/// Admits a request: TLS identity, signature, claims, and that it was not used before.
///
/// # Errors
///
/// [`Refusal`] with the first thing that does not hold.
pub fn admit(broker: &Broker, peer: &PeerIdentity, request: &Request) -> Result<Admitted, Refusal> {
    let viewer = peer.spiffe_id();
    let SpiffePath::Viewer(organisation, _) = &viewer.path else {
        return Err(Refusal::new(Reason::WrongParty, "the peer is no viewer app"));
    };
    if viewer.federation != broker.parts.federation {
        return Err(Refusal::new(Reason::WrongParty, "the peer is of another federation"));
    }
    let (register, now) = (broker.register(), broker.parts.env.clock.now());
    if !register.is_current(now) {
        return Err(Refusal::new(Reason::RegisterExpired, "the broker's register"));
    }
    if !register.member(organisation).is_some_and(Member::is_active) {
        return Err(Refusal::new(Reason::NotAMember, "the viewer app's organisation is no active member"));
    }
    let token = request.token.as_deref().ok_or_else(|| Refusal::new(Reason::AssertionMissing, "no bearer token"))?;
    let token = SignedAssertion::parse(token).map_err(|fault| Refusal {
        told: Box::new(Told::field("the assertion", &fault)),
        ..Refusal::new(Reason::AssertionMalformed, fault.to_string())
    })?;
    let of_token = |refusal: Refusal| Refusal { token: Some(token.digest()), ..refusal };
    let accepted = token.accept(&*register, &broker.parts.federation, now);
    let assertion = accepted.map_err(|fault| of_token(not_accepted(fault)))?;
    let of_assertion = |refusal: Refusal| of_token(Refusal { assertion: Some(Box::new(assertion.clone())), ..refusal });
    if assertion.viewer != *viewer {
        return Err(of_assertion(Refusal::new(Reason::AssertionViewer, "`cnf` names another viewer app")));
    }
    let sections = sections(request, &assertion).map_err(of_assertion)?;
    let noted = broker.parts.replay.note_assertion(&assertion, now);
    noted.map_err(|reason| of_assertion(Refusal::new(reason, "the assertion was used before")))?;
    let view = ViewId::generate(&*broker.parts.env.random);
    Ok(Admitted { view, viewer: viewer.clone(), token, assertion, sections })
}

/// What does not parse is named to the requester, because only they can mend it.
fn not_accepted(fault: NotAccepted) -> Refusal {
    let told = fault.field.as_ref().map(|field| Told::field("the assertion", field)).unwrap_or_default();
    Refusal { told: Box::new(told), assertion: fault.assertion, ..Refusal::new(fault.reason, fault.detail) }
}

fn sections(request: &Request, assertion: &Assertion) -> Result<BTreeSet<Section>, Refusal> {
    if request.sections.is_empty() {
        return Ok(assertion.sections.clone());
    }
    let wanted = Section::of_request(&request.sections).map_err(|fault| Refusal {
        told: Box::new(Told::field("the request", &fault)),
        ..Refusal::new(Reason::RequestMalformed, fault.to_string())
    })?;
    if !wanted.is_subset(&assertion.sections) {
        return Err(Refusal::new(Reason::SectionsNotAsserted, "the request goes beyond the assertion"));
    }
    Ok(wanted)
}
