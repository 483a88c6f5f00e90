//! Clocks that are wrong.

use std::time::Duration;

use weald_certs::{Cause, Diagnosis, ProxySettings, Whom};
use weald_proto::Clock as _;

use crate::world::{World, reach};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn a_clock_that_is_fast_is_suspected_and_by_how_much_is_said() {
    let world = World::new();
    let broker = world.open(&world.broker()).await;
    world.clock.advance(DAY * 366);
    let diagnosis = world.diagnose(ProxySettings::direct(), &broker.address.to_string()).await;
    assert_eq!((diagnosis.cause, diagnosis.cause.ask()), (Cause::Expired, Whom::System));
    assert_eq!(diagnosis.what, "the other end's certificate: expired 365 days ago by our clock");
}

#[tokio::test]
async fn a_clock_that_is_slow_is_suspected_and_by_how_much_is_said() {
    let world = World::new();
    let broker = world.open(&world.broker()).await;
    world.clock.set(world.clock.now().minus(DAY + Duration::from_secs(300)));
    let diagnosis = world.diagnose(ProxySettings::direct(), &broker.address.to_string()).await;
    assert_eq!((diagnosis.cause, diagnosis.cause.ask()), (Cause::NotValidYet, Whom::System));
    assert_eq!(diagnosis.what, "the other end's certificate: not valid yet: only in 24 hours by our clock");
}

#[tokio::test]
async fn a_broker_for_which_our_certificate_has_expired_says_so() {
    let world = World::new();
    let connector = world.connector(ProxySettings::direct());
    world.clock.advance(DAY * 2);
    let broker = world.open(&world.broker()).await;
    let refused = reach(&connector, &broker.address.to_string(), &world.broker()).await.unwrap_err();
    assert_eq!(Diagnosis::of(&refused).cause, Cause::OursExpired);
}
