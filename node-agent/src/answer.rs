//! The pipeline: one query in, one signed answer out.

use std::sync::Arc;

use weald_certs::PeerIdentity;
use weald_proto::wire;

use crate::aside::release_aside;
use crate::decide::decide;
use crate::node::Node;
use crate::read::read;
use crate::record::{record, record_refusal};
use crate::refusal::Refusal;
use crate::release::Release;
use crate::session::lend;
use crate::sign::sign;
use crate::verify::verify;

/// Answers one query from a broker.
///
/// Whatever was decided once the query has verified (answered, not known here, identity mismatch,
/// refused) is a signed statement. A query that does not verify is refused, and that is recorded too.
///
/// # Errors
///
/// [`Refusal`], with the reason that the broker may know.
pub async fn answer(
    node: &Arc<Node>,
    peer: &PeerIdentity,
    query: wire::SignedMessage,
) -> Result<wire::Answer, Refusal> {
    let asked = match verify(node, peer, query) {
        Ok(asked) => Arc::new(asked),
        Err(refusal) => return Err(record_refusal(node, peer, refusal).await),
    };
    let release = match decide(node, &asked) {
        Ok(decided) => {
            // Before the record is read: a change after that must find this query.
            let lent = lend(node, &asked).await;
            let read = read(node, &asked, &decided).await;
            release_aside(node, &asked, decided, lent, read).await
        }
        Err(declined) => Release::declined(node, &asked, declined),
    };
    let recorded = record(node, peer, &asked, &release).await?;
    Ok(sign(node, &asked, release, recorded))
}
