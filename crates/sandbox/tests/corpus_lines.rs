//! The shipped rules against real reply lines, without the mails around them.
//!
//! The corpus is not part of the project; without `../shared` the test says so and passes. `--nocapture` prints every
//! miss, the costly ones first.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

use std::collections::BTreeSet;
use std::path::Path;

use emta_mail::event::Verdict;
use emta_mail::{FailureReason, FailureType};
use emta_qualify::tune::{Case, Meaning, evaluate};
use emta_qualify::{unmatched_mail, unmatched_reply};
use emta_sandbox::config::rules;
use serde_json::Value;

/// Share of the labels, in thousandths, whose type and reason the rules give. What was reached; it may only grow.
const FLOOR_PER_MILLE: usize = 962;

/// Every label that `tests/corpus-disagreements.md` does not dispute is met, and every one that it does is not.
#[test]
fn agrees_with_the_labelled_reply_lines() {
    check("mta.yaml", &unmatched_reply());
    check("inbound-email.yaml", &unmatched_mail());
}

#[track_caller]
fn check(name: &str, unmatched: &Verdict) {
    let (Some(lines), Some(map)) =
        (shared("corpus/reply-lines/lines.jsonl"), shared("facts/class-to-campaign-reason.json"))
    else {
        return;
    };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/rules").join(name);
    let set = rules::parse(name, &std::fs::read_to_string(file).unwrap()).unwrap();
    let map: Value = serde_json::from_str(&map).unwrap();
    let cases: Vec<Case> = lines.lines().filter_map(|line| case(line, &map, unmatched)).collect();
    let told = evaluate(&set, unmatched, &cases);
    for miss in &told.misses {
        let rule = miss.rule.as_deref().unwrap_or("-");
        let ((want, why), (got, because)) = (miss.expected, miss.given);
        println!(
            "{name}: {}: {}: {want} / {why}, `{rule}` says {got} / {because}: {:?}",
            miss.case,
            miss.mistake.label(),
            miss.text
        );
    }
    let disputed = disputed();
    println!("{name}: {} of {} right, {} labels disputed", told.right, told.labelled, disputed.len());
    assert!(
        told.right * 1000 >= told.labelled * FLOOR_PER_MILLE,
        "{name}: {} of {}, expected at least {FLOOR_PER_MILLE} per mille; the misses are above",
        told.right,
        told.labelled
    );
    let missed: BTreeSet<String> = told.misses.into_iter().map(|miss| miss.case).collect();
    assert_eq!(missed, disputed, "{name}: the misses, and what is disputed");
}

/// The second table of the disagreements: `file category`.
fn disputed() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/corpus-disagreements.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.split_once("## Reply lines").unwrap().1.lines().filter(|line| line.contains(".eml |"));
    rows.map(|row| row.split(" | ").take(2).collect::<Vec<_>>().join(" ").replace("| ", "")).collect()
}

/// A line with its label; `None` where the label is of another kind, or of no failure.
fn case(line: &str, map: &Value, unmatched: &Verdict) -> Option<Case> {
    let row: Value = serde_json::from_str(line).unwrap();
    let text = |key: &str| row[key].as_str().unwrap_or_default();
    if text("source") != "sisimai-corpus-diag" || matches!(text("label"), "feedback" | "vacation") {
        return None;
    }
    let file = text("file").rsplit('/').next().unwrap_or_default();
    let mut case = Case::line(format!("{file} {}", text("label")), text("text"));
    // 4.9.x and 5.9.x are the publisher's own codes.
    case.status = case.status.or(text("status").parse().ok().filter(|_| !text("status").contains(".9.")));
    let is_permanent = case.code.map_or(!text("status").starts_with('4'), |code| code >= 500);
    case.expected =
        meaning(&map["sisimai"][text("label")][if is_permanent { "on5xx" } else { "on4xx" }], unmatched);
    Some(case)
}

/// What nobody can qualify is what holds where no rule matches (facts 2.4).
fn meaning(mapped: &Value, unmatched: &Verdict) -> Option<Meaning> {
    let text = |key: &str| mapped[key].as_str().unwrap_or_default();
    let failure_type = *FailureType::ALL.iter().find(|value| value.label() == text("type"))?;
    let reason = *FailureReason::ALL.iter().find(|value| value.label() == text("reason"))?;
    match failure_type {
        FailureType::NotDefined => Some((unmatched.failure_type, unmatched.reason)),
        FailureType::Soft | FailureType::Hard | FailureType::Ignored => Some((failure_type, reason)),
    }
}

/// A file beside the project.
fn shared(path: &str) -> Option<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    let text = std::fs::read_to_string(&file).ok();
    if text.is_none() {
        eprintln!("SKIPPED: there is no {}; the rules were not held against it", file.display());
    }
    text
}
