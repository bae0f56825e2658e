//! The tables of a report, as plain data: the page, the terminal and the JSON show the same.

use emta_campaign::Mode;

use super::breakdown::Breakdown;
use super::key_figures::KeyFigure;
use super::numbers;
use super::study::{Group, Spread, Study};
use crate::simulation::figures::{Figures, Indicator};

/// Rows of text under titles. The first column names the row, the others hold numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// What it shows.
    pub caption: String,
    /// Titles of the columns.
    pub titles: Vec<String>,
    /// Rows, with one cell a column.
    pub rows: Vec<Vec<String>>,
}

/// All tables of a study.
pub fn all(study: &Study<'_>) -> Vec<Table> {
    let mut tables = vec![key_figures(study)];
    tables.extend(differences(study));
    for group in study.groups() {
        let own = [kpis(group)].into_iter().chain(Breakdown::ALL.map(|by| parts(group, by)));
        tables.extend(own.map(|table| match study.second() {
            None => table,
            Some(_) => Table { caption: format!("{}: {}", group.label(), table.caption), ..table },
        }));
    }
    tables
}

/// Key figures: number and share, of each group.
pub fn key_figures(study: &Study<'_>) -> Table {
    let rows = KeyFigure::ALL.iter().map(|figure| {
        let cells = study.groups().flat_map(|group| {
            let number = group.spread(|figures| figure.value(figures));
            let share = group.spread(|figures| figure.share(figures));
            [cell(number, |value| figure.unit.write(value)), cell(share, numbers::percent)]
        });
        let mut row: Vec<String> = [figure.label.to_owned()].into_iter().chain(cells).collect();
        row.push(figure.base.label().to_owned());
        row
    });
    let mut titles = vec!["Figure".to_owned()];
    match study.second() {
        None => titles.extend(["Number", "Share"].map(str::to_owned)),
        Some(second) => {
            for label in [study.first().label(), second.label()] {
                titles.extend([label.to_owned(), "Share".to_owned()]);
            }
        }
    }
    titles.push("Share of what".to_owned());
    Table { caption: caption("Key figures", study.first()), titles, rows: rows.collect() }
}

/// How the second group differs from the first, where there is one: absolute and in percent of the first.
pub fn differences(study: &Study<'_>) -> Option<Table> {
    let second = study.second()?;
    let rows = KeyFigure::ALL.iter().map(|figure| {
        let [a, b] = [study.first(), second].map(|group| group.spread(|figures| figure.value(figures)));
        let write = |value| figure.unit.write(value);
        let pair = a.zip(b).map(|(a, b)| (a.middle, b.middle));
        let missing = || numbers::NOTHING.to_owned();
        let absolute = pair.map_or_else(missing, |(a, b)| numbers::signed(b - a, write));
        let relative = pair.filter(|(a, _)| *a != 0.0);
        let relative = relative.map_or_else(missing, |(a, b)| numbers::signed((b - a) / a, numbers::percent));
        vec![figure.label.to_owned(), cell(a, write), cell(b, write), absolute, relative]
    });
    let titles = ["Figure", study.first().label(), second.label(), "Difference", "In percent"];
    Some(Table {
        caption: "Differences".to_owned(),
        titles: titles.map(str::to_owned).into(),
        rows: rows.collect(),
    })
}

/// The outcomes of each part of a breakdown.
pub fn parts(group: &Group<'_>, by: Breakdown) -> Table {
    let rows = group.parts(by).into_iter().map(|(key, numbers)| {
        let cells = numbers.into_iter().map(|number| cell(Some(number), numbers::thousands));
        [key.label].into_iter().chain(cells).collect()
    });
    let rows = rows.collect();
    let labels = by.outcomes().iter().map(|outcome| outcome.label());
    let titles = [by.title()].into_iter().chain(labels).map(str::to_owned).collect();
    Table { caption: caption(by.caption(), group), titles, rows }
}

/// KPIs at the end, the three modes side by side.
pub fn kpis(group: &Group<'_>) -> Table {
    let last = |figures: &Figures, mode| figures.kpis(mode, figures.hours());
    let rows = Indicator::ALL.into_iter().map(|indicator| {
        let cells = Mode::ALL.into_iter().map(|mode| {
            let spread = group.spread(|figures| Some(last(figures, mode).of(indicator) as f64));
            cell(spread, numbers::thousands)
        });
        [indicator.label().to_owned()].into_iter().chain(cells).collect()
    });
    let modes = Mode::ALL.into_iter().map(mode_label).map(str::to_owned);
    Table {
        caption: caption("KPIs at the end", group),
        titles: ["KPI".to_owned()].into_iter().chain(modes).collect(),
        rows: rows.collect(),
    }
}

/// The name of a mode for people.
pub const fn mode_label(mode: Mode) -> &'static str {
    match mode {
        Mode::WithoutEfs => "Without EFS",
        Mode::Efs => "EFS",
        Mode::EfsV8 => "EFS, Campaign v8",
    }
}

/// A number, or how it lies among runs: median, and in brackets the 5th and the 95th percentile.
fn cell(spread: Option<Spread>, write: impl Fn(f64) -> String) -> String {
    match spread {
        None => numbers::NOTHING.to_owned(),
        Some(spread) if spread.is_wide() => {
            format!("{} ({} – {})", write(spread.middle), write(spread.low), write(spread.high))
        }
        Some(spread) => write(spread.middle),
    }
}

fn caption(what: &str, group: &Group<'_>) -> String {
    let runs = group.runs().count();
    if runs == 1 { what.to_owned() } else { format!("{what}: median and 5 % to 95 % of {runs} seeds") }
}
