//! For how long, and for which use, a leaf is issued.

use std::time::Duration;

use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, date_time_ymd};
use weald_proto::{SpiffeId, SpiffePath, Timestamp};

use crate::authority::AuthorityError;

/// Life of a leaf.
const LEAF_LIFE: Duration = Duration::from_secs(24 * 3600);
/// A leaf is valid a little before it is issued: clocks differ.
const EARLIER: Duration = Duration::from_secs(300);

/// For how long, and for which use, a leaf is issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeafTerms {
    /// Which end of a connection it is for.
    pub usage: LeafUsage,
    /// Valid from here, in whole seconds, ...
    pub not_before: Timestamp,
    /// ... to there, inclusive.
    pub not_after: Timestamp,
}

impl LeafTerms {
    /// Twenty-four hours from `now`, and from 5 minutes before it; nodes, brokers and the authority at both ends of a
    /// connection, viewers at the calling end only.
    pub fn usual(id: &SpiffeId, now: Timestamp) -> Self {
        let usage = match id.path {
            SpiffePath::Node(_) | SpiffePath::Broker(_) | SpiffePath::Authority => LeafUsage::BothEnds,
            SpiffePath::Viewer(..) => LeafUsage::Client,
        };
        LeafTerms { usage, not_before: now.minus(EARLIER), not_after: now.plus(LEAF_LIFE) }
    }
}

/// Which end of a TLS connection a leaf is for (RFC 5280, 4.2.1.12).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeafUsage {
    /// Both.
    BothEnds,
    /// The end that dials.
    Client,
    /// The end that listens.
    Server,
}

impl LeafUsage {
    pub(super) fn purposes(self) -> Vec<ExtendedKeyUsagePurpose> {
        match self {
            LeafUsage::BothEnds => vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth],
            LeafUsage::Client => vec![ExtendedKeyUsagePurpose::ClientAuth],
            LeafUsage::Server => vec![ExtendedKeyUsagePurpose::ServerAuth],
        }
    }
}

/// Sets both ends of the validity, which certificates say in whole seconds.
pub(super) fn set_validity(
    params: &mut CertificateParams,
    not_before: Timestamp,
    not_after: Timestamp,
) -> Result<(), AuthorityError> {
    if not_after <= not_before {
        return Err(AuthorityError::Validity);
    }
    let epoch = date_time_ymd(1970, 1, 1);
    params.not_before = epoch + since_epoch(not_before)?;
    params.not_after = epoch + since_epoch(not_after)?;
    Ok(())
}

fn since_epoch(moment: Timestamp) -> Result<Duration, AuthorityError> {
    const END_OF_9999: i64 = 253_402_300_799;
    let seconds = moment.as_secs();
    if (0..=END_OF_9999).contains(&seconds) {
        u64::try_from(seconds).map(Duration::from_secs).map_err(|_| AuthorityError::Validity)
    } else {
        Err(AuthorityError::Validity)
    }
}
