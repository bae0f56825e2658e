//! Mails and lines a second, on one core.

use std::fs;
use std::hint::black_box;
use std::num::NonZero;
use std::path::Path;
use std::thread;
use std::time::Duration;

use emta_mail::compose::ReportFormat;
use emta_mail::inbound;
use emta_qualify::tune::Case;
use emta_qualify::{Pattern, RuleSet, RuleSpec, RuleTests, When};
use emta_sandbox::clock::wall::Stopwatch;
use emta_sandbox::inmail::reading;
use mail_parser::MessageParser;
use serde_json::Value;

use crate::{Failure, everyday, row, thousands};

/// Real time that one round takes at least.
const ROUND: Duration = Duration::from_millis(600);
/// Rounds; the fastest counts, since other programs only ever make one slower.
const ROUNDS: usize = 5;
/// Sizes of the rule sets.
const RULES: [usize; 3] = [100, 1_000, 2_000];

/// Prints how fast mails are read, and how fast with qualification.
pub(crate) fn mails(corpus: Option<&Path>, rules: &RuleSet) -> Result<(), Failure> {
    let mails = match corpus {
        Some(corpus) => files(&corpus.join("set-of-emails/mail"))?,
        None => ReportFormat::ALL.map(everyday::bounce_of).to_vec(),
    };
    let octets: usize = mails.iter().map(Vec::len).sum();
    row("mails, mean size", &format!("{}, {} octets", mails.len(), octets / mails.len().max(1)));
    // What a machine can do differs, from one second to the next; what reading costs beside the parsing of MIME does
    // not. So the three take turns.
    let parser = MessageParser::default();
    let [parsed, read, qualified] = side_by_side(
        &mails,
        [
            &|mail: &Vec<u8>| drop(black_box(parser.parse(mail.as_slice()))),
            &|mail: &Vec<u8>| drop(black_box(inbound::read(mail))),
            &|mail: &Vec<u8>| drop(black_box(reading::read(mail, rules))),
        ],
    );
    row("mails a second: parsed by mail-parser alone", &thousands(parsed));
    let told =
        |speed: u64| format!("{}, {:.2} of that", thousands(speed), speed as f64 / parsed.max(1) as f64);
    row("mails a second: read", &told(read));
    row("mails a second: read and qualified", &told(qualified));
    Ok(())
}

/// Prints how fast reply lines are qualified by sets of several sizes.
pub(crate) fn lines(corpus: Option<&Path>, shipped: &RuleSet) -> Result<(), Failure> {
    let samples = shipped.rules().flat_map(|rule| &rule.tests.matches).map(|sample| sample.text.clone());
    let lines: Vec<String> = match corpus {
        Some(corpus) => fs::read_to_string(corpus.join("reply-lines/lines.jsonl"))?
            .lines()
            .map(|line| {
                Ok(serde_json::from_str::<Value>(line)?["text"].as_str().unwrap_or_default().to_owned())
            })
            .collect::<Result<_, Failure>>()?,
        None => samples.collect(),
    };
    // Every line comes from one of the providers that the other rules are for.
    let case = |(number, line)| Case { provider: Some(provider(number * 7)), ..Case::line("line", line) };
    let cases: Vec<Case> = lines.into_iter().enumerate().map(case).collect();
    let octets: usize = cases.iter().map(|case| case.text.len()).sum();
    row("reply lines, mean size", &format!("{}, {} octets", cases.len(), octets / cases.len().max(1)));
    for count in RULES {
        let specs = padded(shipped, count);
        let kinds = kinds(&specs);
        let watch = Stopwatch::start();
        let set = RuleSet::compile("benchmark", specs)?;
        let compiled = watch.elapsed();
        let decide = |case: &Case| set.winner(&case.as_subject()).map(|winner| winner.position);
        let [speed] = side_by_side(&cases, [&|case: &Case| _ = black_box(decide(case))]);
        let what = format!("lines a second: {} rules", thousands(set.rules().len() as u64));
        let nanoseconds = 1_000_000_000 / speed.max(1);
        let compiled = compiled.as_millis();
        row(
            &what,
            &format!("{} ({nanoseconds} ns a line; compiled in {compiled} ms; {kinds})", thousands(speed)),
        );
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let together: u64 = thread::scope(|scope| {
            let all: Vec<_> = (0..threads).map(|_| scope.spawn(|| per_second(&cases, decide))).collect();
            all.into_iter().map(|one| one.join().unwrap_or_default()).sum()
        });
        row(&format!("  the same set, {threads} threads"), &thousands(together));
    }
    Ok(())
}

/// How many of the rules look for a text, and how many ask for a code, a status or a provider.
fn kinds(specs: &[RuleSpec]) -> String {
    let share = |is_so: fn(&RuleSpec) -> bool| {
        let count = specs.iter().filter(|spec| is_so(spec)).count();
        count * 100 / specs.len().max(1)
    };
    let of_code = |spec: &RuleSpec| !(spec.when.codes.is_empty() && spec.when.statuses.is_empty());
    format!(
        "{} % with a text, {} % with a code or status, {} % for one provider",
        share(|spec| spec.pattern.is_some()),
        share(of_code),
        share(|spec| !spec.when.providers.is_empty())
    )
}

fn files(folder: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let mut paths =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, Failure>>()?;
    paths.sort();
    Ok(paths.into_iter().map(fs::read).collect::<Result<_, _>>()?)
}

/// How many of the items each kind of work gets through in a second: the best of many turns.
fn side_by_side<T, const N: usize>(items: &[T], kinds: [&dyn Fn(&T); N]) -> [u64; N] {
    let mut best = [f64::INFINITY; N];
    let all = Stopwatch::start();
    while all.elapsed() < ROUND * ROUNDS as u32 * N as u32 {
        for (work, best) in kinds.iter().zip(&mut best) {
            let watch = Stopwatch::start();
            items.iter().for_each(work);
            *best = best.min(watch.elapsed().as_secs_f64());
        }
    }
    best.map(|seconds| (items.len() as f64 / seconds) as u64)
}

/// How many of the items are worked through in a second; the best of several rounds.
fn per_second<T, R>(items: &[T], mut work: impl FnMut(&T) -> R) -> u64 {
    let mut best = 0.0_f64;
    for _ in 0..ROUNDS {
        let watch = Stopwatch::start();
        let mut done = 0;
        while done == 0 || watch.elapsed() < ROUND && !items.is_empty() {
            for item in items {
                black_box(work(item));
            }
            done += items.len().max(1);
        }
        best = best.max(done as f64 / watch.elapsed().as_secs_f64());
    }
    best as u64
}

/// The shipped rules behind as many others as make `count`: what an operator with many providers has. The others are
/// in front, so that each line has to get past all of them. Each is made after a shipped rule: the same conditions,
/// and one of its regexes. Every third regex stays as it is and holds for one provider only; the others also want a
/// code of a provider's own. So they are made of the words that the lines have too, and as many of them as of the
/// shipped ones look at codes and statuses only.
fn padded(shipped: &RuleSet, count: usize) -> Vec<RuleSpec> {
    let shipped: Vec<RuleSpec> = shipped.rules().cloned().collect();
    let others = count.saturating_sub(shipped.len());
    let other = |number: usize| {
        let model = &shipped[number % shipped.len()];
        let regexes = model.pattern.iter().flat_map(|pattern| &pattern.regexes);
        let regex = regexes.cycle().nth(number / shipped.len());
        let own = |regex: &String| format!(r"(?:{regex}).{{0,80}}\bpv{number:04}-\d+");
        let is_for_one = regex.is_none() || number.is_multiple_of(3);
        RuleSpec {
            id: format!("provider_{number}"),
            pattern: regex.map(|regex| Pattern {
                regexes: vec![if is_for_one { regex.clone() } else { own(regex) }],
                literals: Vec::new(),
            }),
            when: When {
                providers: is_for_one.then(|| provider(number)).into_iter().collect(),
                ..model.when.clone()
            },
            note: None,
            tests: RuleTests::default(),
            ..model.clone()
        }
    };
    let mut specs: Vec<RuleSpec> = (0..others).map(other).collect();
    specs.extend(shipped);
    specs
}

/// The name of one of the many providers.
fn provider(number: usize) -> String {
    format!("provider{}.example", number % RULES[RULES.len() - 1])
}
