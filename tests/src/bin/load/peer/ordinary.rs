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

/// Views of one app that are under way before the next app is used. A broker works on one view of an app at a moment, so
/// an app with so many is taking all that it can.
const UNDER_WAY: usize = 32;

/// One view for each order, of the first app that is not busy, each on one link; says when each has ended.
///
/// # Errors
///
/// When it is told something else.
pub(super) async fn on_order(
    apps: &[Arc<Party>],
    tally: &Arc<Tally>,
    orders: &mut Lines<BufReader<Stdin>>,
) -> anyhow::Result<()> {
    // Every view under way holds its app's viewer.
    let apps: Vec<_> = apps.iter().map(|party| (Arc::clone(party), Arc::new(party.viewer()))).collect();
    let mut views = JoinSet::new();
    tally.connected();
    while let Some(order) = orders.next_line().await? {
        anyhow::ensure!(order == VIEW, "an unknown order: {order}");
        while views.try_join_next().is_some() {}
        let is_free = |viewer: &Arc<Viewer>| Arc::strong_count(viewer) <= UNDER_WAY;
        let app = apps.iter().find(|(_, viewer)| is_free(viewer)).or(apps.last()).context("an app")?;
        let (party, viewer, tally) = (Arc::clone(&app.0), Arc::clone(&app.1), Arc::clone(tally));
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
