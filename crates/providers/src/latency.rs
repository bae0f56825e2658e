//! How long a provider takes to answer an attempt.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use emta_mail::duration;

use crate::action::{Delay, DelayError};

/// How long a provider takes to answer an attempt, in virtual time: a span, or a range from which one is drawn
/// evenly. At most [`Self::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Latency(Delay);

impl Latency {
    /// At once.
    pub const NONE: Self = Self(Delay::NONE);
    /// The longest: one hour. Real clients give up earlier; the longest of their time-outs is 10 minutes (RFC 5321
    /// section 4.5.3.2).
    pub const MAX: Duration = Duration::from_hours(1);

    /// This delay.
    ///
    /// # Errors
    /// When it can be longer than [`Self::MAX`].
    pub fn try_new(delay: Delay) -> Result<Self, LatencyError> {
        if delay.max() > Self::MAX { Err(LatencyError::TooLong(delay)) } else { Ok(Self(delay)) }
    }

    /// The span at `unit`, a number in `0.0..1.0`, of the way from the shortest to the longest.
    pub fn at(self, unit: f64) -> Duration {
        self.0.at(unit)
    }
}

/// As it is read: `30s` or `200ms..2s`.
impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a text or a delay is not a latency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LatencyError {
    /// It is not a delay at all.
    #[error(transparent)]
    NotADelay(#[from] DelayError),
    /// It is longer than [`Latency::MAX`].
    #[error("`{0}` is too long for an answer; expected at most `{max}`", max = duration::format(Latency::MAX))]
    TooLong(Delay),
}

impl FromStr for Latency {
    type Err = LatencyError;

    /// Reads `30s` or `200ms..2s`.
    fn from_str(text: &str) -> Result<Self, LatencyError> {
        Self::try_new(text.parse()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_have_a_limit() {
        for text in ["0s", "30s", "200ms..2s", "1h", "1s..1h"] {
            assert_eq!(text.parse::<Latency>().unwrap().to_string(), text);
        }
        for (text, expected) in [
            ("1h1ms", "`1h1ms` is too long for an answer; expected at most `1h`"),
            ("1s..1h1ms", "`1s..1h1ms` is too long for an answer; expected at most `1h`"),
            ("2s..1s", "`2s..1s` is not a delay; expected `6h`, or the shorter"),
            ("soon", "`soon` is not a delay; expected `6h`, or the shorter"),
        ] {
            let error = text.parse::<Latency>().unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}\nexpected {expected}");
        }
        assert_eq!("0".parse(), Ok(Latency::NONE));
    }
}
