//! What a broker's configuration says.

use std::net::SocketAddr;
use std::path::PathBuf;

use weald_process::load::{KeySettings, PartySettings, REGISTER, RegisterSettings};
use weald_process::{Key, Placed, Table};
use weald_proto::{FederationName, SpiffeId};

const NAME: Key = Key::new("name", "\"b1\"");
const FEDERATION: Key = Key::new("federation", "\"kent.weald.example\"");
const LISTEN: Key = Key::new("listen", "\"127.0.0.1:7400\"");
const TLS: Key = Key::new("tls", "{ certificate = \"tls.pem\", key = \"tls.key\", roots = \"roots.pem\" }");
const QUERY: Key = Key::new("query", "{ key_id = \"b1/query/1\", key = \"query.key\" }");
const PSEUDONYM_KEY: Key = Key::new("pseudonym_key", "\"pseudonym.key\"");
const AUTHORITY: Key = Key::new("authority", "{ address = \"authority.kent.example:7500\" }");
const AUDIT_LOG: Key = Key::new("audit_log", "\"broker.audit\"");

/// A broker's configuration, well formed. Nothing that it names was opened.
#[derive(Debug)]
pub(crate) struct Configuration {
    pub(crate) federation: FederationName,
    pub(crate) id: Placed<SpiffeId>,
    pub(crate) listen: Placed<SocketAddr>,
    pub(crate) party: PartySettings,
    pub(crate) roots: Placed<PathBuf>,
    pub(crate) register: RegisterSettings,
    pub(crate) query: KeySettings,
    pub(crate) pseudonym_key: Placed<PathBuf>,
    pub(crate) audit_log: Placed<PathBuf>,
    pub(crate) authority: Option<AuthoritySettings>,
}

/// Where the authority is, to which enrolments are passed on.
#[derive(Debug)]
pub(crate) struct AuthoritySettings {
    pub(crate) address: String,
}

impl AuthoritySettings {
    const ADDRESS: Key = Key::new("address", "\"authority.kent.example:7500\"");
    /// The keys of its table.
    pub(crate) const KEYS: &'static [Key] = &[Self::ADDRESS];

    fn read(table: &Table<'_>) -> Option<Self> {
        let address = table.parsed(Self::ADDRESS, |text| weald_certs::register::address(text.to_owned()))?;
        Some(AuthoritySettings { address: address.value })
    }
}

impl Configuration {
    /// The keys of the outermost table.
    pub(crate) const KEYS: &'static [Key] =
        &[NAME, FEDERATION, LISTEN, TLS, REGISTER, QUERY, PSEUDONYM_KEY, AUDIT_LOG, AUTHORITY];

    /// Reads the outermost table: all of it, whatever is wrong.
    pub(crate) fn read(root: &Table<'_>) -> Option<Self> {
        let federation = root.parsed(FEDERATION, FederationName::parse);
        let id = federation
            .as_ref()
            .and_then(|federation| root.parsed(NAME, |name| SpiffeId::broker(&federation.value, name)));
        let listen = root.address(LISTEN);
        let tls = root.table(TLS, &[PartySettings::CERTIFICATE, PartySettings::KEY, PartySettings::ROOTS]);
        let party = tls.as_ref().and_then(PartySettings::read);
        let roots = tls.as_ref().and_then(|tls| tls.path(PartySettings::ROOTS));
        let register = root.table(REGISTER, RegisterSettings::KEYS);
        let register = register.as_ref().and_then(RegisterSettings::read);
        let query = root.table(QUERY, KeySettings::KEYS);
        let query = query.as_ref().and_then(KeySettings::read);
        let pseudonym_key = root.path(PSEUDONYM_KEY);
        let audit_log = root.path(AUDIT_LOG);
        let authority = root.table_if_any(AUTHORITY, AuthoritySettings::KEYS);
        let authority = authority.map(|table| AuthoritySettings::read(&table));
        Some(Configuration {
            federation: federation?.value,
            id: id?,
            listen: listen?,
            party: party?,
            roots: roots?,
            register: register?,
            query: query?,
            pseudonym_key: pseudonym_key?,
            audit_log: audit_log?,
            authority: match authority {
                Some(read) => Some(read?),
                None => None,
            },
        })
    }
}
