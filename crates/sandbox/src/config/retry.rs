//! Retry schedules as they are written: `{ first: 20m, factor: 2, cap: 12h }` or `[20m, 40m, 80m]`.

use std::fmt;
use std::time::Duration;

use emta_queue::{RetrySchedule, ScheduleError};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::error::ConfigError;
use super::scalar::{Scalar, Written};
use super::source::Source;

/// A retry schedule as it is written.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub(super) enum Retry {
    /// Waits that grow.
    Growing(Growing),
    /// Waits one by one; the last one repeats.
    List(Vec<Written<Duration>>),
}

/// Waits that grow from `first` by `factor` until `cap`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Growing {
    first: Written<Duration>,
    factor: f64,
    cap: Written<Duration>,
}

impl Default for Growing {
    fn default() -> Self {
        Self { first: Written(Duration::from_mins(20)), factor: 2.0, cap: Written(Duration::from_hours(12)) }
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self::Growing(Growing::default())
    }
}

/// Not `#[serde(untagged)]`, which would lose what is wrong, and where.
impl<'de> Deserialize<'de> for Retry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MapOrList)
    }
}

struct MapOrList;

impl<'de> Visitor<'de> for MapOrList {
    type Value = Retry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`{ first: 20m, factor: 2, cap: 12h }` or a list such as `[20m, 40m]`")
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Retry, A::Error> {
        Growing::deserialize(MapAccessDeserializer::new(entries)).map(Retry::Growing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Retry, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(items)).map(Retry::List)
    }
}

impl Retry {
    /// The schedule; `path` is where it is written.
    pub(super) fn schedule(
        &self,
        jitter: Percent,
        path: &[&str],
        source: &Source,
    ) -> Result<RetrySchedule, ConfigError> {
        let schedule = match self {
            Self::List(waits) => {
                let waits: Vec<Duration> = waits.iter().map(|wait| wait.0).collect();
                let wrong = waits.iter().position(|wait| RetrySchedule::list(vec![*wait]).is_err());
                let index = wrong.map(|index| index.to_string()).unwrap_or_default();
                RetrySchedule::list(waits)
                    .map_err(|error| source.error(&[path, &[&index]].concat(), error.to_string()))?
            }
            Self::Growing(Growing { first, factor, cap }) => {
                // A cast from a float saturates; what is not a number becomes 0 and is refused as that.
                let percent = (factor * 100.0).round() as u32;
                let at = |key| [path, &[key]].concat();
                let wrong = |error: &ScheduleError| match error {
                    ScheduleError::Wait(wait) if *wait == first.0 => vec![at("first")],
                    ScheduleError::Wait(_) => vec![at("cap")],
                    ScheduleError::Cap { .. } => vec![at("cap"), at("first")],
                    ScheduleError::Growth(_) => vec![at("factor")],
                    ScheduleError::Count(_) | ScheduleError::Jitter(_) => vec![path.to_vec()],
                };
                RetrySchedule::try_new(first.0, percent, cap.0)
                    .map_err(|error| source.error(source.culprit(&wrong(&error)), error.to_string()))?
            }
        };
        schedule.with_jitter(jitter.0).map_err(|error| source.error(&["queue", "jitter"], error.to_string()))
    }
}

/// A share in whole percent: `10%`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Percent(pub(super) u32);

impl Scalar for Percent {
    fn read(word: &str) -> Result<Self, String> {
        let number = word.strip_suffix('%').unwrap_or(word);
        let fail = |_| format!("`{word}` is not a share; expected whole percent, such as `10%`");
        number.parse().map(Self).map_err(fail)
    }
    fn write(&self) -> String {
        format!("{}%", self.0)
    }
}
