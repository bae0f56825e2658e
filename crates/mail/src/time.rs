//! Policy time: a point on the one clock, and how mail writes it.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp as Instant, Zoned};

/// A point in virtual time: whole milliseconds since 1970-01-01T00:00:00Z, between the years 1 and 9999.
///
/// It does not convert from or to the wall clock's types on purpose: socket time-outs are real, retries are not.
/// Arithmetic saturates at the ends of the range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// What was wrong with a written point in time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a point in time; expected RFC 3339, such as `2026-01-05T09:00:00Z`")]
pub struct TimestampError(String);

impl Timestamp {
    /// 0001-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_135_596_800_000);
    /// 9999-12-30T22:00:00Z, the last instant that any time zone can still write.
    pub const MAX: Self = Self(253_402_207_200_000);

    /// From milliseconds since 1970-01-01T00:00:00Z; values outside the range become its ends.
    pub const fn from_millis(millis: i64) -> Self {
        if millis < Self::MIN.0 {
            Self::MIN
        } else if millis > Self::MAX.0 {
            Self::MAX
        } else {
            Self(millis)
        }
    }

    /// From whole seconds since 1970-01-01T00:00:00Z; values outside the range become its ends.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self::from_millis(seconds.saturating_mul(1000))
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This instant, or the next one that is a whole second: due times are whole seconds, so that an instant is a
    /// batch.
    pub const fn ceil_to_second(self) -> Self {
        Self::from_seconds(self.0.saturating_add(999).div_euclid(1000))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Reads RFC 3339 (`2026-01-05T09:00:00Z`, any offset, fractions of a second cut to milliseconds).
    ///
    /// # Errors
    /// When the text is not a date and time with an offset.
    pub fn parse_rfc3339(text: &str) -> Result<Self, TimestampError> {
        let instant: Instant = text.trim().parse().map_err(|_| TimestampError(text.to_owned()))?;
        Ok(Self::from_millis(instant.as_millisecond()))
    }

    /// Writes the date as header fields and DSN fields do (RFC 5322 section 3.3), in UTC:
    /// `Mon, 5 Jan 2026 09:00:00 +0000`.
    pub fn rfc5322(self) -> String {
        self.zoned().strftime("%a, %-d %b %Y %H:%M:%S +0000").to_string()
    }

    /// Writes the date in UTC with a `strftime` pattern; for the formats of particular mail servers.
    pub fn strftime(self, pattern: &str) -> String {
        self.zoned().strftime(pattern).to_string()
    }

    /// The calendar date and time of day in UTC.
    pub fn civil(self) -> DateTime {
        self.zoned().datetime()
    }

    fn zoned(self) -> Zoned {
        // The constructors keep the value inside jiff's range.
        Instant::from_millisecond(self.0).unwrap_or(Instant::UNIX_EPOCH).to_zoned(TimeZone::UTC)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self::from_millis(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self::from_millis(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// RFC 3339 in UTC with milliseconds: `2026-01-05T09:00:00.000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}Z", self.zoned().strftime("%Y-%m-%dT%H:%M:%S"), self.0.rem_euclid(1000))
    }
}

impl std::str::FromStr for Timestamp {
    type Err = TimestampError;
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        Self::parse_rfc3339(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_as_mail_and_as_json_write_it() {
        let t = Timestamp::parse_rfc3339("2026-01-05T10:00:00.25+01:00").unwrap();
        assert_eq!(t.rfc5322(), "Mon, 5 Jan 2026 09:00:00 +0000");
        assert_eq!(t.to_string(), "2026-01-05T09:00:00.250Z");
        assert_eq!(t.to_string().parse::<Timestamp>().unwrap(), t);
        assert_eq!(t.ceil_to_second().to_string(), "2026-01-05T09:00:01.000Z");
        assert_eq!(t.ceil_to_second().ceil_to_second(), t.ceil_to_second());
    }

    #[test]
    fn saturates_instead_of_overflowing() {
        assert_eq!(Timestamp::MAX + Duration::MAX, Timestamp::MAX);
        assert_eq!(Timestamp::MIN - Duration::MAX, Timestamp::MIN);
        assert!(Timestamp::MAX.to_string().starts_with("9999-"));
        assert!(Timestamp::MIN.rfc5322().contains("Jan"));
        assert_eq!(Timestamp::MIN.since(Timestamp::MAX), Duration::ZERO);
    }

    #[test]
    fn refuses_what_is_not_a_point_in_time() {
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "2026-01-05"] {
            assert!(Timestamp::parse_rfc3339(text).is_err(), "{text}");
        }
    }
}
