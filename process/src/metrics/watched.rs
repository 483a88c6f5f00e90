//! What stands behind a port, as whoever watches the process sees it: what can be read of it, and
//! whether it is fit to serve.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::watch;
use weald_audit::Log;
use weald_certs::{AttachmentState, Occupancy, OwnCertificateFault, Register};
use weald_proto::{SpiffeId, Timestamp};

use crate::load::Party;
use crate::status::Described;

/// A broker, or one organisation's node.
pub struct Watched {
    /// The register that it goes by.
    pub register: Arc<ArcSwap<Register>>,
    /// Its audit log.
    pub log: Arc<Log>,
    /// Its certificate.
    pub party: Party,
    /// Who is at its port, if it has one.
    pub occupancy: Option<Arc<Occupancy>>,
    /// How its links to brokers do, if it makes any.
    pub links: Vec<WatchedLink>,
    /// What it says of itself when it is asked how it does. May block.
    pub describe: Describe,
    /// Brings up to date its metrics that are not counted as things happen. May block.
    pub observe: Box<dyn Fn() + Send + Sync>,
}

/// Says how a party does, of which these are the links.
pub type Describe = Box<dyn Fn(&[WatchedLink], Timestamp) -> Described + Send + Sync>;

/// A link that a node keeps to a broker.
#[derive(Debug, Clone)]
pub struct WatchedLink {
    /// Which broker.
    pub broker: SpiffeId,
    /// Where it is.
    pub address: String,
    /// How the link does.
    pub state: watch::Receiver<AttachmentState>,
}

impl Watched {
    /// What it says of itself. May block.
    pub(crate) fn describe(&self, now: Timestamp) -> Described {
        (self.describe)(&self.links, now)
    }

    /// Brings up to date every metric that is not counted as things happen. May block.
    pub fn observe(&self, now: Timestamp) {
        (self.observe)();
        let Party { credentials, trust } = &self.party;
        if let Some(occupancy) = &self.occupancy {
            weald_certs::metrics::listener(credentials.spiffe_id(), occupancy);
        }
        if !self.links.is_empty() {
            let attached = self.links.iter().filter(|link| link.state.borrow().is_attached()).count();
            weald_certs::metrics::links(credentials.spiffe_id(), attached);
        }
        if let Ok(expires_at) | Err(OwnCertificateFault::Expired(expires_at)) = trust.believes(credentials, now) {
            weald_certs::metrics::certificate(credentials.spiffe_id(), expires_at, now);
        }
    }

    /// What keeps it from serving; nothing if it is fit.
    pub fn lacks(&self, now: Timestamp) -> Vec<&'static str> {
        let Party { credentials, trust } = &self.party;
        let needed = [
            (self.register.load().is_current(now), "the register has expired"),
            (self.log.is_writable(), "the audit log cannot be written"),
            (trust.believes(credentials, now).is_ok(), "the certificate does not hold"),
            (self.is_reached(), "no broker has a link"),
        ];
        needed.into_iter().filter(|(holds, _)| !holds).map(|(_, lack)| lack).collect()
    }

    /// True if a link stands, or it needs none because it has a port.
    fn is_reached(&self) -> bool {
        let needs_none = self.links.is_empty() && self.occupancy.is_some();
        needs_none || self.links.iter().any(|link| link.state.borrow().is_attached())
    }

    /// Whose it is, in one line: a SPIFFE id.
    pub(crate) fn whose(&self) -> impl fmt::Display {
        self.party.credentials.spiffe_id()
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watched({})", self.whose())
    }
}
