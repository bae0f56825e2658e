//! The shipped rules against the tuning corpora.
//!
//! The corpora are not part of the project; without `../shared` the tests say so and pass. `--nocapture` prints every
//! miss, the costly ones first.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its input has failed")]

mod labels;
mod lines;
mod mails;

use std::path::Path;

use emta_qualify::RuleSet;
use emta_qualify::tune::Miss;
use emta_sandbox::config::rules;

fn project_file(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

fn shipped(name: &str) -> RuleSet {
    rules::parse(name, &project_file(&format!("config/rules/{name}"))).unwrap()
}

/// The tables of `tests/corpus-disagreements.md`: labels of mails, and of reply lines.
fn disagreements() -> (String, String) {
    let text = project_file("tests/corpus-disagreements.md");
    let (failures, _ordinary) = text.split_once("## Ordinary mail").unwrap();
    let (mails, lines) = failures.split_once("## Reply lines").unwrap();
    (mails.to_owned(), lines.to_owned())
}

fn print_miss(miss: &Miss) {
    let Miss { case, text, expected: (want, why), given: (got, because), rule, mistake } = miss;
    let (rule, mistake) = (rule.as_deref().unwrap_or("-"), mistake.label());
    println!("{case}: {mistake}: {want} / {why}, `{rule}` says {got} / {because}: {text:?}");
}

/// At least so many of a thousand are right.
#[track_caller]
fn check_floor(name: &str, right: usize, all: usize, floor: usize) {
    assert!(
        right * 1000 >= all * floor,
        "{name}: {right} of {all}, expected at least {floor} per mille; the misses are above"
    );
}
