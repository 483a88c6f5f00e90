//! How many refusals of whom are recorded singly: strangers and parties have budgets of their own.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use weald_proto::{SpiffeId, Timestamp};

use crate::entry::Entry;

/// Refusals of strangers from one address that are recorded singly at a stretch, for whatever reasons;
/// as many come back in a minute, one by one. An IPv6 network of 64 bits counts as one address.
pub const REFUSALS_OF_ADDRESS: u32 = 60;
/// The same, of all strangers together.
pub const REFUSALS_OF_STRANGERS: u32 = 200;
/// The same, of one party that proved its name.
pub const REFUSALS_OF_PARTY: u32 = 60;
/// The same, of all parties together: at most some 300 KiB of entries.
pub const REFUSALS_OF_PARTIES: u32 = 300;

/// In which an allowance that is used up comes back.
const MINUTE: Duration = Duration::from_secs(60);
/// Allowances that are kept before those that are whole again are dropped. At most some
/// [`REFUSALS_OF_PARTIES`] a minute are begun.
const KEPT: usize = 1024;

/// Who was refused, as far as that is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refused {
    /// A party that proved its name.
    Party(SpiffeId),
    /// Whoever uses that network.
    Stranger(Network),
    /// Nothing is known of them, or too many were refused to tell them apart.
    Anybody,
}

/// An IPv4 address, or the first address of the 64 bits of IPv6 of which one subscriber has all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Network(IpAddr);

/// What everybody may still have recorded singly.
pub(crate) struct Budgets {
    strangers: Budget<Option<Network>>,
    parties: Budget<SpiffeId>,
}

/// The allowances of one kind: of all together, and of each.
struct Budget<Who> {
    all: Allowance,
    of_each: u32,
    each: BTreeMap<Who, Allowance>,
}

/// How many may be recorded singly; it comes back bit by bit.
struct Allowance {
    most: u32,
    left: u32,
    /// To when what came back has been given; none while it is whole.
    given_to: Option<Timestamp>,
}

impl Refused {
    /// Who that was.
    pub(crate) fn of(refusal: &Entry) -> Self {
        match (&refusal.peer, refusal.address) {
            (Some(peer), _) => Refused::Party(peer.clone()),
            (None, Some(address)) => Refused::Stranger(Network::of(address)),
            (None, None) => Refused::Anybody,
        }
    }
}

impl Network {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => Network(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()),
            address @ IpAddr::V4(_) => Network(address),
        }
    }

    pub(crate) fn address(self) -> IpAddr {
        self.0
    }
}

impl Default for Budgets {
    fn default() -> Self {
        Budgets {
            strangers: Budget::new(REFUSALS_OF_STRANGERS, REFUSALS_OF_ADDRESS),
            parties: Budget::new(REFUSALS_OF_PARTIES, REFUSALS_OF_PARTY),
        }
    }
}

impl Budgets {
    /// True if one more of theirs may be recorded singly; then it is taken off.
    pub(crate) fn allow_one(&mut self, refused: &Refused, now: Timestamp) -> bool {
        match refused {
            Refused::Party(party) => self.parties.allow_one(party, now),
            Refused::Stranger(network) => self.strangers.allow_one(&Some(*network), now),
            Refused::Anybody => self.strangers.allow_one(&None, now),
        }
    }
}

impl<Who: Ord + Clone> Budget<Who> {
    fn new(of_all: u32, of_each: u32) -> Self {
        Budget { all: Allowance::whole(of_all), of_each, each: BTreeMap::new() }
    }

    fn allow_one(&mut self, who: &Who, now: Timestamp) -> bool {
        if !self.all.has_one(now) {
            return false;
        }
        if self.each.len() >= KEPT && !self.each.contains_key(who) {
            self.each.retain(|_, allowance| !allowance.is_whole(now));
        }
        let own = self.each.entry(who.clone()).or_insert_with(|| Allowance::whole(self.of_each));
        let allows = own.has_one(now);
        if allows {
            own.take_one(now);
            self.all.take_one(now);
        }
        allows
    }
}

impl Allowance {
    fn whole(most: u32) -> Self {
        Allowance { most, left: most, given_to: None }
    }

    fn is_whole(&mut self, now: Timestamp) -> bool {
        self.give_back(now);
        self.left == self.most
    }

    fn has_one(&mut self, now: Timestamp) -> bool {
        self.give_back(now);
        self.left > 0
    }

    fn take_one(&mut self, now: Timestamp) {
        self.left = self.left.saturating_sub(1);
        self.given_to.get_or_insert(now);
    }

    fn give_back(&mut self, now: Timestamp) {
        let Some(given_to) = self.given_to else { return };
        let each_after = MINUTE / self.most.max(1);
        // A clock that was put back gives all of it back.
        let passed = if now < given_to { MINUTE } else { now.since(given_to) };
        let back = u32::try_from(passed.as_millis() / each_after.as_millis().max(1)).unwrap_or(u32::MAX);
        self.left = self.left.saturating_add(back).min(self.most);
        self.given_to = (self.left < self.most).then(|| given_to.plus(each_after.saturating_mul(back)));
    }
}
