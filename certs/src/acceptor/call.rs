//! One call: counted, bounded, answered, and judged by its answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::{HeaderMap, Request, Response};
use hyper::body::{Body as _, Incoming};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic::Status;
use tonic::service::Routes;
use tower::Service as _;
use weald_proto::{Reason, Told};

use super::arriving::{self, Arriving, Cut};
use super::blame;
use super::caller::TooMany;
use super::departures::Departures;
use super::gate::Gate;
use super::leaving::Leaving;
use super::occupancy::{CallGuard, InFlight, Seat};
use super::refusal::Refusal;
use super::stranger::Stranger;
use super::verdict::{self, Form, Served};
use crate::door::Listener;
use crate::peer::PeerIdentity;

/// What is counted for each header beside its bytes (RFC 9113, 6.5.2).
const PER_HEADER: usize = 32;

/// One connection of one caller, and where its calls go.
pub(super) struct Visit {
    gate: Arc<Gate>,
    from: SocketAddr,
    /// None of a stranger.
    peer: Option<PeerIdentity>,
    seat: Seat,
    routes: Routes,
    departures: Arc<Departures>,
    patience: Patience,
    begun: TaskTracker,
}

/// With a caller that goes on calling although it was refused too often.
#[derive(Clone, Default)]
pub(super) struct Patience {
    /// Cancelled when it is to be told to go.
    pub(super) little: CancellationToken,
    /// Cancelled when it goes on calling all the same.
    pub(super) none: CancellationToken,
    in_vain: Arc<AtomicU32>,
}

impl Visit {
    pub(super) fn new(
        gate: Arc<Gate>,
        from: SocketAddr,
        peer: Option<PeerIdentity>,
        seat: Seat,
        routes: Routes,
    ) -> Self {
        let departures = Departures::new(gate.entrance.limits.leave_time);
        let (patience, begun) = (Patience::default(), TaskTracker::new());
        Visit { gate, from, peer, seat, routes, departures, patience, begun }
    }

    /// How much of it is left with this caller.
    pub(super) fn patience(&self) -> Patience {
        self.patience.clone()
    }

    /// The calls that are in flight on this connection.
    pub(super) fn begun(&self) -> TaskTracker {
        self.begun.clone()
    }

    /// The answers that have not left.
    pub(super) fn departures(&self) -> Arc<Departures> {
        Arc::clone(&self.departures)
    }

    /// Answers a request, by the routes if nothing is against it.
    pub(super) async fn serve(self: Arc<Self>, mut request: Request<Incoming>) -> Response<Leaving> {
        let form = Form::of(&request);
        let in_flight = match self.gate.occupancy.begin(self.seat.caller()) {
            Ok(in_flight) => Arc::new(in_flight),
            Err(TooMany::InFlight) => {
                // A broker is as busy as its viewer apps make it.
                if self.gate.entrance.listener == Listener::Broker {
                    self.gate.occupancy.refused_call_of(self.seat.caller());
                }
                return self.refuse(
                    form,
                    Reason::TooManyRequests,
                    &Told::default(),
                    "as many in flight as one may have",
                );
            }
            Err(TooMany::Refused(wait)) => {
                // What comes of the body from here on is thrown away unread.
                drop(request);
                tokio::time::sleep(self.gate.entrance.limits.late_time).await;
                return self.refuse(form, Reason::TooManyRequests, &Told::wait(wait), "refused too often");
            }
            Err(TooMany::Heedless) => {
                self.patience.call_in_vain(self.gate.entrance.limits.late_refusals);
                return std::future::pending().await;
            }
        };
        let lasts = self.gate.entrance.listener.long_calls().contains(&request.uri().path());
        let is_compressed = request.headers().get("grpc-encoding").is_some_and(|encoding| encoding != "identity");
        let call = Call { visit: Arc::clone(&self), in_flight, form, is_compressed, lasts, cut: Cut::default() };
        if let Some((reason, told, detail)) = self.objection(form, &request) {
            return call.refuse(reason, &told, detail);
        }
        match &self.peer {
            Some(peer) => request.extensions_mut().insert(peer.clone()).map(drop),
            None => request.extensions_mut().insert(Stranger::from(self.from)).map(drop),
        };
        let guard = CallGuard::new(&call.in_flight);
        guard.keep(self.begun.token());
        request.extensions_mut().insert(guard);
        let limits = &self.gate.entrance.limits;
        let request = request.map(|body| Arriving::new(body, (!lasts).then_some(limits), Arc::clone(&call.cut)));
        let mut unanswered = Unanswered { call: &call, is_answered: false };
        let answered = self.routes.clone().call(request).await;
        unanswered.is_answered = true;
        drop(unanswered);
        match answered {
            Ok(response) => call.judge(response),
            Err(never) => match never {},
        }
    }

    /// What is wrong with a request before anybody looks into it.
    fn objection(&self, form: Form, request: &Request<Incoming>) -> Option<(Reason, Told, &'static str)> {
        let limits = &self.gate.entrance.limits;
        let header_bytes = request.headers().iter().fold(request.uri().path().len(), |bytes, (name, value)| {
            bytes.saturating_add(name.as_str().len()).saturating_add(value.len()).saturating_add(PER_HEADER)
        });
        if header_bytes > limits.header_bytes {
            return Some((
                Reason::RequestTooLarge,
                Told::text("the headers are too large"),
                "the headers are too large",
            ));
        }
        let body_bytes = usize::try_from(request.body().size_hint().lower()).unwrap_or(usize::MAX);
        if body_bytes > limits.body_bytes {
            return Some((Reason::RequestTooLarge, Told::default(), "the body is too large, as its length says"));
        }
        if form == Form::Plain && names_a_method(request.uri().path()) {
            let told = Told::text("calls are sent as content type `application/grpc`");
            return Some((Reason::RequestMalformed, told, "a call of another content type"));
        }
        None
    }

    fn refuse(&self, form: Form, reason: Reason, told: &Told, detail: &'static str) -> Response<Leaving> {
        self.report(reason, detail);
        let served = if self.peer.is_some() { Served::of(self.gate.entrance.listener) } else { Served::STRANGERS };
        verdict::answer(form, reason, told, served).map(|body| self.leave(body, None))
    }

    fn leave(&self, body: tonic::body::Body, call: Option<Call>) -> Leaving {
        let lasts = call.as_ref().is_some_and(|call| call.lasts);
        let departure = self.departures.begin(call.as_ref().map(|call| Arc::clone(&call.in_flight)), lasts);
        Leaving::new(body, call, departure)
    }

    fn report(&self, reason: Reason, detail: &'static str) {
        let refusal = Refusal::new(reason, detail).of(self.peer.as_ref().map(|peer| peer.spiffe_id().clone()));
        self.gate.report(self.from, refusal);
    }
}

impl Patience {
    /// One more call that is not even told that it is refused.
    fn call_in_vain(&self, most: u32) {
        self.little.cancel();
        if self.in_vain.fetch_add(1, Ordering::Relaxed) >= most {
            self.none.cancel();
        }
    }
}

/// True for the path of a gRPC method: `/<package>.<Service>/<Method>`.
fn names_a_method(path: &str) -> bool {
    let mut segments = path.split('/').skip(1);
    let is_service = segments.next().is_some_and(|service| service.contains('.') && !service.starts_with('.'));
    is_service && segments.next().is_some_and(|method| !method.is_empty()) && segments.next().is_none()
}

/// A call in flight.
pub(super) struct Call {
    visit: Arc<Visit>,
    in_flight: Arc<InFlight>,
    form: Form,
    is_compressed: bool,
    lasts: bool,
    cut: Cut,
}

/// The work for a call until the head of its answer. Whoever drops it sooner has hung up.
struct Unanswered<'a> {
    call: &'a Call,
    is_answered: bool,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.call.hung_up();
        }
    }
}

impl Call {
    /// Reads the head of an answer, and replaces what has no reason of ours.
    fn judge(self, response: Response<tonic::body::Body>) -> Response<Leaving> {
        if let Some(reason) = self.cut.get().copied() {
            self.count_slow(reason);
            return self.refuse(reason, &arriving::told(reason), "the body was cut off");
        }
        match self.form {
            Form::Grpc => self.judge_grpc(response),
            Form::Plain => self.judge_plain(response),
        }
    }

    fn judge_grpc(self, response: Response<tonic::body::Body>) -> Response<Leaving> {
        let Some(status) = verdict::fault(response.headers()) else {
            return self.leave(response);
        };
        if Reason::of_status(&status).is_none()
            && let Some((reason, told)) = verdict::reason_before_the_call(status.code(), self.is_compressed)
        {
            return self.refuse(reason, &told, "no service was called");
        }
        self.count(&status);
        response.map(|body| self.visit.leave(body, None))
    }

    /// Routes that find nothing answer in gRPC whoever asks.
    fn judge_plain(self, response: Response<tonic::body::Body>) -> Response<Leaving> {
        if verdict::is_grpc(response.headers()) {
            return self.refuse(Reason::MethodUnknown, &Told::default(), "nothing is served there");
        }
        if response.status().is_client_error() {
            self.in_flight.refused();
        }
        self.leave(response)
    }

    fn leave(self, response: Response<tonic::body::Body>) -> Response<Leaving> {
        let visit = Arc::clone(&self.visit);
        response.map(|body| visit.leave(body, Some(self)))
    }

    /// Reads the status at the end of an answer, and replaces one that has no reason of ours.
    pub(super) fn judge_trailers(self, trailers: &mut HeaderMap) {
        let Some(status) = verdict::fault(trailers) else { return };
        let ours = match (self.cut.get(), Reason::of_status(&status)) {
            (Some(cut), _) => {
                self.count_slow(*cut);
                Some(*cut)
            }
            (None, Some(_)) => None,
            (None, None) => verdict::reason_after_the_call(status.code()),
        };
        let Some(reason) = ours else { return self.count(&status) };
        let status = reason.to_status(&arriving::told(reason));
        for name in [Status::GRPC_STATUS, Status::GRPC_MESSAGE, Status::GRPC_STATUS_DETAILS] {
            trailers.remove(name);
        }
        // A status of a reason holds nothing that is no header.
        if status.add_header(trailers).is_err() {
            tracing::error!(%reason, "a reason does not fit into trailers");
        }
        if reason == Reason::Internal {
            tracing::error!("an answer could not be encoded");
        } else {
            self.visit.report(reason, "the body was cut off");
        }
        self.count(&status);
    }

    /// The caller is gone before its answer. Work was begun for it, perhaps by others, who go on; so a viewer
    /// app may do it as often as it may be refused. A broker does whatever its viewer apps do.
    pub(super) fn hung_up(&self) {
        if self.visit.gate.entrance.listener == Listener::Broker {
            self.in_flight.refused();
        }
    }

    /// A body was cut off because it did not come in time: a viewer app's own doing, or of what is between. A broker
    /// that stalls does not pay, or all its viewer apps would.
    fn count_slow(&self, cut: Reason) {
        if cut == Reason::DeadlineExceeded && self.visit.gate.entrance.listener == Listener::Broker {
            self.in_flight.refused();
        }
    }

    fn count(&self, status: &Status) {
        match Reason::of_status(status) {
            Some(reason) => self.count_reason(reason),
            None if verdict::is_refusal(status.code()) => self.in_flight.refused(),
            None => {}
        }
    }

    fn count_reason(&self, reason: Reason) {
        if blame::is_callers(reason, self.visit.gate.entrance.listener) {
            self.in_flight.refused();
        }
    }

    fn refuse(self, reason: Reason, told: &Told, detail: &'static str) -> Response<Leaving> {
        self.count_reason(reason);
        self.visit.refuse(self.form, reason, told, detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_of_a_service_and_a_method_names_a_method() {
        assert!(names_a_method("/weald.service.v1.RecordService/GetSummary"));
        for path in ["/", "/favicon.ico", "/.well-known/weald", "/v1/Patient.Summary", "/a.b/c/d", "/a.b/"] {
            assert!(!names_a_method(path), "{path}");
        }
    }
}
