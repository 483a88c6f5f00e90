//! Who is here: connections, handshakes and calls of one port, counted and limited.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use weald_proto::Reason;

use super::arrivals::{Arrivals, Handshake};
use super::caller::{Caller, Callers, TooMany, Who};
use super::everybody::Everybody;
use super::limits::Limits;
use super::pace::Paces;

/// What one port holds at the moment, for metrics. All of it goes back to zero when everybody has left.
pub struct Occupancy {
    limits: Limits,
    arrivals: Mutex<Arrivals>,
    paces: Paces,
    everybody: Everybody,
    callers: Callers,
    requests: AtomicUsize,
    refused: Vec<AtomicU64>,
}

impl Occupancy {
    pub(super) fn new(limits: Limits) -> Self {
        Occupancy {
            limits,
            arrivals: Mutex::default(),
            paces: Paces::default(),
            everybody: Everybody::default(),
            callers: Callers::default(),
            requests: AtomicUsize::new(0),
            refused: Reason::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Connections that are open, those in a handshake included.
    pub fn connections(&self) -> usize {
        self.arrivals().connections
    }

    /// Handshakes in progress, those that wait for their turn included.
    pub fn handshakes(&self) -> usize {
        self.arrivals().handshakes()
    }

    /// Identities that are connected.
    pub fn callers(&self) -> usize {
        self.callers.connected()
    }

    /// Calls in flight.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// How many connections and calls the port itself has refused for `reason`, since it was opened.
    pub fn refused(&self, reason: Reason) -> u64 {
        self.refused.get(reason as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    pub(super) fn count_refused(&self, reason: Reason) {
        if let Some(count) = self.refused.get(reason as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A connection that was accepted, if there is room for its handshake, or somebody else's has to give way to it;
    /// otherwise what is full.
    pub(super) fn arrive(self: &Arc<Self>, from: IpAddr) -> Result<Arrival, &'static str> {
        let network = network(from);
        let mut arrivals = self.arrivals();
        arrivals.room(network, &self.limits)?;
        // Nobody pays for a turn that there is not, neither the address nor everybody.
        if !self.everybody.may_begin(&self.limits) {
            return Err("more handshakes than all together may begin in that time");
        }
        let turn = self.paces.turn(network, &self.limits);
        let turn = turn.ok_or("more handshakes than one address may begin in that time")?;
        self.everybody.begin(&self.limits);
        let handshake = arrivals.begin(network, &self.limits);
        drop(arrivals);
        Ok(Arrival { occupancy: Arc::clone(self), turn, handshake })
    }

    /// A connection from there had to be ended for what its peer did.
    pub(super) fn at_fault(&self, from: IpAddr) {
        self.paces.fault(network(from), &self.limits);
    }

    /// One more call of `caller`, if it may make one.
    pub(super) fn begin(self: &Arc<Self>, caller: &Arc<Caller>) -> Result<InFlight, TooMany> {
        caller.begin(&self.limits)?;
        self.requests.fetch_add(1, Ordering::Relaxed);
        Ok(InFlight { occupancy: Arc::clone(self), caller: Arc::clone(caller), kept: Mutex::default() })
    }

    /// A call of `caller` was refused before it began: one of those that may be.
    pub(super) fn refused_call_of(&self, caller: &Caller) {
        caller.refused(&self.limits);
    }

    /// Nothing that holds the lock can leave the numbers half changed, so a poisoned lock is as good as
    /// any.
    fn arrivals(&self) -> MutexGuard<'_, Arrivals> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The address by which whoever connects is counted: of IPv6 the /48, the most that one site has (RFC 6177).
pub(super) fn network(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

/// A connection, counted until it is dropped; at first in its handshake.
pub(super) struct Arrival {
    occupancy: Arc<Occupancy>,
    turn: Duration,
    handshake: Handshake,
}

impl Arrival {
    /// True if its turn has not come.
    pub(super) fn has_to_wait(&self) -> bool {
        !self.turn.is_zero()
    }

    /// Waits for the turn of its handshake.
    pub(super) async fn turn(&self) {
        if self.has_to_wait() {
            tokio::time::sleep(self.turn).await;
        }
    }

    /// Ends when it has to give way to another handshake; never once its own has ended.
    pub(super) fn gives_way(&self) -> CancellationToken {
        self.handshake.gives_way.clone()
    }

    /// The handshake has ended, and it is they, who take a seat if there is one left; otherwise what
    /// is full.
    pub(super) fn seat(self, who: Who) -> Result<Seat, &'static str> {
        self.occupancy.arrivals().end(&self.handshake);
        let caller = self.occupancy.callers.admit(who, &self.occupancy.limits);
        let caller = caller.ok_or("as many connections as one identity may have")?;
        Ok(Seat { caller, _arrival: self })
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        let mut arrivals = self.occupancy.arrivals();
        arrivals.end(&self.handshake);
        arrivals.connections = arrivals.connections.saturating_sub(1);
    }
}

/// A connection whose owner is known, counted as theirs until it is dropped.
pub(super) struct Seat {
    caller: Arc<Caller>,
    /// Dropped last: the connection's own count.
    _arrival: Arrival,
}

impl Seat {
    pub(super) fn caller(&self) -> &Arc<Caller> {
        &self.caller
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.caller.leave();
    }
}

/// A call, counted until it is dropped.
pub(super) struct InFlight {
    occupancy: Arc<Occupancy>,
    caller: Arc<Caller>,
    kept: Mutex<Vec<Box<dyn Send>>>,
}

impl InFlight {
    /// It was refused: one of those that the caller may have.
    pub(super) fn refused(&self) {
        self.caller.refused(&self.occupancy.limits);
    }
}

/// Put into the extensions of every call: as long as somebody holds one, the call counts as in flight.
///
/// Whoever has work done by a task of its own gives that task one, or a caller that hangs up could have
/// it done without limit.
#[derive(Clone)]
pub struct CallGuard {
    call: Arc<InFlight>,
}

impl CallGuard {
    pub(super) fn new(call: &Arc<InFlight>) -> Self {
        CallGuard { call: Arc::clone(call) }
    }

    /// Keeps something for as long as the call is in flight: until the last byte of its answer has left.
    pub fn keep(&self, kept: impl Send + 'static) {
        self.call.kept.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(kept));
    }
}

impl fmt::Debug for CallGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallGuard")
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.caller.end();
        self.occupancy.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for Occupancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Occupancy")
            .field("connections", &self.connections())
            .field("handshakes", &self.handshakes())
            .field("callers", &self.callers())
            .field("requests", &self.requests())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use weald_proto::SpiffeId;

    use super::*;

    #[test]
    fn every_reason_has_its_own_counter() {
        let occupancy = Occupancy::new(Limits::default());
        for reason in Reason::ALL {
            occupancy.count_refused(*reason);
        }
        for reason in Reason::ALL {
            assert_eq!(occupancy.refused(*reason), 1, "{reason}");
        }
    }

    #[test]
    fn the_addresses_of_one_ipv6_site_count_as_one_and_mapped_ones_as_ipv4() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2:3::1"), of("2001:db8:1:3::ffff"));
        assert_ne!(of("2001:db8:1::1"), of("2001:db8:2::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }

    /// As many handshakes as can be held from there.
    fn hold(occupancy: &Arc<Occupancy>, from: IpAddr) -> Vec<Arrival> {
        std::iter::from_fn(|| occupancy.arrive(from).ok()).take(2000).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn one_ipv6_site_holds_no_more_places_than_one_ipv4_address_however_many_networks_it_has() {
        let occupancy = Arc::new(Occupancy::new(Limits::default()));
        let subnet = |number: u16| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 1, number, 0, 0, 0, 1));
        let _held: Vec<_> = (0..64).map(|number| hold(&occupancy, subnet(number))).collect();
        assert!(occupancy.handshakes() <= Limits::default().handshakes_per_address);
        assert_eq!(occupancy.arrive("192.0.2.1".parse().unwrap()).err(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_that_hold_every_place_hold_none_against_another() {
        let occupancy = Arc::new(Occupancy::new(Limits::default()));
        let held: Vec<_> = (1..=9).flat_map(|last| hold(&occupancy, IpAddr::from([192, 0, 2, last]))).collect();
        assert_eq!(occupancy.handshakes(), Limits::default().handshakes);
        let newcomer = occupancy.arrive("198.51.100.1".parse().unwrap()).unwrap();
        assert!(!newcomer.gives_way().is_cancelled());
        assert_eq!(held.iter().filter(|one| one.gives_way().is_cancelled()).count() + 1024, held.len() + 1);
        drop((held, newcomer));
        assert_eq!((occupancy.connections(), occupancy.handshakes()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_all_together_have_not_costs_an_address_none_and_one_that_it_has_not_costs_them_none() {
        let limits = Limits {
            handshakes_per_second_of_all: Some(3),
            handshakes_at_once: 2,
            turn_time: Duration::ZERO,
            handshakes_per_second: 1,
            ..Limits::default()
        };
        let occupancy = Arc::new(Occupancy::new(limits));
        let begun = |last: u8| hold(&occupancy, IpAddr::from([192, 0, 2, last])).len();
        assert_eq!([begun(1), begun(1), begun(2), begun(2)], [2, 0, 1, 0]);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(begun(2), 2, "its own two, one of which it has kept");
    }

    #[test]
    fn an_address_at_its_limit_leaves_the_others_room_and_everything_ends_at_zero() {
        let limits = Limits { handshakes_per_address: 2, handshakes: 3, connections: 4, ..Limits::default() };
        let occupancy = Arc::new(Occupancy::new(limits));
        let arrive = |last: u8| occupancy.arrive(IpAddr::from([192, 0, 2, last]));
        let held = [arrive(1).unwrap(), arrive(1).unwrap()];
        assert!(arrive(1).err().unwrap().contains("one address"));
        let other = arrive(2).unwrap();
        let id = SpiffeId::parse("spiffe://kent.weald.example/broker/b1").unwrap();
        let seat = other.seat(Who::Party(id)).unwrap();
        let third = arrive(3).unwrap();
        assert!(arrive(4).err().unwrap().contains("connections"));
        assert_eq!((occupancy.connections(), occupancy.handshakes(), occupancy.callers()), (4, 3, 1));
        drop((held, seat, third));
        assert_eq!((occupancy.connections(), occupancy.handshakes(), occupancy.callers()), (0, 0, 0));
    }
}
