//! What one identity holds: connections, calls in flight, and how often it may still be refused.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use weald_proto::SpiffeId;

use super::limits::Limits;

/// The wait that is told where nothing is ever forgiven.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Everybody who is connected, or has been refused a short while ago.
///
/// Bounded: only an identity with a connection gets in, and stays after it for as long as it takes to
/// be forgiven.
#[derive(Default)]
pub(super) struct Callers(Mutex<HashMap<Who, Arc<Caller>>>);

/// By what a caller is known.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Who {
    /// The name that its handshake has proved.
    Party(SpiffeId),
    /// The network that it comes from, at the door of strangers.
    Stranger(IpAddr),
}

/// One identity, shared by its connections and calls.
pub(super) struct Caller(Mutex<Standing>);

struct Standing {
    connections: usize,
    requests: usize,
    /// How many more refusals are left, ...
    left: f64,
    /// ... and how many more calls without any, ...
    late: f64,
    /// ... as of this moment.
    at: Instant,
}

/// Why an identity may make no call now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TooMany {
    /// As many in flight as it may have.
    InFlight,
    /// Refused too often; it may try again after this time.
    Refused(Duration),
    /// It goes on calling although it was refused too often.
    Heedless,
}

impl Callers {
    /// One more connection of theirs, if they may have one.
    pub(super) fn admit(&self, who: Who, limits: &Limits) -> Option<Arc<Caller>> {
        let mut known = self.known();
        if let Some(caller) = known.get(&who) {
            return caller.connect(limits).then(|| Arc::clone(caller));
        }
        let now = Instant::now();
        known.retain(|_, caller| !caller.may_be_forgotten(limits, now));
        let caller = Arc::new(Caller::new(limits, now));
        known.insert(who, Arc::clone(&caller));
        caller.connect(limits).then_some(caller)
    }

    /// How many have a connection.
    pub(super) fn connected(&self) -> usize {
        self.known().values().filter(|caller| caller.standing().connections > 0).count()
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Who, Arc<Caller>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Caller {
    fn new(limits: &Limits, now: Instant) -> Self {
        Caller(Mutex::new(Standing {
            connections: 0,
            requests: 0,
            left: f64::from(limits.refusals),
            late: f64::from(limits.late_refusals),
            at: now,
        }))
    }

    fn connect(&self, limits: &Limits) -> bool {
        let mut standing = self.standing();
        let fits = standing.connections < limits.connections_per_identity;
        if fits {
            standing.connections = standing.connections.saturating_add(1);
        }
        fits
    }

    /// One connection less.
    pub(super) fn leave(&self) {
        let mut standing = self.standing();
        standing.connections = standing.connections.saturating_sub(1);
    }

    /// One more call.
    pub(super) fn begin(&self, limits: &Limits) -> Result<(), TooMany> {
        let mut standing = self.standing();
        standing.forgive(limits, Instant::now());
        if let Some(wait) = standing.wait(limits) {
            return Err(standing.call_in_vain(wait));
        }
        if standing.requests >= limits.requests_per_identity {
            return Err(TooMany::InFlight);
        }
        standing.requests = standing.requests.saturating_add(1);
        Ok(())
    }

    /// One call less.
    pub(super) fn end(&self) {
        let mut standing = self.standing();
        standing.requests = standing.requests.saturating_sub(1);
    }

    /// A call was refused.
    pub(super) fn refused(&self, limits: &Limits) {
        let mut standing = self.standing();
        standing.forgive(limits, Instant::now());
        standing.left = (standing.left - 1.0).max(0.0);
    }

    fn may_be_forgotten(&self, limits: &Limits, now: Instant) -> bool {
        let mut standing = self.standing();
        standing.forgive(limits, now);
        standing.connections == 0
            && standing.requests == 0
            && standing.left >= f64::from(limits.refusals)
            && standing.late >= f64::from(limits.late_refusals)
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Standing {
    /// A token bucket: what time has passed gives back.
    fn forgive(&mut self, limits: &Limits, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        let given = passed * f64::from(limits.refusals_per_second);
        self.left = (self.left + given).min(f64::from(limits.refusals));
        let given = passed * f64::from(limits.late_refusals_per_second);
        self.late = (self.late + given).min(f64::from(limits.late_refusals));
        self.at = now;
    }

    /// One more call when no refusal is left.
    fn call_in_vain(&mut self, wait: Duration) -> TooMany {
        let is_heedless = self.late < 1.0;
        self.late = (self.late - 1.0).max(0.0);
        if is_heedless { TooMany::Heedless } else { TooMany::Refused(wait) }
    }

    /// How long until one more may be refused; none if one may now.
    fn wait(&self, limits: &Limits) -> Option<Duration> {
        let missing = 1.0 - self.left;
        let seconds = missing / f64::from(limits.refusals_per_second);
        (missing > 0.0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(NEVER))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(name: &str) -> Who {
        Who::Party(SpiffeId::parse(&format!("spiffe://kent.weald.example/broker/{name}")).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_was_refused_too_often_waits_and_is_forgiven() {
        let limits = Limits { refusals: 2, refusals_per_second: 4, ..Limits::default() };
        let caller = Callers::default().admit(peer("b1"), &limits).unwrap();
        for _ in 0..2 {
            assert_eq!(caller.begin(&limits), Ok(()));
            caller.refused(&limits);
        }
        assert_eq!(caller.begin(&limits), Err(TooMany::Refused(Duration::from_millis(250))));
        tokio::time::advance(Duration::from_millis(250)).await;
        assert_eq!(caller.begin(&limits), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_goes_on_calling_in_vain_is_heedless_for_as_long_as_it_does() {
        let late = Limits {
            refusals: 1,
            refusals_per_second: 1,
            late_refusals: 3,
            late_refusals_per_second: 2,
            ..Limits::default()
        };
        let caller = Callers::default().admit(peer("b1"), &late).unwrap();
        caller.refused(&late);
        let call = || caller.begin(&late).unwrap_err();
        let wait = TooMany::Refused(Duration::from_secs(1));
        assert_eq!([call(), call(), call(), call()], [wait, wait, wait, TooMany::Heedless]);
        tokio::time::advance(Duration::from_millis(600)).await;
        let wait = TooMany::Refused(Duration::from_millis(400));
        assert_eq!([call(), call()], [wait, TooMany::Heedless]);
        tokio::time::advance(Duration::from_millis(400)).await;
        assert_eq!(caller.begin(&late), Ok(()), "forgiven all the same");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_is_forgiven_by_connecting_again_and_nobody_is_remembered_for_ever() {
        let limits = Limits { refusals: 1, refusals_per_second: 1, ..Limits::default() };
        let callers = Callers::default();
        let caller = callers.admit(peer("b1"), &limits).unwrap();
        caller.refused(&limits);
        caller.leave();
        let again = callers.admit(peer("b1"), &limits).unwrap();
        assert!(again.begin(&limits).is_err());
        again.leave();
        tokio::time::advance(Duration::from_secs(1)).await;
        callers.admit(peer("b2"), &limits).unwrap();
        assert_eq!(callers.known().keys().collect::<Vec<_>>(), [&peer("b2")]);
    }
}
