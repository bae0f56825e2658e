//! Real reply lines, without the mails around them.

use std::collections::BTreeSet;

use emta_mail::event::Verdict;
use emta_qualify::tune::evaluate;
use emta_qualify::{unmatched_mail, unmatched_reply};

use crate::{check_floor, disagreements, labels, print_miss, shipped};

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
    let Some(folder) = labels::folder("reply-lines") else { return };
    let told = evaluate(&shipped(name), unmatched, &labels::reply_lines(&folder, unmatched).unwrap());
    for miss in &told.misses {
        print_miss(miss);
    }
    let disputed = disputed();
    println!("{name}: {} of {} right, {} labels disputed", told.right, told.labelled, disputed.len());
    check_floor(name, told.right, told.labelled, FLOOR_PER_MILLE);
    let missed: BTreeSet<String> = told.misses.into_iter().map(|miss| miss.case).collect();
    assert_eq!(missed, disputed, "{name}: the misses, and what is disputed");
}

/// What is disputed of reply lines: `file category`.
fn disputed() -> BTreeSet<String> {
    let (_, table) = disagreements();
    let rows = table.lines().filter(|line| line.contains(".eml |"));
    rows.map(|row| row.split(" | ").take(2).collect::<Vec<_>>().join(" ").replace("| ", "")).collect()
}
