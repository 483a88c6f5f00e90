//! Work on a large record, away from the threads that serve everybody.
//!
//! To redact, encode and digest an answer of the largest size takes so long that small answers on the same thread
//! would notice. Such work is done on threads of its own, by fewer than there are processors.

use std::sync::{Arc, LazyLock};

use prost::Message as _;
use tokio::sync::Semaphore;
use weald_proto::limit;

use crate::decide::Decided;
use crate::node::Node;
use crate::read::Read;
use crate::release::{Release, release};
use crate::session::Lent;
use crate::verify::Asked;

/// For all organisations of this process, which share its processors: half of these.
static PLACES: LazyLock<Semaphore> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Semaphore::new((processors / 2).max(1))
});

async fn work<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    // It is never closed.
    let place = PLACES.acquire().await.ok();
    let working = tokio::task::spawn_blocking(move || {
        let _held = place;
        work()
    });
    match working.await {
        Ok(done) => done,
        Err(failed) => match failed.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down, and drops whoever waits.
            Err(_) => std::future::pending().await,
        },
    }
}

/// Releases what was read: here and now if it is little, else aside.
pub(crate) async fn release_aside(
    node: &Arc<Node>,
    asked: &Arc<Asked>,
    decided: Decided,
    lent: Option<Lent>,
    read: Read,
) -> Release {
    if !is_large(&read) {
        return release(node, asked, &decided, lent, read);
    }
    let (of, asked) = (Arc::clone(node), Arc::clone(asked));
    work(move || release(&of, &asked, &decided, lent, read)).await
}

/// True if it is more than a small answer.
fn is_large(read: &Read) -> bool {
    let Some(person) = read.as_ref().ok().and_then(|record| record.person.as_ref()) else { return false };
    let mut left = limit::SMALL_ANSWER_BYTES;
    let mut items = person.sections.values().flat_map(|section| &section.items);
    items.any(|item| match left.checked_sub(item.encoded_len()) {
        Some(less) => {
            left = less;
            false
        }
        None => true,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use weald_proto::{Section, SectionState, Timestamp, UnavailableCause, wire};

    use super::*;
    use crate::store::{Person, Record, SectionReading};

    fn record(items: Vec<wire::Item>) -> Read {
        let reading = SectionReading { state: SectionState::Present, cause: None, items };
        let person = Person {
            identity: wire::IdentityBlock::default(),
            sections: BTreeMap::from([(Section::Documents, reading)]),
            unmapped: BTreeMap::new(),
            dropped: 0,
        };
        Ok(Record { as_of: Timestamp::from_secs(0), person: Some(person) })
    }

    fn item(bytes: usize) -> wire::Item {
        wire::Item { text: "w".repeat(bytes), ..wire::Item::default() }
    }

    #[test]
    fn a_record_is_large_by_all_its_items_together() {
        assert!(!is_large(&Err(UnavailableCause::SourceTimeout)));
        assert!(!is_large(&record(vec![])));
        assert!(!is_large(&record(vec![item(600); 100])));
        assert!(is_large(&record(vec![item(600); 110])));
        assert!(is_large(&record(vec![item(limit::SMALL_ANSWER_BYTES)])));
    }

    #[tokio::test]
    async fn large_work_is_not_done_by_whoever_waits_for_it() {
        let here = std::thread::current().id();
        let there = work(|| std::thread::current().id()).await;
        assert_ne!(here, there);
    }
}
