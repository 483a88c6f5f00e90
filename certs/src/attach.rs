//! Connections on which a node dialled in and the listener asks: the connection is turned round.

use std::net::SocketAddr;

use tokio_util::sync::CancellationToken;
use weald_proto::network::Connection;

use crate::link::Link;
use crate::peer::PeerIdentity;

/// Takes over the links of nodes that attach.
pub trait Attach: Send + Sync {
    /// A node has attached: its certificate holds, and `link` asks it. Whoever keeps a clone keeps the
    /// connection open. What is returned is dropped when the connection has ended.
    fn attached(&self, link: Link) -> Attached;
}

/// Dropped when the connection has ended.
pub type Attached = Box<dyn Send + Sync>;

/// Turns a connection round, and keeps it until it ends. At `shutdown` what runs on it may end first.
pub(crate) async fn turn(
    stream: impl Connection + 'static,
    (peer, from): (PeerIdentity, SocketAddr),
    attach: &dyn Attach,
    shutdown: CancellationToken,
) {
    let (link, mut ended) = match Link::over(stream, peer.spiffe_id().clone()).await {
        Ok(turned) => turned,
        Err(error) => return tracing::debug!(%peer, %error, "a connection could not be turned round"),
    };
    let attached = attach.attached(link.dialled_from(from));
    let ended = tokio::select! {
        ended = &mut ended => ended,
        () = shutdown.cancelled() => {
            drop(attached);
            ended.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "attached link ended");
    }
}

/// Lets no node attach.
#[derive(Debug, Clone, Copy, Default)]
pub struct AttachNobody;

impl Attach for AttachNobody {
    fn attached(&self, _link: Link) -> Attached {
        Box::new(())
    }
}
