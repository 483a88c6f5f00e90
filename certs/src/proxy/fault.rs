//! What goes wrong with a proxy.

use std::io;

use weald_proto::network::Unresolved;

/// The most characters of a proxy's own words that are shown.
const SHOWN: usize = 100;

/// Why a proxy has not connected us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProxyFault {
    /// The proxy's own name has no address.
    #[error("the proxy's host name does not resolve")]
    Name,
    /// The proxy cannot be reached by TCP.
    #[error("cannot reach the proxy: {0}")]
    Unreachable(io::ErrorKind),
    /// It accepted the connection and did not say in time whether it has connected us.
    #[error("the proxy has not answered within 4 s")]
    Silent,
    /// 407, and we sent no credentials.
    #[error("the proxy wants a user name and a password: {words}")]
    CredentialsWanted {
        /// Its status line.
        words: StatusLine,
    },
    /// 407, although we sent credentials.
    #[error("the proxy refuses our user name and password: {words}")]
    CredentialsRefused {
        /// Its status line.
        words: StatusLine,
    },
    /// 407, and none of the ways in which we may prove who we are is Basic.
    #[error("the proxy wants another authentication than Basic ({offered}): {words}")]
    OtherAuthentication {
        /// The ways that it offers.
        offered: String,
        /// Its status line.
        words: StatusLine,
    },
    /// 403.
    #[error("the proxy forbids it: {words}")]
    Forbidden {
        /// Its status line.
        words: StatusLine,
    },
    /// It says that it cannot resolve the host name.
    #[error("the proxy cannot resolve the host name: {words}")]
    TargetName {
        /// Its status line.
        words: StatusLine,
    },
    /// 502, 503 or 504: it cannot reach the host.
    #[error("the proxy cannot reach the other end: {words}")]
    TargetUnreachable {
        /// Its status line.
        words: StatusLine,
    },
    /// Any other status.
    #[error("the proxy refuses: {words}")]
    Answered {
        /// Its status line.
        words: StatusLine,
    },
    /// What answers there speaks no HTTP, or an endless head.
    #[error("what answers at the proxy's address speaks no HTTP")]
    NotHttp,
    /// It hung up before it had answered.
    #[error("the proxy hung up before it had answered")]
    HungUp,
}

/// The first line of a proxy's answer: at most 100 characters, printable ASCII, and without our credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusLine(String);

impl StatusLine {
    pub(super) fn new(line: &str) -> Self {
        StatusLine(shown(line))
    }
}

impl std::fmt::Display for StatusLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What of a proxy's words can be shown to people.
pub(super) fn shown(words: &str) -> String {
    words.chars().filter(|char| char.is_ascii_graphic() || *char == ' ').take(SHOWN).collect()
}

impl ProxyFault {
    pub(super) fn of_dialling(error: &io::Error) -> Self {
        if error.get_ref().is_some_and(|inner| inner.is::<Unresolved>()) {
            return ProxyFault::Name;
        }
        ProxyFault::Unreachable(error.kind())
    }
}

impl From<ProxyFault> for io::Error {
    fn from(fault: ProxyFault) -> Self {
        io::Error::other(fault)
    }
}
