//! Calls a broker.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::StreamExt as _;
use tonic::metadata::MetadataValue;
use tonic::{Request, Status};
use weald_certs::{Link, Links, Register};
use weald_proto::env::Env;
use weald_proto::service::record_service_client::RecordServiceClient;
use weald_proto::service::watch_summary_response::Update as Message;
use weald_proto::service::{GetSummaryRequest, WatchSummaryRequest};
use weald_proto::{Malformed, OdsCode, Outcome, Reason, Section, SignedAssertion, SpiffeId, limit, wire};

use crate::error::{SummaryError, ViewError};
use crate::verify::{Asked, verify};
use crate::view::View;

/// How long a client waits for a view beyond the broker's own deadline.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a viewer app is made of.
pub struct ViewerParts {
    /// Links to brokers, with the app's own certificate.
    pub links: Links,
    /// Host and port of the broker.
    pub address: String,
    /// The broker that must be there.
    pub broker: SpiffeId,
    /// The app's own copy of the register.
    pub register: Arc<ArcSwap<Register>>,
    /// Time, randomness, network.
    pub env: Env,
}

/// A viewer app's way to a broker.
pub struct Viewer(ViewerParts);

/// One organisation's outcome, as it came in a watched view. Shown as under way: what it amounts to
/// is only known when the view has ended and was verified as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// The organisation.
    pub organisation: OdsCode,
    /// What came of it.
    pub outcome: Outcome,
}

impl Viewer {
    /// A viewer app's way to that broker.
    pub fn new(parts: ViewerParts) -> Self {
        Viewer(parts)
    }

    /// One view, verified. `sections` must be within the assertion's; none means all of them.
    ///
    /// # Errors
    ///
    /// [`ViewError`]: a refusal with its reason, a fault of the link, or a summary that does not hold.
    pub async fn view(&self, token: &SignedAssertion, sections: &BTreeSet<Section>) -> Result<View, ViewError> {
        let register = self.0.register.load_full();
        let asked = self.asked(token, sections, &register)?;
        let message = GetSummaryRequest { sections: numbers(sections) };
        let mut client = self.client().await?;
        let summary = bounded(client.get_summary(request(token, message)?)).await?.into_inner().summary;
        let summary = summary.ok_or(SummaryError::Malformed(Malformed::new("summary", "a summary")))?;
        Ok(verify(&self.at_now(asked), summary)?)
    }

    /// One view as it comes: `each` hears of every organisation, then the whole is verified.
    ///
    /// # Errors
    ///
    /// As [`Viewer::view`].
    pub async fn watch(
        &self,
        token: &SignedAssertion,
        sections: &BTreeSet<Section>,
        mut each: impl FnMut(Update),
    ) -> Result<View, ViewError> {
        let register = self.0.register.load_full();
        let asked = self.asked(token, sections, &register)?;
        let message = WatchSummaryRequest { sections: numbers(sections) };
        let mut client = self.client().await?;
        let collect = async {
            let mut stream = client.watch_summary(request(token, message)?).await.map_err(refused)?.into_inner();
            let mut answers = BTreeMap::new();
            while let Some(update) = stream.next().await {
                match update.map_err(refused)?.update {
                    Some(Message::Outcome(outcome)) => {
                        each(update_of(&outcome)?);
                        answers.insert(outcome.organisation, outcome.answer);
                    }
                    Some(Message::Summary(summary)) => return Ok(complete(summary, answers)),
                    None => return Err(SummaryError::Malformed(Malformed::new("update", "an update")).into()),
                }
            }
            Err(ViewError::Failed(Box::new(Status::unavailable("the stream ended before the summary"))))
        };
        let summary = tokio::time::timeout(limit::VIEW_DEADLINE + PATIENCE, collect)
            .await
            .map_err(|_| refused(Status::deadline_exceeded("the broker did not answer in time")))??;
        Ok(verify(&self.at_now(asked), summary)?)
    }

    fn asked<'a>(
        &self,
        token: &'a SignedAssertion,
        sections: &BTreeSet<Section>,
        register: &'a Register,
    ) -> Result<Asked<'a>, ViewError> {
        let now = self.0.env.clock.now();
        if !register.is_current(now) {
            return Err(ViewError::RegisterExpired);
        }
        let assertion = token.verify(register).map_err(ViewError::Assertion)?;
        let sections = if sections.is_empty() { assertion.sections.clone() } else { sections.clone() };
        Ok(Asked { token, assertion, sections, register, now })
    }

    fn at_now<'a>(&self, asked: Asked<'a>) -> Asked<'a> {
        Asked { now: self.0.env.clock.now(), ..asked }
    }

    async fn client(&self) -> Result<RecordServiceClient<Link>, ViewError> {
        let link = self.0.links.link(&self.0.address, &self.0.broker).await;
        let link = link.map_err(|error| ViewError::Unreachable(Box::new(error)))?;
        Ok(RecordServiceClient::with_origin(link, http::Uri::from_static("http://broker.weald"))
            .max_decoding_message_size(limit::SUMMARY_BYTES)
            .max_encoding_message_size(limit::REQUEST_BYTES))
    }
}

impl fmt::Debug for Viewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Viewer(to {})", self.0.broker)
    }
}

fn numbers(sections: &BTreeSet<Section>) -> Vec<i32> {
    sections.iter().map(|section| section.to_wire()).collect()
}

fn request<T>(token: &SignedAssertion, message: T) -> Result<Request<T>, ViewError> {
    let mut request = Request::new(message);
    let mut bearer = MetadataValue::try_from(format!("Bearer {}", token.expose()))
        .map_err(|_| SummaryError::Malformed(Malformed::new("assertion", "a token for a header")))?;
    // It names the patient: `Debug` must not print it, nor HTTP/2 keep it in its table (RFC 7541, 7.1.3).
    bearer.set_sensitive(true);
    request.metadata_mut().insert("authorization", bearer);
    request.set_timeout(limit::VIEW_DEADLINE);
    Ok(request)
}

async fn bounded<T>(call: impl Future<Output = Result<T, Status>>) -> Result<T, ViewError> {
    match tokio::time::timeout(limit::VIEW_DEADLINE + PATIENCE, call).await {
        Ok(answered) => answered.map_err(refused),
        Err(_) => Err(refused(Status::deadline_exceeded("the broker did not answer in time"))),
    }
}

fn refused(status: Status) -> ViewError {
    match Reason::of_status(&status) {
        Some(reason) => ViewError::Refused { reason, text: status.message().to_owned() },
        None => ViewError::Failed(Box::new(status)),
    }
}

fn update_of(outcome: &wire::OrganisationOutcome) -> Result<Update, SummaryError> {
    Ok(Update { organisation: OdsCode::parse(&outcome.organisation)?, outcome: Outcome::from_wire(outcome.outcome)? })
}

/// The summary of a watched view leaves out the answers that were sent before it.
fn complete(mut summary: wire::Summary, mut answers: BTreeMap<String, Option<wire::VerbatimAnswer>>) -> wire::Summary {
    for outcome in &mut summary.outcomes {
        if outcome.answer.is_none() {
            outcome.answer = answers.remove(&outcome.organisation).flatten();
        }
    }
    summary
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_does_not_print_the_assertion_that_it_carries() {
        let token = SignedAssertion::parse("aGVhZGVy.Y2xhaW1z.c2lnbmF0dXJl").unwrap();
        let request = request(&token, ()).unwrap();
        assert_eq!(request.metadata().get("authorization").unwrap(), "Bearer aGVhZGVy.Y2xhaW1z.c2lnbmF0dXJl");
        assert!(!format!("{request:?}").contains("Y2xhaW1z"));
    }
}
