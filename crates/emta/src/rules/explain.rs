//! `emta rules explain`: one decision, step by step.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use emta_qualify::tune::{Case, Step, StepOutcome, Trace, trace};
use serde_json::{Value, json};

use super::corpus;
use super::source::SetArgs;
use super::tell::{meaning, plain, rule, words};
use crate::config::ConfigArgs;
use crate::exit::Exit;
use crate::inmail::files;
use crate::output::{self, Format, OutputArgs};

/// Tell how the rules decide about a text or a mail, step by step.
#[derive(Args)]
#[command(after_help = "Examples:
  emta rules explain '550 5.1.1 mailbox is over quota'
  emta rules explain --matches bounce.eml        only the rules that match
  emta rules explain --mta '421 4.7.0 try again later' --format json

The step marked `*` decides; those marked `+` would have, had no rule before matched.")]
pub(super) struct Explain {
    /// A reply line, or a file: a mail, an mbox, or reply lines; `-` is standard input.
    #[arg(value_name = "TEXT|FILE", value_parser = NonEmptyStringValueParser::new())]
    input: String,
    /// Show only the rules that match.
    #[arg(long)]
    matches: bool,
    #[command(flatten)]
    set: SetArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Whether a text looks like the path of a file that is not there: one word, with a slash or the ending of a file.
fn is_meant_as_file(text: &str) -> bool {
    const ENDINGS: [&str; 5] = [".eml", ".mbox", ".txt", ".jsonl", ".msg"];
    let ending = text.rfind('.').and_then(|at| text.get(at..)).unwrap_or_default();
    let is_word = !text.contains(char::is_whitespace);
    let has_ending = ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known));
    is_word && (text.contains('/') || has_ending) || PathBuf::from(text).is_dir()
}

impl Explain {
    pub(super) fn run(self, config: &ConfigArgs) -> anyhow::Result<Exit> {
        let set = self.set.load(config)?;
        let path = PathBuf::from(&self.input);
        // Not `is_file`: what a shell hands over by `<(...)` is a pipe.
        let cases = if self.input == "-" || path.exists() && !path.is_dir() {
            let raw = files::read(&path)
                .map_err(|error| anyhow::anyhow!("`{}` cannot be read: {error}", self.input))?;
            if corpus::is_binary(&raw) {
                bail!("`{}` cannot be read: neither a mail nor a text", self.input);
            }
            if corpus::looks_like_mail(&raw) { corpus::of_mail(&raw, &set) } else { lines(&raw) }
        } else if is_meant_as_file(&self.input) {
            bail!(
                "`{0}` is no file, expected a mail or reply lines\n\
                 hint: a text comes in by standard input, too: `emta rules explain - <<< '{0}'`",
                self.input
            );
        } else {
            vec![Case::line("text", &self.input)]
        };
        if cases.is_empty() {
            output::tell(format_args!("`{}` says nothing of any recipient: no rule is asked", self.input));
            if self.output.format == Format::Json {
                output::json(&json!([]))?;
            }
            return Ok(Exit::Findings);
        }
        let unmatched = self.set.unmatched();
        let traces = cases.iter().map(|case| (case, trace(&set, &unmatched, case)));
        match self.output.format {
            Format::Json => {
                let told: Vec<Value> = traces.map(|(case, trace)| self.json(case, &trace)).collect();
                output::json(&Value::from(told))?;
            }
            Format::Table => {
                let told: Vec<String> = traces.map(|(case, trace)| self.text(case, &trace)).collect();
                output::print(&told.join("\n"))?;
            }
        }
        Ok(Exit::Ok)
    }

    /// The steps that are shown, each with its place in the set.
    fn shown<'a>(&self, trace: &'a Trace) -> impl Iterator<Item = (usize, &'a Step)> {
        let all = !self.matches;
        trace.steps.iter().enumerate().filter(move |(_, step)| all || step.outcome.is_match())
    }

    fn json(&self, case: &Case, trace: &Trace) -> Value {
        let verdict = &trace.verdict;
        let steps: Vec<Value> = self.shown(trace).map(|(place, step)| step_json(place, step)).collect();
        json!({
            "case": case.id,
            "kind": case.kind.name(),
            "text": case.shown(),
            "code": trace.code,
            "status": trace.status.map(|status| status.to_string()),
            "normalised": trace.normalised,
            "digest": trace.digest.to_string(),
            "steps": steps,
            "winner": trace.winner,
            "rule": verdict.rule,
            "class": verdict.class.map(emta_mail::BounceClass::name),
            "type": verdict.failure_type.name(),
            "reason": verdict.reason.name(),
            "to_qualify": trace.to_qualify,
        })
    }

    fn text(&self, case: &Case, trace: &Trace) -> String {
        let mut text = String::new();
        let nothing = || "-".to_owned();
        let heads = [
            ("case", plain(&case.id)),
            ("text", plain(case.shown())),
            ("kind", case.kind.name().to_owned()),
            ("code", trace.code.map_or_else(nothing, |code| code.to_string())),
            ("status", trace.status.map_or_else(nothing, |status| status.to_string())),
            ("normalised", plain(&trace.normalised)),
            ("digest", trace.digest.to_string()),
        ];
        // Writing to a String does not fail.
        for (name, value) in heads {
            let _ = writeln!(text, "{name:<12}{value}");
        }
        for (place, step) in self.shown(trace) {
            let mark = match (trace.winner == Some(place), step.outcome.is_match()) {
                (true, _) => '*',
                (false, true) => '+',
                (false, false) => ' ',
            };
            let _ = writeln!(text, "{mark}{:>4}  {}: {}", place + 1, step.rule, told(&step.outcome));
        }
        let verdict = &trace.verdict;
        let class = verdict.class.map_or(String::new(), |class| format!(", class {}", class.name()));
        let meaning = words((verdict.failure_type, verdict.reason));
        let by = rule(verdict.rule.as_deref());
        let open = if trace.to_qualify { ", to qualify" } else { "" };
        let _ = writeln!(text, "{:<12}{meaning}{class}, by {by}{open}", "verdict");
        text
    }
}

fn lines(raw: &[u8]) -> Vec<Case> {
    let text = String::from_utf8_lossy(raw);
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(at, line)| Case::line(format!("line {}", at + 1), line)).collect()
}

/// What a rule made of the text, in words.
fn told(outcome: &StepOutcome) -> String {
    match outcome {
        StepOutcome::ConditionFailed { condition, wanted, had } => {
            let had =
                had.as_deref().map_or_else(|| "there is none".to_owned(), |had| format!("it is `{had}`"));
            format!("`when.{condition}` wants {}, {had}", wanted.join(" or "))
        }
        StepOutcome::NotFound { patterns, looked_at, missing } => {
            let names = |fields: &[emta_qualify::Field]| {
                fields.iter().map(|field| field.name()).collect::<Vec<_>>().join(", ")
            };
            let lacks = match missing.as_slice() {
                [] => String::new(),
                missing => format!("; there is no {}", names(missing)),
            };
            format!("none of {patterns} patterns found in {}{lacks}", names(looked_at))
        }
        StepOutcome::ConditionsSuffice => "matches by its conditions".to_owned(),
        StepOutcome::Found { list, place, pattern, field, span, text } => format!(
            "{list}[{place}] `{}` found in {} at {}..{}: `{}`",
            plain(pattern),
            field.name(),
            span.start,
            span.end,
            plain(text)
        ),
    }
}

fn step_json(place: usize, step: &Step) -> Value {
    let fields = |fields: &[emta_qualify::Field]| fields.iter().map(|field| field.name()).collect::<Vec<_>>();
    let outcome = match &step.outcome {
        StepOutcome::ConditionFailed { condition, wanted, had } => {
            json!({ "outcome": "condition_failed", "condition": condition, "wanted": wanted, "had": had })
        }
        StepOutcome::NotFound { patterns, looked_at, missing } => json!({
            "outcome": "not_found", "patterns": patterns, "looked_at": fields(looked_at), "missing": fields(missing),
        }),
        StepOutcome::ConditionsSuffice => json!({ "outcome": "conditions_suffice" }),
        StepOutcome::Found { list, place, pattern, field, span, text } => json!({
            "outcome": "found", "list": list, "place": place, "pattern": pattern, "field": field.name(),
            "span": [span.start, span.end], "text": text,
        }),
    };
    json!({
        "position": place,
        "rule": step.rule,
        "gives": step.gives.map(meaning),
        "matches": step.outcome.is_match(),
        "detail": outcome,
    })
}
