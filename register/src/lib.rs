//! The register as TUF metadata: who may be believed, and how fresh that knowledge is.
//!
//! - [`Trusted`] is what a party believes: the newest root, how far it has ever got in each role, and the last complete
//!   register ([`Current`]). It is made from a root that configuration gives, and only grows.
//! - [`Update`] takes it further: it says which file it needs next and takes the bytes. It fetches nothing, reads no
//!   clock and writes nothing; whoever drives it may have the bytes from a broker, a mirror or a disk.
//! - [`Store`] keeps a `Trusted` on disk, atomically, and verifies all of it when it is read again.
//! - [`publish`] is the other side: roots signed offline, one person after the other, and editions signed online.
//!
//! The format is that of the TUF specification 1.0.31, in one form only: canonical JSON, byte for byte. So what is
//! verified are the bytes that came, and a document reads in one way or not at all.

mod contents;
mod current;
mod document;
mod envelope;
mod expiry;
mod freshness;
mod hex;
mod key;
pub mod limit;
pub mod publish;
mod refused;
mod root;
mod store;

mod target;
mod trusted;
mod update;

pub use contents::{
    Contents, ContentsFault, Revocations, RevokedCertificate, RevokedKey, RevokedOrganisation, RevokedParty, Serial,
};
pub use current::Current;
pub use document::Role;
pub use freshness::{Freshness, Stopped};
pub use key::{RoleKey, RoleKeyId};
pub use refused::{Fault, Refused};
pub use root::{Root, RootFault};

pub use store::{Store, StoreError};
pub use target::{SHARDS, TargetName, shard_of};
pub use trusted::Trusted;
pub use update::{Update, Wanted};

#[cfg(test)]
extern crate self as weald_register;
/// The maker of the integration tests.
#[cfg(test)]
#[path = "../tests/register/maker.rs"]
#[expect(dead_code, reason = "the integration tests use all of it")]
mod maker;
