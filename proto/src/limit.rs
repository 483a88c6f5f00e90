//! The largest of everything that arrives.

use std::time::Duration;

/// Bytes of one answer, on the wire: a unary message.
pub const ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// Bytes of one summary on the wire.
pub const SUMMARY_BYTES: usize = 64 * 1024 * 1024;
/// Bytes of the answers that a broker has in memory at one moment, over all views, until what it made of them has
/// left: so many of large ones, and as many of small ones. One viewer app has at most as many as it leaves free.
pub const ANSWERS_BYTES: usize = 128 * 1024 * 1024;
/// Bytes of the largest small answer.
pub const SMALL_ANSWER_BYTES: usize = 64 * 1024;
/// Bytes of a compact assertion.
pub const ASSERTION_BYTES: usize = 8 * 1024;
/// Bytes of a request that is not an answer or a summary.
pub const REQUEST_BYTES: usize = 64 * 1024;
/// Characters of one name, code or reference.
pub const TEXT_CHARS: usize = 256;
/// Characters of a reason in words.
pub const REASON_CHARS: usize = 512;
/// Sections of one request, assertion, query, answer or summary: each at most once.
pub const SECTIONS: usize = crate::Section::ALL.len();
/// Predicates of one filter.
pub const PREDICATES: usize = 16;
/// Policies that decided about one section.
pub const POLICIES: usize = 64;
/// Organisations of one summary, and members of one register.
pub const MEMBERS: usize = 10_000;
/// Brokers of one register.
pub const BROKERS: usize = 256;
/// Root certificates of one register.
pub const ROOTS: usize = 32;
/// Keys of one member or broker in a register.
pub const KEYS: usize = 64;
/// Bytes of one identity block.
pub const IDENTITY_BYTES: usize = 64 * 1024;
/// Names in one identity block.
pub const NAMES: usize = 64;
/// Kinds of records of one answer that belong to no section.
pub const UNMAPPED_KINDS: usize = 256;
/// Items of one answer, over all its sections.
pub const ITEMS: usize = 20_000;
/// Elements of one answer, over all its sections: items, the messages in them, and the texts of their lists.
pub const ELEMENTS: usize = 240_000;

/// Bytes of one notice on a session.
pub const NOTICE_BYTES: usize = 64 * 1024;
/// Kept answers that one notice names; a node to which more happens says that it is every one.
pub const CHANGED_QUERIES: usize = 1024;
/// Notices a second of one end of a session, beside access notices and their acknowledgements.
pub const NOTICES_PER_SECOND: u32 = 64;
/// Access notices that a broker sends ahead of their acknowledgement.
pub const NOTICES_AHEAD: usize = 64;

/// Characters of the version of a party's software.
pub const SOFTWARE_CHARS: usize = 64;

/// Bytes of one enrolment, on the wire.
pub const ENROLMENT_BYTES: usize = 16 * 1024;
/// Bytes of the request for a certificate in an enrolment.
pub const CERTIFICATE_REQUEST_BYTES: usize = 4 * 1024;
/// Characters of an enrolment's token.
pub const TOKEN_CHARS: usize = 256;
/// Bytes of a certificate chain that was issued.
pub const CHAIN_BYTES: usize = 16 * 1024;
/// Certificates of a chain that was issued.
pub const CHAIN: usize = 4;
/// Bytes of one register file.
pub const REGISTER_FILE_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of one piece of a register file, on its way.
pub const PIECE_BYTES: usize = 64 * 1024;

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
/// For the authority to answer an enrolment that a broker passes on.
pub const ENROLMENT_DEADLINE: Duration = Duration::from_secs(10);
/// Between two pings of a session.
pub const SESSION_PING: Duration = Duration::from_secs(10);
/// How long one end of a session may say nothing.
pub const SESSION_SILENCE: Duration = Duration::from_secs(25);
/// How long a node may say nothing before what was kept of it is not shown until it says something again.
pub const SESSION_DOUBT: Duration = Duration::from_millis(12_500);
/// How old an access notice may get before it is given up.
pub const NOTICE_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
