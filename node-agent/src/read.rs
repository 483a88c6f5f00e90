//! Third step: read the local system, under the permit and within the time that is left.

use std::time::Duration;

use tokio::time::Instant;
use weald_proto::UnavailableCause;

use crate::decide::Decided;
use crate::node::Node;
use crate::store::Record;
use crate::verify::Asked;

/// Kept back from the time that the broker waits, to release, record, sign and send.
const RESERVE: Duration = Duration::from_millis(150);

/// What came of reading: a record, or why there is none.
pub type Read = Result<Record, UnavailableCause>;

/// Reads the local system. A source that fails or is too slow costs its own sections and nothing else.
pub async fn read(node: &Node, asked: &Asked, decided: &Decided) -> Read {
    let began = Instant::now();
    let read = read_in_time(node, asked, decided).await;
    node.metrics.source_read(&read, began.elapsed());
    read
}

async fn read_in_time(node: &Node, asked: &Asked, decided: &Decided) -> Read {
    let until = asked.deadline().checked_sub(RESERVE).unwrap_or_else(|| asked.deadline());
    match tokio::time::timeout_at(until, node.parts.store.read(&decided.permitted)).await {
        Ok(Ok(record)) => Ok(record),
        Ok(Err(error)) => {
            tracing::warn!(organisation = %node.organisation(), query_id = %asked.query().id, %error, "source failed");
            Err(UnavailableCause::SourceError)
        }
        Err(_) => {
            tracing::warn!(organisation = %node.organisation(), query_id = %asked.query().id, "source too slow");
            Err(UnavailableCause::SourceTimeout)
        }
    }
}
