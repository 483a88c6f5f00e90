//! What is said, as JSON.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use weald_certs::{ConnectError, Diagnosis, OwnCertificateFault};
use weald_proto::Timestamp;
use weald_proto::service::node_agent_service_server::SERVICE_NAME;

use crate::metrics::Watched;

/// The version of the form. It changes when a member changes its meaning or goes.
pub const FORM: &str = "weald-status/1";
/// Certificates live 24 h, and are renewed at half of that.
const CERTIFICATE_SOON: Duration = Duration::from_secs(8 * 3600);
/// Whoever holds a register that has expired serves nothing.
const REGISTER_SOON: Duration = Duration::from_secs(6 * 3600);

/// What a process says of itself. `P` is what differs between broker and node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status<P> {
    /// [`FORM`].
    pub form: String,
    /// `weald-broker` or `weald-node`.
    pub program: String,
    /// Version of the program that runs.
    pub version: String,
    /// Version of what it speaks with other parties, which is that of each of them too: no other is let in.
    pub protocol: String,
    /// When it said this, by its clock.
    pub at: Timestamp,
    /// Since when it serves.
    pub running_since: Timestamp,
    /// The broker, or each organisation's node in the order of the configuration.
    pub parties: Vec<PartyStatus<P>>,
}

/// What is said of one party.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PartyStatus<P> {
    /// Its name in certificates.
    pub id: String,
    /// Whatever is not as it should be. Nothing means that all is well.
    pub troubles: Vec<Trouble>,
    /// The register that it goes by.
    pub register: RegisterStatus,
    /// Until when its certificate holds; none if it does not.
    pub certificate_expires_at: Option<Timestamp>,
    /// False once the audit log has failed: nothing is served before a restart.
    pub audit_log_writable: bool,
    /// What only a broker, or only a node, has.
    #[serde(flatten)]
    pub of_party: P,
}

/// The register that is held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegisterStatus {
    /// Its version.
    pub version: u64,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ceases to hold, if ever.
    pub expires_at: Option<Timestamp>,
}

/// One thing that is not as it should be. Holds no personal data, and no name of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Whom or what it is about: an organisation's code, the name of a broker, or the party itself.
    pub about: String,
    /// Which it is: a word of the list in `docs/status.md`.
    pub word: String,
    /// What was seen.
    pub what: String,
    /// What to do, and whom to ask.
    pub remedy: String,
}

impl Trouble {
    /// One more trouble.
    pub fn new(
        about: impl Into<String>,
        word: &'static str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Trouble { about: about.into(), word: word.to_owned(), what: what.into(), remedy: remedy.into() }
    }
}

/// A connection that could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// When.
    pub at: Timestamp,
    /// Which cause of `docs/connecting.md` it is.
    pub cause: String,
    /// What was seen.
    pub what: String,
    /// What to do.
    pub remedy: String,
    /// Whom to ask.
    pub ask: String,
}

impl Failure {
    /// What is to be said of a connection that could not be made then.
    pub fn of(fault: &ConnectError, at: Timestamp) -> Self {
        let Diagnosis { cause, what } = Diagnosis::of(fault);
        let (word, remedy, ask) = (cause.word().to_owned(), cause.remedy().to_owned(), cause.ask().to_string());
        Failure { at, cause: word, what, remedy, ask }
    }
}

/// What a broker or a node says of itself, beside what every party does.
#[derive(Debug, Clone, Default)]
pub struct Described {
    /// The members of its [`PartyStatus`] that no other kind of party has: an object.
    pub of_party: Value,
    /// What is not as it should be.
    pub troubles: Vec<Trouble>,
}

/// What is the same for all parties of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    /// The program's name.
    pub(crate) program: &'static str,
    /// Since when it serves.
    pub(crate) running_since: Timestamp,
}

impl Facts {
    /// What all parties of this process say. May block.
    pub(crate) fn status(&self, watched: &[Watched], now: Timestamp) -> Status<Value> {
        Status {
            form: FORM.to_owned(),
            program: self.program.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: SERVICE_NAME.rsplit_once('.').map_or(SERVICE_NAME, |(package, _)| package).to_owned(),
            at: now,
            running_since: self.running_since,
            parties: watched.iter().map(|watched| party(watched, now)).collect(),
        }
    }
}

fn party(watched: &Watched, now: Timestamp) -> PartyStatus<Value> {
    let Described { of_party, mut troubles } = watched.describe(now);
    let id = watched.whose().to_string();
    let register = watched.register.load();
    let expires_at = register.expires_at();
    if let Some(expires_at) = expires_at.filter(|expires_at| *expires_at < now.plus(REGISTER_SOON)) {
        let is_over = expires_at <= now;
        let word = if is_over { "REGISTER_EXPIRED" } else { "REGISTER_ENDS_SOON" };
        let what = format!("register {} {} {expires_at}", register.version(), ends(is_over));
        troubles.push(Trouble::new(&id, word, what, "put a newer register in its place, and start the process again"));
    }
    let believed = watched.party.trust.believes(&watched.party.credentials, now);
    let certificate_expires_at = match &believed {
        Ok(expires_at) | Err(OwnCertificateFault::Expired(expires_at)) => Some(*expires_at),
        Err(_) => None,
    };
    if let Some(what) = certificate(believed.as_ref().err(), certificate_expires_at, now) {
        let word = if believed.is_ok() { "CERTIFICATE_ENDS_SOON" } else { "CERTIFICATE_INVALID" };
        let remedy = "request a new certificate from the federation's authority, and start the process again";
        troubles.push(Trouble::new(&id, word, what, remedy));
    }
    let audit_log_writable = watched.log.is_writable();
    if !audit_log_writable {
        let what = "an entry could not be written, and nothing is served";
        let remedy = "look for the cause in the log (a full or failing disk), and start the process again";
        troubles.push(Trouble::new(&id, "AUDIT_LOG_FAILED", what, remedy));
    }
    PartyStatus {
        id,
        troubles,
        register: RegisterStatus { version: register.version(), issued_at: register.issued_at(), expires_at },
        certificate_expires_at,
        audit_log_writable,
        of_party,
    }
}

/// What is to be said of an own certificate; nothing if it holds for long.
fn certificate(fault: Option<&OwnCertificateFault>, expires_at: Option<Timestamp>, now: Timestamp) -> Option<String> {
    match (fault, expires_at) {
        (_, Some(expires_at)) if expires_at < now.plus(CERTIFICATE_SOON) => {
            Some(format!("the certificate {} {expires_at}", ends(expires_at <= now)))
        }
        (Some(fault), _) => Some(format!("the certificate does not hold: {fault}")),
        (None, _) => None,
    }
}

fn ends(is_over: bool) -> &'static str {
    if is_over { "expired at" } else { "expires at" }
}
