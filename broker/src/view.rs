//! The pipeline: one request in, one summary out.

use weald_certs::PeerIdentity;
use weald_proto::merge::merge;
use weald_proto::wire;

use crate::admit::{Request, admit};
use crate::ask::{Watcher, ask, said};
use crate::broker::Broker;
use crate::decide::decide;
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
    let heard = ask(broker, &admitted, &decided, &located, intent, request.deadline, watcher).await?;
    let plan = merge(said(&heard));
    let findings =
        Findings { admitted: &admitted, decided: &decided, located: &located, heard: &heard, plan: Some(&plan) };
    let recorded = record(broker, &findings).await?;
    Ok(summarise(broker, &findings, &recorded, watcher.is_some()))
}
