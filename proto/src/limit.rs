//! The largest of everything that arrives.

use std::time::Duration;

/// Bytes of one answer, on the wire: a unary message.
pub const ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of one summary on the wire.
pub const SUMMARY_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of a compact assertion.
pub const ASSERTION_BYTES: usize = 8 * 1024;
/// Bytes of a request that is not an answer or a summary.
pub const REQUEST_BYTES: usize = 64 * 1024;
/// Characters of one name, code or reference.
pub const TEXT_CHARS: usize = 256;
/// Predicates of one filter.
pub const PREDICATES: usize = 16;
/// Items of one part.
pub const ITEMS: usize = 20_000;

/// How long an assertion may be valid.
pub const ASSERTION_LIFE: Duration = Duration::from_secs(5 * 60);
/// How long a query may be valid.
pub const QUERY_LIFE: Duration = Duration::from_secs(30);
/// How far two clocks may be apart.
pub const CLOCK_SKEW: Duration = Duration::from_secs(60);
/// How much older than ours another party's register may be.
pub const REGISTER_LAG: Duration = Duration::from_secs(24 * 60 * 60);
/// How often one assertion may be served at a node: once, and once more for a retry.
pub const ASSERTION_USES: u8 = 2;
/// The longest that any answer is kept, whatever the grant.
pub const CACHE_CEILING: Duration = Duration::from_secs(60);

/// To connect to a node.
pub const CONNECT_DEADLINE: Duration = Duration::from_millis(1000);
/// For one organisation to answer.
pub const SOURCE_DEADLINE: Duration = Duration::from_millis(2500);
/// For the whole view.
pub const VIEW_DEADLINE: Duration = Duration::from_millis(3000);
