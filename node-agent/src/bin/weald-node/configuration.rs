//! What a configuration of nodes says.

use std::fmt::Display;
use std::path::PathBuf;

use weald_process::load::{PROXY, PartySettings, ProxyTable, REGISTER, RegisterSettings};
use weald_process::{Faults, Key, Placed, Table};
use weald_proto::FederationName;

use crate::organisation::{self, Organisation};

const FEDERATION: Key = Key::new("federation", "\"kent.weald.example\"");
const TLS: Key = Key::new("tls", "{ roots = \"roots.pem\" }");
const ORGANISATION: Key = Key::new("organisation", "[{ code = \"RVV\", ... }]");

/// A configuration of nodes, well formed. Nothing that it names was opened.
#[derive(Debug)]
pub(crate) struct Configuration {
    pub(crate) federation: Placed<FederationName>,
    pub(crate) roots: Placed<PathBuf>,
    pub(crate) register: RegisterSettings,
    /// Through which brokers are reached; without it, the environment says.
    pub(crate) proxy: Option<ProxyTable>,
    /// One at least; no two share a code, a port or an audit log.
    pub(crate) organisations: Vec<Organisation>,
}

impl Configuration {
    /// The keys of the outermost table.
    pub(crate) const KEYS: &'static [Key] = &[FEDERATION, TLS, REGISTER, PROXY, ORGANISATION];

    /// Reads the outermost table: all of it, whatever is wrong.
    pub(crate) fn read(root: &Table<'_>) -> Option<Self> {
        let federation = root.parsed(FEDERATION, FederationName::parse);
        let roots = root.table(TLS, &[PartySettings::ROOTS]).and_then(|tls| tls.path(PartySettings::ROOTS));
        let register = root.table(REGISTER, RegisterSettings::KEYS);
        let register = register.as_ref().and_then(RegisterSettings::read);
        let proxy = root.table_if_any(PROXY, ProxyTable::KEYS).and_then(|table| ProxyTable::read(&table));
        let organisations = root.tables(ORGANISATION, organisation::KEYS);
        let organisations: Vec<_> = organisations?.iter().map(Organisation::read).collect();
        let organisations: Vec<Organisation> = organisations.into_iter().collect::<Option<_>>()?;
        check_apart(&organisations, root.faults());
        Some(Configuration { federation: federation?, roots: roots?, register: register?, proxy, organisations })
    }
}

fn check_apart(organisations: &[Organisation], faults: &Faults) {
    let remedy = "give each organisation one table, with a code, a port and an audit log of its own";
    let twice = |what: &str, name: &dyn Display| format!("{what} `{name}` is that of an earlier organisation too");
    for (position, one) in organisations.iter().enumerate() {
        let before = || organisations.iter().take(position);
        if before().any(|other| other.code.value == one.code.value) {
            faults.note(&one.code.place, twice("the code", &one.code.value), remedy);
        }
        if let Some(Placed { value: port, place }) = &one.listen {
            let same = |other: &Organisation| other.listen.as_ref().is_some_and(|other| other.value == *port);
            if port.port() != 0 && before().any(same) {
                faults.note(place, twice("the port", port), remedy);
            }
        }
        if before().any(|other| other.audit_log.value == one.audit_log.value) {
            faults.note(&one.audit_log.place, twice("the audit log", &one.audit_log.value.display()), remedy);
        }
    }
}
