//! Axes: where a number lies on a line of some length, and which numbers are written beside it.

use super::super::numbers;

/// How numbers lie on an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// From 0 to this.
    Linear {
        /// The greatest number shown.
        top: f64,
    },
    /// Powers of ten.
    Log {
        /// The least number shown; less than it lies on the axis.
        bottom: f64,
        /// The greatest number shown.
        top: f64,
    },
}

/// How the numbers of an axis are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// `1.5 M`.
    Count,
    /// 0 to 1 as percent.
    Share,
    /// As they are.
    Plain,
}

/// Ticks that a linear axis has at most.
const MOST_TICKS: f64 = 6.0;
/// Powers of ten that a logarithmic axis shows at most.
const MOST_DECADES: i32 = 7;

impl Scale {
    /// An axis that ends at a round number not below `most`.
    pub(super) fn linear(most: f64) -> Self {
        let step = step(most);
        Self::Linear { top: (most / step - 1e-9).ceil().max(1.0) * step }
    }

    /// An axis that ends exactly at `top`.
    pub(super) const fn exact(top: f64) -> Self {
        Self::Linear { top }
    }

    /// Powers of ten around these numbers; those that are not above 0 have no place on it.
    pub(super) fn log(numbers: impl Iterator<Item = f64> + Clone) -> Self {
        let positive = numbers.filter(|number| *number > 0.0);
        let most = positive.clone().fold(0.0, f64::max);
        let least = positive.fold(most, f64::min);
        if most <= 0.0 {
            return Self::Log { bottom: 0.1, top: 1.0 };
        }
        let top = (most.log10() - 1e-9).ceil() as i32;
        let bottom = ((least.log10() + 1e-9).floor() as i32).max(top - MOST_DECADES).min(top - 1);
        Self::Log { bottom: 10_f64.powi(bottom), top: 10_f64.powi(top) }
    }

    /// Where a number lies, from 0 to 1; `None` where it has no place.
    pub(super) fn place(self, number: f64) -> Option<f64> {
        let place = match self {
            Self::Linear { top } if top > 0.0 => number / top,
            Self::Linear { top: _ } => 0.0,
            Self::Log { .. } if number <= 0.0 => return None,
            Self::Log { bottom, top } => (number / bottom).log10() / (top / bottom).log10(),
        };
        place.is_finite().then(|| place.clamp(0.0, 1.0))
    }

    /// The least number that has a place.
    pub(super) const fn least(self) -> f64 {
        match self {
            Self::Linear { top: _ } => 0.0,
            Self::Log { bottom, top: _ } => bottom,
        }
    }

    /// Numbers to be written beside the axis.
    pub(super) fn ticks(self) -> Vec<f64> {
        match self {
            Self::Linear { top } => {
                let step = step(top);
                let count = (top / step + 1e-9).floor().clamp(0.0, 100.0) as u32;
                (0..=count).map(|index| f64::from(index) * step).collect()
            }
            Self::Log { bottom, top } => {
                let decades = (top / bottom).log10().round().clamp(0.0, 20.0) as i32;
                (0..=decades).map(|decade| bottom * 10_f64.powi(decade)).collect()
            }
        }
    }
}

/// Ticks of an axis of hours, in steps that people count hours in.
pub(super) fn hours(top: f64) -> Vec<f64> {
    let steps = [1.0, 2.0, 3.0, 6.0, 12.0, 24.0, 48.0, 72.0, 168.0, 336.0, 672.0];
    let step = steps.into_iter().find(|step| top / step <= 8.0).unwrap_or(1344.0);
    let count = (top / step).floor().clamp(0.0, 100.0) as u32;
    (0..=count).map(|index| f64::from(index) * step).collect()
}

impl Format {
    /// Writes a number beside an axis.
    pub(super) fn tick(self, number: f64) -> String {
        match self {
            Self::Count => numbers::compact(number),
            Self::Share => format!("{} %", numbers::decimal(number * 100.0)),
            Self::Plain => numbers::decimal(number),
        }
    }

    /// Writes a number in full.
    pub(super) fn full(self, number: f64) -> String {
        match self {
            Self::Count => numbers::thousands(number),
            Self::Share => numbers::percent(number),
            Self::Plain => numbers::decimal(number),
        }
    }
}

/// A round step that divides 0 to `most` into few parts: 1, 2 or 5 times a power of ten.
fn step(most: f64) -> f64 {
    if most <= 0.0 || !most.is_finite() {
        return 1.0;
    }
    let least = most / MOST_TICKS;
    let power = 10_f64.powf(least.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= least * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ticks_are_round() {
        fn check(scale: Scale, expected: &[&str]) {
            let format = Format::Count;
            let ticks: Vec<String> = scale.ticks().into_iter().map(|tick| format.tick(tick)).collect();
            assert_eq!(ticks, expected);
        }
        check(Scale::linear(10.0), &["0", "2", "4", "6", "8", "10"]);
        check(Scale::linear(997_000.0), &["0", "200 k", "400 k", "600 k", "800 k", "1 M"]);
        check(Scale::linear(3.1), &["0", "1", "2", "3", "4"]);
        check(Scale::linear(0.0), &["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        check(Scale::log([0.0, 1.0, 1_000.0].into_iter()), &["1", "10", "100", "1 k"]);
        check(Scale::log([0.0].into_iter()), &["0.1", "1"]);
        check(Scale::log([5.0].into_iter()), &["1", "10"]);
        assert_eq!(hours(84.0), [0.0, 12.0, 24.0, 36.0, 48.0, 60.0, 72.0, 84.0]);
        assert_eq!(Format::Share.tick(0.001), "0.1 %");
    }

    proptest! {
        #[test]
        fn a_scale_holds_its_numbers(numbers in prop::collection::vec(0.0..1e12_f64, 1..20)) {
            let most = numbers.iter().copied().fold(0.0, f64::max);
            let linear = Scale::linear(most);
            let ticks = linear.ticks();
            prop_assert!((2..=8).contains(&ticks.len()), "{:?}", ticks);
            prop_assert!(ticks.last().is_some_and(|last| *last >= most * (1.0 - 1e-9)));
            let log = Scale::log(numbers.iter().copied());
            prop_assert!((2..=9).contains(&log.ticks().len()));
            for number in numbers {
                prop_assert!(linear.place(number).is_some());
                prop_assert_eq!(log.place(number).is_some(), number > 0.0);
            }
        }
    }
}
