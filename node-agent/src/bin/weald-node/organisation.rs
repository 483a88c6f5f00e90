//! What a configuration says of one organisation.

use std::net::SocketAddr;
use std::path::PathBuf;

use weald_process::load::{KeySettings, PartySettings};
use weald_process::{Key, Placed, Table};
use weald_proto::{OdsCode, limit};

use crate::source::{self, SourceSettings};

const CODE: Key = Key::new("code", "\"RVV\"");
const LISTEN: Key = Key::new("listen", "\"127.0.0.1:7401\"");
const TLS: Key = Key::new("tls", "{ certificate = \"tls.pem\", key = \"tls.key\" }");
const STATEMENT: Key = Key::new("statement", "{ key_id = \"RVV/statement/1\", key = \"statement.key\" }");
const POLICIES: Key = Key::new("policies", "\"policies\"");
const CACHE_SECONDS: Key = Key::new("cache_seconds", "30");
const AUDIT_LOG: Key = Key::new("audit_log", "\"RVV.audit\"");

/// The keys of an organisation's table.
pub(crate) const KEYS: &[Key] =
    &[CODE, LISTEN, TLS, STATEMENT, POLICIES, CACHE_SECONDS, source::BUNDLES, source::SQLITE, AUDIT_LOG];

/// The longest that any answer is kept.
const CACHE_CEILING: u32 = 60;
const _: () = assert!(CACHE_CEILING as u64 == limit::CACHE_CEILING.as_secs());

/// What a configuration says of one organisation.
#[derive(Debug)]
pub(crate) struct Organisation {
    pub(crate) code: Placed<OdsCode>,
    /// Where it listens. Without, it dials the brokers.
    pub(crate) listen: Option<Placed<SocketAddr>>,
    pub(crate) party: PartySettings,
    pub(crate) statement: KeySettings,
    pub(crate) policies: Option<Placed<PathBuf>>,
    /// For how many seconds brokers may keep its answers; 0 without.
    pub(crate) cache_seconds: u32,
    pub(crate) source: SourceSettings,
    pub(crate) audit_log: Placed<PathBuf>,
}

impl Organisation {
    /// Reads its table: all of it, whatever is wrong.
    pub(crate) fn read(table: &Table<'_>) -> Option<Self> {
        let code = table.parsed(CODE, OdsCode::parse);
        let listen = table.address_if_any(LISTEN);
        let tls = table.table(TLS, &[PartySettings::CERTIFICATE, PartySettings::KEY]);
        let party = tls.as_ref().and_then(PartySettings::read);
        let statement = table.table(STATEMENT, KeySettings::KEYS);
        let statement = statement.as_ref().and_then(KeySettings::read);
        let policies = table.path_if_any(POLICIES);
        let cache_seconds = match table.number_if_any(CACHE_SECONDS, 0..=CACHE_CEILING) {
            None if table.has(CACHE_SECONDS) => None,
            seconds => Some(seconds.map_or(0, |seconds| seconds.value)),
        };
        let source = SourceSettings::read(table);
        let audit_log = table.path(AUDIT_LOG);
        Some(Organisation {
            code: code?,
            listen,
            party: party?,
            statement: statement?,
            policies,
            cache_seconds: cache_seconds?,
            source: source?,
            audit_log: audit_log?,
        })
    }
}
