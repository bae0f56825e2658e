//! The plots of a report: what each shows, and from which figures.

use emta_campaign::Mode;

use super::super::study::{Group, Study};
use super::super::tables;
use super::plot::{Color, Line, Plot};
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
pub(super) const STATES: [(Outcome, Color); 4] = [
    (Outcome::Delivered, Color::Delivered),
    (Outcome::HardBounced, Color::Hard),
    (Outcome::SoftBounced, Color::Soft),
    (Outcome::Expired, Color::Expired),
];

/// The KPIs that are plotted.
pub(super) const KPIS: [(Indicator, Color); 4] = [
    (Indicator::Delivered, Color::Delivered),
    (Indicator::Bounces, Color::Hard),
    (Indicator::Pending, Color::Queued),
    (Indicator::TakenIntoAccount, Color::Deferred),
];

/// What follows a delivery.
pub(super) const LATER: [(Outcome, Color); 3] = [
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
    let mut lines = lines(study, &measures);
    // Mail is tried for 84 hours; what comes back is waited for much longer.
    let busy =
        |line: &Line| line.values.iter().rposition(|value| value.high > 0.0).map_or(0, |last| last + 1);
    let hours = lines.iter().map(busy).max().unwrap_or(0).max(1);
    for line in &mut lines {
        line.values.truncate(hours);
    }
    let frame = by_hour(study, "Attempts in each hour", log(&lines), Format::Count, 0.5);
    let plot = Plot { x_top: hours as f64, x_ticks: scale::hours(hours as f64), ..frame };
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
    let chart = |mode: Mode| {
        let of = |indicator: Indicator| {
            move |figures: &Figures| {
                let rows = figures.kpis_until(mode);
                let whole = rows.last().map_or(0, |row| row.of(Indicator::ToDeliver)) as f64;
                let share = |row: &KpiRow| if whole > 0.0 { row.of(indicator) as f64 / whole } else { 0.0 };
                [0.0].into_iter().chain(rows.iter().map(share)).collect()
            }
        };
        let measures = KPIS.map(|(indicator, color)| Measure {
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
