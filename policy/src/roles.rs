//! Which job role makes somebody which kind of requester.

use std::collections::BTreeMap;

use weald_proto::{JobRole, Requester};

use crate::RequesterKind;

/// One row for each job role, national or local; a role in no row is a refusal.
#[derive(Debug, Clone)]
pub struct RoleTable(BTreeMap<JobRole, RequesterKind>);

/// The requester's job role is in no row of the role table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("job role {0} is in no row of the role table; add it to roles.csv if it should see records")]
pub struct UnknownRole(pub JobRole);

/// Why a role table is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("roles.csv line {line}: {expected}")]
pub struct RoleTableError {
    /// Line, from 1.
    pub line: u64,
    /// What it should have been.
    pub expected: &'static str,
}

/// The columns of the table.
const COLUMNS: [&str; 3] = ["code", "kind", "name"];

impl RoleTable {
    /// Reads a table: CSV with the columns `code,kind,name`.
    ///
    /// # Errors
    ///
    /// [`RoleTableError`] naming the line: other columns, a code or kind that does not parse, a code
    /// twice, a kind that no job role makes (citizen, privacy officer), or no row at all.
    pub fn parse(text: &str) -> Result<Self, RoleTableError> {
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
        let refuse = |line, expected| RoleTableError { line, expected };
        let header = reader.headers().map_err(|_| refuse(1, "the columns code,kind,name"))?;
        if !header.iter().eq(COLUMNS) {
            return Err(refuse(1, "the columns code,kind,name"));
        }
        let mut kinds = BTreeMap::new();
        for row in reader.records() {
            let row = row.map_err(|error| {
                refuse(error.position().map_or(0, csv::Position::line), "three columns: code,kind,name")
            })?;
            let line = row.position().map_or(0, csv::Position::line);
            let (code, kind) = read_row(&row).map_err(|expected| refuse(line, expected))?;
            if kinds.insert(code, kind).is_some() {
                return Err(refuse(line, "each code only once"));
            }
        }
        if kinds.is_empty() { Err(refuse(1, "at least one role")) } else { Ok(RoleTable(kinds)) }
    }

    /// The kind that this requester's role makes them.
    ///
    /// # Errors
    ///
    /// [`UnknownRole`] for a job role in no row.
    pub fn kind_of(&self, requester: &Requester) -> Result<RequesterKind, UnknownRole> {
        match requester {
            Requester::Citizen { .. } => Ok(RequesterKind::Citizen),
            Requester::PrivacyOfficer { .. } => Ok(RequesterKind::PrivacyOfficer),
            Requester::Professional { role, .. } => self.0.get(role).copied().ok_or_else(|| UnknownRole(role.clone())),
        }
    }
}

fn read_row(row: &csv::StringRecord) -> Result<(JobRole, RequesterKind), &'static str> {
    let code = row.get(0).and_then(|code| JobRole::parse(code).ok()).ok_or("a job-role code in column code")?;
    let kind = row.get(1).and_then(|kind| kind.parse().ok()).ok_or("a kind of requester in column kind")?;
    if matches!(kind, RequesterKind::Citizen | RequesterKind::PrivacyOfficer) {
        return Err("a kind that a job role can make; citizens and privacy officers are told by their assertion");
    }
    if row.get(2).is_none_or(str::is_empty) {
        return Err("the role's name in column name");
    }
    Ok((code, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn professional(role: &str) -> Requester {
        Requester::Professional {
            user: "u1".into(),
            name: "A Test".into(),
            role: JobRole::parse(role).unwrap(),
            organisation: "RVV".parse().unwrap(),
            team: None,
        }
    }

    fn refused(text: &str) -> RoleTableError {
        RoleTable::parse(text).unwrap_err()
    }

    #[test]
    fn the_baseline_maps_national_and_local_codes() {
        let table = RoleTable::parse(include_str!("../policies/roles.csv")).unwrap();
        for (code, kind) in [
            ("R8000", RequesterKind::Doctor),
            ("R0260", RequesterKind::Doctor),
            ("R8001", RequesterKind::Nurse),
            ("R8003", RequesterKind::Ahp),
            ("R1070", RequesterKind::Paramedic),
            ("R8014", RequesterKind::AdultSocialWorker),
            ("R9515", RequesterKind::ChildSocialWorker),
            ("L-CHM", RequesterKind::CareHomeManager),
            ("L-HCW", RequesterKind::CareWorker),
            ("R8009", RequesterKind::Receptionist),
        ] {
            assert_eq!(table.kind_of(&professional(code)), Ok(kind), "{code}");
        }
    }

    #[test]
    fn a_role_in_no_row_has_no_kind() {
        let table = RoleTable::parse("code,kind,name\nR8000,doctor,Doctor\n").unwrap();
        let unknown = JobRole::parse("R8007").unwrap();
        assert_eq!(table.kind_of(&professional("R8007")), Err(UnknownRole(unknown)));
    }

    #[test]
    fn citizens_and_privacy_officers_need_no_row() {
        let table = RoleTable::parse("code,kind,name\nR8000,doctor,Doctor\n").unwrap();
        let (user, name) = (String::from("u1"), String::from("A Test"));
        let citizen = Requester::Citizen { user: user.clone(), name: name.clone(), provider: "X9APP".parse().unwrap() };
        assert_eq!(table.kind_of(&citizen), Ok(RequesterKind::Citizen));
        let officer = Requester::PrivacyOfficer { user, name, organisation: "RVV".parse().unwrap() };
        assert_eq!(table.kind_of(&officer), Ok(RequesterKind::PrivacyOfficer));
    }

    #[test]
    fn a_code_twice_is_refused_even_for_the_same_kind() {
        let error = refused("code,kind,name\nR8000,doctor,Doctor\nR8001,nurse,Nurse\nR8000,doctor,Doctor\n");
        assert_eq!(error.to_string(), "roles.csv line 4: each code only once");
    }

    #[test]
    fn a_faulty_row_is_refused_with_its_line() {
        for row in ["r8000,doctor,Doctor", "R8000,wizard,Wizard", "R8000,doctor,", "R8000,doctor", "R8000,citizen,Me"] {
            assert_eq!(refused(&format!("code,kind,name\nR8001,nurse,Nurse\n{row}\n")).line, 3, "{row}");
        }
    }

    #[test]
    fn other_columns_and_an_empty_table_are_refused() {
        assert_eq!(refused("code,name,kind\nR8000,Doctor,doctor\n").line, 1);
        assert_eq!(refused("code,kind,name\n").expected, "at least one role");
    }
}
