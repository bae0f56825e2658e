//! The numbers that a run is judged by: each with a name, and what it is a share of.

use emta_campaign::Mode;

use super::numbers;
use crate::simulation::figures::{Counts, Figures, Indicator, Outcome};

/// A number that says something of a whole run.
#[derive(Clone, Copy, Debug)]
pub struct KeyFigure {
    /// Its name in files.
    pub name: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// What its share is taken of, if it has one.
    pub base: Base,
    of: Of,
}

/// How it is read off the figures.
#[derive(Clone, Copy, Debug)]
enum Of {
    Always(fn(&Figures) -> f64),
    Sometimes(fn(&Figures) -> Option<f64>),
}

/// What a key figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Messages, attempts, addresses, events: whole numbers.
    Count,
    /// Minutes of a message's age.
    Minutes,
    /// A number with decimals.
    Ratio,
}

/// What a share is taken of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// It has no share.
    None,
    /// Messages that the relay accepted.
    Accepted,
    /// Messages that providers accepted.
    Delivered,
    /// Recipients to deliver, as the campaign core counts them.
    ToDeliver,
}

impl Base {
    /// Its name in files; empty where there is none.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::ToDeliver => "to_deliver",
        }
    }

    /// Its name for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Accepted => "of accepted",
            Self::Delivered => "of delivered",
            Self::ToDeliver => "of to deliver",
        }
    }

    fn of(self, figures: &Figures) -> Option<f64> {
        match self {
            Self::None => None,
            Self::Accepted => Some(count(figures, Outcome::Accepted)),
            Self::Delivered => Some(count(figures, Outcome::Delivered)),
            Self::ToDeliver => Some(kpi(figures, Mode::EfsV8, Indicator::ToDeliver)),
        }
    }
}

impl Unit {
    /// Writes a number of it.
    pub fn write(self, value: f64) -> String {
        match self {
            Self::Count => numbers::thousands(value),
            Self::Minutes => numbers::age(value),
            Self::Ratio => format!("{value:.3}"),
        }
    }
}

impl KeyFigure {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 24] = [
        counted("accepted", "Accepted by the relay", Base::None, |f| count(f, Outcome::Accepted)),
        counted("delivered", "Delivered", Base::Accepted, |f| count(f, Outcome::Delivered)),
        counted("delivered_at_first_attempt", "… at the first attempt", Base::Accepted, |f| {
            attempts(f, 1, Outcome::Delivered)
        }),
        counted("deferred_messages", "Deferred at the first attempt", Base::Accepted, |f| {
            attempts(f, 1, Outcome::Deferred)
        }),
        counted("hard_bounces", "Hard bounces", Base::Accepted, |f| count(f, Outcome::HardBounced)),
        counted("soft_bounces", "Soft bounces", Base::Accepted, |f| count(f, Outcome::SoftBounced)),
        counted("expired", "Expired", Base::Accepted, |f| count(f, Outcome::Expired)),
        counted("still_queued", "Still queued at the end", Base::Accepted, |f| f.total().queued() as f64),
        counted("asynchronous_bounces", "Asynchronous bounces", Base::Delivered, |f| {
            count(f, Outcome::AsynchronousBounce)
        }),
        counted("complaints", "Complaints", Base::Delivered, |f| count(f, Outcome::Complaint)),
        counted("auto_replies", "Automatic replies", Base::Delivered, |f| count(f, Outcome::AutoReply)),
        counted("opened", "Opens", Base::Delivered, |f| count(f, Outcome::Opened)),
        counted("clicked", "Clicks", Base::Delivered, |f| count(f, Outcome::Clicked)),
        counted("attempts", "Delivery attempts", Base::None, total_attempts),
        counted("deferred_attempts", "Deferred attempts", Base::None, |f| count(f, Outcome::Deferred)),
        plain("attempts_per_message", "Attempts a message", Unit::Ratio, |f| {
            let accepted = count(f, Outcome::Accepted);
            (accepted > 0.0).then(|| total_attempts(f) / accepted)
        }),
        plain("age_p50_minutes", "Half had left the queue after", Unit::Minutes, |f| age(f, 0.5)),
        plain("age_p95_minutes", "95 % had left the queue after", Unit::Minutes, |f| age(f, 0.95)),
        plain("age_p99_minutes", "99 % had left the queue after", Unit::Minutes, |f| age(f, 0.99)),
        counted("quarantined", "Addresses put into quarantine", Base::Accepted, |f| {
            f.quarantined_until().last().copied().unwrap_or(0) as f64
        }),
        counted("kpi_delivered_without_efs", "KPI Delivered, without EFS", Base::ToDeliver, |f| {
            kpi(f, Mode::WithoutEfs, Indicator::Delivered)
        }),
        counted("kpi_delivered_efs", "KPI Delivered, EFS", Base::ToDeliver, |f| {
            kpi(f, Mode::Efs, Indicator::Delivered)
        }),
        counted("kpi_delivered_efs_v8", "KPI Delivered, EFS of v8", Base::ToDeliver, |f| {
            kpi(f, Mode::EfsV8, Indicator::Delivered)
        }),
        counted("kpi_bounces_efs_v8", "KPI Bounces + errors, EFS of v8", Base::ToDeliver, |f| {
            kpi(f, Mode::EfsV8, Indicator::Bounces)
        }),
    ];

    /// Its value; `None` where the run has none.
    pub fn value(&self, figures: &Figures) -> Option<f64> {
        match self.of {
            Of::Always(of) => Some(of(figures)),
            Of::Sometimes(of) => of(figures),
        }
    }

    /// Its share, 0 to 1, of its base; `None` where it has none.
    pub fn share(&self, figures: &Figures) -> Option<f64> {
        let base = self.base.of(figures).filter(|base| *base > 0.0)?;
        Some(self.value(figures)? / base)
    }
}

const fn plain(
    name: &'static str,
    label: &'static str,
    unit: Unit,
    of: fn(&Figures) -> Option<f64>,
) -> KeyFigure {
    KeyFigure { name, label, unit, base: Base::None, of: Of::Sometimes(of) }
}

const fn counted(name: &'static str, label: &'static str, base: Base, of: fn(&Figures) -> f64) -> KeyFigure {
    KeyFigure { name, label, unit: Unit::Count, base, of: Of::Always(of) }
}

fn count(figures: &Figures, outcome: Outcome) -> f64 {
    figures.total().of(outcome) as f64
}

fn attempts(figures: &Figures, number: usize, outcome: Outcome) -> f64 {
    let of_number = figures.attempts().find(|(attempt, _)| *attempt == number);
    of_number.map_or(0, |(_, counts)| counts.of(outcome)) as f64
}

/// An expiry is no attempt.
fn total_attempts(figures: &Figures) -> f64 {
    let made =
        |counts: &Counts| counts.finished() - counts.of(Outcome::Expired) + counts.of(Outcome::Deferred);
    figures.attempts().map(|(_, counts)| made(counts)).sum::<u64>() as f64
}

fn age(figures: &Figures, share: f64) -> Option<f64> {
    figures.age_at_share(share).map(|minutes| minutes as f64)
}

fn kpi(figures: &Figures, mode: Mode, indicator: Indicator) -> f64 {
    figures.kpis(mode, figures.hours()).of(indicator) as f64
}
