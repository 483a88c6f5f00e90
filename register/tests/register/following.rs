//! A party that follows what is published.

use weald_proto::OdsCode;
use weald_register::{Freshness, Role, Stopped, Update};

use crate::maker::*;

fn name_of(trusted: &weald_register::Trusted, code: &str) -> String {
    let code = OdsCode::parse(code).unwrap();
    let current = trusted.last().unwrap();
    current.contents().members().find(|(organisation, _)| **organisation == code).unwrap().1.to_owned()
}

#[test]
fn a_newcomer_with_nothing_but_the_root_has_the_whole_register_after_one_update() {
    let maker = Maker::begin();
    let trusted = maker.follower(START);
    let (current, freshness) = trusted.register(START).unwrap();
    assert_eq!((current.version(), current.timestamp_version()), (1, 1));
    assert_eq!(freshness, Freshness::Fresh { until: START.plus(15 * MINUTE) });
    assert_eq!(current.contents().members().count(), 4);
    assert_eq!(current.contents().policies().count(), 1);
    assert!(current.contents().revocations().is_empty());
}

#[test]
fn without_a_register_nothing_may_be_used() {
    let maker = Maker::begin();
    let newcomer = maker.newcomer();
    assert_eq!(newcomer.register(START).unwrap_err(), Stopped::Nothing);
    assert_eq!(newcomer.freshness(START), Freshness::Stopped(Stopped::Nothing));
}

#[test]
fn an_unchanged_register_costs_two_small_requests() {
    let mut maker = Maker::begin();
    let trusted = maker.follower(START);
    maker.renew(START.plus(10 * MINUTE));
    let mut wanted = Vec::new();
    let mut update = Update::begin(trusted, START.plus(10 * MINUTE));
    while let Some(next) = update.wants() {
        match maker.mirror.get(&next.name) {
            Some(bytes) => update.take(bytes).unwrap(),
            None => update.absent().unwrap(),
        }
        wanted.push(next.name);
    }
    assert_eq!(wanted, ["2.root.json", "timestamp.json"]);
    let until = START.plus(25 * MINUTE);
    assert_eq!(update.finish().freshness(START.plus(10 * MINUTE)), Freshness::Fresh { until });
}

#[test]
fn a_change_of_one_member_fetches_one_shard() {
    let mut maker = Maker::begin();
    let trusted = maker.follower(START);
    maker.edit(START.plus(MINUTE));
    let mut wanted = Vec::new();
    let mut update = Update::begin(trusted, START.plus(MINUTE));
    while let Some(next) = update.wants() {
        match maker.mirror.get(&next.name) {
            Some(bytes) => update.take(bytes).unwrap(),
            None => update.absent().unwrap(),
        }
        wanted.push(next.name);
    }
    assert_eq!(wanted.len(), 5, "{wanted:?}");
    assert!(wanted[4].contains(".members-"), "{wanted:?}");
    let trusted = update.finish();
    assert_eq!(trusted.last().unwrap().version(), 2);
    assert!(name_of(&trusted, "RVV").contains("edition 2"));
}

#[test]
fn revocations_are_fetched_before_anything_else_that_has_changed() {
    let mut maker = Maker::begin();
    let trusted = maker.follower(START);
    let organisation = OdsCode::parse("RWF").unwrap();
    maker.revocations.add_organisation(weald_register::RevokedOrganisation { organisation, revoked_at: START });
    maker.edit(START.plus(MINUTE));
    let update = update_until(trusted, &maker.mirror, START.plus(MINUTE), ".revocations.json");
    assert_eq!(update.trusted().last().unwrap().version(), 1, "all or nothing");
    let trusted = maker.follower(START.plus(MINUTE));
    assert!(trusted.last().unwrap().contents().revocations().revokes_organisation(&OdsCode::parse("RWF").unwrap()));
}

#[test]
fn whoever_has_nothing_newer_may_say_so_instead_of_sending_it_again() {
    let maker = Maker::begin();
    let mut update = update_until(maker.follower(START), &maker.mirror, START, "timestamp.json");
    assert_eq!(update.wants().unwrap().known, Some(1));
    update.unchanged().unwrap();
    assert_eq!(update.wants(), None);
    let mut update = update_until(maker.newcomer(), &maker.mirror, START, "timestamp.json");
    assert_eq!(update.wants().unwrap().known, None);
    assert!(update.unchanged().is_err(), "a newcomer knows no version that could be unchanged");
}

#[test]
fn every_name_that_is_wanted_fits_the_door_at_which_files_are_served() {
    let maker = Maker::begin();
    let mut update = Update::begin(maker.newcomer(), START);
    while let Some(wanted) = update.wants() {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
        assert!((1..=128).contains(&wanted.name.len()) && wanted.name.bytes().all(fits), "{}", wanted.name);
        assert!(wanted.longest <= weald_proto::limit::REGISTER_FILE_BYTES, "{}", wanted.name);
        match maker.mirror.get(&wanted.name) {
            Some(bytes) => update.take(bytes).unwrap(),
            None => update.absent().unwrap(),
        }
    }
}

#[test]
fn what_a_party_passes_on_is_what_it_was_given_byte_for_byte() {
    let mut maker = Maker::begin();
    maker.edit(START);
    let plan = maker.plan();
    let signers = maker.root_keys[..3].to_vec();
    maker.rotate(&plan, &signers);
    maker.renew(START);
    let trusted = maker.follower(START);
    let newest = |name: &&String| !name.starts_with("1.") || name.ends_with("root.json");
    for (name, bytes) in maker.mirror.iter().filter(|(name, _)| newest(name)) {
        match trusted.file(name) {
            Some((_, passed_on)) => assert_eq!(&passed_on, bytes, "{name}"),
            None => assert!(name.contains(".members-"), "{name} is not passed on"),
        }
    }
    let (again, result) = update(maker.newcomer(), &mirror_of(&trusted, &maker), START);
    result.unwrap();
    assert_eq!(again.last().unwrap().version(), 2);
    assert!(trusted.file("../state").is_none() && trusted.file("3.root.json").is_none());
}

fn mirror_of(trusted: &weald_register::Trusted, maker: &Maker) -> Mirror {
    maker.mirror.keys().filter_map(|name| Some((name.clone(), trusted.file(name)?.1))).collect()
}

#[test]
fn a_frozen_mirror_is_noticed_after_fifteen_minutes_and_stops_after_a_day() {
    let maker = Maker::begin();
    let mut trusted = maker.follower(START);
    let mut at = |now| {
        let (next, result) = update(trusted.clone(), &maker.mirror, now);
        result.unwrap();
        trusted = next;
        trusted.freshness(now)
    };
    assert_eq!(at(START.plus(14 * MINUTE)), Freshness::Fresh { until: START.plus(15 * MINUTE) });
    let stale = Freshness::Stale { since: START.plus(15 * MINUTE), role: Role::Timestamp, stops: START.plus(DAY) };
    assert_eq!(at(START.plus(15 * MINUTE)), stale);
    assert_eq!(at(START.plus(DAY - MINUTE)), stale);
    let stopped = Stopped::TooOld { since: START.plus(DAY), role: Role::Timestamp };
    assert_eq!(at(START.plus(DAY)), Freshness::Stopped(stopped));
    assert_eq!(trusted.register(START.plus(DAY)).unwrap_err(), stopped);
}

#[test]
fn an_expired_root_stops_the_register_as_well() {
    let mut maker = Maker::begin();
    let expired = START.plus(365 * DAY);
    maker.edit(expired);
    let trusted = maker.follower(expired);
    assert!(matches!(trusted.freshness(expired), Freshness::Stale { role: Role::Root, .. }));
    assert!(!trusted.freshness(expired.plus(DAY)).serves());
}

#[test]
fn a_clock_that_goes_back_makes_nothing_fresh_again() {
    let maker = Maker::begin();
    let mut trusted = maker.follower(START);
    trusted.observe(START.plus(20 * MINUTE));
    assert!(matches!(trusted.freshness(START), Freshness::Stale { .. }));
    trusted.observe(START.plus(2 * DAY));
    assert!(!trusted.freshness(START).serves());
}

#[test]
fn a_clock_that_was_years_ahead_does_no_lasting_harm() {
    let mut maker = Maker::begin();
    let mut trusted = maker.follower(START);
    trusted.observe(START.plus(3650 * DAY));
    assert!(!trusted.freshness(START).serves(), "while nothing newer has come");
    maker.renew(START.plus(5 * MINUTE));
    let (mut trusted, result) = update(trusted, &maker.mirror, START.plus(5 * MINUTE));
    result.unwrap();
    assert!(matches!(trusted.freshness(START.plus(5 * MINUTE)), Freshness::Stale { .. }), "served, and marked");
    let later = START.plus(DAY + MINUTE);
    maker.renew(later);
    trusted = update(trusted, &maker.mirror, later).0;
    assert!(matches!(trusted.freshness(later), Freshness::Fresh { .. }), "and a day later all is as it was");
}
