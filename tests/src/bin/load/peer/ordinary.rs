//! An ordinary viewer: valid views, verified as any app would.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::{BufReader, Lines, Stdin};
use tokio::task::JoinSet;
use weald_viewer::Viewer;

use super::{DONE, Tally, VIEW};
use crate::console;
use crate::place::Party;
use crate::world::ordinary_sections;

/// Views at a time, of one that is not told when.
const AT_ONCE: usize = 2;
/// After a refusal.
const PAUSE: Duration = Duration::from_millis(2);

/// One view for each order, all on one link; says when each has ended.
///
/// # Errors
///
/// When it is told something else.
pub(super) async fn on_order(
    party: &Arc<Party>,
    tally: &Arc<Tally>,
    orders: &mut Lines<BufReader<Stdin>>,
) -> anyhow::Result<()> {
    let viewer = Arc::new(party.viewer());
    let mut views = JoinSet::new();
    tally.connected();
    while let Some(order) = orders.next_line().await? {
        anyhow::ensure!(order == VIEW, "an unknown order: {order}");
        let (party, viewer, tally) = (Arc::clone(party), Arc::clone(&viewer), Arc::clone(tally));
        while views.try_join_next().is_some() {}
        views.spawn(async move {
            if view(&party, &viewer, &tally).await.is_err() {
                tally.refused();
            }
            console::line(DONE);
        });
    }
    // None of them may say anything after this.
    views.shutdown().await;
    Ok(())
}

/// Views one after another, some at a time, all on one link.
pub(super) fn at_will(party: &Arc<Party>, tally: &Arc<Tally>) {
    let viewer = Arc::new(party.viewer());
    tally.connected();
    for _ in 0..AT_ONCE {
        let (party, viewer, tally) = (Arc::clone(party), Arc::clone(&viewer), Arc::clone(tally));
        tokio::spawn(async move {
            loop {
                if view(&party, &viewer, &tally).await.is_err() {
                    tally.refused();
                    tokio::time::sleep(PAUSE).await;
                }
            }
        });
    }
}

async fn view(party: &Party, viewer: &Viewer, tally: &Tally) -> anyhow::Result<()> {
    tally.did(1);
    let token = party.assertion(&ordinary_sections())?;
    viewer.view(&token, &BTreeSet::new()).await.context("a view")?;
    Ok(())
}
