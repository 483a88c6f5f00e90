//! FHIR dates of any precision, as spans of time.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp as Moment, ToSpan as _};
use weald_proto::{Timestamp, wire};

/// From when until when a date may mean: "2026-04" is the whole month. Both in milliseconds since
/// 1970 UTC, the end not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Extent {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// Reads "1985", "1985-04", "1985-04-25" or a date and time, with or without an offset (then UTC).
pub(crate) fn extent(text: &str) -> Option<Extent> {
    let text = text.trim();
    match text.len() {
        4 => days(&format!("{text}-01-01"), 1.year()),
        7 => days(&format!("{text}-01"), 1.month()),
        10 => days(text, 1.day()),
        _ => {
            let moment = text.parse::<Moment>().ok().or_else(|| in_utc(text.parse::<DateTime>().ok()?))?;
            Some(Extent { start: moment.as_millisecond(), end: moment.as_millisecond().saturating_add(1) })
        }
    }
}

/// When something happened, or else when it was written down.
pub(crate) fn happened(item: &wire::Item) -> Option<Extent> {
    extent(&item.effective_start).or_else(|| extent(&item.recorded_at))
}

/// Twelve months before, by the calendar.
pub(crate) fn a_year_before(now: Timestamp) -> Option<i64> {
    let now = Moment::from_millisecond(now.as_millis()).ok()?.to_zoned(TimeZone::UTC).datetime();
    in_utc(now.checked_sub(1.year()).ok()?).map(Moment::as_millisecond)
}

fn days(first: &str, length: Span) -> Option<Extent> {
    let first: Date = first.parse().ok()?;
    let start = in_utc(first.to_datetime(jiff::civil::Time::midnight()))?;
    let end = in_utc(first.checked_add(length).ok()?.to_datetime(jiff::civil::Time::midnight()))?;
    Some(Extent { start: start.as_millisecond(), end: end.as_millisecond() })
}

fn in_utc(moment: DateTime) -> Option<Moment> {
    moment.to_zoned(TimeZone::UTC).ok().map(|moment| moment.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> i64 {
        text.parse::<Moment>().unwrap().as_millisecond()
    }

    #[test]
    fn a_date_of_any_precision_spans_what_it_may_mean() {
        for (text, start, end) in [
            ("1985", "1985-01-01T00:00:00Z", "1986-01-01T00:00:00Z"),
            ("1985-04", "1985-04-01T00:00:00Z", "1985-05-01T00:00:00Z"),
            ("1985-04-25", "1985-04-25T00:00:00Z", "1985-04-26T00:00:00Z"),
            ("1985-04-25T10:00:00+01:00", "1985-04-25T09:00:00Z", "1985-04-25T09:00:00.001Z"),
            ("1985-04-25T10:00:00", "1985-04-25T10:00:00Z", "1985-04-25T10:00:00.001Z"),
            ("1985-04-25 10:00:00", "1985-04-25T10:00:00Z", "1985-04-25T10:00:00.001Z"),
            ("1985-04-25T10:00Z", "1985-04-25T10:00:00Z", "1985-04-25T10:00:00.001Z"),
        ] {
            assert_eq!(extent(text), Some(Extent { start: millis(start), end: millis(end) }), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["", "yesterday", "85", "1985-13", "1985-02-30", "25/04/1985"] {
            assert_eq!(extent(text), None, "{text}");
        }
    }

    #[test]
    fn a_year_before_follows_the_calendar() {
        let now = Timestamp::from_millis(millis("2024-02-29T12:00:00Z"));
        assert_eq!(a_year_before(now), Some(millis("2023-02-28T12:00:00Z")));
    }
}
