//! When a document expires: whole seconds of wall time, as TUF writes them.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use weald_proto::Timestamp;

/// The end of the year 9999, after which TUF has no way to write a moment.
const LAST_SECOND: i64 = 253_402_300_799;

/// A moment in whole seconds, in the years 1970 to 9999, written `2026-11-22T16:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Expiry(Timestamp);

impl Expiry {
    /// The second in which `moment` lies.
    pub(crate) fn at(moment: Timestamp) -> Self {
        Expiry(Timestamp::from_secs(moment.as_secs().clamp(0, LAST_SECOND)))
    }

    pub(crate) fn moment(self) -> Timestamp {
        self.0
    }
}

impl fmt::Display for Expiry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        write!(f, "{}Z", text.strip_suffix(".000Z").unwrap_or(&text))
    }
}

impl Serialize for Expiry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Other spellings of a moment parse as well; they do not survive being held against the canonical form.
impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let moment = Timestamp::deserialize(deserializer)?;
        if moment.as_millis() % 1000 == 0 && (0..=LAST_SECOND).contains(&moment.as_secs()) {
            Ok(Expiry(moment))
        } else {
            Err(D::Error::custom("expected whole seconds in the years 1970 to 9999"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_in_whole_seconds() {
        let expiry = Expiry::at(Timestamp::from_millis(1_795_363_200_123));
        assert_eq!(serde_json::to_string(&expiry).unwrap(), "\"2026-11-22T16:00:00Z\"");
        assert_eq!(serde_json::from_str::<Expiry>("\"2026-11-22T16:00:00Z\"").unwrap(), expiry);
        assert!(serde_json::from_str::<Expiry>("\"2026-11-22T16:00:00.5Z\"").is_err());
        assert!(serde_json::from_str::<Expiry>("\"1969-12-31T23:59:59Z\"").is_err());
    }
}
