//! Enrolments, passed on to the authority: once each, a few at a time, and written down.

use tokio::time::{Instant, timeout};
use tonic::Status;
use weald_audit::{Entry, Kind, Recorder};
use weald_certs::Stranger;
use weald_proto::service::authority_service_client::AuthorityServiceClient;
use weald_proto::service::{EnrolRequest, RelayEnrolmentRequest};
use weald_proto::{Digest, Enrolled, Enrolment, Malformed, Reason, SpiffeId, SpiffePath, Told, limit};

use super::under_way::Place;
use super::{Allowances, AuthorityPlace, BootstrapParts, Refused};

/// An enrolment that may be passed on.
pub(super) struct Begun {
    enrolment: Enrolment,
    authority: AuthorityPlace,
    stranger: Stranger,
    _under_way: Place,
}

/// Sees whether an enrolment may be passed on: nothing has left then.
pub(super) fn begin(
    parts: &BootstrapParts,
    allowances: &Allowances,
    stranger: Stranger,
    request: EnrolRequest,
) -> Result<Begun, Refused> {
    let authority = parts.authority.clone().ok_or(Refused::new(Reason::EnrolmentNotOffered))?;
    let enrolment = read(request, &parts.name)
        .map_err(|fault| Refused::told(Reason::RequestMalformed, Told::field("the enrolment", &fault)))?;
    let of_party = |reason| Refused { enrolling: Some(enrolment.party.clone()), ..Refused::new(reason) };
    let under_way = allowances.enrolments_under_way.take(stranger.network());
    let under_way = under_way.ok_or_else(|| of_party(Reason::TooManyRequests))?;
    // What does not parse, or has no place, takes nothing of everybody's.
    let taken = allowances.enrolments.take(stranger.network(), 1.0, Instant::now());
    taken.map_err(|wait| Refused { told: Box::new(Told::wait(wait)), ..of_party(Reason::TooManyRequests) })?;
    // Before a token is used up for a certificate that may not leave.
    if !parts.log.is_writable() {
        return Err(of_party(Reason::AuditUnavailable));
    }
    Ok(Begun { enrolment, authority, stranger, _under_way: under_way })
}

/// An enrolment of a party of our federation that is not the authority itself.
fn read(request: EnrolRequest, broker: &SpiffeId) -> Result<Enrolment, Malformed> {
    let enrolment = Enrolment::from_wire(request.enrolment.ok_or(Malformed::new("enrolment", "present"))?)?;
    if enrolment.party.federation == broker.federation && enrolment.party.path != SpiffePath::Authority {
        Ok(enrolment)
    } else {
        Err(Malformed::new("party", "a node, broker or viewer app of this federation"))
    }
}

impl Begun {
    /// Passes it on, once, and writes down what came of it before that leaves.
    pub(super) async fn relay(self, parts: &BootstrapParts) -> Result<Enrolled, Refused> {
        let party = self.enrolment.party.clone();
        let of_party = |reason| Refused { enrolling: Some(party.clone()), ..Refused::new(reason) };
        let authority = SpiffeId::authority(&parts.name.federation);
        let asked = timeout(limit::ENROLMENT_DEADLINE, self.ask(&authority)).await;
        let enrolled = asked.unwrap_or(Err(Reason::AuthorityUnavailable)).map_err(of_party)?;
        let mut entry = Entry::new(Kind::Enrolment, Recorder::broker(parts.name.clone()));
        entry.address = Some(self.stranger.address());
        entry.enrolling = Some(party.clone());
        entry.certificate_digest = enrolled.chain().first().map(|own| Digest::of(own));
        match parts.log.append(entry).await {
            Ok(_) => Ok(enrolled),
            Err(error) => {
                tracing::error!(%error, "a certificate was issued and may not leave: it cannot be written down");
                Err(of_party(Reason::AuditUnavailable))
            }
        }
    }

    async fn ask(&self, authority: &SpiffeId) -> Result<Enrolled, Reason> {
        let AuthorityPlace { address, links } = &self.authority;
        let link = links.link(address, authority).await.map_err(|error| {
            tracing::warn!(%error, "the authority cannot be reached");
            Reason::AuthorityUnavailable
        })?;
        let mut client = AuthorityServiceClient::new(link).max_decoding_message_size(limit::CHAIN_BYTES + 1024);
        let request = RelayEnrolmentRequest { enrolment: Some(self.enrolment.to_wire()) };
        let answered = client.relay_enrolment(request).await.map_err(|status| told(&status))?;
        Enrolled::from_wire(answered.into_inner().enrolled).map_err(|fault| {
            tracing::warn!(%fault, "the authority's answer does not parse");
            Reason::AuthorityUnavailable
        })
    }
}

/// What of the authority's words the one who asked is told.
fn told(status: &Status) -> Reason {
    let reason = Reason::of_status(status);
    match reason {
        Some(reason @ (Reason::EnrolmentRefused | Reason::RequestMalformed | Reason::TooManyRequests)) => reason,
        _ => {
            let said = reason.map(tracing::field::display);
            tracing::warn!(reason = said, code = ?status.code(), "the authority cannot answer");
            Reason::AuthorityUnavailable
        }
    }
}
