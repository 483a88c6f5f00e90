//! Connections, and their handshakes by network: whoever has most gives way to whoever has fewer.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use tokio_util::sync::CancellationToken;

use super::limits::Limits;

/// What one port holds of connections at the moment.
///
/// INVARIANT: `handshakes` is how many there are in `by_network`, in which nobody has none.
#[derive(Default)]
pub(super) struct Arrivals {
    pub(super) connections: usize,
    handshakes: usize,
    next: u64,
    /// Those of one network by number, which is the order in which they came.
    by_network: HashMap<IpAddr, BTreeMap<u64, CancellationToken>>,
}

/// A handshake in progress.
pub(super) struct Handshake {
    network: IpAddr,
    number: u64,
    /// Cancelled when it has to give way; it is not counted any more then.
    pub(super) gives_way: CancellationToken,
}

impl Arrivals {
    pub(super) fn handshakes(&self) -> usize {
        self.handshakes
    }

    /// Whether one more connection of that network may come; otherwise what is full.
    pub(super) fn room(&self, network: IpAddr, limits: &Limits) -> Result<(), &'static str> {
        if self.connections >= limits.connections {
            return Err("as many connections as there may be");
        }
        let own = self.of(network);
        if own >= limits.handshakes_per_address {
            return Err("as many handshakes in progress as one address may have");
        }
        if self.handshakes >= limits.handshakes && self.most().is_none_or(|most| self.of(most) <= own) {
            return Err("as many handshakes in progress as there may be");
        }
        Ok(())
    }

    /// One more connection, in its handshake, for which there is [`room`](Self::room). Where there are as many as
    /// there may be the oldest of whoever has most gives way, so that nobody holds the door by having come first.
    pub(super) fn begin(&mut self, network: IpAddr, limits: &Limits) -> Handshake {
        if self.handshakes >= limits.handshakes
            && let Some(most) = self.most()
            && let Some((_, oldest)) = self.by_network.get_mut(&most).and_then(BTreeMap::pop_first)
        {
            oldest.cancel();
            self.one_less(most);
        }
        let handshake = Handshake { network, number: self.next, gives_way: CancellationToken::new() };
        self.next = self.next.wrapping_add(1);
        self.connections = self.connections.saturating_add(1);
        self.handshakes = self.handshakes.saturating_add(1);
        self.by_network.entry(network).or_default().insert(handshake.number, handshake.gives_way.clone());
        handshake
    }

    /// That handshake has ended, if it has not given way before.
    pub(super) fn end(&mut self, Handshake { network, number, .. }: &Handshake) {
        if self.by_network.get_mut(network).is_some_and(|own| own.remove(number).is_some()) {
            self.one_less(*network);
        }
    }

    fn one_less(&mut self, network: IpAddr) {
        self.handshakes = self.handshakes.saturating_sub(1);
        if self.of(network) == 0 {
            self.by_network.remove(&network);
        }
    }

    fn of(&self, network: IpAddr) -> usize {
        self.by_network.get(&network).map_or(0, BTreeMap::len)
    }

    fn most(&self) -> Option<IpAddr> {
        self.by_network.iter().max_by_key(|(_, own)| own.len()).map(|(network, _)| *network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn arrive(arrivals: &mut Arrivals, last: u8) -> Result<Handshake, &'static str> {
        let limits = Limits { handshakes_per_address: 3, handshakes: 4, ..Limits::default() };
        arrivals.room(address(last), &limits).map(|()| arrivals.begin(address(last), &limits))
    }

    fn giving_way(all: &[Handshake]) -> Vec<bool> {
        all.iter().map(|one| one.gives_way.is_cancelled()).collect()
    }

    #[test]
    fn where_all_places_are_taken_the_oldest_of_whoever_has_most_gives_way_to_whoever_has_fewer() {
        let mut arrivals = Arrivals::default();
        let mut all: Vec<_> = [1, 2, 1, 1].map(|last| arrive(&mut arrivals, last).unwrap()).into();
        assert_eq!(arrive(&mut arrivals, 1).err(), Some("as many handshakes in progress as one address may have"));
        all.push(arrive(&mut arrivals, 3).unwrap());
        assert_eq!(giving_way(&all), [true, false, false, false, false]);
        all.push(arrive(&mut arrivals, 2).unwrap());
        assert_eq!(giving_way(&all), [true, false, true, false, false, false]);
        assert_eq!(arrive(&mut arrivals, 2).err(), Some("as many handshakes in progress as there may be"));
        assert_eq!(arrivals.handshakes(), 4);
        for one in &all {
            arrivals.end(one);
        }
        assert_eq!((arrivals.handshakes(), arrivals.by_network.len()), (0, 0));
    }
}
