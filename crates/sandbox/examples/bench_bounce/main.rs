//! How well and how fast bounces are read and qualified, in figures that anybody can make again:
//! `make bench-bounce`. Run from the top folder of the project, in release.
//!
//! Quality is held against the labels of `../shared/corpus`, which is not part of the project; where it is missing
//! that is said, and speed is measured with mails that [`emta_mail::compose`] writes. Everything runs on one core.

#[path = "../../tests/corpus/labels.rs"]
mod corpus;
mod everyday;
mod labels;
mod memory;
mod speed;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use emta_qualify::RuleSet;
use emta_sandbox::config::rules;

/// That of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Why it cannot go on, for people.
type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let done = match (args.next().as_deref(), args.next()) {
        (None, None) => all(),
        // This program calls itself so: the peak is that of a process which does nothing else.
        (Some(memory::FLAG), Some(shape)) => memory::measure(&shape),
        _ => Err("expected no argument".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn all() -> Result<(), Failure> {
    let inbound = rule_set("inbound-email.yaml")?;
    let mta = rule_set("mta.yaml")?;
    // Where it is missing, that is said, and speed is measured with mails that we write.
    let corpus = corpus::folder("");
    if let Some(corpus) = &corpus {
        labels::report(corpus, &inbound, &mta)?;
    }
    speed::mails(corpus.as_deref(), &inbound)?;
    speed::lines(corpus.as_deref(), &mta)?;
    memory::report()
}

fn rule_set(name: &str) -> Result<RuleSet, Failure> {
    let path = Path::new("config/rules").join(name);
    let text = fs::read_to_string(&path).map_err(|error| format!("`{}`: {error}", path.display()))?;
    Ok(rules::parse(name, &text)?)
}

/// One line: what, and how much of it.
fn row(what: &str, value: &str) {
    println!("{what:<50}{value}");
}

/// `3 of 4 (75.0 %)`.
fn share(right: usize, all: usize) -> String {
    format!("{right} of {all} ({:.1} %)", right as f64 * 100.0 / all.max(1) as f64)
}

/// A number with its thousands apart, as people read it.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() * 4 / 3 + 1);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
