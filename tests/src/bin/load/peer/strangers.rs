//! Register files for ever, by many without a certificate.

use std::sync::Arc;
use std::time::Duration;

use weald_certs::FileName;

use super::Tally;
use crate::place::Party;

/// Connections that it tries to have.
const CONNECTIONS: usize = 400;
/// Before one that was refused or cut off is tried again.
const PAUSE: Duration = Duration::from_millis(20);
/// For a connection, and for a file.
const PATIENCE: Duration = Duration::from_secs(5);

/// Comes to the door for strangers again and again, and fetches what it is given there until it is refused.
pub(super) fn begin(party: &Arc<Party>, tally: &Arc<Tally>) {
    for _ in 0..CONNECTIONS {
        let (party, tally) = (Arc::clone(party), Arc::clone(tally));
        tokio::spawn(async move {
            loop {
                // A knock counts, whether or not it is let in: that is what the flood is.
                tally.did(1);
                if let Ok(mut link) = party.newcomer(PATIENCE).await {
                    tally.connected();
                    while link.file(&FileName::register(), 0, PATIENCE).await.is_ok() {
                        tally.did(1);
                    }
                }
                tally.refused();
                tokio::time::sleep(PAUSE).await;
            }
        });
    }
}
