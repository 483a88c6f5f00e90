//! The viewer whose views are measured.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::Instant;
use weald_viewer::{SectionView, View, Viewer};

use crate::place::Party;
use crate::world::ordinary_sections;

/// From the beginning of one view to that of the next, if it has ended by then.
pub(crate) const PERIOD: Duration = Duration::from_millis(16);

/// A viewer that views one after another, every other one on a new connection.
pub(crate) struct Measured {
    party: Party,
    kept: Viewer,
}

/// What its views took in one phase, in milliseconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latencies {
    /// On a connection that was open.
    pub(crate) kept: Vec<f64>,
    /// On a new one, connecting included.
    pub(crate) fresh: Vec<f64>,
    /// Views that failed, or were not complete, and why the first did.
    pub(crate) wrong: u32,
    /// Why the first of them was wrong.
    pub(crate) fault: Option<String>,
}

impl Measured {
    /// The app whose views are measured.
    pub(crate) fn new(party: Party) -> Self {
        Measured { kept: party.viewer(), party }
    }

    /// Views until that moment; counts each in `ended`.
    ///
    /// # Errors
    ///
    /// Never: what it asks with parses.
    pub(crate) async fn view_until(&self, end: Instant, ended: &AtomicU32) -> anyhow::Result<Latencies> {
        let mut latencies = Latencies::default();
        let mut begin = Instant::now();
        for number in 0_u32.. {
            tokio::time::sleep_until(begin).await;
            if Instant::now() >= end {
                break;
            }
            let token = self.party.assertion(&ordinary_sections())?;
            let began = Instant::now();
            let fresh = (number % 2 == 1).then(|| self.party.viewer());
            let viewer = fresh.as_ref().unwrap_or(&self.kept);
            let viewed = viewer.view(&token, &BTreeSet::new()).await;
            let took = began.elapsed().as_secs_f64() * 1000.0;
            match viewed.map_err(anyhow::Error::from).and_then(|view| complete(&view)) {
                Ok(()) if fresh.is_some() => latencies.fresh.push(took),
                Ok(()) => latencies.kept.push(took),
                Err(error) => {
                    latencies.wrong += 1;
                    latencies.fault.get_or_insert_with(|| format!("{error:#}"));
                }
            }
            ended.fetch_add(1, Ordering::Relaxed);
            begin = (begin + PERIOD).max(Instant::now());
        }
        Ok(latencies)
    }
}

/// Every section must be there, and complete.
pub(crate) fn complete(view: &View) -> anyhow::Result<()> {
    for section in ordinary_sections() {
        match view.section(section) {
            Some(SectionView::Complete { entries, .. }) if !entries.is_empty() => {}
            other => anyhow::bail!("section {section} is {other:?}"),
        }
    }
    Ok(())
}
