//! What an answer says about its call: refused or not, and with whose words.

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use tonic::body::Body;
use tonic::{Code, Status};
use weald_proto::service::{
    authority_service_server, bootstrap_service_server, node_agent_service_server, record_service_server,
};
use weald_proto::{Reason, Told};

use crate::door::Listener;

/// How a caller wants to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// With a gRPC status.
    Grpc,
    /// With an HTTP status and words.
    Plain,
}

impl Form {
    pub(super) fn of<B>(request: &Request<B>) -> Self {
        if is_grpc(request.headers()) { Form::Grpc } else { Form::Plain }
    }
}

/// `application/grpc`, also with a format or parameters after it (gRPC over HTTP/2, "Requests").
pub(super) fn is_grpc(headers: &HeaderMap) -> bool {
    let rest = headers.get(CONTENT_TYPE).and_then(|value| value.as_bytes().strip_prefix(b"application/grpc"));
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';')))
}

/// Of a status without a reason of ours: true for what the caller did wrong; false for what failed here, took
/// too long, or was too much.
pub(super) fn is_refusal(code: Code) -> bool {
    match code {
        Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::OutOfRange
        | Code::Unimplemented
        | Code::Unauthenticated => true,
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::ResourceExhausted
        | Code::Aborted
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss => false,
    }
}

/// The status of headers or trailers, if there is one and it is not `OK`.
pub(super) fn fault(headers: &HeaderMap) -> Option<Status> {
    let code = headers.get(Status::GRPC_STATUS)?;
    (code.as_bytes() != b"0").then(|| Status::from_header_map(headers)).flatten()
}

/// Our reason for a status that tonic made before it had called a service: it could not decode the
/// message, or had nobody to call. Our services give a reason of their own.
pub(super) fn reason_before_the_call(code: Code, is_compressed: bool) -> Option<(Reason, Told)> {
    match code {
        Code::Unimplemented if is_compressed => {
            Some((Reason::RequestMalformed, Told::text("messages are not to be compressed")))
        }
        Code::Unimplemented => Some((Reason::MethodUnknown, Told::default())),
        Code::OutOfRange | Code::ResourceExhausted => Some((Reason::RequestTooLarge, Told::default())),
        Code::Internal | Code::Unknown | Code::Cancelled => Some((Reason::RequestMalformed, Told::default())),
        _ => None,
    }
}

/// Our reason for a status that tonic made after it had called a service: the answer could not be
/// encoded.
pub(super) fn reason_after_the_call(code: Code) -> Option<Reason> {
    matches!(code, Code::Internal | Code::Unknown | Code::OutOfRange | Code::ResourceExhausted)
        .then_some(Reason::Internal)
}

/// An answer that consists of a reason.
pub(super) fn answer(form: Form, reason: Reason, told: &Told, served: Served) -> Response<Body> {
    match form {
        Form::Grpc => reason.to_status(told).into_http(),
        Form::Plain => plain(reason, told, served),
    }
}

fn plain(reason: Reason, told: &Told, served: Served) -> Response<Body> {
    let words = told.text.as_deref().unwrap_or(reason.text());
    let mut text = format!("{reason}: {words}\n");
    if reason == Reason::MethodUnknown {
        text.push_str(&served.words());
    }
    let mut response = Response::new(Body::new(text));
    *response.status_mut() = http_status(reason);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    if let Some(wait) = told.retry_after.or(reason.retry_after()) {
        // Whole seconds (RFC 9110, 10.2.3), and never none.
        headers.insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
    }
    response
}

/// What is served where somebody looked for something else.
#[derive(Debug, Clone, Copy)]
pub(super) struct Served {
    party: &'static str,
    service: &'static str,
}

impl Served {
    /// At the door of a broker that is for strangers.
    pub(super) const STRANGERS: Served = Served { party: "broker", service: bootstrap_service_server::SERVICE_NAME };

    /// To whoever has a certificate.
    pub(super) const fn of(listener: Listener) -> Self {
        let (party, service) = match listener {
            Listener::Broker => ("broker", record_service_server::SERVICE_NAME),
            Listener::Node => ("node", node_agent_service_server::SERVICE_NAME),
            Listener::Authority => ("authority", authority_service_server::SERVICE_NAME),
        };
        Served { party, service }
    }

    fn words(self) -> String {
        let Served { party, service } = self;
        format!(
            "This is a Weald {party}. It serves gRPC over HTTP/2 (service {service}) and no pages; see docs/architecture.md.\n"
        )
    }
}

fn http_status(reason: Reason) -> StatusCode {
    match reason {
        Reason::MethodUnknown => StatusCode::NOT_FOUND,
        Reason::RequestTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Reason::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        Reason::DeadlineExceeded => StatusCode::REQUEST_TIMEOUT,
        _ => StatusCode::BAD_REQUEST,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_grpc_is_grpc() {
        let of =
            |value: &'static str| is_grpc(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(value))]));
        for value in ["application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8"] {
            assert!(of(value), "{value}");
        }
        for value in ["application/grpc-web", "application/json", "text/plain", "application/grpcish"] {
            assert!(!of(value), "{value}");
        }
        assert!(!is_grpc(&HeaderMap::new()));
    }

    #[test]
    fn whoever_speaks_no_grpc_is_told_in_http_what_is_wrong_and_when_to_come_back() {
        let of = |reason: Reason, told: &Told| answer(Form::Plain, reason, told, Served::of(Listener::Node));
        let soon = of(Reason::TooManyRequests, &Told::wait(std::time::Duration::from_millis(50)));
        assert_eq!(soon.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(soon.headers().get(RETRY_AFTER), Some(&HeaderValue::from(1)));
        let large = of(Reason::RequestTooLarge, &Told::default());
        assert_eq!((large.status(), large.headers().get(RETRY_AFTER)), (StatusCode::PAYLOAD_TOO_LARGE, None));
        assert_eq!(of(Reason::DeadlineExceeded, &Told::default()).status(), StatusCode::REQUEST_TIMEOUT);
        assert!(large.headers().get(Status::GRPC_STATUS).is_none());
    }
}
