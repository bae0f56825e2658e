//! The plots of a report: what each shows, and from which figures.

use emta_campaign::Mode;

use super::super::breakdown::{Breakdown, Key, Part};
use super::super::study::{Group, Spread, Study};
use super::super::tables::{self, Table};
use super::super::{numbers, summary};
use super::plot::{self, Color, Line, Plot};
use super::scale::{self, Format, Scale};
use crate::simulation::figures::{Counts, Figures, Indicator, KpiRow, LONGEST_VALIDITY, Outcome};

/// A plot with what belongs to it.
pub(super) struct Chart {
    pub(super) title: String,
    /// One sentence on what it shows.
    pub(super) note: &'static str,
    /// The drawing.
    pub(super) svg: String,
    /// Colours and what they stand for.
    pub(super) legend: Vec<(Color, String)>,
}

/// Something that is plotted: a name, a colour, and a number for each point.
struct Measure<'a> {
    label: &'a str,
    color: Color,
    of: Reading<'a>,
}

/// Reads a series off the figures of a run.
type Reading<'a> = Box<dyn Fn(&Figures) -> Vec<f64> + 'a>;

/// Width of most plots, and of those that stand three in a row.
const WIDTH: f64 = 480.0;
const NARROW: f64 = 360.0;

const HOURS: &str = "virtual hours since the start";
const AGE: &str = "age in hours";

/// The states of accepted mail, in the order in which areas lie upon each other.
const STATES: [(Outcome, Color); 4] = [
    (Outcome::Delivered, Color::Delivered),
    (Outcome::HardBounced, Color::Hard),
    (Outcome::SoftBounced, Color::Soft),
    (Outcome::Expired, Color::Expired),
];

/// What follows a delivery.
const LATER: [(Outcome, Color); 3] = [
    (Outcome::AsynchronousBounce, Color::Asynchronous),
    (Outcome::Complaint, Color::Complaint),
    (Outcome::AutoReply, Color::Reply),
];

/// What became of the mail, hour by hour.
pub(super) fn outcomes(study: &Study<'_>) -> Chart {
    let title = "What became of the mail";
    if study.second().is_none() && !study.first().is_spread() {
        let states = STATES.map(|(outcome, color)| until(outcome.label(), color, move |c| c.of(outcome)));
        let measures: Vec<Measure<'_>> =
            states.into_iter().chain([until("Still queued", Color::Queued, Counts::queued)]).collect();
        let lines = lines(study, &measures);
        let top = study.first().run().figures.total().of(Outcome::Accepted) as f64;
        let plot = by_hour(study, title, Scale::linear(top), Format::Count, 0.0);
        let note = "Messages accepted, by what they were at the end of each hour.";
        return Chart { title: title.to_owned(), note, svg: plot.areas(&lines), legend: legend(&measures) };
    }
    let measures = [
        share_until("Delivered", Color::Delivered, |counts| counts.of(Outcome::Delivered)),
        share_until("Still queued", Color::Queued, Counts::queued),
    ];
    let plot = by_hour(study, title, Scale::exact(1.0), Format::Share, 0.0);
    let svg = plot.lines(&lines(study, &measures));
    let note =
        "Share of all accepted messages that was delivered, and that was queued, at the end of each hour.";
    Chart { title: title.to_owned(), note, svg, legend: legend(&measures) }
}

/// Failures and what followed deliveries, hour by hour.
pub(super) fn failures(study: &Study<'_>) -> Chart {
    let shown = STATES.into_iter().skip(1).chain(LATER);
    let measures: Vec<Measure<'_>> = shown
        .map(|(outcome, color)| share_until(outcome.label(), color, move |counts| counts.of(outcome)))
        .collect();
    let lines = lines(study, &measures);
    let plot = by_hour(study, "Failures and what came back", Scale::linear(most(&lines)), Format::Share, 0.0);
    Chart {
        title: plot.title.clone(),
        note: "Share of all accepted messages, until the end of each hour.",
        svg: plot.lines(&lines),
        legend: legend(&measures),
    }
}

/// How much the MTA did in each hour.
pub(super) fn throughput(study: &Study<'_>) -> Chart {
    let measure = |outcome: Outcome, color| Measure {
        label: outcome.label(),
        color,
        of: Box::new(move |figures: &Figures| {
            (0..figures.hours()).map(|hour| figures.hour(hour).of(outcome) as f64).collect()
        }),
    };
    let measures =
        [measure(Outcome::Delivered, Color::Delivered), measure(Outcome::Deferred, Color::Deferred)];
    let lines = lines(study, &measures);
    let plot = by_hour(study, "Attempts in each hour", log(&lines), Format::Count, 0.5);
    Chart {
        title: plot.title.clone(),
        note: "Messages delivered and attempts deferred during each hour; logarithmic.",
        svg: plot.lines(&lines),
        legend: legend(&measures),
    }
}

/// How long mail stays queued.
pub(super) fn survival(study: &Study<'_>) -> Chart {
    let measures = [Measure { label: "Still queued", color: Color::Queued, of: Box::new(Figures::survival) }];
    let lines = lines(study, &measures);
    let last = LONGEST_VALIDITY.as_secs() as f64 / 3600.0;
    let plot = Plot {
        title: "Survival of queued mail".to_owned(),
        description:
            "Share of accepted messages that is still queued, by age in hours, on a logarithmic axis; \
                      a line marks 84 hours, the longest that a message is tried."
                .to_owned(),
        x_label: AGE,
        x_top: last + 2.0,
        x_ticks: scale::hours(last),
        mark: Some((last, "84 h: given up")),
        ..by_hour(study, "", log(&lines), Format::Share, 0.0)
    };
    Chart {
        title: plot.title.clone(),
        note: "Share of accepted messages still queued at each age; logarithmic.",
        svg: plot.lines(&lines),
        legend: legend(&measures),
    }
}

/// How attempts ended, by their number.
pub(super) fn attempts(study: &Study<'_>) -> Chart {
    let of = |outcome: Outcome| {
        move |figures: &Figures| {
            let last = figures.attempts().map(|(number, _)| number).max().unwrap_or(0);
            let mut values = vec![0.0; last];
            for (number, counts) in figures.attempts().filter(|(number, _)| *number > 0) {
                values[number - 1] = counts.of(outcome) as f64;
            }
            values
        }
    };
    let shown = [(Outcome::Deferred, Color::Deferred)].into_iter().chain(STATES);
    let measures: Vec<Measure<'_>> = shown
        .map(|(outcome, color)| Measure { label: outcome.label(), color, of: Box::new(of(outcome)) })
        .collect();
    let lines = lines(study, &measures);
    let top = lines.iter().map(|line| line.values.len()).max().unwrap_or(0).max(1) as f64;
    let step = (top / 12.0).ceil().max(1.0) as usize;
    let plot = Plot {
        title: "Retries".to_owned(),
        description: "How attempts ended, by the number of the attempt, on a logarithmic axis.".to_owned(),
        x_label: "number of the attempt",
        x_top: top + 0.5,
        x_ticks: (1..=top as usize).step_by(step).map(|number| number as f64).collect(),
        first_x: 1.0,
        mark: None,
        ..by_hour(study, "", log(&lines), Format::Count, 0.0)
    };
    Chart {
        title: plot.title.clone(),
        note: "How attempts ended, by the number of the attempt; logarithmic.",
        svg: plot.lines(&lines),
        legend: legend(&measures),
    }
}

/// Addresses that came into quarantine.
pub(super) fn quarantine(study: &Study<'_>) -> Chart {
    let of = |figures: &Figures| {
        let until = figures.quarantined_until().into_iter().map(|number| number as f64);
        [0.0].into_iter().chain(until).collect()
    };
    let measures = [Measure { label: "In quarantine", color: Color::Quarantine, of: Box::new(of) }];
    let lines = lines(study, &measures);
    let plot = by_hour(study, "Quarantine", Scale::linear(most(&lines)), Format::Count, 0.0);
    Chart {
        title: plot.title.clone(),
        note: "Addresses that this campaign has put into quarantine, at the end of each hour.",
        svg: plot.lines(&lines),
        legend: legend(&measures),
    }
}

/// KPIs as each mode shows them: the same axis for all.
pub(super) fn kpis(study: &Study<'_>) -> Vec<Chart> {
    let shown = [
        (Indicator::Delivered, Color::Delivered),
        (Indicator::Bounces, Color::Hard),
        (Indicator::Pending, Color::Queued),
        (Indicator::TakenIntoAccount, Color::Deferred),
    ];
    let chart = |mode: Mode| {
        let of = |indicator: Indicator| {
            move |figures: &Figures| {
                let rows = figures.kpis_until(mode);
                let whole = rows.last().map_or(0, |row| row.of(Indicator::ToDeliver)) as f64;
                let share = |row: &KpiRow| if whole > 0.0 { row.of(indicator) as f64 / whole } else { 0.0 };
                [0.0].into_iter().chain(rows.iter().map(share)).collect()
            }
        };
        let measures = shown.map(|(indicator, color)| Measure {
            label: indicator.label(),
            color,
            of: Box::new(of(indicator)),
        });
        let title = tables::mode_label(mode);
        let description =
            format!("KPIs as the mode {title} shows them, in percent of the messages to deliver.");
        let plot = Plot {
            description,
            width: NARROW,
            ..by_hour(study, title, Scale::exact(1.0), Format::Share, 0.0)
        };
        let svg = plot.lines(&lines(study, &measures));
        Chart { title: title.to_owned(), note: "", svg, legend: legend(&measures) }
    };
    Mode::ALL.map(chart).into()
}

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

/// What happened until each hour, for those who read rather than see; hours in which nothing happened are left out.
pub(super) fn hourly(group: &Group<'_>) -> Table {
    let shown = [Outcome::Accepted].into_iter().chain(STATES.map(|(outcome, _)| outcome));
    let shown: Vec<Outcome> =
        shown.chain([Outcome::Deferred]).chain(LATER.map(|(outcome, _)| outcome)).collect();
    let queued = group.series(|figures| figures.until().iter().map(|c| c.queued() as f64).collect());
    let series: Vec<Vec<Spread>> = shown
        .iter()
        .map(|outcome| {
            group.series(|figures| figures.until().iter().map(|c| c.of(*outcome) as f64).collect())
        })
        .collect();
    let start = group.run().figures.setting().start;
    let mut rows: Vec<Vec<String>> = Vec::new();
    for (hour, queued) in queued.iter().enumerate() {
        let numbers = series.iter().filter_map(|one| one.get(hour)).chain([queued]);
        let cells: Vec<String> = numbers.map(|value| numbers::thousands(value.middle)).collect();
        if rows.last().is_some_and(|last| last.get(1..) == Some(&cells[..])) {
            continue;
        }
        let until = summary::end_of_hour(start, hour).strftime("%Y-%m-%d %H:%M");
        rows.push([until].into_iter().chain(cells).collect());
    }
    let labels = shown.iter().map(|outcome| outcome.label());
    let titles = ["Until"].into_iter().chain(labels).chain(["Still queued"]);
    let caption = "Until the end of each hour (UTC); hours without news are left out".to_owned();
    Table { caption, titles: titles.map(str::to_owned).collect(), rows }
}

/// Survival in numbers.
pub(super) fn survival_table(study: &Study<'_>) -> Table {
    let ages = [1, 2, 4, 8, 12, 24, 36, 48, 60, 72, 83, 84, 85];
    let columns: Vec<Vec<Spread>> = study.groups().map(|group| group.series(Figures::survival)).collect();
    let row = |age: usize| {
        let cell = |series: &Vec<Spread>| {
            series.get(age).map_or(numbers::NOTHING.to_owned(), |share| numbers::percent(share.middle))
        };
        [format!("{age} h")].into_iter().chain(columns.iter().map(cell)).collect()
    };
    let titles = ["Age"].into_iter().chain(study.groups().map(Group::label)).map(str::to_owned).collect();
    let caption = "Share of accepted mail still queued".to_owned();
    Table { caption, titles, rows: ages.into_iter().map(row).collect() }
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

/// Counts at the end of each hour, behind the nothing of the start.
fn until<'a>(label: &'a str, color: Color, of: impl Fn(&Counts) -> u64 + 'a) -> Measure<'a> {
    let series = move |figures: &Figures| {
        [0.0].into_iter().chain(figures.until().iter().map(|counts| of(counts) as f64)).collect()
    };
    Measure { label, color, of: Box::new(series) }
}

/// The same as shares of all mail accepted in the run.
fn share_until<'a>(label: &'a str, color: Color, of: impl Fn(&Counts) -> u64 + 'a) -> Measure<'a> {
    let series = move |figures: &Figures| {
        let accepted = figures.total().of(Outcome::Accepted).max(1) as f64;
        let until = figures.until();
        [0.0].into_iter().chain(until.iter().map(|counts| of(counts) as f64 / accepted)).collect()
    };
    Measure { label, color, of: Box::new(series) }
}

fn lines(study: &Study<'_>, measures: &[Measure<'_>]) -> Vec<Line> {
    let compared = study.second().is_some();
    let of_group = |(index, group): (usize, &Group<'_>)| -> Vec<Line> {
        let line = |measure: &Measure<'_>| Line {
            label: if compared {
                format!("{}, {}", measure.label, group.label())
            } else {
                measure.label.to_owned()
            },
            color: measure.color,
            dashed: index > 0,
            values: group.series(&measure.of),
        };
        measures.iter().map(line).collect()
    };
    study.groups().enumerate().flat_map(of_group).collect()
}

fn legend(measures: &[Measure<'_>]) -> Vec<(Color, String)> {
    measures.iter().map(|measure| (measure.color, measure.label.to_owned())).collect()
}

fn most(lines: &[Line]) -> f64 {
    lines.iter().flat_map(|line| &line.values).map(|value| value.high).fold(0.0, f64::max)
}

fn log(lines: &[Line]) -> Scale {
    Scale::log(lines.iter().flat_map(|line| &line.values).map(|value| value.middle))
}

/// A frame with the hours of the run from left to right.
fn by_hour(study: &Study<'_>, title: &str, y: Scale, format: Format, first_x: f64) -> Plot {
    let hours = study.hours() as f64;
    Plot {
        title: title.to_owned(),
        description: format!("{title}, by virtual hour."),
        width: WIDTH,
        x_label: HOURS,
        x_top: hours,
        x_ticks: scale::hours(hours),
        first_x,
        y,
        format,
        mark: None,
    }
}
