//! The small views that are measured.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use weald_viewer::Viewer;

use crate::place::Party;
use crate::slow_peers::complete;
use crate::world::ordinary_sections;

/// Views at a time.
pub(super) const AT_ONCE: usize = 16;

/// An app that views as many times at once, on one connection.
pub(super) struct Small {
    party: Arc<Party>,
    viewer: Arc<Viewer>,
}

/// What came of the views of one phase.
#[derive(Debug, Default)]
pub(super) struct Views {
    /// What each took, in milliseconds.
    pub(super) took: Vec<f64>,
    /// Those that failed, or were not complete.
    pub(super) wrong: usize,
    /// Why the first of them was.
    pub(super) fault: Option<String>,
}

impl Small {
    pub(super) fn new(party: Arc<Party>) -> Self {
        Small { viewer: Arc::new(party.viewer()), party }
    }

    /// Views for so long.
    ///
    /// # Errors
    ///
    /// When a view panics.
    pub(super) async fn view_for(&self, length: Duration) -> anyhow::Result<Views> {
        let end = Instant::now() + length;
        let mut lanes = JoinSet::new();
        for _ in 0..AT_ONCE {
            lanes.spawn(lane(Arc::clone(&self.party), Arc::clone(&self.viewer), end));
        }
        let mut all = Views::default();
        while let Some(of_lane) = lanes.join_next().await {
            let Views { took, wrong, fault } = of_lane?;
            all.took.extend(took);
            all.wrong += wrong;
            all.fault = all.fault.or(fault);
        }
        Ok(all)
    }
}

/// One view after another until the end.
async fn lane(party: Arc<Party>, viewer: Arc<Viewer>, end: Instant) -> Views {
    let mut views = Views::default();
    while Instant::now() < end {
        let began = Instant::now();
        match view(&party, &viewer).await {
            Ok(()) => views.took.push(began.elapsed().as_secs_f64() * 1000.0),
            Err(error) => {
                views.wrong += 1;
                views.fault.get_or_insert_with(|| format!("{error:#}"));
            }
        }
    }
    views
}

async fn view(party: &Party, viewer: &Viewer) -> anyhow::Result<()> {
    let token = party.assertion(&ordinary_sections())?;
    complete(&viewer.view(&token, &BTreeSet::new()).await?)
}
