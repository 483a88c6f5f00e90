//! Ten thousand streams on one connection, none of which ends; then the same again.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use super::{AUTHORITY, Tally, frames, method};
use crate::place::Party;

/// Connections at a time.
const CONNECTIONS: usize = 4;
/// Streams of one connection.
const STREAMS: u32 = 10_000;
/// Streams that are opened with one write.
const AT_ONCE: u32 = 100;
/// How long they are held once all are open.
const HELD: Duration = Duration::from_millis(500);
/// Before the next connection.
const PAUSE: Duration = Duration::from_millis(5);

/// Opens them, on as many connections, and begins anew when it is cut off.
pub(super) fn begin(party: &Arc<Party>, tally: &Arc<Tally>) {
    for _ in 0..CONNECTIONS {
        let (party, tally) = (Arc::clone(party), Arc::clone(tally));
        tokio::spawn(async move {
            loop {
                if open(&party, &tally).await.is_err() {
                    tally.refused();
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
}

async fn open(party: &Party, tally: &Tally) -> anyhow::Result<()> {
    let (mut reading, mut writing) = tokio::io::split(party.stream().await?);
    tally.connected();
    let method = method();
    let all = async {
        writing.write_all(frames::PREFACE).await?;
        writing.write_all(&frames::settings()).await?;
        for first in (0..STREAMS).step_by(AT_ONCE as usize) {
            let streams = (first..first + AT_ONCE).map(|number| 2 * number + 1);
            let heads: Vec<u8> = streams.flat_map(|id| frames::request_headers(id, &method, AUTHORITY)).collect();
            writing.write_all(&heads).await?;
            writing.flush().await?;
            tally.did(AT_ONCE.into());
        }
        tokio::time::sleep(HELD).await;
        anyhow::Ok(())
    };
    let mut unread = tokio::io::sink();
    tokio::select! {
        ended = all => ended,
        ended = tokio::io::copy(&mut reading, &mut unread) => {
            ended?;
            anyhow::bail!("cut off")
        }
    }
}
