//! `emta rules eval`: the rules held against labels.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use emta_mail::{FailureReason, FailureType};
use emta_qualify::tune::{Confusion, Evaluation, RuleScore, evaluate};
use serde_json::{Value, json};

use super::corpus::{self, Corpus};
use super::source::SetArgs;
use super::tell::{count, meaning, percent, plain, rule, words};
use crate::config::ConfigArgs;
use crate::exit::Exit;
use crate::output::{self, Format, OutputArgs};
use crate::progress::watched;

/// Hold the rules against labelled texts: confusion, precision and recall, every miss, the costly ones first.
#[derive(Args)]
#[command(after_help = "Examples:
  emta rules eval bounces/ --labels labels.jsonl
  emta rules eval replies.txt --labels labels.jsonl --mta --floor 97
  emta rules eval bounces/ --labels labels.jsonl --rules my-rules.yaml --format json | jq .misses

A label is a line of JSON, by file and recipient's place or by line:
  {\"file\": \"full.eml\", \"index\": 1, \"campaign\": {\"type\": \"soft\", \"reason\": \"mailbox_full\"}}
  {\"line\": 7, \"campaign\": {\"type\": \"hard\", \"reason\": \"user_unknown\"}}")]
pub(super) struct Eval {
    /// A folder of mails, an mbox, or a file of reply lines (.txt, or .jsonl with `text`).
    corpus: PathBuf,
    /// Labels, a line of JSON each; rows of a .jsonl corpus may have theirs in `campaign`.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// How many of a hundred labels must be right.
    #[arg(long, value_name = "PERCENT", default_value_t = 100, value_parser = clap::value_parser!(u8).range(0..=100))]
    floor: u8,
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl Eval {
    pub(super) fn run(self, config: &ConfigArgs) -> anyhow::Result<Exit> {
        let set = self.set.load(config)?;
        let corpus = corpus::load(&self.corpus, self.labels.as_deref(), &set)?;
        let told = evaluate(&set, &self.set.unmatched(), watched(&corpus.cases, "held against the rules"));
        match self.output.format {
            Format::Json => output::json(&as_json(&told, &corpus))?,
            Format::Table => output::print(&as_text(&told, &corpus))?,
        }
        let labels = told.labelled + corpus.lost.len();
        if labels == 0 {
            // Nothing is right, and nothing is wrong: a wrong folder must not look like success.
            output::warn("no text has a label; `--labels FILE` says what texts mean");
        }
        let is_missing = labels == 0 && self.labels.is_some();
        let is_enough =
            !is_missing && told.right.saturating_mul(100) >= labels.saturating_mul(self.floor.into());
        Ok(match (is_enough, corpus.unreadable) {
            (false, _) => Exit::Findings,
            (true, 0) => Exit::Ok,
            (true, _) => Exit::Partial,
        })
    }
}

fn as_json(told: &Evaluation, corpus: &Corpus) -> Value {
    let rules = told.rules.iter().map(|score| {
        json!({
            "rule": score.rule, "gives": meaning(score.gives), "wins": score.wins, "labelled": score.labelled,
            "right": score.right, "wanted": score.wanted, "precision": score.precision(), "recall": score.recall(),
        })
    });
    let misses = told.misses.iter().map(|miss| {
        json!({
            "case": miss.case, "mistake": miss.mistake.label(), "expected": meaning(miss.expected),
            "given": meaning(miss.given), "rule": miss.rule, "text": miss.text,
        })
    });
    json!({
        "cases": told.cases,
        "labelled": told.labelled,
        "right": told.right,
        "accuracy": told.accuracy(),
        "to_qualify": told.to_qualify,
        "types": cells(&told.types, FailureType::name),
        "reasons": cells(&told.reasons, FailureReason::name),
        "rules": rules.collect::<Vec<_>>(),
        "misses": misses.collect::<Vec<_>>(),
        "not_found": corpus.lost,
        "unreadable": corpus.unreadable,
    })
}

/// The values that occur, each with precision and recall, and how often which came out as which.
fn cells<T: Ord + Copy>(confusion: &Confusion<T>, name: fn(T) -> &'static str) -> Value {
    let cells = confusion.cells.iter().map(|((expected, given), count)| {
        json!({ "expected": name(*expected), "given": name(*given), "count": count })
    });
    let values = occurring(confusion).into_iter().map(|value| {
        let (precision, recall) = (confusion.precision(value), confusion.recall(value));
        json!({ "value": name(value), "precision": precision, "recall": recall })
    });
    json!({ "cells": cells.collect::<Vec<_>>(), "values": values.collect::<Vec<_>>() })
}

fn occurring<T: Ord + Copy>(confusion: &Confusion<T>) -> BTreeSet<T> {
    confusion.cells.keys().flat_map(|(expected, given)| [*expected, *given]).collect()
}

fn as_text(told: &Evaluation, corpus: &Corpus) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(
        text,
        "{}, {} labelled, {} right ({}), {} to qualify, {} without a finding",
        count(told.cases, "text"),
        told.labelled,
        told.right,
        percent(told.accuracy()),
        told.to_qualify,
        count(corpus.lost.len(), "label")
    );
    if told.labelled > 0 {
        let types = matrix(&told.types, FailureType::name);
        let _ = write!(text, "\nTypes: labels down, verdicts across\n{types}");
        let reasons = matrix(&told.reasons, FailureReason::name);
        let _ = write!(text, "\nReasons: labels down, verdicts across\n{reasons}");
    }
    let used = told.rules.iter().filter(|score| score.wins > 0).map(rule_row);
    let titles = ["rule", "gives", "wins", "labelled", "right", "precision", "recall"];
    let _ = write!(text, "\nRules that won a text\n{}", output::table(&titles, used));
    if told.labelled + corpus.lost.len() == 0 {
        return text;
    }
    let _ = writeln!(text, "\nMisses: {}", told.misses.len());
    let mut mistake = None;
    for miss in &told.misses {
        if mistake.replace(miss.mistake) != Some(miss.mistake) {
            let _ = writeln!(text, "  {}", miss.mistake.label());
        }
        let (expected, given) = (words(miss.expected), words(miss.given));
        let by = rule(miss.rule.as_deref());
        let _ = writeln!(text, "    {}: {expected}, got {given} by {by}", miss.case);
        let _ = writeln!(text, "      {}", plain(&miss.text));
    }
    for case in &corpus.lost {
        let _ = writeln!(text, "  not found in its mail: {case}");
    }
    text
}

/// The values down and across; across they are letters, so that all of them fit on a line.
fn matrix<T: Ord + Copy>(confusion: &Confusion<T>, name: fn(T) -> &'static str) -> String {
    let values = occurring(confusion);
    let letters: Vec<String> = ('a'..='z').map(String::from).take(values.len()).collect();
    let mut titles = vec!["", ""];
    titles.extend(letters.iter().map(String::as_str));
    titles.extend(["precision", "recall"]);
    let rows = values.iter().zip(&letters).map(|(expected, letter)| {
        let counts = values.iter().map(|given| confusion.count(*expected, *given).to_string());
        let shares = [confusion.precision(*expected), confusion.recall(*expected)];
        let names = [letter.to_uppercase(), name(*expected).to_owned()];
        names.into_iter().chain(counts).chain(shares.into_iter().map(percent)).collect()
    });
    output::table(&titles, rows)
}

fn rule_row(score: &RuleScore) -> Vec<String> {
    vec![
        score.rule.clone(),
        words(score.gives),
        score.wins.to_string(),
        score.labelled.to_string(),
        score.right.to_string(),
        percent(score.precision()),
        percent(score.recall()),
    ]
}
