//! Folders and files that go and come back.

use crate::record::{half, of_person};
use crate::world::{HELD, World, name};

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_deleted_and_put_back() {
    let world = World::of_bundles(&[("good.json", of_person("c1"))]).await;
    let (folder, away) = (world.folder(), world.folder().with_extension("away"));
    std::fs::rename(&folder, &away).unwrap();
    world.is_in_doubt(&HELD, &[]).await;
    world.names(&[&name(&folder), "the folder cannot be listed: entity not found: put it back, or mount it"]).await;
    std::fs::rename(&away, &folder).unwrap();
    world.heals(&["Condition/c1"]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_unmounted_is_empty_and_calls_nobody_unknown() {
    let world = World::of_bundles(&[("good.json", of_person("c1"))]).await;
    let (folder, away) = (world.folder(), world.folder().with_extension("away"));
    std::fs::rename(&folder, &away).unwrap();
    std::fs::create_dir(&folder).unwrap();
    world.is_in_doubt(&HELD, &[]).await;
    world.names(&[&name(&folder), "no file in it is a bundle that can be read"]).await;
    std::fs::remove_dir(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    world.heals(&["Condition/c1"]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_became_a_file() {
    let world = World::of_bundles(&[("good.json", of_person("c1"))]).await;
    let (folder, away) = (world.folder(), world.folder().with_extension("away"));
    std::fs::rename(&folder, &away).unwrap();
    std::fs::write(&folder, "moved").unwrap();
    world.is_in_doubt(&HELD, &[]).await;
    world.names(&[&name(&folder), "the folder cannot be listed: not a directory"]).await;
    std::fs::remove_file(&folder).unwrap();
    std::fs::rename(&away, &folder).unwrap();
    world.heals(&["Condition/c1"]).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_written_again_while_views_go_on_is_told_whole_or_in_doubt() {
    let world = World::of_bundles(&[("good.json", of_person("c1")), ("more.json", of_person("c2"))]).await;
    let file = world.folder().join("more.json");
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::SeqCst) {
                let text = of_person("c2");
                std::fs::write(&file, half(&text)).unwrap();
                std::fs::write(&file, &text).unwrap();
            }
        });
        let runtime = tokio::runtime::Handle::current();
        for _ in 0..15 {
            tokio::task::block_in_place(|| runtime.block_on(world.is_whole_or_in_doubt(2)));
        }
        stop.store(true, std::sync::atomic::Ordering::SeqCst);
        writing.join().unwrap();
    });
    world.heals(&["Condition/c1", "Condition/c2"]).await;
    world.end().await;
}
