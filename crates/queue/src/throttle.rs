//! The hourly limit, spent in slices: an hour's messages do not leave in its first minute.

use emta_mail::Timestamp;

/// Slices of an hour (facts 2.3).
const SLICES_PER_HOUR: i64 = 12;
/// Length of a slice, in seconds.
const SLICE_SECONDS: i64 = 300;

/// Five minutes, counted from the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slice(i64);

impl Slice {
    /// The slice that `now` lies in.
    pub(crate) const fn at(now: Timestamp) -> Self {
        Self(now.as_seconds().div_euclid(SLICE_SECONDS))
    }

    fn start(self) -> Timestamp {
        Timestamp::from_seconds(self.0.saturating_mul(SLICE_SECONDS))
    }

    /// This slice's part of an hour's attempts. The remainder of the division is spread evenly, so that the twelve
    /// parts sum to the hour.
    fn budget(self, per_hour: u32) -> u32 {
        let nth = self.0.rem_euclid(SLICES_PER_HOUR);
        let until = |slices: i64| i64::from(per_hour) * slices / SLICES_PER_HOUR;
        (until(nth + 1) - until(nth)) as u32
    }

    /// The next slice that has a part of the hour at all: fewer than twelve an hour leave some slices without.
    fn next_with_budget(self, per_hour: u32) -> Self {
        let later = |slices: i64| Self(self.0.saturating_add(slices));
        (1..=SLICES_PER_HOUR).map(later).find(|slice| slice.budget(per_hour) > 0).unwrap_or(later(1))
    }
}

/// What a lane has spent of the slice in which it last started an attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent {
    slice: Slice,
    attempts: u32,
}

impl Spent {
    /// Nothing yet.
    pub(crate) const fn nothing(now: Timestamp) -> Self {
        Self { slice: Slice::at(now), attempts: 0 }
    }

    /// When the next attempt may start: `None` for now, or the start of a later slice.
    pub(crate) fn waits_until(self, per_hour: u32, now: Timestamp) -> Option<Timestamp> {
        let slice = Slice::at(now);
        let spent = if slice == self.slice { self.attempts } else { 0 };
        (spent >= slice.budget(per_hour)).then(|| slice.next_with_budget(per_hour).start())
    }

    /// Counts attempts that started at `at`; those of an earlier slice than the last one are of no use any more.
    pub(crate) fn add(&mut self, attempts: u32, at: Timestamp) {
        let slice = Slice::at(at);
        if slice > self.slice {
            *self = Self { slice, attempts: 0 };
        }
        if slice == self.slice {
            self.attempts = self.attempts.saturating_add(attempts);
        }
    }

    /// Takes one attempt of this slice back: it was not made after all.
    pub(crate) fn refund(&mut self, slice: Slice) {
        if slice == self.slice {
            self.attempts = self.attempts.saturating_sub(1);
        }
    }

    /// Whether something was spent in the slice that `now` lies in.
    pub(crate) fn counts_at(self, now: Timestamp) -> bool {
        self.slice >= Slice::at(now) && self.attempts > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn slices_of_an_hour() {
        let check = |per_hour, expected: [u32; 12]| {
            let parts = std::array::from_fn(|n| Slice(n as i64).budget(per_hour));
            assert_eq!(parts, expected, "{per_hour}");
        };
        check(12, [1; 12]);
        check(1_200, [100; 12]);
        check(10_000, [833, 833, 834, 833, 833, 834, 833, 833, 834, 833, 833, 834]);
        check(5, [0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1]);
        check(1, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn a_spent_slice_waits_for_the_next_that_has_a_part() {
        let check = |per_hour, started: &[i64], now, expected: Option<i64>| {
            let mut spent = Spent::nothing(at(0));
            for second in started {
                spent.add(1, at(*second));
            }
            assert_eq!(
                spent.waits_until(per_hour, at(now)),
                expected.map(at),
                "{per_hour} {started:?} {now}"
            );
        };
        check(24, &[0], 0, None);
        check(24, &[0, 0], 0, Some(300));
        check(24, &[0, 299], 299, Some(300));
        check(24, &[0, 299], 300, None);
        check(24, &[600, 0, 0], 600, None);
        check(1, &[], 0, Some(3_300));
        check(1, &[], 3_300, None);
        check(1, &[3_300], 3_599, Some(6_900));
    }

    #[test]
    fn a_refund_is_for_its_own_slice() {
        let mut spent = Spent::nothing(at(0));
        spent.add(1, at(0));
        spent.refund(Slice::at(at(300)));
        assert_eq!(spent.waits_until(12, at(1)), Some(at(300)));
        spent.refund(Slice::at(at(299)));
        assert_eq!(spent.waits_until(12, at(1)), None);
        spent.refund(Slice::at(at(299)));
        assert!(!spent.counts_at(at(1)));
    }

    proptest! {
        #[test]
        fn parts_sum_to_the_hour(per_hour in 1_u32..=100_000_000, first in -1_000_000_i64..1_000_000) {
            let parts: Vec<u32> = (first..first + 12).map(|n| Slice(n).budget(per_hour)).collect();
            prop_assert_eq!(parts.iter().sum::<u32>(), per_hour);
            let (min, max) = (parts.iter().min().unwrap(), parts.iter().max().unwrap());
            prop_assert!(max - min <= 1);
        }
    }
}
