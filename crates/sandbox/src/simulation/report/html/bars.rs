//! Lists of bars: by provider, by reason.

use super::super::breakdown::{Breakdown, Key, Part};
use super::super::numbers;
use super::super::study::Study;
use super::charts::{LATER, STATES};
use super::plot::{self, Color};
use crate::simulation::figures::Outcome;

/// A row of a list of bars: name, bars, and what they say.
pub(super) struct BarRow {
    pub(super) name: String,
    /// A bar a group, with its text.
    pub(super) bars: Vec<(String, String)>,
}

/// What became of the mail at each provider, in shares of what was accepted for it.
pub(super) fn providers(study: &Study<'_>) -> (Vec<BarRow>, Vec<(Color, String)>) {
    let shown: Vec<(Outcome, Color)> = STATES.into();
    let legend = shown.iter().map(|(outcome, color)| (*color, outcome.label().to_owned()));
    let legend = legend.chain([(Color::Queued, "Still queued".to_owned())]).collect();
    let rows = bars(study, Breakdown::Provider, |part| {
        let accepted = number(Breakdown::Provider, part, Outcome::Accepted);
        let share = |outcome| {
            if accepted > 0.0 { number(Breakdown::Provider, part, outcome) / accepted } else { 0.0 }
        };
        let mut segments: Vec<(Color, f64)> =
            shown.iter().map(|(outcome, color)| (*color, share(*outcome))).collect();
        let rest = 1.0 - segments.iter().map(|(_, share)| share).sum::<f64>();
        segments.push((Color::Queued, if accepted > 0.0 { rest.max(0.0) } else { 0.0 }));
        let delivered = numbers::percent(share(Outcome::Delivered));
        (segments, format!("{delivered} of {}", numbers::thousands(accepted)))
    });
    (rows, legend)
}

/// Failures and what came back, by type and reason.
pub(super) fn reasons(study: &Study<'_>) -> (Vec<BarRow>, Vec<(Color, String)>) {
    let shown: Vec<(Outcome, Color)> = STATES.into_iter().skip(1).chain(LATER).collect();
    let total = |part: &Part| -> f64 {
        shown.iter().map(|(outcome, _)| number(Breakdown::Reason, part, *outcome)).sum()
    };
    let all = study.groups().flat_map(|group| group.parts(Breakdown::Reason));
    let most = all.map(|part| total(&part)).fold(1.0, f64::max);
    let rows = bars(study, Breakdown::Reason, |part| {
        let of = |outcome| number(Breakdown::Reason, part, outcome) / most;
        let segments = shown.iter().map(|(outcome, color)| (*color, of(*outcome))).collect();
        (segments, numbers::thousands(total(part)))
    });
    (rows, shown.iter().map(|(outcome, color)| (*color, outcome.label().to_owned())).collect())
}

fn bars(
    study: &Study<'_>,
    by: Breakdown,
    draw: impl Fn(&Part) -> (Vec<(Color, f64)>, String),
) -> Vec<BarRow> {
    let groups: Vec<Vec<Part>> = study.groups().map(|group| group.parts(by)).collect();
    let mut keys: Vec<_> = groups.iter().flatten().map(|(key, _)| key).collect();
    keys.sort();
    keys.dedup();
    let row = |key: &Key| {
        let bar = |parts: &Vec<Part>| match parts.iter().find(|(known, _)| known == key) {
            None => (plot::bar(&[], &key.label), numbers::NOTHING.to_owned()),
            Some(part) => {
                let (segments, text) = draw(part);
                (plot::bar(&segments, &format!("{}: {text}", key.label)), text)
            }
        };
        BarRow { name: key.label.clone(), bars: groups.iter().map(bar).collect() }
    };
    keys.into_iter().map(row).collect()
}

fn number(by: Breakdown, part: &Part, wanted: Outcome) -> f64 {
    let place = by.outcomes().iter().position(|outcome| *outcome == wanted);
    place.and_then(|place| part.1.get(place)).map_or(0.0, |spread| spread.middle)
}
