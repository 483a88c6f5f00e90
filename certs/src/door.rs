//! One port, several doors, told apart by ALPN (RFC 7301): which there are, and who may come
//! through which.

use weald_proto::SpiffePath;

/// A protocol spoken on a listener's port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Door {
    /// HTTP/2: gRPC for viewers at a broker, and for brokers at a node that is dialled directly.
    Http2,
    /// HTTP/1.1, for viewers at a broker.
    Http1,
    /// A node dials in and turns the connection round: from then on it is asked, as if it had been
    /// dialled.
    Attach,
    /// Register files and relayed enrolment, without a client certificate: at a broker that was given
    /// [`Strangers`](crate::Strangers).
    Bootstrap,
}

impl Door {
    /// Every door.
    pub const ALL: &'static [Door] = &[Door::Http2, Door::Http1, Door::Attach, Door::Bootstrap];

    /// Its ALPN protocol id.
    pub const fn alpn(self) -> &'static [u8] {
        match self {
            Door::Http2 => b"h2",
            Door::Http1 => b"http/1.1",
            Door::Attach => b"weald-attach/1",
            Door::Bootstrap => b"weald-bootstrap/1",
        }
    }

    /// The door of that ALPN protocol id.
    pub fn from_alpn(id: &[u8]) -> Option<Self> {
        Door::ALL.iter().copied().find(|door| door.alpn() == id)
    }
}

/// Whose port it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Listener {
    /// A broker's.
    Broker,
    /// A node's, dialled directly by brokers.
    Node,
    /// The authority's, to which brokers pass enrolments on.
    Authority,
}

impl Listener {
    /// The doors that may be open, most preferred first. No other protocol is agreed on.
    pub const fn doors(self) -> &'static [Door] {
        match self {
            Listener::Broker => &[Door::Http2, Door::Http1, Door::Attach, Door::Bootstrap],
            Listener::Node | Listener::Authority => &[Door::Http2],
        }
    }

    /// True if `party` may come through `door`: viewers call a broker and nodes attach to it, brokers call
    /// a node and the authority. Nobody comes through the door of strangers by a certificate: none is asked for.
    pub fn admits(self, door: Door, party: &SpiffePath) -> bool {
        match (self, door) {
            (Listener::Broker, Door::Http2 | Door::Http1) => matches!(party, SpiffePath::Viewer(..)),
            (Listener::Node | Listener::Authority, Door::Http2) => matches!(party, SpiffePath::Broker(_)),
            (Listener::Broker, Door::Attach) => matches!(party, SpiffePath::Node(_)),
            (Listener::Node | Listener::Authority, Door::Http1 | Door::Attach) | (_, Door::Bootstrap) => false,
        }
    }

    /// Calls whose caller speaks as long as the call lasts, by path: the time and the size of their bodies
    /// are theirs to bound, and those who serve them do.
    pub const fn long_calls(self) -> &'static [&'static str] {
        match self {
            Listener::Broker | Listener::Authority => &[],
            Listener::Node => &["/weald.service.v1.NodeAgentService/Session"],
        }
    }

    /// The door that a caller with these protocols comes to: our most preferred of those that are `open`.
    pub(crate) fn door<'a>(
        self,
        protocols: impl Iterator<Item = &'a [u8]>,
        open: impl Fn(Door) -> bool,
    ) -> Option<Door> {
        let named: Vec<Door> = protocols.filter_map(Door::from_alpn).collect();
        self.doors().iter().copied().find(|door| named.contains(door) && open(*door))
    }
}

#[cfg(test)]
mod tests {
    use weald_proto::OdsCode;

    use super::*;

    fn parties() -> [SpiffePath; 4] {
        let ods = OdsCode::parse("RVV").unwrap();
        [
            SpiffePath::Node(ods.clone()),
            SpiffePath::Broker("b1".into()),
            SpiffePath::Viewer(ods, "emr".into()),
            SpiffePath::Authority,
        ]
    }

    #[test]
    fn every_door_is_found_by_its_protocol_id_and_no_other_id_finds_one() {
        for door in Door::ALL {
            assert_eq!(Door::from_alpn(door.alpn()), Some(*door));
        }
        for id in [&b""[..], b"h3", b"H2", b"http/1.0", b"weald-attach/2"] {
            assert_eq!(Door::from_alpn(id), None);
        }
    }

    #[test]
    fn viewers_call_brokers_to_which_nodes_attach_and_brokers_call_nodes_and_the_authority_and_nobody_else_anywhere() {
        let [node, broker, viewer, authority] = parties();
        let mut admitted = Vec::new();
        for listener in [Listener::Broker, Listener::Node, Listener::Authority] {
            for door in Door::ALL {
                for party in [&node, &broker, &viewer, &authority] {
                    if listener.admits(*door, party) {
                        admitted.push((listener, *door, party.clone()));
                    }
                }
            }
        }
        assert_eq!(
            admitted,
            [
                (Listener::Broker, Door::Http2, viewer.clone()),
                (Listener::Broker, Door::Http1, viewer),
                (Listener::Broker, Door::Attach, node),
                (Listener::Node, Door::Http2, broker.clone()),
                (Listener::Authority, Door::Http2, broker),
            ]
        );
    }

    #[test]
    fn only_the_session_of_a_node_lasts() {
        assert!(Listener::Broker.long_calls().is_empty() && Listener::Authority.long_calls().is_empty());
        assert_eq!(Listener::Node.long_calls(), ["/weald.service.v1.NodeAgentService/Session"]);
    }

    #[test]
    fn only_a_broker_lets_nodes_attach_and_has_a_door_for_strangers() {
        for door in [Door::Attach, Door::Bootstrap] {
            assert!(Listener::Broker.doors().contains(&door));
            assert!(!Listener::Node.doors().contains(&door) && !Listener::Authority.doors().contains(&door));
        }
    }

    #[test]
    fn a_door_that_is_not_open_is_not_found() {
        let found = |open: bool| Listener::Broker.door([Door::Bootstrap.alpn()].into_iter(), |_| open);
        assert_eq!((found(true), found(false)), (Some(Door::Bootstrap), None));
    }
}
