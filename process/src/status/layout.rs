//! A status for people: aligned columns, times with how long ago, and what is not known said so.

use std::fmt;

use serde::de::DeserializeOwned;
use weald_proto::Timestamp;

use super::form::{PartyStatus, Status, Trouble};
use super::plain::line;

/// What is not known.
const UNKNOWN: &str = "unknown";
/// Between columns.
const GAP: &str = "  ";

/// What differs between programs in how a status is shown.
pub trait Report: DeserializeOwned {
    /// The tables that show all parties, whoever is in trouble first.
    fn tables(parties: &[PartyStatus<Self>], now: Timestamp) -> Vec<Columns>;
}

/// Aligned columns under their heads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    heads: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Columns {
    /// No row yet.
    pub fn new(heads: &[&'static str]) -> Self {
        Columns { heads: heads.to_vec(), rows: Vec::new() }
    }

    /// One more row, with a cell for each head. A cell is one line, and cannot steer a terminal.
    pub fn push(&mut self, cells: Vec<String>) {
        self.rows.push(cells.iter().map(|cell| line(cell)).collect());
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(self.heads.get(column).map(|head| head.len())).max().unwrap_or(0)
    }
}

impl fmt::Display for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<usize> = (0..self.heads.len()).map(|column| self.width(column)).collect();
        let heads: Vec<String> = self.heads.iter().map(|head| (*head).to_owned()).collect();
        for row in std::iter::once(&heads).chain(&self.rows) {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
            let line = cells.collect::<Vec<_>>().join(GAP);
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// All of a status, as it is printed. Text of other parties cannot steer a terminal, and adds no line.
pub fn page<P: Report>(status: &Status<P>) -> String {
    let now = status.at;
    let troubles: Vec<&Trouble> = status.parties.iter().flat_map(|party| &party.troubles).collect();
    let verdict = match troubles.len() {
        0 => "all is well".to_owned(),
        1 => "1 trouble".to_owned(),
        many => format!("{many} troubles"),
    };
    let [program, version, protocol] = [&status.program, &status.version, &status.protocol].map(|text| line(text));
    let mut text = format!("{program} {version} (speaks {protocol}): {verdict}\n");
    text += &format!("running since {}\n", moment(status.running_since, now));
    if let Some(party) = status.parties.first() {
        let register = &party.register;
        let until = register.expires_at.map_or("never expires".to_owned(), |at| format!("expires {}", second(at)));
        text += &format!("register {}, issued {}, {until}\n", register.version, moment(register.issued_at, now));
    }
    for table in P::tables(&status.parties, now) {
        text += &format!("\n{table}");
    }
    for trouble in troubles {
        let Trouble { about, word, what, remedy } = trouble;
        let [about, word, what, remedy] = [about, word, what, remedy].map(|text| line(text));
        text += &format!("\n{about}: {word}: {what}\n    {remedy}\n");
    }
    text
}

/// A moment, and how long ago that is.
pub fn moment(then: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", second(then), ago(then, now))
}

/// A moment to the second.
fn second(then: Timestamp) -> String {
    Timestamp::from_secs(then.as_secs()).to_string().replace(".000Z", "Z")
}

/// How long ago something was, or in how long it will be, in the largest unit that it fills at least twice.
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    let seconds = then.since(now).max(now.since(then)).as_secs();
    let spelt = match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    };
    if then > now { format!("in {spelt}") } else { format!("{spelt} ago") }
}

/// What is shown of something, if it is known.
pub fn known<T>(value: Option<T>, shown: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), shown)
}

/// A text, if it is known.
pub fn or_unknown(value: Option<&str>) -> String {
    value.unwrap_or(UNKNOWN).to_owned()
}

/// A number, if it is known.
pub fn number(value: Option<impl fmt::Display>) -> String {
    known(value, |number| number.to_string())
}

/// By how much a clock is ahead, if it is known: with its sign, and in seconds when it is that much.
pub fn millis(value: Option<i64>) -> String {
    known(
        value,
        |millis| if millis.abs() < 10_000 { format!("{millis:+} ms") } else { format!("{:+} s", millis / 1000) },
    )
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_795_363_200);

    #[test]
    fn columns_are_aligned_and_lines_end_where_their_text_does() {
        let mut table = Columns::new(&["ORG", "STATE"]);
        table.push(vec!["G99001".into(), "attached".into()]);
        table.push(vec!["RVV".into(), "away".into()]);
        assert_eq!(table.to_string(), "ORG     STATE\nG99001  attached\nRVV     away\n");
    }

    /// Of which nothing is shown but its troubles.
    #[derive(Deserialize)]
    struct Bare;

    impl Report for Bare {
        fn tables(_: &[PartyStatus<Self>], _: Timestamp) -> Vec<Columns> {
            Vec::new()
        }
    }

    #[test]
    fn a_cell_with_an_end_of_line_is_one_line_and_steers_nothing() {
        let mut table = Columns::new(&["ORG", "SOFTWARE"]);
        table.push(vec!["RVV".into(), "0.1\nG99001  attached\u{1b}[2J\u{202e}".into()]);
        assert_eq!(table.to_string(), "ORG  SOFTWARE\nRVV  0.1?G99001  attached?[2J?\n");
    }

    #[test]
    fn a_trouble_with_an_end_of_line_adds_no_line() {
        let register = super::super::RegisterStatus { version: 7, issued_at: NOW, expires_at: None };
        let party = PartyStatus {
            id: "spiffe://kent.weald.example/org/RVV/node".to_owned(),
            troubles: vec![Trouble::new("RVV\n", "AWAY", "away\nall is well\u{9b}2J", "ask\nnobody")],
            register,
            certificate_expires_at: None,
            audit_log_writable: true,
            of_party: Bare,
        };
        let status = Status {
            form: super::super::FORM.to_owned(),
            program: "weald-node".to_owned(),
            version: "0.1.0\n".to_owned(),
            protocol: "weald.service.v1".to_owned(),
            at: NOW,
            running_since: NOW,
            parties: vec![party],
        };
        let page = page(&status);
        assert_eq!(page.lines().count(), 6, "{page}");
        assert!(page.ends_with("\nRVV?: AWAY: away?all is well?2J\n    ask?nobody\n"), "{page}");
    }

    #[test]
    fn times_are_in_utc_with_how_long_ago_in_a_unit_that_people_use() {
        let before = |seconds: i64| ago(Timestamp::from_secs(NOW.as_secs() - seconds), NOW);
        assert_eq!(
            [0, 119, 180, 7200, 172_800].map(before),
            ["0 s ago", "119 s ago", "3 min ago", "2 h ago", "2 days ago"]
        );
        assert_eq!(before(-30), "in 30 s");
        assert_eq!(moment(NOW, NOW), "2026-11-22T16:00:00Z (0 s ago)");
    }

    #[test]
    fn what_is_not_known_is_not_nought() {
        assert_eq!([number(None::<u32>), millis(None), or_unknown(None)], ["unknown"; 3]);
        assert_eq!([number(Some(0)), millis(Some(-70)), millis(Some(90_500))], ["0", "-70 ms", "+90 s"]);
    }
}
