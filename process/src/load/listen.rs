//! Opening a port.

use std::io::ErrorKind;
use std::net::SocketAddr;

use weald_certs::{Acceptor, BindError, Entrance};

use crate::configuration::{Faults, Placed};

/// Opens a port on which only parties of the federation are served. Connections wait until it is served. None, with
/// the fault noted, if it cannot be opened.
pub async fn bind(faults: &Faults, address: &Placed<SocketAddr>, entrance: Entrance) -> Option<Acceptor> {
    match Acceptor::bind(address.value, entrance).await {
        Ok(acceptor) => Some(acceptor),
        Err(BindError::Address { address: at, source }) => {
            let (what, remedy) = why(at, source.kind());
            faults.refuse(&address.place, what, remedy)
        }
        Err(BindError::Tls(error)) => faults.refuse(
            &address.place,
            format!("TLS cannot be configured: {error}"),
            "this is a fault of the program: report it",
        ),
    }
}

/// Why a port cannot be opened, and what to do about it.
pub(crate) fn why(address: SocketAddr, kind: ErrorKind) -> (String, &'static str) {
    match kind {
        ErrorKind::AddrInUse => {
            (format!("the port {} is in use", address), "stop the program that listens there, or choose another port")
        }
        ErrorKind::AddrNotAvailable => {
            (format!("{} is no address of this machine", address.ip()), "name one, or 0.0.0.0 for all of them")
        }
        ErrorKind::PermissionDenied => (
            format!("this process may not open the port {address}"),
            "choose a port from 1024 on, or give the process CAP_NET_BIND_SERVICE",
        ),
        kind => (format!("cannot listen on {address}: {kind}"), "choose another address"),
    }
}
