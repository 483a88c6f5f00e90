//! Moments of wall time.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Malformed;

/// A moment of wall time, in milliseconds since 1970 UTC. Used for validity; deadlines run on a timer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since 1970 UTC.
    pub const fn from_millis(millis: i64) -> Self {
        Timestamp(millis)
    }

    /// From seconds since 1970 UTC.
    pub const fn from_secs(secs: i64) -> Self {
        Timestamp(secs.saturating_mul(1000))
    }

    /// Milliseconds since 1970 UTC.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970 UTC.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Later by `duration`; stops at the end of time.
    pub fn plus(self, duration: Duration) -> Self {
        Timestamp(self.0.saturating_add(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Earlier by `duration`; stops at the beginning of time.
    pub fn minus(self, duration: Duration) -> Self {
        Timestamp(self.0.saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)))
    }

    /// Time since `earlier`; zero if that lies ahead.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// For a message.
    pub fn to_wire(self) -> prost_types::Timestamp {
        prost_types::Timestamp {
            seconds: self.as_secs(),
            nanos: i32::try_from(self.0.rem_euclid(1000)).unwrap_or(0).saturating_mul(1_000_000),
        }
    }

    /// Parses a message's timestamp.
    ///
    /// # Errors
    ///
    /// [`Malformed`] naming `field` when it is absent or outside the years 1 to 9999.
    pub fn from_wire(field: &'static str, wire: Option<prost_types::Timestamp>) -> Result<Self, Malformed> {
        let wire = wire.ok_or(Malformed::new(field, "a timestamp"))?;
        let in_range =
            (-62_135_596_800..=253_402_300_799).contains(&wire.seconds) && (0..1_000_000_000).contains(&wire.nanos);
        if !in_range {
            return Err(Malformed::new(field, "a timestamp within the years 1 to 9999"));
        }
        Ok(Timestamp(wire.seconds.saturating_mul(1000).saturating_add(i64::from(wire.nanos / 1_000_000))))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(moment) => write!(f, "{moment:.3}"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// As it is displayed: RFC 3339 in UTC, to the millisecond.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From RFC 3339.
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        let moment: jiff::Timestamp = text.parse().map_err(|_| D::Error::custom("a time must be RFC 3339"))?;
        Ok(Timestamp(moment.as_millisecond()))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_survives_the_wire_and_prints_as_rfc_3339() {
        let moment = Timestamp::from_millis(1_795_363_200_123);
        assert_eq!(Timestamp::from_wire("issued_at", Some(moment.to_wire())), Ok(moment));
        assert_eq!(moment.to_string(), "2026-11-22T16:00:00.123Z");
    }

    #[test]
    fn a_timestamp_survives_json_and_another_text_is_refused() {
        let moment = Timestamp::from_millis(1_795_363_200_123);
        let text = serde_json::to_string(&moment).unwrap();
        assert_eq!(text, "\"2026-11-22T16:00:00.123Z\"");
        assert_eq!(serde_json::from_str::<Timestamp>(&text).unwrap(), moment);
        assert!(serde_json::from_str::<Timestamp>("\"yesterday\"").is_err());
    }

    #[test]
    fn an_absent_timestamp_names_its_field() {
        assert_eq!(Timestamp::from_wire("issued_at", None).unwrap_err().field, "issued_at");
    }
}
