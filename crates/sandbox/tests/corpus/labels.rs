//! The labels of the tuning corpora; the bench of bounces (`examples/bench_bounce`) reads them by this file as well.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use emta_mail::event::Verdict;
use emta_mail::{FailureReason, FailureType};
use emta_qualify::tune::{Case, Meaning};
use emta_sandbox::inmail::reading::{Finding, Reading};
use serde_json::Value;

/// The folder of a corpus; `None`, and a line that says so, where it is not beside the project.
pub(crate) fn folder(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("SKIPPED: ../shared/corpus/{name} is not here; nothing was held against it");
    None
}

/// A file of one JSON object a line.
pub(crate) fn rows(path: &Path) -> Result<Vec<Value>, Box<dyn Error>> {
    let text = fs::read_to_string(path).map_err(|error| format!("`{}`: {error}", path.display()))?;
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

/// A text of a row; empty where there is none.
pub(crate) fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or_default()
}

/// The status that the publisher says a mail or line has; `None` for codes of the publisher's own, which stand for mails
/// without one: x.9.y, x.0.9yy.
pub(crate) fn status(row: &Value) -> Option<&str> {
    let status = text(row, "status");
    let rest = status.get(2..)?;
    let is_own = rest.starts_with("9.") || rest.starts_with("0.9") && rest.len() == 5;
    (!is_own).then_some(status)
}

/// Campaign's type and reason; `None` where the label says that a person must decide, or that nothing failed.
pub(crate) fn meaning(label: &Value) -> Option<Meaning> {
    let failure_type = *FailureType::ALL.iter().find(|value| value.label() == text(label, "type"))?;
    let reason = *FailureReason::ALL.iter().find(|value| value.label() == text(label, "reason"))?;
    (failure_type != FailureType::NotDefined).then_some((failure_type, reason))
}

/// The finding about the label's recipient.
pub(crate) fn about<'a>(reading: &'a Reading, label: &Value) -> Option<&'a Finding> {
    let wanted = text(label, "recipient");
    let other = label["alias"].as_str().unwrap_or(wanted);
    let is_it = |name: &String| name.eq_ignore_ascii_case(wanted) || name.eq_ignore_ascii_case(other);
    reading.findings.iter().find(|one| [&one.recipient, &one.alias].into_iter().flatten().any(is_it))
}

/// The finding about the label's recipient; the one in its place, for mails that name nobody.
pub(crate) fn finding<'a>(reading: &'a Reading, label: &Value) -> Option<&'a Finding> {
    let in_place = || {
        let place = usize::try_from(label["index"].as_u64()?).ok()?;
        reading.findings.get(place.checked_sub(1)?)
    };
    about(reading, label).or_else(in_place)
}

/// The reply lines of the corpus in this folder, named by file and category, with what their category means to Campaign.
pub(crate) fn reply_lines(folder: &Path, unmatched: &Verdict) -> Result<Vec<Case>, Box<dyn Error>> {
    let map = fs::read_to_string(folder.join("../../facts/class-to-campaign-reason.json"))?;
    let map: Value = serde_json::from_str(&map)?;
    let mut cases = Vec::new();
    for row in rows(&folder.join("lines.jsonl"))? {
        let category = text(&row, "label");
        // The labels of the other source are severities; the two categories are of no failure.
        if text(&row, "source") != "sisimai-corpus-diag" || matches!(category, "feedback" | "vacation") {
            continue;
        }
        let file = text(&row, "file").rsplit('/').next().unwrap_or_default();
        let mut case = Case::line(format!("{file} {category}"), text(&row, "text"));
        case.status = case.status.or(status(&row).and_then(|status| status.parse().ok()));
        let is_permanent = case.code.map_or(!text(&row, "status").starts_with('4'), |code| code >= 500);
        let mapped = &map["sisimai"][category][if is_permanent { "on5xx" } else { "on4xx" }];
        // What nobody can qualify is what holds where no rule matches (facts 2.4).
        let is_open = text(mapped, "type") == FailureType::NotDefined.label();
        case.expected =
            if is_open { Some((unmatched.failure_type, unmatched.reason)) } else { meaning(mapped) };
        cases.push(case);
    }
    Ok(cases)
}
