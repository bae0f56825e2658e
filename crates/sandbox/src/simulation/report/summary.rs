//! The summary of a study as JSON, and its KPIs by virtual hour as CSV.
//!
//! Neither says how long a run took nor on which machine: the same seed gives the same files.

use std::io;

use emta_campaign::Mode;
use emta_mail::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::breakdown::{Breakdown, Part};
use super::key_figures::KeyFigure;
use super::study::{Group, Run, Spread, Study};
use crate::simulation::figures::{Figures, Indicator, KpiRow, Outcome};

/// The summary as it is written.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The command that makes it again.
    pub command: String,
    /// One group of runs, or two that are compared.
    pub groups: Vec<GroupSummary>,
    /// How the second group's key figures differ from the first's; absent where there is no second.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub differences: Map<String, Value>,
}

/// Runs of one scenario. A number is a plain number where there is one run, and `{"p5", "median", "p95"}` where there
/// are several.
#[derive(Clone, Debug, Serialize)]
pub struct GroupSummary {
    /// The scenario.
    pub scenario: String,
    /// Recipients targeted.
    pub recipients: u64,
    /// First instant, RFC 3339.
    pub start: String,
    /// Last instant, RFC 3339.
    pub end: String,
    /// Its runs.
    pub runs: Vec<RunSummary>,
    /// Key figures by name: `value`, and `share` (0 to 1) with what it is taken `of`.
    pub key_figures: Map<String, Value>,
    /// KPIs at the end, by mode and by the campaign core's names.
    pub kpis: Map<String, Value>,
    /// Counts by outcome: `by_provider`, `by_reason`, `by_class`, `by_attempt`.
    #[serde(flatten)]
    pub parts: Map<String, Value>,
    /// Share of the accepted mail still queued at the age in hours, from 0.
    pub survival: Vec<Value>,
}

/// A run on one seed.
#[derive(Clone, Debug, Serialize)]
pub struct RunSummary {
    /// The seed.
    pub seed: u64,
    /// Digest of its events.
    pub digest: String,
    /// The command that makes it again.
    pub command: String,
}

impl Summary {
    /// Of a study.
    pub fn new(study: &Study<'_>) -> Self {
        Self {
            command: study.command().to_owned(),
            groups: study.groups().map(GroupSummary::new).collect(),
            differences: study.second().map(|second| differences(study.first(), second)).unwrap_or_default(),
        }
    }
}

impl GroupSummary {
    fn new(group: &Group<'_>) -> Self {
        let setting = group.run().figures.setting();
        let parts = Breakdown::ALL.into_iter().map(|by| (by.name().to_owned(), parts_json(group, by)));
        let kpis = Mode::ALL.into_iter().map(|mode| (mode.name().to_owned(), kpis_json(group, mode)));
        Self {
            scenario: setting.scenario.clone(),
            recipients: setting.recipients,
            start: setting.start.to_string(),
            end: setting.end.to_string(),
            runs: group.runs().map(RunSummary::new).collect(),
            key_figures: key_figures_json(group),
            kpis: kpis.collect(),
            parts: parts.collect(),
            survival: group.series(Figures::survival).into_iter().map(number).collect(),
        }
    }
}

impl RunSummary {
    fn new(run: &Run<'_>) -> Self {
        let setting = run.figures.setting();
        Self { seed: setting.seed, digest: run.digest.to_string(), command: setting.command.clone() }
    }
}

/// Writes the KPIs at the end of each virtual hour: a row a run and hour, with the queue and, side by side, each
/// indicator in each mode.
///
/// # Errors
/// When the writer does.
pub(super) fn write_kpis(study: &Study<'_>, writer: impl io::Write) -> io::Result<()> {
    let mut csv = csv::Writer::from_writer(writer);
    let outcomes = Outcome::ALL.map(|outcome| outcome.name().to_owned());
    let kpis = Indicator::ALL.into_iter().flat_map(|indicator| {
        Mode::ALL.into_iter().map(move |mode| format!("{}.{}", indicator.name(), mode.name()))
    });
    let head = ["scenario", "seed", "hour", "until"].map(str::to_owned).into_iter();
    let queue = ["queued", "quarantined"].map(str::to_owned);
    csv.write_record(head.chain(outcomes).chain(queue).chain(kpis))?;
    for run in study.groups().flat_map(Group::runs) {
        let figures = run.figures;
        let setting = figures.setting();
        let modes = Mode::ALL.map(|mode| figures.kpis_until(mode));
        let quarantined = figures.quarantined_until();
        for (hour, (counts, quarantined)) in figures.until().into_iter().zip(quarantined).enumerate() {
            let until = end_of_hour(setting.start, hour);
            let head =
                [setting.scenario.clone(), setting.seed.to_string(), hour.to_string(), until.to_string()];
            let outcomes = Outcome::ALL.map(|outcome| counts.of(outcome).to_string());
            let queue = [counts.queued().to_string(), quarantined.to_string()];
            let kpis = Indicator::ALL.into_iter().flat_map(|indicator| {
                let cell = |rows: &Vec<KpiRow>| {
                    rows.get(hour).map_or_else(String::new, |row| row.of(indicator).to_string())
                };
                modes.each_ref().map(cell)
            });
            csv.write_record(head.into_iter().chain(outcomes).chain(queue).chain(kpis))?;
        }
    }
    csv.flush()
}

/// The instant at which an hour of the run ends.
pub(super) fn end_of_hour(start: Timestamp, hour: usize) -> Timestamp {
    start + std::time::Duration::from_hours(u64::try_from(hour).unwrap_or(u64::MAX / 3600 - 1) + 1)
}

fn key_figures_json(group: &Group<'_>) -> Map<String, Value> {
    let entry = |figure: &KeyFigure| {
        let value = group.spread(|figures| figure.value(figures)).map_or(Value::Null, number);
        let object = match group.spread(|figures| figure.share(figures)) {
            None => json!({ "value": value }),
            Some(share) => json!({ "value": value, "share": number(share), "of": figure.base.name() }),
        };
        (figure.name.to_owned(), object)
    };
    KeyFigure::ALL.iter().map(entry).collect()
}

fn kpis_json(group: &Group<'_>, mode: Mode) -> Value {
    let rows = |figures: &Figures| figures.kpis(mode, figures.hours());
    let entry = |indicator: Indicator| {
        let spread = group.spread(|figures| Some(rows(figures).of(indicator) as f64));
        (indicator.name().to_owned(), spread.map_or(Value::Null, number))
    };
    Indicator::ALL.into_iter().map(entry).collect::<Map<_, _>>().into()
}

fn parts_json(group: &Group<'_>, by: Breakdown) -> Value {
    let entry = |(key, numbers): Part| {
        let outcomes = by.outcomes().iter().zip(numbers);
        let numbers = outcomes.map(|(outcome, spread)| (outcome.name().to_owned(), number(spread)));
        (key.name, Value::from(numbers.collect::<Map<_, _>>()))
    };
    group.parts(by).into_iter().map(entry).collect::<Map<_, _>>().into()
}

fn differences(first: &Group<'_>, second: &Group<'_>) -> Map<String, Value> {
    let entry = |figure: &KeyFigure| {
        let [a, b] = [first, second].map(|group| group.spread(|figures| figure.value(figures)));
        let (a, b) = (a?.middle, b?.middle);
        let percent = if a == 0.0 { Value::Null } else { plain((b - a) / a * 100.0) };
        let object =
            json!({ "first": plain(a), "second": plain(b), "absolute": plain(b - a), "percent": percent });
        Some((figure.name.to_owned(), object))
    };
    KeyFigure::ALL.iter().filter_map(entry).collect()
}

fn number(spread: Spread) -> Value {
    if spread.is_wide() {
        json!({ "p5": plain(spread.low), "median": plain(spread.middle), "p95": plain(spread.high) })
    } else {
        plain(spread.middle)
    }
}

/// Whole numbers without a fraction.
fn plain(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 9e15 { Value::from(value as i64) } else { Value::from(value) }
}
