//! The page about limits says what the code does, of every limit.

#![cfg(test)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use weald_certs::Limits;
use weald_proto::limit;

const PAGE: &str = include_str!("../../docs/limits.md");
const CONTRACT: &str = include_str!("../../proto/src/limit.rs");

/// The cells of the rows under a heading.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let section = PAGE.lines().skip_while(|line| *line != heading).skip(1).take_while(|line| !line.starts_with("## "));
    let table = section.skip_while(|line| !line.starts_with("|---")).skip(1).take_while(|line| line.starts_with('|'));
    let cells = |line: &str| line.split('|').skip(1).map(|cell| cell.trim().trim_matches('`').to_owned()).collect();
    table.map(cells).collect()
}

/// Names and values of the rows under a heading.
fn values(heading: &str) -> BTreeMap<String, String> {
    rows(heading).into_iter().map(|row| (row[0].clone(), row[1].clone())).collect()
}

/// A value as the page writes it.
trait Written {
    fn written(&self, name: &str) -> String;
}

impl Written for usize {
    fn written(&self, name: &str) -> String {
        const KIB: usize = 1024;
        match *self {
            bytes if !name.to_lowercase().ends_with("bytes") => bytes.to_string(),
            bytes if bytes.is_multiple_of(KIB * KIB) => format!("{} MiB", bytes / KIB / KIB),
            bytes => format!("{} KiB", bytes / KIB),
        }
    }
}

impl Written for u32 {
    fn written(&self, _: &str) -> String {
        self.to_string()
    }
}

impl Written for u8 {
    fn written(&self, _: &str) -> String {
        self.to_string()
    }
}

impl Written for Duration {
    fn written(&self, _: &str) -> String {
        if self.subsec_millis() == 0 { format!("{} s", self.as_secs()) } else { format!("{} ms", self.as_millis()) }
    }
}

impl<T: Written> Written for Option<T> {
    fn written(&self, name: &str) -> String {
        self.as_ref().map_or("none".to_owned(), |limit| limit.written(name))
    }
}

macro_rules! written {
    ($($name:ident = $value:expr),* $(,)?) => {
        BTreeMap::from([$((stringify!($name).to_owned(), $value.written(stringify!($name)))),*])
    };
}

macro_rules! written_fields {
    ($limits:expr, $($name:ident),* $(,)?) => {{
        // Named one by one, so that a new limit does not compile until it is in this list.
        let Limits { $($name),* } = $limits;
        written!($($name = $name),*)
    }};
}

macro_rules! written_constants {
    ($($name:ident),* $(,)?) => { written!($($name = limit::$name),*) };
}

fn written_limits(limits: Limits) -> BTreeMap<String, String> {
    written_fields!(
        limits,
        handshakes,
        handshakes_per_address,
        handshakes_per_second,
        handshakes_per_second_of_all,
        handshakes_at_once,
        turn_time,
        faults,
        faults_per_second,
        slow_handshakes_per_second,
        connections,
        connections_per_identity,
        streams_per_connection,
        requests_per_identity,
        refusals,
        refusals_per_second,
        late_time,
        late_refusals,
        late_refusals_per_second,
        header_bytes,
        body_bytes,
        handshake_time,
        head_time,
        body_time,
        leave_time,
        connection_time,
    )
}

#[test]
fn the_limits_of_a_port_are_those_of_the_page() {
    assert_eq!(values("## At the door"), written_limits(Limits::default()));
}

#[test]
fn the_limits_of_the_door_for_strangers_are_those_of_the_page() {
    assert_eq!(values("## At the door for strangers"), written_limits(Limits::of_strangers()));
}

#[test]
fn the_limits_of_the_contract_are_those_of_the_page() {
    let code = written_constants!(
        ANSWER_BYTES,
        SUMMARY_BYTES,
        ANSWERS_BYTES,
        SMALL_ANSWER_BYTES,
        ASSERTION_BYTES,
        REQUEST_BYTES,
        TEXT_CHARS,
        REASON_CHARS,
        SECTIONS,
        PREDICATES,
        POLICIES,
        MEMBERS,
        BROKERS,
        ROOTS,
        KEYS,
        IDENTITY_BYTES,
        NAMES,
        UNMAPPED_KINDS,
        ITEMS,
        ELEMENTS,
        SOFTWARE_CHARS,
        ENROLMENT_BYTES,
        CERTIFICATE_REQUEST_BYTES,
        TOKEN_CHARS,
        CHAIN_BYTES,
        CHAIN,
        REGISTER_FILE_BYTES,
        PIECE_BYTES,
        NOTICE_BYTES,
        CHANGED_QUERIES,
        NOTICES_PER_SECOND,
        NOTICES_AHEAD,
        ASSERTION_LIFE,
        QUERY_LIFE,
        CLOCK_SKEW,
        REGISTER_LAG,
        ASSERTION_USES,
        CACHE_CEILING,
        CONNECT_DEADLINE,
        SOURCE_DEADLINE,
        VIEW_DEADLINE,
        ENROLMENT_DEADLINE,
        SESSION_PING,
        SESSION_SILENCE,
        SESSION_DOUBT,
        NOTICE_LIFE,
    );
    assert_eq!(values("## In messages and between parties"), code);
    let constants = CONTRACT.lines().filter_map(|line| line.strip_prefix("pub const ")?.split(':').next());
    for name in constants {
        assert!(code.contains_key(name), "proto/src/limit.rs has {name}, docs/limits.md has no row for it");
    }
}

#[test]
fn the_fixed_limits_are_those_of_the_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let rows = rows("## Fixed");
    assert!(!rows.is_empty());
    for row in rows {
        let [name, file, value] = [&row[0], &row[1], &row[2]];
        let source = std::fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        let constant = source.lines().find_map(|line| {
            let (_, rest) = line.split_once(&format!("const {name}: "))?;
            rest.split_once(" = ")?.1.strip_suffix(';')
        });
        assert_eq!(constant, Some(value.as_str()), "{name} in {file}");
    }
}
