//! When things happened: days and moments counted back from one fixed reference moment.

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday, date};
use weald_proto::Timestamp;

/// The moment at which the population's records were taken: 2026-11-20T09:00:00Z, a Friday.
pub const REFERENCE: Timestamp = Timestamp::from_secs(1_795_165_200);

/// The day of [`REFERENCE`].
pub(crate) const REFERENCE_DAY: Date = date(2026, 11, 20);

/// The day that lies `days` before the reference day; after it if negative.
pub(crate) fn day_before(days: i64) -> Date {
    REFERENCE_DAY.saturating_sub(days.days())
}

/// The day that lies `days` after another.
pub(crate) fn later(day: Date, days: i64) -> Date {
    day.saturating_add(days.days())
}

/// The day `days` before the reference day, as FHIR writes it: `2026-11-20`.
pub(crate) fn day(days: i64) -> String {
    day_before(days).to_string()
}

/// A moment of the day `days` before the reference day in British local time, as FHIR writes it: `2026-07-01T10:05:00+01:00`.
pub(crate) fn moment(days: i64, hour: u32, minute: u32) -> String {
    let day = day_before(days);
    let offset = if is_summer_time(day) { "+01:00" } else { "+00:00" };
    format!("{day}T{hour:02}:{minute:02}:00{offset}")
}

/// British summer time: from the last Sunday of March until the day before that of October.
fn is_summer_time(day: Date) -> bool {
    match day.month() {
        4..=9 => true,
        3 => day >= last_sunday(day),
        10 => day < last_sunday(day),
        _ => false,
    }
}

fn last_sunday(day: Date) -> Date {
    let last = day.last_of_month();
    last.saturating_sub(i64::from(last.weekday().since(Weekday::Sunday)).days())
}

/// Days from a day to the reference day.
pub(crate) fn days_since(day: Date) -> i64 {
    day.duration_until(REFERENCE_DAY).as_hours() / 24
}

/// Whole years from birth to the reference day.
pub(crate) fn age_of(born: Date) -> i64 {
    let years = i64::from(REFERENCE_DAY.year()) - i64::from(born.year());
    let had_birthday = (born.month(), born.day()) <= (REFERENCE_DAY.month(), REFERENCE_DAY.day());
    if had_birthday { years } else { years - 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_moment_lies_on_the_reference_day() {
        let moment = jiff::Timestamp::from_second(REFERENCE.as_secs()).unwrap();
        assert_eq!(moment.to_string(), format!("{REFERENCE_DAY}T09:00:00Z"));
    }

    #[test]
    fn moments_carry_the_offset_of_their_season() {
        assert_eq!(moment(0, 9, 5), "2026-11-20T09:05:00+00:00");
        assert_eq!(moment(27, 10, 0), "2026-10-24T10:00:00+01:00");
        assert_eq!(moment(26, 10, 0), "2026-10-25T10:00:00+00:00");
        assert_eq!(moment(-1, 10, 0), "2026-11-21T10:00:00+00:00");
    }

    #[test]
    fn a_birthday_counts_on_its_day() {
        assert_eq!(age_of(date(1936, 11, 20)), 90);
        assert_eq!(age_of(date(1936, 11, 21)), 89);
    }
}
