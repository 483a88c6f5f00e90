//! Kinds of peer.

use clap::ValueEnum;

use crate::member::Misdeed;
use crate::peer::Act;

/// A kind of peer. The first is not hostile: with it everything is measured as with the others, so that it
/// shows what the measurement itself adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Another ordinary viewer, at will
    Ordinary,
    /// Requests of which one byte a second is sent
    ByteASecond,
    /// TLS handshakes of which one byte a second is sent
    ByteASecondHandshake,
    /// Connections without a TLS handshake, or half of one, held or given up at once
    UnfinishedHandshake,
    /// Ten thousand streams on a connection, none of which ends
    TenThousandStreams,
    /// Register files for ever, by many without a certificate
    BootstrapFlood,
    /// The largest legal requests, for ever
    LargestMessage,
    /// The same under assertions whose signature does not fit
    LargestMessageForged,
    /// A member that answers as much as is legal, asked by a viewer that helps it
    MemberLargestAnswer,
    /// A member that sends a byte of its answer a second, asked by a viewer that helps it
    MemberByteASecond,
}

impl Kind {
    /// As it is written on the command line.
    pub(crate) fn name(self) -> String {
        word(&self)
    }

    /// What its peer does.
    pub(crate) fn act(self) -> Act {
        match self {
            Kind::Ordinary => Act::OrdinaryAtWill,
            Kind::ByteASecond => Act::ByteASecond,
            Kind::ByteASecondHandshake => Act::ByteASecondHandshake,
            Kind::UnfinishedHandshake => Act::UnfinishedHandshake,
            Kind::TenThousandStreams => Act::TenThousandStreams,
            Kind::BootstrapFlood => Act::Strangers,
            Kind::LargestMessage => Act::LargestMessage,
            Kind::LargestMessageForged => Act::LargestMessageForged,
            Kind::MemberLargestAnswer | Kind::MemberByteASecond => Act::Companion,
        }
    }

    /// True if its peer means to take CPU time; others mean to hold connections.
    pub(crate) fn floods(self) -> bool {
        matches!(
            self,
            Kind::Ordinary
                | Kind::TenThousandStreams
                | Kind::BootstrapFlood
                | Kind::LargestMessage
                | Kind::LargestMessageForged
        )
    }

    /// What its member does, if it has one.
    pub(crate) fn misdeed(self) -> Option<Misdeed> {
        match self {
            Kind::MemberLargestAnswer => Some(Misdeed::LargestAnswer),
            Kind::MemberByteASecond => Some(Misdeed::ByteASecond),
            _ => None,
        }
    }
}

/// An act as it is written on the command line.
pub(crate) fn word(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
