//! Who is on the other end: the register, certificates and mutual TLS.
//!
//! - [`Register`] is the signed list of members, brokers, keys and root certificates. It is made only
//!   from a file whose signature was checked against a [`RegisterAnchor`], and it is a
//!   [`Keyring`](weald_proto::Keyring) that gives only keys that may be used.
//! - [`Credentials`] are a process's own certificate and key, [`Trust`] the roots it believes. Both
//!   can be replaced while connections are open.
//! - [`Acceptor`] and [`Connector`] make connections of which both ends are authenticated: TLS 1.3
//!   only, no resumption, [`SpiffeId`](weald_proto::SpiffeId)s compared as whole values.
//! - [`ProxiedNetwork`] reaches others through an HTTP proxy, and a [`Diagnosis`] says of a [`ConnectError`]
//!   what to do about it and whom to ask.
//! - [`Limits`] bound what everybody and what anybody may take of an [`Acceptor`]'s port, [`Occupancy`] says
//!   how much is taken, and a [`DoorWatch`] hears of whoever is refused.
//! - A [`Newcomer`] has no certificate yet: it gets the register and, with a token, a certificate at a broker's
//!   door for [`Strangers`]. [`RegisterFiles`] are what is served there.
//! - [`PeerIdentity`] says who is on the other end; only a finished handshake makes one.
//! - [`door`] is the one table of who may come through which door of which listener.
//! - Module `authority` (feature `authority`) issues certificates. No broker and no node needs it.
//!
//! Later parts have their places: TUF metadata replaces the envelope in [`register`] and leaves
//! [`Register`] as it is; revocation lists go into [`Trust`], next to the roots; enrolment brings the
//! request of a `LeafKey` to `Authority::issue`, and ends in [`Credentials::replace`]. Open connections are not checked again when trust changes, and not
//! closed when a certificate on them expires; revocation will do both.

pub mod acceptor;
pub mod attach;
pub mod attachment;
#[cfg(feature = "authority")]
pub mod authority;
pub mod backoff;
pub mod connect_error;
pub mod connector;
pub mod credentials;
pub mod diagnosis;
pub mod door;
pub mod expected;
pub mod issuer;
pub mod link;
pub mod links;
pub mod member;
pub mod metrics;
pub mod newcomer;
pub mod peer;
pub mod proxy;
pub mod register;
mod tls;
pub mod trust;

pub use acceptor::{
    Acceptor, BindError, CallGuard, DoorWatch, Entrance, Limits, LogOnly, Occupancy, Refused, Stranger, Strangers,
};
pub use attach::{Attach, AttachNobody, Attached};
pub use attachment::{Attachment, AttachmentState, DialFault};
#[cfg(feature = "authority")]
pub use authority::{Authority, AuthorityError, Issued, LeafKey, LeafTerms, LeafUsage};
pub use backoff::Backoff;
pub use connect_error::{CertificateFault, ConnectError, Step};
pub use connector::Connector;
pub use credentials::{Credentials, CredentialsError};
pub use diagnosis::{Cause, Diagnosis, Whom};
pub use door::{Door, Listener};
pub use expected::Expected;
pub use issuer::Issuer;
pub use link::Link;
pub use links::Links;
pub use member::{Broker, KeyState, Member, MemberState, RegisteredKey};
pub use newcomer::{Newcomer, NewcomerError, NewcomerLink};
pub use peer::{PeerError, PeerIdentity};
pub use proxy::{ProxiedNetwork, ProxyFault, ProxySettings};
pub use register::{
    FileName, Register, RegisterAnchor, RegisterDocument, RegisterDraft, RegisterError, RegisterFault, RegisterFile,
    RegisterFiles,
};
pub use trust::{OwnCertificateFault, Trust, TrustError};
