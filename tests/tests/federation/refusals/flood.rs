//! Refusals without number: each is accounted for, and the disk is not filled.

use std::num::NonZeroU64;

use tokio::time::Instant;
use weald_audit::{Kind, REFUSALS_OF_ADDRESS, REFUSALS_OF_PARTY, RecordedEntry};
use weald_proto::Reason;

use super::connection::come_without;
use super::scene::world;

/// How many entries there are of refusals for that reason, and for how many refusals they stand.
fn refused(entries: Vec<RecordedEntry>, reason: Reason) -> (usize, u64) {
    let of_reason = entries.into_iter().filter(|read| read.entry.reason == Some(reason));
    let counts: Vec<u64> = of_reason.map(|read| read.entry.count.map_or(1, NonZeroU64::get)).collect();
    (counts.len(), counts.iter().sum())
}

/// A budget, what came back of it since then (one a second), and the numbers of the rest: soon, and each minute.
fn most_entries(budget: u32, began: Instant) -> usize {
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    budget as usize + seconds + 1 + 2 + seconds / 60
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_at_the_door_is_recorded_singly_at_first_and_then_by_its_number() {
    let mut world = world().await;
    let began = Instant::now();
    let crowd = u64::from(REFUSALS_OF_ADDRESS) + 40;
    let address = world.federation.broker_address();
    for _ in 0..crowd {
        come_without(&address).await;
    }
    world.federation = world.federation.restart_broker().await.unwrap();
    let (entries, refusals) = refused(world.broker_entries(), Reason::CertificateMissing);
    assert_eq!(refusals, crowd);
    assert!(entries <= most_entries(REFUSALS_OF_ADDRESS, began), "{entries} entries");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_sends_bad_assertions_for_ever_does_not_fill_the_log() {
    let mut world = world().await;
    let began = Instant::now();
    let flood = u64::from(REFUSALS_OF_PARTY) + 40;
    for sent in 1..=flood {
        let status = world.present("no.assertion.atall").await.expect_err("a refusal");
        assert_eq!(Reason::of_status(&status), Some(Reason::AssertionMalformed));
        let recorded = world.broker_entries_of(Kind::Refusal).len();
        if sent <= REFUSALS_OF_PARTY.into() {
            assert_eq!(recorded as u64, sent, "recorded before it is answered");
        }
    }
    world.federation = world.federation.restart_broker().await.unwrap();
    let (entries, refusals) = refused(world.broker_entries(), Reason::AssertionMalformed);
    assert_eq!(refusals, flood);
    assert!(entries <= most_entries(REFUSALS_OF_PARTY, began), "{entries} entries");
    world.end().await;
}
