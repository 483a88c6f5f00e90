//! What stands behind a port, as whoever watches the process sees it: what can be read of it, and
//! whether it is fit to serve.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use weald_audit::Log;
use weald_certs::{Occupancy, OwnCertificateFault, Register};
use weald_proto::Timestamp;

use crate::load::Party;

/// A broker, or one organisation's node.
pub struct Watched {
    /// The register that it goes by.
    pub register: Arc<ArcSwap<Register>>,
    /// Its audit log.
    pub log: Arc<Log>,
    /// Its certificate.
    pub party: Party,
    /// Who is at its port.
    pub occupancy: Arc<Occupancy>,
    /// Brings up to date its metrics that are not counted as things happen. May block.
    pub observe: Box<dyn Fn() + Send + Sync>,
}

impl Watched {
    /// Brings up to date every metric that is not counted as things happen. May block.
    pub fn observe(&self, now: Timestamp) {
        (self.observe)();
        let Party { credentials, trust } = &self.party;
        weald_certs::metrics::listener(credentials.spiffe_id(), &self.occupancy);
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
        ];
        needed.into_iter().filter(|(holds, _)| !holds).map(|(_, lack)| lack).collect()
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
