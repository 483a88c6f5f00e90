//! The pipeline: one request in, one summary out.

use std::collections::BTreeMap;
use std::sync::Arc;

use weald_certs::PeerIdentity;
use weald_proto::{MergePlan, OdsCode, Outline, wire};

use crate::admit::{Admitted, Request, admit};
use crate::ask::{Heard, Watcher, ask};
use crate::broker::Broker;
use crate::decide::decide;
use crate::fit::fit;
use crate::locate::locate;
use crate::record::{intend, record, record_refusal};
use crate::refusal::Refusal;
use crate::summary::{Findings, summarise};

/// Serves one view. With a watcher, each organisation's outcome is recorded and passed on as it comes.
///
/// Nothing is asked before the intent is durable, and nothing leaves before its release is.
///
/// # Errors
///
/// [`Refusal`], with the reason that the requester may know.
pub async fn view(
    broker: &Broker,
    peer: &PeerIdentity,
    request: Request,
    watcher: Option<&Watcher>,
) -> Result<wire::Summary, Refusal> {
    let admitted = match admit(broker, peer, &request) {
        Ok(admitted) => admitted,
        Err(refusal) => return Err(record_refusal(broker, peer, refusal).await),
    };
    let decided = match decide(broker, &admitted) {
        Ok(decided) => decided,
        Err(refusal) => return Err(record_refusal(broker, peer, refusal).await),
    };
    let located = locate(broker, &decided);
    let intent = intend(broker, &admitted, &decided, &located).await?;
    let heard = ask(broker, &admitted, &decided, &located, intent, &request, watcher).await?;
    let heard = match watcher {
        Some(_) => heard,
        None => fit(heard, broker.parts.capacity),
    };
    for one in heard.values() {
        broker.metrics.heard(one);
        if watcher.is_none() {
            one.keep_until_left(&request);
        }
    }
    let plan = merge(broker, &admitted, &heard).await;
    let findings =
        Findings { admitted: &admitted, decided: &decided, located: &located, heard: &heard, plan: Some(&plan) };
    let recorded = record(broker, &findings).await?;
    Ok(summarise(broker, &findings, &recorded, watcher.is_some()))
}

/// Plans what was said.
async fn merge(broker: &Broker, admitted: &Admitted, heard: &BTreeMap<OdsCode, Heard>) -> MergePlan {
    let outline = |one: &Heard| one.said.as_ref().map(|said| Arc::clone(&said.outline));
    let outlines: Vec<(OdsCode, Arc<Outline>)> =
        heard.iter().filter_map(|(organisation, one)| Some((organisation.clone(), outline(one)?))).collect();
    let bytes = outlines.iter().map(|(_, outline)| outline.size()).sum();
    let viewer = broker.viewers.viewer(admitted.viewer());
    let plan =
        move || weald_proto::merge::merge(outlines.iter().map(|(organisation, outline)| (organisation, &**outline)));
    broker.aside.work(viewer.merge(), bytes, plan).await
}
