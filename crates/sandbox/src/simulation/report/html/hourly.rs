//! The numbers behind the plots, for those who read rather than see.

use emta_campaign::Mode;

use super::super::study::{Group, Spread, Study};
use super::super::tables::{self, Table};
use super::super::{numbers, summary};
use super::charts::{KPIS, LATER, STATES};
use crate::simulation::figures::{Counts, Figures, Outcome};

/// A column: its title, and its number at the end of each hour.
type Column = (String, Vec<Spread>);

/// What happened until each hour.
pub(super) fn outcomes(group: &Group<'_>) -> Table {
    let of = |label: &str, of: &dyn Fn(&Counts) -> u64| -> Column {
        let series = |figures: &Figures| figures.until().iter().map(|counts| of(counts) as f64).collect();
        (label.to_owned(), group.series(series))
    };
    let shown = [Outcome::Accepted].into_iter().chain(STATES.map(|(outcome, _)| outcome));
    let shown = shown.chain([Outcome::Deferred]).chain(LATER.map(|(outcome, _)| outcome));
    let mut columns: Vec<Column> =
        shown.map(|outcome| of(outcome.label(), &|counts| counts.of(outcome))).collect();
    columns.push(of("Still queued", &Counts::queued));
    let quarantined =
        |figures: &Figures| figures.quarantined_until().into_iter().map(|number| number as f64).collect();
    columns.push(("In quarantine".to_owned(), group.series(quarantined)));
    by_hour(group, columns)
}

/// The plotted KPIs at the end of each hour, in each mode.
pub(super) fn kpis(group: &Group<'_>) -> Table {
    let column = |mode: Mode| {
        KPIS.map(|(indicator, _)| {
            let series = |figures: &Figures| {
                figures.kpis_until(mode).iter().map(|row| row.of(indicator) as f64).collect()
            };
            (format!("{}: {}", tables::mode_label(mode), indicator.label()), group.series(series))
        })
    };
    by_hour(group, Mode::ALL.into_iter().flat_map(column).collect())
}

/// Rows by hour; hours without news are left out.
fn by_hour(group: &Group<'_>, columns: Vec<Column>) -> Table {
    let start = group.run().figures.setting().start;
    let hours = columns.iter().map(|(_, series)| series.len()).max().unwrap_or(0);
    let mut rows: Vec<Vec<String>> = Vec::new();
    for hour in 0..hours {
        let numbers = columns.iter().map(|(_, series)| series.get(hour).map(|value| value.middle));
        let cells: Vec<String> =
            numbers.map(|number| number.map_or(numbers::NOTHING.to_owned(), numbers::thousands)).collect();
        if rows.last().is_some_and(|last| last.get(1..) == Some(&cells[..])) {
            continue;
        }
        let until = summary::end_of_hour(start, hour).strftime("%Y-%m-%d %H:%M");
        rows.push([until].into_iter().chain(cells).collect());
    }
    let titles = columns.into_iter().map(|(title, _)| title);
    let titles = ["Until".to_owned()].into_iter().chain(titles).collect();
    let caption = "At the end of each hour (UTC); hours without news are left out".to_owned();
    Table { caption, titles, rows }
}

/// Survival in numbers.
pub(super) fn survival(study: &Study<'_>) -> Table {
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
