//! How the clock runs.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How the clock runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClockMode {
    /// As fast as the wall clock.
    Real,
    /// Faster than the wall clock by this factor, above 0 and at most 1,000,000.
    Scaled(f64),
    /// Only when told.
    Frozen,
    /// Jumps to the next due instant as soon as nothing is under way.
    Auto,
}

/// What was wrong with a written mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a clock mode; expected `real`, `frozen`, `auto`, or a factor such as `x60` (up to x1000000)"
)]
pub struct ClockModeError(String);

impl ClockMode {
    /// How much virtual time passes in this much real time.
    pub(super) fn virtual_span(self, real: Duration) -> Duration {
        match self {
            Self::Real => real,
            Self::Scaled(factor) => real.mul_f64(factor),
            Self::Frozen | Self::Auto => Duration::ZERO,
        }
    }

    /// How much real time this much virtual time takes; capped at an hour.
    pub(super) fn real_span(self, virtual_span: Duration) -> Duration {
        let hour = Duration::from_hours(1);
        match self {
            Self::Real => virtual_span.min(hour),
            Self::Scaled(factor) => {
                Duration::try_from_secs_f64(virtual_span.as_secs_f64() / factor).unwrap_or(hour).min(hour)
            }
            Self::Frozen | Self::Auto => hour,
        }
    }
}

impl FromStr for ClockMode {
    type Err = ClockModeError;
    fn from_str(text: &str) -> Result<Self, ClockModeError> {
        match text {
            "real" => Ok(Self::Real),
            "frozen" => Ok(Self::Frozen),
            "auto" => Ok(Self::Auto),
            _ => text
                .strip_prefix('x')
                .and_then(|factor| factor.parse::<f64>().ok())
                .filter(|factor| *factor > 0.0 && *factor <= 1_000_000.0)
                .map(Self::Scaled)
                .ok_or_else(|| ClockModeError(text.to_owned())),
        }
    }
}

impl fmt::Display for ClockMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Real => f.write_str("real"),
            Self::Scaled(factor) => write!(f, "x{factor}"),
            Self::Frozen => f.write_str("frozen"),
            Self::Auto => f.write_str("auto"),
        }
    }
}

impl Eq for ClockMode {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_written_as_they_are_read() {
        for text in ["real", "frozen", "auto", "x60", "x0.5", "x1000000"] {
            assert_eq!(text.parse::<ClockMode>().unwrap().to_string(), text);
        }
        for text in ["", "x", "x0", "x-1", "xNaN", "xinf", "x1000001", "fast"] {
            assert!(text.parse::<ClockMode>().is_err(), "{text}");
        }
    }
}
