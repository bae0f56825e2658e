//! Real bounces: whole mails, read and qualified as the bounce mailbox does it, compared with the labels of their
//! publisher by the tools of rule tuning.

use std::path::Path;

use emta_qualify::tune::{Case, Problem, evaluate, lint, suggest};
use emta_qualify::{RuleSet, unmatched_mail, unmatched_reply};
use emta_sandbox::inmail::reading;

use crate::{check_floor, disagreements, labels, print_miss, shipped};

/// Share of the labels, in thousandths, whose type and reason the rules give. What was reached; it may only grow.
const FLOOR_PER_MILLE: usize = 967;
/// The same without the labels that `tests/corpus-disagreements.md` disputes.
const FLOOR_OF_UNDISPUTED_PER_MILLE: usize = 1000;

#[test]
fn type_and_reason_agree_with_the_labels() {
    let Some(corpus) = labels::folder("set-of-emails") else { return };
    let (disagreements, _) = disagreements();
    let is_disputed = |case: &str| disagreements.contains(&format!("| {} |", case.replace(' ', " | ")));
    let (cases, lost) = cases(&corpus, &inbound_email());
    let told = evaluate(&inbound_email(), &unmatched_mail(), &cases);
    let (disputed, misses): (Vec<_>, Vec<_>) = told.misses.iter().partition(|miss| is_disputed(&miss.case));
    for miss in misses {
        print_miss(miss);
    }
    for case in &lost {
        println!("{case}: not read as a failure");
    }
    let all = told.labelled + lost.len();
    println!("{} of {all} right, {} labels disputed", told.right, disputed.len());
    check_floor("mails", told.right, all, FLOOR_PER_MILLE);
    check_floor("undisputed mails", told.right, all - disputed.len(), FLOOR_OF_UNDISPUTED_PER_MILLE);
}

/// A dispute that no longer is one would hide a later mistake.
#[test]
fn every_disputed_label_is_a_miss() {
    let Some(corpus) = labels::folder("set-of-emails") else { return };
    let (cases, _) = cases(&corpus, &inbound_email());
    let missed: Vec<String> = evaluate(&inbound_email(), &unmatched_mail(), &cases)
        .misses
        .iter()
        .map(|miss| miss.case.replace(' ', " | "))
        .collect();
    let (table, _) = disagreements();
    let rows = table.lines().filter(|line| line.contains(".eml |"));
    let settled: Vec<&str> =
        rows.filter(|row| !missed.iter().any(|case| row.starts_with(&format!("| {case} |")))).collect();
    assert_eq!(settled, Vec::<&str>::new());
}

/// Every rule earns its place: none is without samples or dead, and none is out of reach behind another.
#[test]
fn no_shipped_rule_is_dead_or_shadowed() {
    let cases =
        labels::folder("set-of-emails").map_or_else(Vec::new, |corpus| cases(&corpus, &inbound_email()).0);
    let mta = shipped("mta.yaml");
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
    let Some(corpus) = labels::folder("set-of-emails") else { return };
    let mut specs: Vec<_> = inbound_email().rules().cloned().collect();
    // With half of the rules gone there is plenty left to qualify.
    let mut keep = false;
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

fn inbound_email() -> RuleSet {
    shipped("inbound-email.yaml")
}

/// The labelled failures as cases named `file index`; and the names of those that the mail gave no finding for.
fn cases(corpus: &Path, rules: &RuleSet) -> (Vec<Case>, Vec<String>) {
    let (mut cases, mut lost) = (Vec::new(), Vec::new());
    for row in labels::rows(&corpus.join("labels.jsonl")).unwrap() {
        if row["campaign"].is_null() {
            continue;
        }
        let file = labels::text(&row, "file");
        let id = format!("{file} {}", row["index"]);
        let reading = reading::read(&std::fs::read(corpus.join("mail").join(file)).unwrap(), rules);
        match labels::finding(&reading, &row) {
            Some(finding) => {
                let expected = labels::meaning(&row["campaign"]);
                cases.push(Case { expected, ..reading.case(id, finding) });
            }
            None => lost.push(id),
        }
    }
    (cases, lost)
}
