//! Files that are too large, and files that take long.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use tokio::time::Instant;
use weald_proto::limit;

use crate::record::{NUMBER, bundle, condition, of_person, patient};
use crate::world::{HELD, World};

const MEGABYTE: u64 = 1024 * 1024;

/// A bundle that is whole, valid, about the person, and 200 MB long.
fn write_200_megabytes(path: &Path) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    let text = of_person("c9");
    let (head, rest) = text.split_at(1);
    let blank = vec![b' '; usize::try_from(MEGABYTE).unwrap()];
    file.write_all(head.as_bytes()).unwrap();
    for _ in 0..200 {
        file.write_all(&blank).unwrap();
    }
    file.write_all(rest.as_bytes()).unwrap();
    file.flush().unwrap();
}

/// The most memory that this process ever had.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_200_megabytes_is_named_and_never_in_memory() {
    let world = World::of_bundles(&[("good.json", of_person("c1"))]).await;
    world.is_well(&["Condition/c1"]).await;
    let before = peak();
    write_200_megabytes(&world.folder().join("large.json"));
    let started = Instant::now();
    world.is_in_doubt(&HELD, &["Condition/c1"]).await;
    assert!(started.elapsed() < limit::VIEW_DEADLINE, "{:?}", started.elapsed());
    world.names(&["large.json", "is larger than 32 MB: split it, one file for each person"]).await;
    let grown = peak() - before;
    assert!(grown < 150 * MEGABYTE, "grown by {} MB, other tests included", grown / MEGABYTE);
    world.remove("large.json");
    world.heals(&["Condition/c1"]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_file_takes_long_the_views_do_not() {
    let world = World::of_bundles(&[("good.json", of_person("c1"))]).await;
    world.is_well(&["Condition/c1"]).await;
    // Every level is read again by the one above it.
    let slow = format!("{}\"{}\"{}", "[".repeat(58), "x".repeat(4_000_000), "]".repeat(58));
    let slow = condition("c2", "1").replacen('{', &format!("{{\"extension\":{slow},"), 1);
    world.write("slow.json", bundle(&[patient("1", NUMBER), slow]));
    for _ in 0..3 {
        let started = Instant::now();
        world.is_whole_or_in_doubt(2).await;
        assert!(started.elapsed() < limit::VIEW_DEADLINE, "{:?}", started.elapsed());
    }
    world.write("slow.json", of_person("c2"));
    world.heals(&["Condition/c1", "Condition/c2"]).await;
    world.end().await;
}
