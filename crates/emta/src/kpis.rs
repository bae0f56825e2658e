//! KPIs of a delivery in the three modes, side by side.

use serde_json::Value;

use crate::output::{table, text};

/// The modes, in the order of the columns.
const MODES: [&str; 3] = ["without-efs", "efs", "efs-v8"];

/// Rows: title, JSON pointer into the KPIs of a mode, and that of its share in percent.
const ROWS: [(&str, &str, Option<&str>); 18] = [
    ("Targeted", "/targeted", None),
    ("To deliver", "/to_deliver", None),
    ("Relayed", "/relayed", None),
    ("Pending", "/pending", None),
    ("Taken into account", "/taken_into_account", None),
    ("Processed", "/processed", Some("/processed_percent")),
    ("Delivered", "/delivered", Some("/delivered_percent")),
    ("Bounces + errors", "/bounces", Some("/bounces_percent")),
    ("  hard", "/by_type/hard", None),
    ("  soft", "/by_type/soft", None),
    ("  ignored", "/by_type/ignored", None),
    ("Canceled", "/canceled", None),
    ("Complaints", "/complaints", None),
    ("Opt-outs", "/opt_outs", None),
    ("Auto-replies", "/auto_replies", None),
    ("Opens", "/opens", None),
    ("Clicks", "/clicks", None),
    ("New quarantine", "/new_quarantine", None),
];

/// The table for an answer of `/deliveries/{id}/kpis`.
pub(crate) fn side_by_side(kpis: &Value) -> String {
    let rows = ROWS.iter().map(|(title, path, percent)| {
        let cells = MODES.map(|mode| cell(&kpis[mode], path, *percent));
        [(*title).to_owned()].into_iter().chain(cells).collect()
    });
    table(&["", MODES[0], MODES[1], MODES[2]], rows)
}

fn cell(kpis: &Value, path: &str, percent: Option<&str>) -> String {
    let number = kpis.pointer(path).map_or("-".to_owned(), text);
    match percent.and_then(|path| kpis.pointer(path)?.as_f64()) {
        Some(percent) => format!("{number} ({percent:.1} %)"),
        None => number,
    }
}
