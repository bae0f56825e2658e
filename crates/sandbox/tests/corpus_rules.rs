//! The shipped rules against real bounces: whole mails, read and qualified as the bounce mailbox does it, compared
//! with the labels of their publisher by the tools of rule tuning.
//!
//! The corpus is not part of the project; without `../shared` the tests say so and pass. `--nocapture` prints every
//! miss, the costly ones first, and what no rule knows.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

use std::path::{Path, PathBuf};

use emta_mail::{FailureReason, FailureType};
use emta_qualify::tune::{Case, Meaning, Problem, evaluate, lint, suggest};
use emta_qualify::{Kind, RuleSet, unmatched_mail, unmatched_reply};
use emta_sandbox::config::rules;
use emta_sandbox::inmail::reading::{self, Finding, Reading};
use serde_json::Value;

/// Share of the labels, in thousandths, whose type and reason the rules give. What was reached; it may only grow.
const FLOOR_PER_MILLE: usize = 964;
/// The same without the labels that `tests/corpus-disagreements.md` disputes.
const FLOOR_OF_UNDISPUTED_PER_MILLE: usize = 996;

#[test]
fn type_and_reason_agree_with_the_labels() {
    let Some(corpus) = corpus() else { return };
    let disagreements = disagreements();
    let is_disputed = |case: &str| disagreements.contains(&format!("| {} |", case.replace(' ', " | ")));
    let (cases, lost) = cases(&corpus, &inbound_email());
    let told = evaluate(&inbound_email(), &unmatched_mail(), &cases);
    let (disputed, misses): (Vec<_>, Vec<_>) = told.misses.iter().partition(|miss| is_disputed(&miss.case));
    for miss in &misses {
        let rule = miss.rule.as_deref().unwrap_or("-");
        let ((want, why), (got, because)) = (miss.expected, miss.given);
        println!(
            "{}: {}: {want} / {why}, `{rule}` says {got} / {because}: {:?}",
            miss.case,
            miss.mistake.label(),
            miss.text
        );
    }
    for case in &lost {
        println!("{case}: not read as a failure");
    }
    let all = told.labelled + lost.len();
    println!("{} of {all} right, {} labels disputed", told.right, disputed.len());
    check_floor(told.right, all, FLOOR_PER_MILLE);
    check_floor(told.right, all - disputed.len(), FLOOR_OF_UNDISPUTED_PER_MILLE);
}

#[track_caller]
fn check_floor(right: usize, all: usize, floor: usize) {
    assert!(
        right * 1000 >= all * floor,
        "{right} of {all}, expected at least {floor} per mille; the misses are above"
    );
}

/// A dispute that no longer is one would hide a later mistake.
#[test]
fn every_disputed_label_is_a_miss() {
    let Some(corpus) = corpus() else { return };
    let (cases, _) = cases(&corpus, &inbound_email());
    let missed: Vec<String> = evaluate(&inbound_email(), &unmatched_mail(), &cases)
        .misses
        .iter()
        .map(|miss| miss.case.replace(' ', " | "))
        .collect();
    let table = disagreements();
    let rows = table.lines().filter(|line| line.contains(".eml |"));
    let settled: Vec<&str> =
        rows.filter(|row| !missed.iter().any(|case| row.starts_with(&format!("| {case} |")))).collect();
    assert_eq!(settled, Vec::<&str>::new());
}

/// Every rule earns its place: none is without samples or dead, and none is out of reach behind another.
#[test]
fn no_shipped_rule_is_dead_or_shadowed() {
    let cases = corpus().map_or_else(Vec::new, |corpus| cases(&corpus, &inbound_email()).0);
    let mta = rules::parse("mta.yaml", &project_file("config/rules/mta.yaml")).unwrap();
    let mut grave = Vec::new();
    let findings = lint(&inbound_email(), &unmatched_mail(), &cases);
    for finding in findings.into_iter().chain(lint(&mta, &unmatched_reply(), &[])) {
        println!("{finding}");
        match finding.problem {
            Problem::Dead | Problem::Shadowed { .. } | Problem::Duplicate { .. } | Problem::Untested => {
                grave.push(finding.to_string());
            }
            Problem::Conflicting { .. }
            | Problem::Redundant { .. }
            | Problem::Unanchored { .. }
            | Problem::TooBroad { .. } => {}
        }
    }
    assert_eq!(grave, Vec::<String>::new());
}

/// What no rule knows gets drafted rules that pass their own samples.
#[test]
fn what_is_left_gets_suggestions() {
    let Some(corpus) = corpus() else { return };
    let mut specs: Vec<_> = inbound_email().rules().cloned().collect();
    // With half of the rules gone there is plenty left to qualify.
    let mut keep = true;
    specs.retain(|spec| {
        keep = !keep;
        keep || spec.takes_everything()
    });
    let set = RuleSet::compile("half", specs.clone()).unwrap();
    let suggestions = suggest(&set, &cases(&corpus, &set).0);
    assert!(suggestions.iter().filter(|suggestion| suggestion.rule.is_some()).count() > 20);
    specs.truncate(specs.len() - 1);
    let drafts = suggestions.iter().filter_map(|suggestion| suggestion.rule.clone());
    let whole = RuleSet::compile("with drafts", specs.into_iter().chain(drafts).collect()).unwrap();
    let failures: Vec<_> =
        whole.run_tests().into_iter().filter(|failure| failure.rule.starts_with("Suggested_")).collect();
    assert_eq!(failures, []);
}

fn project_file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

/// What is said of mails; `corpus_lines.rs` reads the rest.
fn disagreements() -> String {
    let text = project_file("tests/corpus-disagreements.md");
    text.split_once("## Reply lines").unwrap().0.to_owned()
}

fn inbound_email() -> RuleSet {
    rules::parse("inbound-email.yaml", &project_file("config/rules/inbound-email.yaml")).unwrap()
}

fn corpus() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/set-of-emails");
    if folder.join("labels.jsonl").is_file() {
        return Some(folder);
    }
    eprintln!("SKIPPED: ../shared/corpus/set-of-emails is not here; the rules were not held against it");
    None
}

/// The labelled failures as cases named `file index`; and the names of those that the mail gave no finding for.
fn cases(corpus: &Path, rules: &RuleSet) -> (Vec<Case>, Vec<String>) {
    let labels = std::fs::read_to_string(corpus.join("labels.jsonl")).unwrap();
    let (mut cases, mut lost) = (Vec::new(), Vec::new());
    for row in labels.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        if row["campaign"].is_null() {
            continue;
        }
        let file = row["file"].as_str().unwrap();
        let id = format!("{file} {}", row["index"]);
        let reading = reading::read(&std::fs::read(corpus.join("mail").join(file)).unwrap(), rules);
        match finding(&reading, &row) {
            Some(finding) => cases.push(case(id, &reading, finding, expected(&row["campaign"]))),
            None => lost.push(id),
        }
    }
    (cases, lost)
}

/// The finding about the label's recipient, else the one in its place.
fn finding<'a>(reading: &'a Reading, label: &Value) -> Option<&'a Finding> {
    let wanted = label["recipient"].as_str().unwrap_or_default();
    let is_about = |finding: &&Finding| {
        let mut names = [&finding.recipient, &finding.alias].into_iter().flatten();
        names.any(|name| name.eq_ignore_ascii_case(wanted))
    };
    let place = usize::try_from(label["index"].as_u64()?).ok()?.checked_sub(1)?;
    reading.findings.iter().find(is_about).or_else(|| reading.findings.get(place))
}

fn case(id: String, reading: &Reading, finding: &Finding, expected: Option<Meaning>) -> Case {
    let kind = match finding.meaning {
        reading::Meaning::Bounce | reading::Meaning::Delayed | reading::Meaning::Delivered => Kind::Bounce,
        reading::Meaning::Complaint | reading::Meaning::Unsubscribe => Kind::Complaint,
        reading::Meaning::AutoReply => Kind::AutoReply,
    };
    Case {
        id,
        kind,
        text: finding.text.clone(),
        code: finding.reply_code,
        status: finding.status,
        phase: None,
        provider: None,
        sender_format: Some(reading.mail.sender_format.to_owned()),
        subject: Some(reading.mail.subject.clone()),
        body: Some(reading.mail.text.clone()),
        expected,
    }
}

/// `Not defined` says that a person must decide: no label.
fn expected(label: &Value) -> Option<Meaning> {
    let text = |key: &str| label[key].as_str().unwrap_or_default();
    let failure_type = FailureType::ALL.iter().find(|value| value.label() == text("type"));
    let reason = FailureReason::ALL.iter().find(|value| value.label() == text("reason"));
    failure_type.copied().zip(reason.copied()).filter(|(t, _)| *t != FailureType::NotDefined)
}
