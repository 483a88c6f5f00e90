//! Which NHS number a local identifier stands for: the local system's own index, as a CSV file.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use weald_proto::{BirthDate, Malformed, NhsNumber};

use crate::source::notice::Notice;

/// The largest file that is read: some four million rows.
const IDENTITIES_BYTES: u64 = 256 << 20;

const HEADER: [&str; 4] = ["system", "value", "nhs_number", "birth_date"];

/// Local identifiers and the NHS numbers they stand for.
#[derive(Default)]
pub(crate) struct Identities {
    by_identifier: HashMap<(String, String), Claim>,
    /// Rows that cannot be used, by line. Any of them might have been anybody's.
    pub(crate) notices: Vec<Notice>,
}

/// What the rows together say of one local identifier.
enum Claim {
    /// All say the same.
    Agreed(Row),
    /// Two differ: it is nobody's, whatever further rows say.
    Disputed,
}

/// What a row says of one local identifier.
pub(crate) struct Row {
    /// The number it stands for.
    pub(crate) nhs_number: NhsNumber,
    /// The person's birth date; empty if the row does not give it.
    pub(crate) birth_date: String,
}

impl Identities {
    /// Reads a file. A bad row is named by its line, and the others count.
    ///
    /// # Errors
    ///
    /// The notice that names the file when it is not a regular file, cannot be opened, is too large or has
    /// another header.
    pub(crate) fn read(path: &Path) -> Result<Identities, Notice> {
        let place = path.display().to_string();
        let bytes = read_at_most(path, IDENTITIES_BYTES).map_err(|problem| Notice::new(place.clone(), problem))?;
        Identities::parse(&place, &bytes)
    }

    fn parse(place: &str, bytes: &[u8]) -> Result<Identities, Notice> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
        let header = reader.headers().map_err(|_| Notice::new(place, "is not a CSV file"))?;
        if header.iter().ne(HEADER) {
            return Err(Notice::new(place, format!("must have the header {}", HEADER.join(","))));
        }
        let mut identities = Identities::default();
        for record in reader.records() {
            let line = match &record {
                Ok(record) => record.position().map(csv::Position::line),
                Err(error) => error.position().map(csv::Position::line),
            };
            let parsed =
                record.map_err(|_| "has not the four fields of the header".to_owned()).and_then(|row| parse_row(&row));
            if let Err(problem) = parsed.and_then(|row| identities.add(row)) {
                identities.notices.push(Notice::new(format!("{place}:{}", line.unwrap_or(0)), problem));
            }
        }
        Ok(identities)
    }

    /// What is known of an identifier.
    pub(crate) fn find(&self, system: &str, value: &str) -> Option<&Row> {
        match self.by_identifier.get(&(system.to_owned(), value.to_owned()))? {
            Claim::Agreed(row) => Some(row),
            Claim::Disputed => None,
        }
    }

    fn add(&mut self, row: Option<(String, String, Row)>) -> Result<(), String> {
        let Some((system, value, row)) = row else { return Ok(()) };
        let key = (system, value);
        let is_agreed = match self.by_identifier.get(&key) {
            Some(Claim::Agreed(known)) => known.nhs_number == row.nhs_number,
            Some(Claim::Disputed) => false,
            None => true,
        };
        self.by_identifier.insert(key, if is_agreed { Claim::Agreed(row) } else { Claim::Disputed });
        if is_agreed {
            return Ok(());
        }
        Err("gives an identifier another nhs_number than an earlier line: none of them counts".to_owned())
    }
}

/// Reads a regular file of at most so many bytes.
fn read_at_most(path: &Path, most: u64) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| error.kind().to_string();
    let metadata = std::fs::metadata(path).map_err(failed)?;
    if !metadata.is_file() {
        // To open a pipe waits for a writer, perhaps for ever.
        return Err("is not a regular file: put the file itself there".to_owned());
    }
    let too_large = || format!("is larger than {most} bytes: leave out the rows of people whom no bundle holds");
    if metadata.len() > most {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    // It may grow while it is read.
    File::open(path).and_then(|file| file.take(most + 1).read_to_end(&mut bytes)).map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|held| held <= most) { Ok(bytes) } else { Err(too_large()) }
}

/// An NHS number as people write it: the spaces of "999 000 0018" do not count.
///
/// # Errors
///
/// [`Malformed`] when the rest is not an NHS number.
pub(crate) fn parse_number(text: &str) -> Result<NhsNumber, Malformed> {
    NhsNumber::parse(&text.split_whitespace().collect::<String>())
}

/// A row without an NHS number says that there is none.
fn parse_row(record: &csv::StringRecord) -> Result<Option<(String, String, Row)>, String> {
    let field = |index: usize| record.get(index).unwrap_or_default();
    if field(1).is_empty() {
        return Err("has no value".to_owned());
    }
    if field(2).is_empty() {
        return Ok(None);
    }
    let nhs_number = parse_number(field(2)).map_err(|error| error.to_string())?;
    let birth_date = field(3).to_owned();
    if !birth_date.is_empty() {
        BirthDate::parse(&birth_date).map_err(|error| error.to_string())?;
    }
    Ok(Some((field(0).to_owned(), field(1).to_owned(), Row { nhs_number, birth_date })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(rows: &str) -> Result<Identities, Notice> {
        Identities::parse("people.csv", format!("system,value,nhs_number,birth_date\n{rows}").as_bytes())
    }

    #[test]
    fn a_row_maps_an_identifier_and_may_leave_the_birth_date_out() {
        let identities = parse("urn:a,1,9990000018,1950-04-01\nurn:a,2,9990000026,\n").unwrap();
        assert_eq!(identities.find("urn:a", "1").unwrap().birth_date, "1950-04-01");
        assert_eq!(identities.find("urn:a", "2").unwrap().nhs_number.expose(), "9990000026");
        assert!(identities.find("urn:b", "1").is_none());
        assert!(identities.notices.is_empty());
    }

    #[test]
    fn bad_rows_are_named_by_line_and_the_others_count() {
        let rows = "urn:a,1,9990000019,\nurn:a,,9990000018,\nurn:a,2,9990000026,soon\nurn:a,3\nurn:a,4,9990000034,\n";
        let identities = parse(rows).unwrap();
        let places: Vec<&str> = identities.notices.iter().map(|notice| notice.place.as_str()).collect();
        assert_eq!(places, ["people.csv:2", "people.csv:3", "people.csv:4", "people.csv:5"]);
        assert!(identities.find("urn:a", "4").is_some());
        assert!(identities.notices.iter().all(|notice| !notice.problem.contains("999")), "no values");
    }

    #[test]
    fn an_identifier_of_two_people_is_nobodys() {
        let identities = parse("urn:a,1,9990000018,\nurn:a,1,9990000026,\n").unwrap();
        assert!(identities.find("urn:a", "1").is_none());
        assert_eq!(identities.notices[0].place, "people.csv:3");
    }

    #[test]
    fn a_third_row_does_not_settle_a_dispute_between_two() {
        for third in ["9990000018", "9990000026", "9990000034"] {
            let identities = parse(&format!("urn:a,1,9990000018,\nurn:a,1,9990000026,\nurn:a,1,{third},\n")).unwrap();
            assert!(identities.find("urn:a", "1").is_none(), "the third row won");
            assert_eq!(identities.notices.len(), 2);
        }
    }

    #[test]
    fn a_pipe_is_refused_before_anybody_waits_for_its_writer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.csv");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let notice = Identities::read(&path).err().unwrap();
        assert_eq!(notice.place, path.display().to_string());
        assert!(notice.problem.starts_with("is not a regular file"), "{notice}");
        assert!(Identities::read(folder.path()).err().unwrap().problem.starts_with("is not a regular file"));
    }

    #[test]
    fn a_file_that_is_too_large_is_refused_before_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people.csv");
        // It has that length, and takes no room on the disk.
        File::create(&path).unwrap().set_len(IDENTITIES_BYTES + 1).unwrap();
        assert!(Identities::read(&path).err().unwrap().problem.starts_with("is larger than"));
        std::fs::write(&path, "12345").unwrap();
        assert!(read_at_most(&path, 4).unwrap_err().starts_with("is larger than 4 bytes"));
        assert_eq!(read_at_most(&path, 5).unwrap(), b"12345");
    }

    #[test]
    fn another_header_is_refused() {
        let error = Identities::parse("people.csv", b"nhs,id\n").err().unwrap();
        assert!(error.to_string().contains("system,value,nhs_number,birth_date"));
    }
}
