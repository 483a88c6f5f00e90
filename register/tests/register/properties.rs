//! What holds whatever a mirror does.

use std::sync::LazyLock;

use proptest::prelude::*;
use weald_proto::Timestamp;
use weald_register::{Trusted, Update};

use crate::maker::*;

/// A federation's mirror as it was after each thing that was published: editions, renewals, new roots.
fn history() -> (Maker, Vec<Mirror>, Timestamp) {
    let mut maker = Maker::begin();
    let mut mirrors = vec![maker.mirror.clone()];
    let mut now = START;
    for step in 0..8 {
        now = now.plus(MINUTE);
        match step % 4 {
            0 | 2 => maker.edit(now),
            1 => maker.renew(now),
            _ => {
                let plan = maker.plan();
                let signers = maker.root_keys[..3].to_vec();
                maker.rotate(&plan, &signers);
                maker.renew(now);
            }
        }
        mirrors.push(maker.mirror.clone());
    }
    (maker, mirrors, now)
}

static HISTORY: LazyLock<(Maker, Vec<Mirror>, Timestamp)> = LazyLock::new(history);

/// How far a party has come, in each role.
fn versions(trusted: &Trusted) -> [u64; 3] {
    let register = trusted.last().map_or(0, |current| current.version());
    [trusted.root().version(), trusted.timestamp_version().unwrap_or(0), register]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Each file of each update comes from any moment of the past, from under another name, or not at all.
    #[test]
    fn whatever_order_files_come_in_nobody_goes_back_and_everybody_gets_to_the_newest(
        choices in proptest::collection::vec((0..9_usize, 0..12_u8), 1..120)
    ) {
        let (maker, mirrors, now) = &*HISTORY;
        let now = *now;
        let mut trusted = maker.newcomer();
        let mut choices = choices.into_iter();
        let mut reached = versions(&trusted);
        'rounds: loop {
            let mut update = Update::begin(trusted.clone(), now);
            while let Some(wanted) = update.wants() {
                let Some((mirror, way)) = choices.next() else { trusted = update.finish(); break 'rounds };
                let ended = match (way, mirrors[mirror].get(&wanted.name)) {
                    (0, _) => true,
                    (1, _) => update.take(&mirrors[mirror]["timestamp.json"]).is_err(),
                    (2, _) => update.take(&mirrors[mirror]["1.root.json"]).is_err(),
                    (_, Some(bytes)) => update.take(bytes).is_err(),
                    (_, None) => update.absent().is_err(),
                };
                let now_at = versions(update.trusted());
                prop_assert!(now_at.iter().zip(&reached).all(|(now, before)| now >= before), "{now_at:?} {reached:?}");
                reached = now_at;
                if ended {
                    break;
                }
            }
            trusted = update.finish();
        }
        let (trusted, result) = update(trusted, &maker.mirror, now);
        prop_assert!(result.is_ok(), "{result:?}");
        let newest = maker.edition.versions();
        prop_assert_eq!(versions(&trusted), [maker.root.version(), newest.timestamp, newest.targets]);
    }

    /// A mirror that is filled file by file, in the order of publishing, is at no moment refused.
    #[test]
    fn any_prefix_of_what_is_published_in_order_is_a_mirror(published in 0..45_usize) {
        let mut maker = Maker::begin();
        let trusted = maker.follower(START);
        let mut mirror = maker.mirror.clone();
        maker.edit(START);
        for file in maker.edition.published().into_iter().take(published) {
            mirror.insert(file.name, file.bytes);
        }
        let (trusted, result) = update(trusted, &mirror, START);
        prop_assert!(result.is_ok(), "{result:?}");
        prop_assert!(trusted.last().unwrap().version() >= 1);
    }

    #[test]
    fn whatever_a_clock_shows_nothing_gets_fresher_by_itself(
        minutes in proptest::collection::vec(0..4000_u32, 1..40)
    ) {
        let mut trusted = HISTORY.0.follower(START);
        let mut worst = trusted.freshness(START);
        for minute in minutes {
            let now = START.plus(minute * MINUTE);
            trusted.observe(now);
            let freshness = trusted.freshness(now);
            prop_assert!(freshness >= worst, "{worst}, and then {freshness}");
            worst = freshness;
        }
    }

    #[test]
    fn bytes_from_anywhere_never_break_a_reader(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let maker = &HISTORY.0;
        prop_assert!(Trusted::begin(&federation(), &bytes).is_err());
        for name in ["2.root.json", "timestamp.json", "snapshot.json", "targets.json", "revocations.json"] {
            let mut update = update_until(maker.newcomer(), &maker.mirror, START, name);
            prop_assert!(update.take(&bytes).is_err());
        }
    }
}

/// Every byte of every kind of file, with one bit turned.
#[test]
fn any_single_altered_byte_of_any_file_is_refused() {
    let mut maker = Maker::begin();
    let plan = maker.plan();
    let signers = maker.root_keys[..4].to_vec();
    maker.rotate(&plan, &signers);
    maker.renew(START);
    for name in
        ["2.root.json", "timestamp.json", "snapshot.json", "targets.json", "federation.json", "policies.clinical.cedar"]
    {
        let update = update_until(maker.newcomer(), &maker.mirror, START, name);
        let bytes = &maker.mirror[&update.wants().unwrap().name];
        for at in 0..bytes.len() {
            let mut altered = bytes.to_vec();
            altered[at] ^= 1 << (at % 8);
            assert!(update.clone().take(&altered).is_err(), "{name}, byte {at}");
            assert!(update.clone().take(&bytes[..at]).is_err(), "{name}, cut at {at}");
        }
        update.clone().take(bytes).unwrap();
    }
}
