//! A viewer that helps a hostile member: it asks about what only that member holds, over and over.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::Tally;
use crate::place::Party;
use crate::world::ITS_SECTION;

/// Views at a time: more than there is work for, because what comes back is slow, or large.
const AT_ONCE: usize = 16;
/// After a refusal.
const PAUSE: Duration = Duration::from_millis(2);

/// Views one after another, all on one link.
pub(super) fn begin(party: &Arc<Party>, tally: &Arc<Tally>) {
    let viewer = Arc::new(party.viewer());
    tally.connected();
    for _ in 0..AT_ONCE {
        let (party, viewer, tally) = (Arc::clone(party), Arc::clone(&viewer), Arc::clone(tally));
        tokio::spawn(async move {
            loop {
                tally.did(1);
                let asked = party.assertion(&BTreeSet::from([ITS_SECTION]));
                let Ok(token) = asked else { return };
                if viewer.view(&token, &BTreeSet::new()).await.is_err() {
                    tally.refused();
                    tokio::time::sleep(PAUSE).await;
                }
            }
        });
    }
}
