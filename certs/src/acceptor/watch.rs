//! Who is told of whoever is not let in.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use weald_proto::{Reason, SpiffeId};

/// Hears of every connection and every call that an [`Acceptor`](crate::Acceptor) refuses by itself,
/// before anything behind its routes has seen it.
///
/// Every one is told, and whoever can reach the port can cause them at any rate: whoever keeps them
/// bounds how many.
pub trait DoorWatch: Send + Sync {
    /// Somebody was refused. Called on the path of connections and calls: must not block.
    fn refused(&self, refused: &Refused);
}

/// Somebody who was not let in, or not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub reason: Reason,
    /// From where.
    pub from: SocketAddr,
    /// Who it was, if the handshake proved it: the certificate is believed, and its key was there.
    pub peer: Option<SpiffeId>,
    /// For the log: what happened, in words that hold nothing of a certificate and nothing of a request
    /// but fixed texts.
    pub detail: String,
}

/// Tells the log, and nobody else: of each reason so many lines a minute, of the others their number.
#[derive(Debug, Default)]
pub struct LogOnly(Mutex<HashMap<Reason, Minute>>);

/// Lines for one reason that are written in one minute. Beyond: they are counted, and the next line that is
/// written says how many.
const LINES: u32 = 60;
const MINUTE: Duration = Duration::from_secs(60);

/// Bounded by the number of reasons.
#[derive(Debug)]
struct Minute {
    began: Instant,
    lines: u32,
    untold: u64,
}

/// What becomes of one refusal.
#[derive(Debug, PartialEq, Eq)]
enum Line {
    /// A line, which tells also of so many that had none.
    Written { untold: u64 },
    /// None, as so many before.
    Counted { untold: u64 },
}

impl LogOnly {
    fn line(&self, reason: Reason, now: Instant) -> Line {
        let mut minutes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = minutes.entry(reason).or_insert(Minute { began: now, lines: 0, untold: 0 });
        if now.saturating_duration_since(minute.began) >= MINUTE {
            (minute.began, minute.lines) = (now, 0);
        }
        if minute.lines >= LINES {
            minute.untold = minute.untold.saturating_add(1);
            return Line::Counted { untold: minute.untold };
        }
        minute.lines = minute.lines.saturating_add(1);
        Line::Written { untold: std::mem::take(&mut minute.untold) }
    }
}

impl DoorWatch for LogOnly {
    fn refused(&self, refused: &Refused) {
        let Refused { reason, from, peer, detail } = refused;
        let peer = peer.as_ref().map(tracing::field::display);
        match self.line(*reason, Instant::now()) {
            Line::Written { untold: 0 } => tracing::info!(%reason, %from, peer, detail, "refused at the door"),
            Line::Written { untold } => tracing::info!(%reason, %from, peer, detail, untold, "refused at the door"),
            Line::Counted { untold } => tracing::trace!(%reason, %from, peer, detail, untold, "refused at the door"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_crowd_at_the_door_writes_so_many_lines_a_minute_for_each_reason_and_then_its_number() {
        let log = LogOnly::default();
        let of = |reason| log.line(reason, Instant::now());
        for _ in 0..LINES {
            assert_eq!(of(Reason::CertificateMissing), Line::Written { untold: 0 });
        }
        for untold in 1..=1000 {
            assert_eq!(of(Reason::CertificateMissing), Line::Counted { untold });
        }
        assert_eq!(of(Reason::TooManyRequests), Line::Written { untold: 0 });
        tokio::time::advance(MINUTE).await;
        assert_eq!(of(Reason::CertificateMissing), Line::Written { untold: 1000 });
        assert_eq!(of(Reason::CertificateMissing), Line::Written { untold: 0 });
    }
}
