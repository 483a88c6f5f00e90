//! Refusals without number: each is accounted for, and the disk is not filled.

use std::num::NonZeroU64;

use weald_audit::{Kind, REFUSALS_SINGLY, RecordedEntry};
use weald_proto::Reason;

use super::connection::come_without;
use super::scene::world;

/// How many entries there are of refusals for that reason, and for how many refusals they stand.
fn refused(entries: Vec<RecordedEntry>, reason: Reason) -> (usize, u64) {
    let of_reason = entries.into_iter().filter(|read| read.entry.reason == Some(reason));
    let counts: Vec<u64> = of_reason.map(|read| read.entry.count.map_or(1, NonZeroU64::get)).collect();
    (counts.len(), counts.iter().sum())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crowd_at_the_door_is_recorded_singly_at_first_and_then_by_its_number() {
    let mut world = world().await;
    let crowd = u64::from(REFUSALS_SINGLY) + 40;
    let address = world.federation.broker_address();
    for _ in 0..crowd {
        come_without(&address).await;
    }
    world.federation = world.federation.restart_broker().await.unwrap();
    let (entries, refusals) = refused(world.broker_entries(), Reason::CertificateMissing);
    assert_eq!((entries, refusals), (REFUSALS_SINGLY as usize + 1, crowd));
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_that_sends_bad_assertions_for_ever_does_not_fill_the_log() {
    let mut world = world().await;
    let flood = u64::from(REFUSALS_SINGLY) + 40;
    for sent in 1..=flood {
        let status = world.present("no.assertion.atall").await.expect_err("a refusal");
        assert_eq!(Reason::of_status(&status), Some(Reason::AssertionMalformed));
        let recorded = world.broker_entries_of(Kind::Refusal).len();
        assert_eq!(recorded as u64, sent.min(REFUSALS_SINGLY.into()), "recorded before it is answered, up to a bound");
    }
    world.federation = world.federation.restart_broker().await.unwrap();
    let (entries, refusals) = refused(world.broker_entries(), Reason::AssertionMalformed);
    assert_eq!((entries, refusals), (REFUSALS_SINGLY as usize + 1, flood));
    world.end().await;
}
