//! What a report is about: one run, one run on many seeds, or two of either held against each other.
//!
//! Everything that a report shows is a function of [`Figures`]. A group of runs gives, for each such function, a
//! [`Spread`]; that of a single run has no width. So tables and plots need not know how many runs there were.

use super::digest::Digest;
use crate::simulation::figures::Figures;

/// Groups of runs that are shown side by side: one or two.
#[derive(Clone, Debug)]
pub struct Study<'a> {
    first: Group<'a>,
    second: Option<Group<'a>>,
    command: String,
}

/// Runs of one scenario, each on a seed of its own; at least one.
#[derive(Clone, Debug)]
pub struct Group<'a> {
    label: String,
    first: Run<'a>,
    others: Vec<Run<'a>>,
}

/// One run.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// What it adds up to.
    pub figures: &'a Figures,
    /// Digest of its events.
    pub digest: Digest,
}

/// How a number lies among the runs of a group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// Fifth percentile.
    pub low: f64,
    /// Median.
    pub middle: f64,
    /// 95th percentile.
    pub high: f64,
}

impl<'a> Study<'a> {
    /// A study of one group, made by `command`.
    pub fn new(group: Group<'a>, command: impl Into<String>) -> Self {
        Self { first: group, second: None, command: command.into() }
    }

    /// Two groups held against each other; differences are those of the second from the first.
    pub fn comparison(first: Group<'a>, second: Group<'a>, command: impl Into<String>) -> Self {
        Self { first, second: Some(second), command: command.into() }
    }

    /// The command that makes it.
    pub fn command(&self) -> &str {
        &self.command
    }

    /// The group that others are held against.
    pub const fn first(&self) -> &Group<'a> {
        &self.first
    }

    /// What is held against it.
    pub const fn second(&self) -> Option<&Group<'a>> {
        self.second.as_ref()
    }

    /// All groups.
    pub fn groups(&self) -> impl Iterator<Item = &Group<'a>> {
        [&self.first].into_iter().chain(&self.second)
    }

    /// Hours that its longest run covers.
    pub fn hours(&self) -> usize {
        let all = self.groups().flat_map(Group::runs);
        all.map(|run| run.figures.hours()).max().unwrap_or(1)
    }
}

impl<'a> Group<'a> {
    /// One run, or the first of many.
    pub fn new(label: impl Into<String>, run: Run<'a>) -> Self {
        Self { label: label.into(), first: run, others: Vec::new() }
    }

    /// With the same scenario's runs on other seeds.
    pub fn with(mut self, others: impl IntoIterator<Item = Run<'a>>) -> Self {
        self.others.extend(others);
        self
    }

    /// What tells it from the other group.
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Its first run, which says what is the same for all: scenario, recipients, start, end.
    pub const fn run(&self) -> &Run<'a> {
        &self.first
    }

    /// Its runs.
    pub fn runs(&self) -> impl Iterator<Item = &Run<'a>> {
        [&self.first].into_iter().chain(&self.others)
    }

    /// Whether it has bands rather than lines.
    pub const fn is_spread(&self) -> bool {
        !self.others.is_empty()
    }

    /// How a number lies among its runs; `None` where a run has no such number.
    pub fn spread(&self, of: impl Fn(&Figures) -> Option<f64>) -> Option<Spread> {
        let values = self.runs().map(|run| of(run.figures)).collect::<Option<Vec<f64>>>()?;
        Spread::of(values)
    }

    /// How each number of a series lies among its runs; where a run's series ends earlier, its last number holds.
    pub fn series(&self, of: impl Fn(&Figures) -> Vec<f64>) -> Vec<Spread> {
        let all: Vec<Vec<f64>> = self.runs().map(|run| of(run.figures)).collect();
        let length = all.iter().map(Vec::len).max().unwrap_or(0);
        let at = |index: usize| {
            let values = all.iter().map(|one| one.get(index).or(one.last()).copied().unwrap_or(0.0));
            Spread::of(values.collect())
        };
        (0..length).filter_map(at).collect()
    }
}

impl Spread {
    /// Of a number that is the same in all runs.
    pub const fn single(value: f64) -> Self {
        Self { low: value, middle: value, high: value }
    }

    /// Of these numbers; `None` if there are none. Between two of them, percentiles are interpolated linearly.
    pub fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let quantile = |share: f64| {
            let place = share * last as f64;
            let below = values.get(place.floor() as usize).copied().unwrap_or(0.0);
            let above = values.get(place.ceil() as usize).copied().unwrap_or(below);
            below + (above - below) * place.fract()
        };
        Some(Self { low: quantile(0.05), middle: quantile(0.5), high: quantile(0.95) })
    }

    /// Each of the three changed alike.
    pub fn map(self, with: impl Fn(f64) -> f64) -> Self {
        Self { low: with(self.low), middle: with(self.middle), high: with(self.high) }
    }

    /// Whether the runs differ.
    pub fn is_wide(self) -> bool {
        self.low < self.high
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn percentiles() {
        let spread = Spread::of((0..=100).rev().map(f64::from).collect());
        assert_eq!(spread, Some(Spread { low: 5.0, middle: 50.0, high: 95.0 }));
        assert_eq!(Spread::of(vec![7.0]), Some(Spread::single(7.0)));
        assert_eq!(Spread::of(vec![1.0, 2.0]).map(|spread| spread.middle), Some(1.5));
        assert_eq!(Spread::of(Vec::new()), None);
    }

    proptest! {
        #[test]
        fn percentiles_are_in_order_and_within(values in prop::collection::vec(0.0..1e9_f64, 1..60)) {
            let spread = Spread::of(values.clone()).unwrap();
            let least = values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = values.iter().copied().fold(0.0, f64::max);
            let order = [least, spread.low, spread.middle, spread.high, most];
            prop_assert!(order.is_sorted(), "{:?}", order);
        }
    }
}
