//! What a process shows of itself to whoever watches it: `/metrics` for Prometheus, `/health`, and `/status`.
//!
//! Only this machine can read it, unless the configuration says otherwise: counts by organisation are
//! nobody else's business.

mod listener;
mod sight;
mod watched;

use std::net::SocketAddr;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;

use crate::configuration::{Faults, Key, Placed, Table};
use crate::load::why_not_bound;

pub(crate) use listener::Listener;
pub use watched::{Describe, Watched, WatchedLink};

const LISTEN: Key = Key::new("listen", "\"127.0.0.1:9464\"");
const REACH: Key = Key::new("reach", "\"loopback\"");

/// Upper bounds of the histograms, in seconds: an answer has 2.5 s and a view 3 s.
const BUCKETS: &[f64] = &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 2.5, 3.0, 5.0];

/// Where metrics and health can be read.
#[derive(Debug, Clone)]
pub struct MetricsSettings {
    listen: Placed<SocketAddr>,
}

/// Who can reach the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// This machine only.
    Loopback,
    /// Whoever reaches the machine.
    Network,
}

impl MetricsSettings {
    /// Its table. Without it nothing can be read.
    pub const TABLE: Key = Key::new("metrics", "{ listen = \"127.0.0.1:9464\" }");
    /// The keys of its table.
    pub const KEYS: &'static [Key] = &[LISTEN, REACH];

    /// Reads the table. An address beyond this machine must be allowed by `reach = "network"`.
    pub fn read(table: &Table<'_>) -> Option<Self> {
        let reaches = [("loopback", Reach::Loopback), ("network", Reach::Network)];
        let reach = table.word_if_any(REACH, &reaches).map_or(Reach::Loopback, |reach| reach.value);
        let listen = table.address(LISTEN)?;
        if reach == Reach::Loopback && !listen.value.ip().is_loopback() {
            return table.faults().refuse(
                &listen.place,
                "is no loopback address: others than this machine could read the metrics",
                "write listen = \"127.0.0.1:9464\", or allow it with reach = \"network\" beside it",
            );
        }
        Some(MetricsSettings { listen })
    }

    /// Where the process is asked.
    pub(crate) fn address(&self) -> SocketAddr {
        self.listen.value
    }

    /// Opens the port, and begins to count. None, with the fault noted, if the port cannot be opened.
    pub(crate) async fn open(&self, faults: &Faults) -> Option<Listener> {
        let Placed { value: address, place } = &self.listen;
        let socket = match TcpListener::bind(address).await {
            Ok(socket) => socket,
            Err(error) => {
                let (what, remedy) = why_not_bound(*address, error.kind());
                return faults.refuse(place, what, remedy);
            }
        };
        match install() {
            Ok(counted) => Some(Listener::new(socket, counted)),
            Err(error) => faults.refuse(
                place,
                format!("nothing can be counted: {error}"),
                "this is a fault of the program: report it",
            ),
        }
    }
}

/// From now on everything that is counted in this process is kept, to be read.
fn install() -> Result<PrometheusHandle, BuildError> {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    PrometheusBuilder::new().set_buckets_for_metric(seconds, BUCKETS)?.install_recorder()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::Document;

    /// The settings that a configuration gives, and its faults.
    fn read(text: &str) -> (Option<MetricsSettings>, Vec<String>) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("weald.toml");
        std::fs::write(&file, text).unwrap();
        let faults = Faults::default();
        let settings = {
            let document = Document::open(&file, &faults).unwrap();
            let parsed = document.parse(&faults).unwrap();
            let root = Table::root(&document, &parsed, &faults, &[MetricsSettings::TABLE]);
            root.table_if_any(MetricsSettings::TABLE, MetricsSettings::KEYS)
                .and_then(|table| MetricsSettings::read(&table))
        };
        (settings, faults.into_sorted().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_loopback_address_of_either_kind_needs_nothing_more() {
        for address in ["127.0.0.1:9464", "[::1]:9464"] {
            let (settings, faults) = read(&format!("[metrics]\nlisten = \"{address}\"\n"));
            assert_eq!(faults, Vec::<String>::new());
            assert_eq!(settings.unwrap().listen.value, address.parse().unwrap());
        }
    }

    #[test]
    fn an_address_that_others_reach_is_refused_with_its_line_and_a_remedy() {
        for address in ["0.0.0.0:9464", "192.0.2.1:9464", "[::]:9464"] {
            let (settings, faults) = read(&format!("[metrics]\nlisten = \"{address}\"\n"));
            assert!(settings.is_none());
            let [fault] = &faults[..] else { panic!("one fault: {faults:?}") };
            assert!(fault.contains("weald.toml:2:10: field `metrics.listen`: is no loopback address"), "{fault}");
            assert!(fault.contains("reach = \"network\""), "{fault}");
        }
    }

    #[test]
    fn an_address_that_others_reach_can_be_allowed() {
        let (settings, faults) = read("[metrics]\nlisten = \"0.0.0.0:9464\"\nreach = \"network\"\n");
        assert_eq!(faults, Vec::<String>::new());
        assert!(settings.is_some());
    }
}
