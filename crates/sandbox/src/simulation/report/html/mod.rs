//! The page: one file with everything in it, that needs no network and no script.
//!
//! It is HTML that is well-formed XML as well, so that a test can read it. Whatever comes from a scenario goes
//! through [`markup::Text`].

mod bars;
mod charts;
mod hourly;
mod markup;
mod plot;
mod scale;

use super::key_figures::KeyFigure;
use super::numbers;
use super::study::{Group, Run, Study};
use super::tables;
use bars::BarRow;
use charts::Chart;
use markup::{Text, folded, table};
use plot::Color;

use super::breakdown::Breakdown;

const STYLE: &str = include_str!("page.css");

/// Key figures that are shown large.
const CARDS: [&str; 8] = [
    "accepted",
    "delivered",
    "deferred_messages",
    "hard_bounces",
    "expired",
    "asynchronous_bounces",
    "complaints",
    "age_p99_minutes",
];

/// The page of a study.
pub(super) fn page(study: &Study<'_>) -> String {
    let title = match study.second() {
        None => format!("Simulation {}", study.first().label()),
        Some(second) => format!("Simulations {} and {}", study.first().label(), second.label()),
    };
    let mut body = header(study, &title);
    body += &key_figures(study);
    body += &section("Outcomes over time", &[charts::outcomes(study), charts::failures(study)], study);
    for group in study.groups() {
        body += &folded(&titled(study, group, "Numbers by hour"), &table(&hourly::outcomes(group)));
    }
    body += &section("The queue", &[charts::survival(study), charts::throughput(study)], study);
    body += &folded("Survival in numbers", &table(&hourly::survival(study)));
    let (rows, legend) = bars::providers(study);
    let note = "Share of the mail accepted for each provider, by what it was at the end; the number says how \
                much was delivered.";
    body += &bar_list("By provider", note, &rows, &legend, study);
    body += &parts(study, Breakdown::Provider);
    let (rows, legend) = bars::reasons(study);
    let note = "Messages that failed or came back, by the type and reason that they were qualified with.";
    body += &bar_list("By reason", note, &rows, &legend, study);
    body += &parts(study, Breakdown::Reason);
    body += &parts(study, Breakdown::Class);
    body += &kpis(study);
    let retries = [charts::attempts(study), charts::quarantine(study)];
    body += &section("Retries and quarantine", &retries, study);
    body += &parts(study, Breakdown::Attempt);
    body += &runs(study);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        Text(&title)
    )
}

fn header(study: &Study<'_>, title: &str) -> String {
    let setting = study.first().run().figures.setting();
    let runs = study.first().runs().count();
    let seeds = match runs {
        1 => setting.seed.to_string(),
        _ => format!("{} and {} more", setting.seed, runs - 1),
    };
    let date = |at: emta_mail::Timestamp| at.strftime("%a %-d %b %Y, %H:%M UTC");
    let facts = [
        ("Recipients", numbers::thousands(setting.recipients as f64)),
        ("Seed", seeds),
        ("From", date(setting.start)),
        ("Until", date(setting.end)),
    ];
    let facts: String =
        facts.map(|(name, fact)| format!("<div><dt>{name}</dt><dd>{}</dd></div>", Text(&fact))).concat();
    let command =
        format!("<div><dt>To run it again</dt><dd><code>{}</code></dd></div>", Text(study.command()));
    let notes = match (study.second(), study.first().is_spread()) {
        (None, false) => String::new(),
        (None, true) => format!("<p>{}</p>\n", bands_note(runs)),
        (Some(second), spread) => {
            let strokes = groups_legend(study.first(), second);
            let bands = if spread { format!("<p>{}</p>\n", bands_note(runs)) } else { String::new() };
            format!("{strokes}{bands}")
        }
    };
    format!(
        "<header>\n<h1>{}</h1>\n<dl class=\"facts\">{facts}{command}</dl>\n{notes}</header>\n",
        Text(title)
    )
}

fn bands_note(runs: usize) -> String {
    format!(
        "Each line is the median of {runs} seeds; the band around it reaches from the 5th to the 95th percentile."
    )
}

/// Which group is drawn how.
fn groups_legend(first: &Group<'_>, second: &Group<'_>) -> String {
    let stroke = |group: &Group<'_>, dashed: &str| {
        format!(
            "<li><svg class=\"stroke\" viewBox=\"0 0 32 12\" aria-hidden=\"true\">\
             <path class=\"line{dashed}\" d=\"M0 6H32\"/></svg>{}</li>",
            Text(group.label())
        )
    };
    format!("<ul class=\"legend\">{}{}</ul>\n", stroke(first, ""), stroke(second, " dashed"))
}

fn key_figures(study: &Study<'_>) -> String {
    let mut out = "<section>\n<h2>Key figures</h2>\n".to_owned();
    if study.second().is_none() {
        let shown = KeyFigure::ALL.iter().filter(|figure| CARDS.contains(&figure.name));
        out += "<div class=\"cards\">";
        out.extend(shown.map(|figure| card(study.first(), figure)));
        out += "</div>\n";
    }
    if let Some(differences) = tables::differences(study) {
        out += &table(&differences);
    }
    let all = table(&tables::key_figures(study));
    out += &folded("All key figures", &all);
    out += "</section>\n";
    out
}

fn card(group: &Group<'_>, figure: &KeyFigure) -> String {
    let number = group.spread(|figures| figure.value(figures));
    let share = group.spread(|figures| figure.share(figures));
    let write = |value| figure.unit.write(value);
    let (large, detail) = match (number, share) {
        (Some(number), Some(share)) => {
            (numbers::percent(share.middle), format!("{} ({})", write(number.middle), figure.base.label()))
        }
        (Some(number), None) => (write(number.middle), String::new()),
        (None, _) => (numbers::NOTHING.to_owned(), String::new()),
    };
    format!(
        "<dl class=\"card\"><dt>{}</dt><dd>{}</dd><dd class=\"detail\">{}</dd></dl>",
        Text(figure.label),
        Text(&large),
        Text(&detail)
    )
}

fn section(title: &str, shown: &[Chart], study: &Study<'_>) -> String {
    let charts: String = shown.iter().map(|chart| figure(chart, study)).collect();
    format!("<h2>{}</h2>\n<div class=\"plots\">\n{charts}</div>\n", Text(title))
}

fn figure(chart: &Chart, study: &Study<'_>) -> String {
    let note = if chart.note.is_empty() { String::new() } else { format!("<p>{}</p>", Text(chart.note)) };
    format!(
        "<figure>\n<figcaption><h3>{}</h3>{note}</figcaption>\n{}{}</figure>\n",
        Text(&chart.title),
        chart.svg,
        legend(&chart.legend, study.second())
    )
}

/// Colours and what they stand for, and which group is drawn dashed.
fn legend(entries: &[(Color, String)], dashed: Option<&Group<'_>>) -> String {
    let entry = |(color, label): &(Color, String)| {
        format!(
            "<li><svg viewBox=\"0 0 12 12\" aria-hidden=\"true\">\
             <rect class=\"area {}\" width=\"12\" height=\"12\" rx=\"2\"/></svg>{}</li>",
            color.class(),
            Text(label)
        )
    };
    let entries: String = entries.iter().map(entry).collect();
    let hint = dashed.map(|group| format!("<li>dashed: {}</li>", Text(group.label()))).unwrap_or_default();
    format!("<ul class=\"legend\">{entries}{hint}</ul>\n")
}

fn bar_list(
    title: &str,
    note: &str,
    rows: &[BarRow],
    legend_entries: &[(Color, String)],
    study: &Study<'_>,
) -> String {
    let groups = study.groups().count();
    let row = |row: &BarRow| {
        let line = |(index, ((svg, said), group)): (usize, (&(String, String), &Group<'_>))| {
            let name = match index {
                0 => format!("<th scope=\"rowgroup\" rowspan=\"{groups}\">{}</th>", Text(&row.name)),
                _ => String::new(),
            };
            let label = match groups {
                1 => String::new(),
                _ => format!("<td class=\"group\">{}</td>", Text(group.label())),
            };
            let class = if index + 1 < groups { " class=\"more\"" } else { "" };
            format!(
                "<tr{class}>{name}{label}<td class=\"drawn\">{svg}</td><td class=\"said\">{}</td></tr>\n",
                Text(said)
            )
        };
        row.bars.iter().zip(study.groups()).enumerate().map(line).collect::<String>()
    };
    let keys = legend(legend_entries, None);
    format!(
        "<h2>{}</h2>\n<p>{}</p>\n{keys}<table class=\"bars\"><tbody>\n{}</tbody></table>\n",
        Text(title),
        Text(note),
        rows.iter().map(row).collect::<String>()
    )
}

fn parts(study: &Study<'_>, by: Breakdown) -> String {
    let of_group =
        |group: &Group<'_>| folded(&titled(study, group, by.caption()), &table(&tables::parts(group, by)));
    study.groups().map(of_group).collect()
}

fn kpis(study: &Study<'_>) -> String {
    let charts = charts::kpis(study);
    let legend_entries =
        charts.first().map(|chart| legend(&chart.legend, study.second())).unwrap_or_default();
    let figures = charts.iter().map(|chart| {
        format!(
            "<figure>\n<figcaption><h3>{}</h3></figcaption>\n{}</figure>\n",
            Text(&chart.title),
            chart.svg
        )
    });
    let tables = study.groups().map(|group| {
        let end = folded(&titled(study, group, "KPIs at the end"), &table(&tables::kpis(group)));
        end + &folded(&titled(study, group, "KPIs by hour"), &table(&hourly::kpis(group)))
    });
    format!(
        "<h2>KPIs in the three modes</h2>\n<p>One story, as the campaign shows it in each mode: shares of the \
         messages to deliver at the end of each hour.</p>\n{legend_entries}<div class=\"plots three\">\n{}</div>\n{}",
        figures.collect::<String>(),
        tables.collect::<String>()
    )
}

/// Seeds, digests and how to make each run again.
fn runs(study: &Study<'_>) -> String {
    let row = |run: &Run<'_>| {
        let setting = run.figures.setting();
        let name = format!("{}, seed {}", setting.scenario, setting.seed);
        format!(
            "<tr><th scope=\"row\">{}</th><td><code>{}</code></td><td><code>{}</code></td></tr>\n",
            Text(&name),
            run.digest,
            Text(&setting.command)
        )
    };
    let rows: String = study.groups().flat_map(Group::runs).map(row).collect();
    format!(
        "<h2>Runs</h2>\n<p>The same scenario and seed give the same events.</p>\n<table class=\"words\">\n\
         <thead><tr><th scope=\"col\">Run</th><th scope=\"col\">SHA-256 of its events</th>\
         <th scope=\"col\">Command</th></tr></thead>\n<tbody>\n{rows}</tbody></table>\n"
    )
}

/// With the group's name where there are two.
fn titled(study: &Study<'_>, group: &Group<'_>, title: &str) -> String {
    match study.second() {
        None => title.to_owned(),
        Some(_) => format!("{}: {title}", group.label()),
    }
}
