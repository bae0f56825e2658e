//! How the clock runs, and when it starts.

use std::time::Duration;

use emta_mail::{Timestamp, duration};
use serde::{Deserialize, Serialize};

use super::error::ConfigError;
use super::scalar::{Scalar, Written};
use super::source::Source;
use crate::clock::ClockMode;

/// Settings of the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// How it runs.
    pub mode: ClockMode,
    /// When it starts, if the data holds no earlier run; `None` for the mode's own default.
    pub start: Option<ClockStart>,
    /// Real time without any activity before the clock may jump: the tested system gets that long to answer.
    pub quiet: Duration,
}

/// When the clock starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockStart {
    /// At this point in time.
    At(Timestamp),
    /// This long before the machine's date.
    Before(Duration),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Shape {
    mode: Written<ClockMode>,
    start: Option<Written<ClockStart>>,
    quiet: Written<Duration>,
}

impl Default for Shape {
    fn default() -> Self {
        Self { mode: Written(ClockMode::Real), start: None, quiet: Written(Duration::ZERO) }
    }
}

impl Shape {
    pub(super) fn check(&self, source: &Source) -> Result<Clock, ConfigError> {
        let quiet =
            source.within(&["clock", "quiet"], self.quiet.0, Duration::ZERO..=Duration::from_mins(1))?;
        Ok(Clock { mode: self.mode.0, start: self.start.as_ref().map(|start| start.0), quiet })
    }
}

impl Scalar for ClockMode {
    fn read(word: &str) -> Result<Self, String> {
        word.parse().map_err(|error: crate::clock::ClockModeError| error.to_string())
    }
    fn write(&self) -> String {
        self.to_string()
    }
}

impl Scalar for ClockStart {
    fn read(word: &str) -> Result<Self, String> {
        let at = || Timestamp::parse_rfc3339(word).ok().map(Self::At);
        let before = || word.strip_prefix('-').and_then(|span| duration::parse(span).ok()).map(Self::Before);
        before().or_else(at).ok_or_else(|| {
            format!(
                "`{word}` is not a start; expected a date such as `2026-01-05T09:00:00Z`, or how long before now, \
                 such as `-4d`"
            )
        })
    }
    fn write(&self) -> String {
        match self {
            Self::At(at) => at.to_string(),
            Self::Before(span) => format!("-{}", duration::format(*span)),
        }
    }
}
