//! The gRPC door of a broker. Decides nothing: takes a request in, hands it to the pipeline, hands the summary out.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use weald_certs::{CallGuard, PeerIdentity};
use weald_proto::service::record_service_server::{RecordService, RecordServiceServer};
use weald_proto::service::watch_summary_response::Update;
use weald_proto::service::{GetSummaryRequest, GetSummaryResponse, WatchSummaryRequest, WatchSummaryResponse};
use weald_proto::{Reason, Told, limit, wire};

use crate::admit;
use crate::ask::Watcher;
use crate::broker::Broker;
use crate::metrics::ViewEnd;
use crate::refusal::Refusal;
use crate::view::view;

/// Serves the record to viewer apps.
#[derive(Debug, Clone)]
pub struct BrokerService {
    broker: Arc<Broker>,
}

impl BrokerService {
    /// The gRPC service of a broker, with its limits set.
    pub fn serve(broker: Arc<Broker>) -> RecordServiceServer<BrokerService> {
        RecordServiceServer::new(BrokerService { broker })
            .max_decoding_message_size(limit::REQUEST_BYTES)
            .max_encoding_message_size(limit::SUMMARY_BYTES)
    }
}

#[tonic::async_trait]
impl RecordService for BrokerService {
    async fn get_summary(&self, request: Request<GetSummaryRequest>) -> Result<Response<GetSummaryResponse>, Status> {
        let peer = peer(request.extensions())?;
        let asked = asked(&request, &request.get_ref().sections);
        let summary = bounded(&self.broker, &peer, asked, None).await?;
        Ok(Response::new(GetSummaryResponse { summary: Some(summary) }))
    }

    type WatchSummaryStream = ReceiverStream<Result<WatchSummaryResponse, Status>>;

    async fn watch_summary(
        &self,
        request: Request<WatchSummaryRequest>,
    ) -> Result<Response<Self::WatchSummaryStream>, Status> {
        let peer = peer(request.extensions())?;
        let asked = asked(&request, &request.get_ref().sections);
        let (updates, stream) = mpsc::channel(16);
        let call = request.extensions().get::<CallGuard>().cloned();
        tokio::spawn(watch_while_heard(Arc::clone(&self.broker), peer, asked, updates, call));
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

/// How long a watched view waits for a slow reader to take its last update.
const PARTING: Duration = Duration::from_secs(2);

type Updates = mpsc::Sender<Result<WatchSummaryResponse, Status>>;

/// Watches until the view has ended or nobody listens any more. What was released by then is recorded, and
/// nodes record what they have read by themselves. In flight for as long as there is work for it.
async fn watch_while_heard(
    broker: Arc<Broker>,
    peer: PeerIdentity,
    asked: admit::Request,
    updates: Updates,
    _call: Option<CallGuard>,
) {
    tokio::select! {
        biased;
        () = watch(broker, peer, asked, updates.clone()) => {}
        () = updates.closed() => {}
    }
}

/// Runs one watched view, and passes on each outcome and then the summary.
async fn watch(broker: Arc<Broker>, peer: PeerIdentity, asked: admit::Request, updates: Updates) {
    let (outcomes, mut incoming) = mpsc::channel(16);
    let watcher = Watcher::new(outcomes);
    let (passing, deadline) = (updates.clone(), asked.deadline);
    let pass = async move {
        while let Some(outcome) = incoming.recv().await {
            let update = WatchSummaryResponse { update: Some(Update::Outcome(outcome)) };
            // A viewer that does not read holds nothing up beyond the view's own deadline.
            if !matches!(timeout_at(deadline, passing.send(Ok(update))).await, Ok(Ok(()))) {
                return;
            }
        }
    };
    let run = async {
        let ended = bounded(&broker, &peer, asked, Some(&watcher)).await;
        drop(watcher);
        ended
    };
    let (ended, ()) = tokio::join!(run, pass);
    let last = ended.map(|summary| WatchSummaryResponse { update: Some(Update::Summary(summary)) });
    // The viewer may have gone away; what was released is recorded all the same.
    let _ = timeout_at(deadline + PARTING, updates.send(last)).await;
}

/// hyper enforces no `grpc-timeout`: the view ends by its deadline whatever happens inside it.
async fn bounded(
    broker: &Broker,
    peer: &PeerIdentity,
    asked: admit::Request,
    watcher: Option<&Watcher>,
) -> Result<wire::Summary, Status> {
    let under_way = broker.metrics.view_began();
    let deadline = asked.deadline;
    let viewer = broker.viewers.viewer(peer.spiffe_id());
    let ended = timeout_at(deadline, viewer.in_turn(view(broker, peer, asked, watcher))).await;
    let ended = ended.unwrap_or_else(|_| Err(Refusal::new(Reason::DeadlineExceeded, "the view's own deadline")));
    under_way.ended(ViewEnd::of(&ended));
    ended.map_err(|refusal| refusal.to_status())
}

fn peer(extensions: &http::Extensions) -> Result<PeerIdentity, Status> {
    extensions.get::<PeerIdentity>().cloned().ok_or_else(|| Reason::WrongParty.to_status(&Told::default()))
}

fn asked<T>(request: &Request<T>, sections: &[i32]) -> admit::Request {
    let metadata = request.metadata();
    let token = metadata
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .map(str::to_owned);
    let timeout = metadata.get("grpc-timeout").and_then(|value| value.to_str().ok()).and_then(timeout);
    let within = timeout.unwrap_or(limit::VIEW_DEADLINE).min(limit::VIEW_DEADLINE);
    let call = request.extensions().get::<CallGuard>().cloned();
    admit::Request { token, sections: sections.to_vec(), deadline: Instant::now() + within, call }
}

/// Parses `grpc-timeout`: at most eight digits and a unit (gRPC over HTTP/2, "Timeout").
fn timeout(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let amount: u64 = digits.parse().ok().filter(|_| digits.len() <= 8)?;
    Some(match unit {
        "H" => Duration::from_secs(amount * 3600),
        "M" => Duration::from_secs(amount * 60),
        "S" => Duration::from_secs(amount),
        "m" => Duration::from_millis(amount),
        "u" => Duration::from_micros(amount),
        "n" => Duration::from_nanos(amount),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_deadline_is_read_in_every_unit() {
        assert_eq!(timeout("3S"), Some(Duration::from_secs(3)));
        assert_eq!(timeout("250m"), Some(Duration::from_millis(250)));
        assert_eq!(timeout("1H"), Some(Duration::from_secs(3600)));
        assert_eq!(timeout("123456789S"), None);
        assert_eq!(timeout("S"), None);
        assert_eq!(timeout(""), None);
        assert_eq!(timeout("5\u{e9}"), None);
    }
}
