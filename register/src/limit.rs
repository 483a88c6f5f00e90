//! The longest of each file, and the most of each list. What is longer is refused before it is parsed.

/// Bytes of one root.
pub const ROOT_BYTES: usize = 64 * 1024;
/// Bytes of one timestamp.
pub const TIMESTAMP_BYTES: usize = 16 * 1024;
/// Bytes of one snapshot.
pub const SNAPSHOT_BYTES: usize = 16 * 1024;
/// Bytes of one targets document.
pub const TARGETS_BYTES: usize = 256 * 1024;
/// Bytes of one shard of members.
pub const SHARD_BYTES: usize = 4 * 1024 * 1024;
/// Bytes of the revocations.
pub const REVOCATIONS_BYTES: usize = 2 * 1024 * 1024;
/// Bytes of what is said of the federation itself.
pub const FEDERATION_BYTES: usize = 1024 * 1024;
/// Bytes of one file of policies.
pub const POLICY_BYTES: usize = 1024 * 1024;
/// Keys of one root.
pub const KEYS: usize = 64;
/// Signatures of one document.
pub const SIGNATURES: usize = 64;
/// Targets of one edition.
pub const TARGETS: usize = 256;
/// Entries of each list of revocations.
pub const REVOKED: usize = 10_000;
/// Roots that one update walks through.
pub const ROOTS_OF_UPDATE: usize = 256;
