//! How long to wait between two attempts.

use std::sync::Arc;
use std::time::Duration;

use emta_mail::duration::format;
use emta_mail::{Chance, QueueId};

use crate::validity::MAX_VALIDITY;

/// The waits between attempts: the first after the first attempt, and so on; the last one repeats.
///
/// The default is Momentum's (facts 3.3): 20 minutes, doubling, at most 12 hours, which puts attempts at 0:00, 0:20,
/// 1:00, 2:20, 5:00, 10:20, 21:00 and every 12 hours from there. Cloning is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetrySchedule {
    /// Never empty; each wait is within `MIN_WAIT..=MAX_WAIT`.
    waits: Arc<[Duration]>,
    jitter_percent: u32,
}

/// What was wrong with a retry schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// A wait is out of bounds.
    #[error("a wait of `{}` between attempts; expected `{}` to `{}`",
        format(*.0), format(RetrySchedule::MIN_WAIT), format(RetrySchedule::MAX_WAIT))]
    Wait(Duration),
    /// The longest wait is shorter than the first.
    #[error("waits start at `{}` but are capped at `{}`; expected a cap not below the start",
        format(*first), format(*cap))]
    Cap {
        /// The first wait.
        first: Duration,
        /// The longest wait.
        cap: Duration,
    },
    /// The growth is out of bounds.
    #[error("waits grow to `{0}` percent; expected `{min}` to `{max}`",
        min = RetrySchedule::MIN_GROWTH_PERCENT, max = RetrySchedule::MAX_GROWTH_PERCENT)]
    Growth(u32),
    /// A list without waits, or with too many.
    #[error("a list of `{0}` waits; expected 1 to `{max}`", max = RetrySchedule::MAX_WAITS)]
    Count(usize),
    /// The jitter is out of bounds.
    #[error("a jitter of `{0}` percent; expected at most `{max}`", max = RetrySchedule::MAX_JITTER_PERCENT)]
    Jitter(u32),
}

impl RetrySchedule {
    /// Shortest wait: due times are whole seconds.
    pub const MIN_WAIT: Duration = Duration::from_secs(1);
    /// Longest wait: none that is longer ever ends in an attempt.
    pub const MAX_WAIT: Duration = MAX_VALIDITY;
    /// Smallest growth from one wait to the next: none.
    pub const MIN_GROWTH_PERCENT: u32 = 100;
    /// Largest growth from one wait to the next: tenfold.
    pub const MAX_GROWTH_PERCENT: u32 = 1_000;
    /// Most waits that a schedule can list. The slowest growth, 1 percent from one second to 84 hours, takes 1,272.
    pub const MAX_WAITS: usize = 2_000;
    /// Largest jitter: beyond it, waits could shrink to nothing.
    pub const MAX_JITTER_PERCENT: u32 = 50;

    /// Waits that start at `first`, each `growth_percent` of the one before (200 doubles, 100 repeats), none longer
    /// than `cap`.
    ///
    /// # Errors
    /// When a wait or the growth is out of bounds, or the cap is below the first wait.
    pub fn try_new(first: Duration, growth_percent: u32, cap: Duration) -> Result<Self, ScheduleError> {
        check_wait(first)?;
        check_wait(cap)?;
        if cap < first {
            return Err(ScheduleError::Cap { first, cap });
        }
        if !(Self::MIN_GROWTH_PERCENT..=Self::MAX_GROWTH_PERCENT).contains(&growth_percent) {
            return Err(ScheduleError::Growth(growth_percent));
        }
        // Spelled out once, so that the queue only looks up. The bounds keep the list short and the product small.
        let mut waits = vec![first];
        let mut wait = first;
        while growth_percent > 100 && wait < cap {
            wait = (wait * growth_percent / 100).min(cap);
            waits.push(wait);
        }
        Ok(Self { waits: waits.into(), jitter_percent: 0 })
    }

    /// These waits, one after the other; the last one repeats.
    ///
    /// # Errors
    /// When there are none or too many, or one is out of bounds.
    pub fn list(waits: Vec<Duration>) -> Result<Self, ScheduleError> {
        if waits.is_empty() || waits.len() > Self::MAX_WAITS {
            return Err(ScheduleError::Count(waits.len()));
        }
        waits.iter().try_for_each(|wait| check_wait(*wait))?;
        Ok(Self { waits: waits.into(), jitter_percent: 0 })
    }

    /// The same waits, each made up to `percent` shorter or longer by chance.
    ///
    /// # Errors
    /// When the jitter is larger than [`Self::MAX_JITTER_PERCENT`].
    pub fn with_jitter(self, percent: u32) -> Result<Self, ScheduleError> {
        if percent > Self::MAX_JITTER_PERCENT {
            return Err(ScheduleError::Jitter(percent));
        }
        Ok(Self { jitter_percent: percent, ..self })
    }

    /// The wait after attempt number `attempt` (from 1), without jitter.
    pub fn wait_after(&self, attempt: u32) -> Duration {
        let index = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
        self.waits.get(index).or(self.waits.last()).copied().unwrap_or(Self::MAX_WAIT)
    }

    /// The wait of this message after this attempt, with the jitter that chance gives it.
    pub fn jittered_wait_after(&self, attempt: u32, message: QueueId, chance: Chance) -> Duration {
        let wait = self.wait_after(attempt);
        if self.jitter_percent == 0 {
            return wait;
        }
        let spread = wait * self.jitter_percent / 100;
        let share = chance.unit(message, attempt, "retry-jitter");
        wait.saturating_sub(spread) + (spread * 2).mul_f64(share)
    }

    /// When attempts fall within `validity`, counted from the first one, if all of them fail; without jitter.
    pub fn attempts_within(&self, validity: Duration) -> impl Iterator<Item = Duration> {
        let mut at = Duration::ZERO;
        (1_u32..).map_while(move |attempt| {
            let this = at;
            at += self.wait_after(attempt);
            (this < validity).then_some(this)
        })
    }
}

impl Default for RetrySchedule {
    fn default() -> Self {
        let minutes = [20, 40, 80, 160, 320, 640, 720];
        Self { waits: minutes.map(Duration::from_mins).into(), jitter_percent: 0 }
    }
}

fn check_wait(wait: Duration) -> Result<(), ScheduleError> {
    let in_bounds = (RetrySchedule::MIN_WAIT..=RetrySchedule::MAX_WAIT).contains(&wait);
    if in_bounds { Ok(()) } else { Err(ScheduleError::Wait(wait)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MS: Duration = Duration::from_millis(1);

    fn minutes(schedule: &RetrySchedule, validity: Duration) -> Vec<u64> {
        schedule.attempts_within(validity).map(|at| at.as_secs() / 60).collect()
    }

    #[test]
    fn default_is_momentums() {
        let schedule = RetrySchedule::default();
        let cap = Duration::from_hours(12);
        assert_eq!(RetrySchedule::try_new(Duration::from_mins(20), 200, cap), Ok(schedule.clone()));
        let written = "0:00 0:20 1:00 2:20 5:00 10:20 21:00 33:00 45:00 57:00 69:00 81:00";
        let read = |at: &str| {
            let (hours, minutes) = at.split_once(':').unwrap();
            hours.parse::<u64>().unwrap() * 60 + minutes.parse::<u64>().unwrap()
        };
        let expected: Vec<u64> = written.split(' ').map(read).collect();
        assert_eq!(minutes(&schedule, MAX_VALIDITY), expected);
        assert_eq!(minutes(&schedule, Duration::from_hours(24)), expected[..7]);
        assert_eq!(minutes(&schedule, Duration::from_hours(81)), expected[..11], "the end is not within");
        assert_eq!(minutes(&schedule, Duration::ZERO), [0_u64; 0]);
    }

    #[test]
    fn a_list_repeats_its_last_wait() {
        let schedule = RetrySchedule::list([2, 5, 10].map(Duration::from_mins).to_vec()).unwrap();
        assert_eq!(minutes(&schedule, Duration::from_mins(40)), [0, 2, 7, 17, 27, 37]);
        assert_eq!(schedule.wait_after(u32::MAX), Duration::from_mins(10));
        assert_eq!(schedule.wait_after(0), Duration::from_mins(2), "attempts count from 1");
    }

    #[test]
    fn bounds() {
        use ScheduleError as E;
        let (min, max) = (RetrySchedule::MIN_WAIT, RetrySchedule::MAX_WAIT);
        let short = min.saturating_sub(MS);
        let new = |first, growth, cap| RetrySchedule::try_new(first, growth, cap).map(|_| ());
        assert_eq!(new(min, 100, max), Ok(()));
        assert_eq!(new(max, 1_000, max), Ok(()));
        assert_eq!(new(short, 200, max), Err(E::Wait(short)));
        assert_eq!(new(min, 200, max + MS), Err(E::Wait(max + MS)));
        assert_eq!(new(min, 99, max), Err(E::Growth(99)));
        assert_eq!(new(min, 1_001, max), Err(E::Growth(1_001)));
        assert_eq!(new(min * 2, 200, min), Err(E::Cap { first: min * 2, cap: min }));
        let list = |count| RetrySchedule::list(vec![min; count]).map(|_| ());
        assert_eq!(list(0), Err(E::Count(0)));
        assert_eq!(list(RetrySchedule::MAX_WAITS), Ok(()));
        assert_eq!(list(RetrySchedule::MAX_WAITS + 1), Err(E::Count(RetrySchedule::MAX_WAITS + 1)));
        assert_eq!(RetrySchedule::list(vec![min, short]).map(|_| ()), Err(E::Wait(short)));
        assert!(RetrySchedule::default().with_jitter(50).is_ok());
        assert_eq!(RetrySchedule::default().with_jitter(51).map(|_| ()), Err(E::Jitter(51)));
        let slowest = RetrySchedule::try_new(min, 101, max).unwrap();
        assert!(slowest.waits.len() <= RetrySchedule::MAX_WAITS, "{}", slowest.waits.len());
        assert_eq!(E::Growth(99).to_string(), "waits grow to `99` percent; expected `100` to `1000`");
        let wait = E::Wait(Duration::ZERO).to_string();
        assert_eq!(wait, "a wait of `0s` between attempts; expected `1s` to `3d12h`");
    }

    proptest! {
        #[test]
        fn growth_has_a_closed_form(first in 1_u64..3_600, growth in 100_u32..=1_000, attempt in 1_u32..40) {
            let cap = Duration::from_hours(12);
            let schedule = RetrySchedule::try_new(Duration::from_secs(first), growth, cap).unwrap();
            let exact = first as f64 * (f64::from(growth) / 100.0).powi(attempt as i32 - 1);
            let expected = exact.min(cap.as_secs_f64());
            let wait = schedule.wait_after(attempt).as_secs_f64();
            prop_assert!((wait - expected).abs() < 0.001, "{} is not {}", wait, expected);
        }

        #[test]
        fn jitter_stays_in_its_bounds_and_belongs_to_the_message(id: u64, seed: u64, attempt in 1_u32..12,
            percent in 0_u32..=50)
        {
            let schedule = RetrySchedule::default().with_jitter(percent).unwrap();
            let draw = || schedule.jittered_wait_after(attempt, QueueId::from_u64(id), Chance::new(seed));
            let wait = schedule.wait_after(attempt);
            let spread = wait * percent / 100;
            prop_assert!((wait.saturating_sub(spread)..=wait + spread).contains(&draw()));
            prop_assert_eq!(draw(), draw());
        }
    }
}
