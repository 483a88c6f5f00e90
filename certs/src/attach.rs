//! Connections on which a node dialled in and the listener asks: the connection is turned round.

use crate::link::Link;

/// Takes over the links of nodes that attach.
pub trait Attach: Send + Sync {
    /// A node has attached: its certificate holds, and `link` asks it. Whoever keeps a clone keeps the
    /// connection open. What is returned is dropped when the connection has ended.
    fn attached(&self, link: Link) -> Attached;
}

/// Dropped when the connection has ended.
pub type Attached = Box<dyn Send + Sync>;

/// Lets no node attach.
#[derive(Debug, Clone, Copy, Default)]
pub struct AttachNobody;

impl Attach for AttachNobody {
    fn attached(&self, _link: Link) -> Attached {
        Box::new(())
    }
}
