//! Handshakes that never end.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::Tally;
use crate::place::Party;

/// Connections that it tries to hold.
const CONNECTIONS: usize = 400;
/// Before a connection that was refused or cut off is tried again.
const PAUSE: Duration = Duration::from_millis(20);
/// How long those wait that hang up themselves.
const IMPATIENCE: Duration = Duration::from_millis(100);

/// One byte a second of each handshake.
pub(super) fn byte_a_second(party: &Arc<Party>, tally: &Arc<Tally>) {
    hold(party, tally, |party, tally, _| async move {
        let hello = party.client_hello()?;
        let mut tcp = party.tcp().await?;
        tally.connected();
        for byte in hello {
            tcp.write_all(&[byte]).await?;
            tally.did(1);
            let cut_off = tokio::time::timeout(Duration::from_secs(1), tcp.read(&mut [0])).await;
            if cut_off.is_ok() {
                break;
            }
        }
        Ok(())
    });
}

/// Silence, half of the first message, and connections that are given up at once and opened again.
pub(super) fn unfinished(party: &Arc<Party>, tally: &Arc<Tally>) {
    hold(party, tally, |party, tally, number| async move {
        let hello = party.client_hello()?;
        let mut tcp = party.tcp().await?;
        tally.connected();
        tally.did(1);
        if number % 2 == 0 {
            tcp.write_all(hello.get(..hello.len() / 2).unwrap_or_default()).await?;
        }
        let patience = if number % 4 < 2 { IMPATIENCE } else { Duration::MAX };
        let _ = tokio::time::timeout(patience, tokio::io::copy(&mut tcp, &mut tokio::io::sink())).await;
        Ok(())
    });
}

/// Does that on many connections, each over and over.
fn hold<F, Held>(party: &Arc<Party>, tally: &Arc<Tally>, once: F)
where
    F: Fn(Arc<Party>, Arc<Tally>, usize) -> Held + Copy + Send + 'static,
    Held: Future<Output = anyhow::Result<()>> + Send,
{
    for number in 0..CONNECTIONS {
        let (party, tally) = (Arc::clone(party), Arc::clone(tally));
        tokio::spawn(async move {
            loop {
                if once(Arc::clone(&party), Arc::clone(&tally), number).await.is_err() {
                    tally.refused();
                }
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
}
