//! Counts by something: provider, reason, bounce class, number of the attempt.

use std::collections::BTreeSet;

use super::study::{Group, Spread};
use crate::simulation::figures::{Counts, Figures, Outcome};

/// What counts are divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breakdown {
    /// The simulated mailbox provider.
    Provider,
    /// Campaign's failure type and reason.
    Reason,
    /// The Enhanced MTA's bounce class; mail that came back has none.
    Class,
    /// The number of the attempt.
    Attempt,
}

/// One of the parts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// Its place among the others; those of the same place are in order of their names.
    place: u32,
    /// Its name in files.
    pub name: String,
    /// Its name for people.
    pub label: String,
}

/// A part and how the number of each of [`Breakdown::outcomes`] lies among the runs.
pub type Part = (Key, Vec<Spread>);

impl Breakdown {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Provider, Self::Reason, Self::Class, Self::Attempt];

    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Provider => "by_provider",
            Self::Reason => "by_reason",
            Self::Class => "by_class",
            Self::Attempt => "by_attempt",
        }
    }

    /// What a table of it shows.
    pub const fn caption(self) -> &'static str {
        match self {
            Self::Provider => "By provider",
            Self::Reason => "By failure type and reason",
            Self::Class => "By bounce class",
            Self::Attempt => "By number of the attempt",
        }
    }

    /// What one part is.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Provider => "Provider",
            Self::Reason => "Type and reason",
            Self::Class => "Bounce class",
            Self::Attempt => "Attempt",
        }
    }

    /// The outcomes that can be told of it.
    pub const fn outcomes(self) -> &'static [Outcome] {
        match self {
            Self::Provider => &[
                Outcome::Accepted,
                Outcome::Delivered,
                Outcome::Deferred,
                Outcome::HardBounced,
                Outcome::SoftBounced,
                Outcome::Expired,
                Outcome::AsynchronousBounce,
                Outcome::Complaint,
                Outcome::AutoReply,
                Outcome::Opened,
                Outcome::Clicked,
            ],
            Self::Reason => &[
                Outcome::Deferred,
                Outcome::HardBounced,
                Outcome::SoftBounced,
                Outcome::Expired,
                Outcome::AsynchronousBounce,
                Outcome::Complaint,
                Outcome::AutoReply,
            ],
            Self::Class => &[Outcome::Deferred, Outcome::HardBounced, Outcome::SoftBounced, Outcome::Expired],
            Self::Attempt => &[
                Outcome::Delivered,
                Outcome::Deferred,
                Outcome::HardBounced,
                Outcome::SoftBounced,
                Outcome::Expired,
            ],
        }
    }

    /// The parts of a run.
    fn entries(self, figures: &Figures) -> Vec<(Key, Counts)> {
        let key = |place, name: &str, label: String| Key { place, name: name.to_owned(), label };
        match self {
            Self::Provider => {
                let all = figures.providers();
                all.map(|(name, counts)| (key(0, name, name.to_owned()), *counts)).collect()
            }
            Self::Reason => figures
                .verdicts()
                .map(|(failure_type, reason, counts)| {
                    let place = (u32::from(failure_type.code()) << 16) + u32::from(reason.code());
                    let name = format!("{}/{}", failure_type.name(), reason.name());
                    let label = format!("{}: {}", failure_type.label(), reason.label());
                    (key(place, &name, label), *counts)
                })
                .collect(),
            Self::Class => figures
                .classes()
                .map(|(class, counts)| {
                    let label = format!("{} {}", class.code(), class.label());
                    (key(u32::from(class.code()), class.name(), label), *counts)
                })
                .collect(),
            Self::Attempt => figures
                .attempts()
                .map(|(number, counts)| {
                    let place = u32::try_from(number).unwrap_or(u32::MAX);
                    (key(place, &number.to_string(), number.to_string()), *counts)
                })
                .collect(),
        }
    }
}

impl Group<'_> {
    /// The parts that any of its runs has, in order.
    pub fn parts(&self, by: Breakdown) -> Vec<Part> {
        let runs: Vec<Vec<(Key, Counts)>> = self.runs().map(|run| by.entries(run.figures)).collect();
        let keys: BTreeSet<&Key> = runs.iter().flatten().map(|(key, _)| key).collect();
        let spread = |key: &Key, outcome: Outcome| {
            let of_run = |run: &Vec<(Key, Counts)>| {
                run.iter().find(|(known, _)| known == key).map_or(0, |(_, counts)| counts.of(outcome)) as f64
            };
            Spread::of(runs.iter().map(of_run).collect()).unwrap_or(Spread::single(0.0))
        };
        let part = |key: &Key| {
            let numbers = by.outcomes().iter().map(|outcome| spread(key, *outcome));
            (key.clone(), numbers.collect())
        };
        keys.into_iter().map(part).collect()
    }
}
