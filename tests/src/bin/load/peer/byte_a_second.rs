//! Requests of which one byte a second is sent: from the first byte of the connection, or from the first of
//! the body.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{AUTHORITY, Tally, frames, method};
use crate::place::Party;

/// Connections that it tries to hold.
const CONNECTIONS: usize = 200;
/// What a connection does after it was refused or cut off.
const PAUSE: Duration = Duration::from_millis(20);
/// Requests that have begun on one connection.
const REQUESTS: u32 = 50;

/// Holds as many connections as it gets, and opens each again when it is cut off.
pub(super) fn begin(party: &Arc<Party>, tally: &Arc<Tally>) {
    for number in 0..CONNECTIONS {
        let (party, tally) = (Arc::clone(party), Arc::clone(tally));
        tokio::spawn(async move {
            loop {
                let ended = if number % 2 == 0 { head(&party, &tally).await } else { body(&party, &tally).await };
                if ended.is_err() {
                    tally.refused();
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
}

/// The whole connection byte by byte.
async fn head(party: &Party, tally: &Tally) -> anyhow::Result<()> {
    let (mut reading, mut writing) = tokio::io::split(party.stream().await?);
    tally.connected();
    let mut bytes = frames::PREFACE.to_vec();
    bytes.extend(frames::settings());
    bytes.extend(frames::request_headers(1, &method(), AUTHORITY));
    let dribble = async {
        for byte in bytes {
            writing.write_all(&[byte]).await?;
            writing.flush().await?;
            tally.did(1);
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        anyhow::Ok(())
    };
    let mut unread = tokio::io::sink();
    tokio::select! {
        ended = dribble => ended,
        ended = tokio::io::copy(&mut reading, &mut unread) => ended.map(drop).map_err(Into::into),
    }
}

/// Many requests whose bodies come byte by byte, each byte in a frame of its own.
async fn body(party: &Party, tally: &Tally) -> anyhow::Result<()> {
    let (mut reading, mut writing) = tokio::io::split(party.stream().await?);
    tally.connected();
    let mut start = frames::PREFACE.to_vec();
    start.extend(frames::settings());
    let method = method();
    let streams = || (0..REQUESTS).map(|number| 2 * number + 1);
    for stream in streams() {
        start.extend(frames::request_headers(stream, &method, AUTHORITY));
        start.extend(frames::data(stream, &[0, 0, 0, 0xff, 0]));
    }
    writing.write_all(&start).await?;
    writing.flush().await?;
    let mut unread = [0; 4096];
    let mut seconds = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = seconds.tick() => {
                for stream in streams() {
                    writing.write_all(&frames::data(stream, &[0])).await?;
                }
                writing.flush().await?;
                tally.did(REQUESTS.into());
            }
            read = reading.read(&mut unread) => if read? == 0 {
                return Ok(());
            },
        }
    }
}
