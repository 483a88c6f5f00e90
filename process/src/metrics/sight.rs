//! What can be read at the port of metrics, and by whom.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST};
use http::uri::Authority;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Semaphore;
use weald_proto::Clock;

use super::watched::Watched;
use crate::status::Facts;

/// Prometheus' text format, version 0.0.4.
const PROMETHEUS_TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// What can be read.
pub(super) struct Sight {
    pub(super) counted: PrometheusHandle,
    pub(super) facts: Facts,
    pub(super) watched: Vec<Watched>,
    pub(super) clock: Arc<dyn Clock>,
    /// True if the port is open to this machine only.
    pub(super) is_local: bool,
    /// How many look at what is watched at once.
    pub(super) looks: Arc<Semaphore>,
    /// True while all ports are served.
    pub(super) serving: Arc<AtomicBool>,
}

/// True if whoever asks from there is on this machine, which they reached at that address.
pub(super) fn is_near(from: IpAddr, at: Option<IpAddr>) -> bool {
    from.to_canonical().is_loopback() || at == Some(from)
}

/// True if a request was made for an address, or for `localhost`: not by a page in a browser of this machine, of
/// which a name was made to lead here.
fn is_by_address<B>(request: &Request<B>) -> bool {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let authority = host.and_then(|host| host.parse::<Authority>().ok());
    authority.is_some_and(|authority| {
        let host = authority.host();
        host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
    })
}

impl Sight {
    /// Answers one request.
    pub(super) async fn answer<B>(self: Arc<Self>, request: &Request<B>, is_near: bool) -> Response<String> {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return text(StatusCode::METHOD_NOT_ALLOWED, "only to be read\n".to_owned());
        }
        let is_by_address = is_by_address(request);
        match request.uri().path() {
            "/status" if !(is_near && is_by_address) => {
                text(StatusCode::FORBIDDEN, "only for this machine, asked for by its address\n".to_owned())
            }
            _ if self.is_local && !is_by_address => {
                text(StatusCode::FORBIDDEN, "only asked for by an address, or as localhost\n".to_owned())
            }
            "/status" => self.status().await,
            "/metrics" => self.metrics().await,
            "/health/live" => text(StatusCode::OK, "alive\n".to_owned()),
            "/health" | "/health/ready" => self.readiness(),
            _ => text(StatusCode::NOT_FOUND, "/metrics, /health/live, /health/ready, /status\n".to_owned()),
        }
    }

    /// Looks at sources too, which may be files: not on a thread that serves.
    async fn metrics(self: Arc<Self>) -> Response<String> {
        let turn = Arc::clone(&self.looks).acquire_owned().await;
        let read = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let now = self.clock.now();
            self.watched.iter().for_each(|watched| watched.observe(now));
            self.counted.render()
        });
        match read.await {
            Ok(metrics) => {
                let mut response = text(StatusCode::OK, metrics);
                response.headers_mut().insert(CONTENT_TYPE, PROMETHEUS_TEXT);
                response
            }
            Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the metrics cannot be gathered\n".to_owned()),
        }
    }

    /// Looks at sources too.
    async fn status(self: Arc<Self>) -> Response<String> {
        let turn = Arc::clone(&self.looks).acquire_owned().await;
        let said = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            serde_json::to_string_pretty(&self.facts.status(&self.watched, self.clock.now()))
        });
        match said.await {
            Ok(Ok(said)) => {
                let mut response = text(StatusCode::OK, said + "\n");
                response.headers_mut().insert(CONTENT_TYPE, JSON);
                response
            }
            Ok(Err(_)) | Err(_) => {
                text(StatusCode::INTERNAL_SERVER_ERROR, "the status cannot be gathered\n".to_owned())
            }
        }
    }

    fn readiness(&self) -> Response<String> {
        let now = self.clock.now();
        let mut lacks = String::new();
        if !self.serving.load(Ordering::Acquire) {
            lacks.push_str("the ports are not open\n");
        }
        for watched in &self.watched {
            for lack in watched.lacks(now) {
                // Writing into a text cannot fail.
                let _ = writeln!(lacks, "{}: {lack}", watched.whose());
            }
        }
        if lacks.is_empty() {
            text(StatusCode::OK, "ready\n".to_owned())
        } else {
            text(StatusCode::SERVICE_UNAVAILABLE, lacks)
        }
    }
}

fn text(status: StatusCode, text: String) -> Response<String> {
    let mut response = Response::new(text);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, PLAIN_TEXT);
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_told_to_this_machine_only() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(is_near(ip("127.0.0.5"), None) && is_near(ip("::1"), None) && is_near(ip("::ffff:127.0.0.1"), None));
        assert!(is_near(ip("192.0.2.1"), Some(ip("192.0.2.1"))), "this machine, by its own address");
        assert!(!is_near(ip("192.0.2.2"), Some(ip("192.0.2.1"))) && !is_near(ip("192.0.2.2"), None));
    }
}
