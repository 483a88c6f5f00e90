//! Was the person a child then? Decides between sections that exist for children and for adults.

use jiff::civil::Date;

use super::resource::Resource;

/// True if the person was under 18 at the time, or if nobody can tell: what is kept for children is
/// seen by fewer, so doubt goes there.
pub(crate) fn is_child_at(resource: &Resource<'_>, moment: &str) -> bool {
    let patient = resource.target(resource.at("subject"));
    let patient = if patient.is_null() { resource.target(resource.at("patient")) } else { patient };
    let birth = first_day(&patient.text_at("birthDate"));
    match (birth, first_day(moment)) {
        (Some(birth), Some(then)) => years_between(birth, then) < 18,
        _ => true,
    }
}

fn years_between(birth: Date, then: Date) -> i16 {
    let had_birthday = (then.month(), then.day()) >= (birth.month(), birth.day());
    then.year().saturating_sub(birth.year()).saturating_sub(i16::from(!had_birthday))
}

/// The first day of a FHIR date of any precision.
fn first_day(date: &str) -> Option<Date> {
    let day = date.split('T').next().unwrap_or_default();
    let mut parts = day.splitn(3, '-').map(|part| part.parse::<i16>().ok());
    let year = parts.next()??;
    let month = parts.next().unwrap_or(Some(1))?;
    let day = parts.next().unwrap_or(Some(1))?;
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_birthday_decides_to_the_day() {
        let birth = first_day("2008-11-22").unwrap();
        assert_eq!(years_between(birth, first_day("2026-11-21T23:00:00Z").unwrap()), 17);
        assert_eq!(years_between(birth, first_day("2026-11-22").unwrap()), 18);
    }

    #[test]
    fn dates_of_any_precision_have_a_first_day() {
        assert_eq!(first_day("2008"), first_day("2008-01-01"));
        assert_eq!(first_day("2008-03"), first_day("2008-03-01"));
        assert_eq!(first_day("soon"), None);
    }
}
