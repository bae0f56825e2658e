//! `emta simulate`: a campaign of millions without a socket, in seconds.

mod watch;

use std::borrow::Cow;
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use emta_sandbox::clock::wall::Stopwatch;
use emta_sandbox::config::scenario::{self, Changes};
use emta_sandbox::config::{ConfigError, Override};
use emta_sandbox::simulation::report::{EventLog, EventSink, Group, OutDir, Run, Study, Summary, tables};
use emta_sandbox::simulation::{self, Finished, Options, Scenario};
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::output;
use watch::Watch;

/// Most seeds of one call: each is a whole run.
const MAX_SEEDS: u64 = 1_000;

/// Play a campaign against the simulated providers, without a socket and on virtual time alone: 84 hours of a million
/// recipients in seconds.
///
/// The cores are those of `emta up`, down to the bytes of SMTP and of bounces; the same seed tells the same story,
/// whatever the number of threads, and prints the same digest. SCENARIO is a file, or one that comes along: everyday,
/// list-hygiene, provider-outage, throttled, warm-up.
#[derive(Args)]
#[command(after_help = "Examples:
  emta simulate everyday --recipients 10000
  emta simulate everyday --out report && xdg-open report/report.html
  emta simulate mine.yaml --set queue.retry.first=5m --format json | jq .groups[0].key_figures
  emta simulate --compare everyday throttled --recipients 50000 --out comparison
  emta simulate warm-up --recipients 20000 --seeds 1..50       how much of it is chance

A scenario, of which every line may be left out:
  name: spring
  recipients: { count: 1000000, mix: { gmail: 40, yahoo: 20, shop.test: 1 } }    or { file: list.csv }
  delivery: { subject: Spring is here, validity: 24h, waves: { count: 4, every: 6h } }
  weights: { gmail: { unknown: 8 } }                     of a provider's outcomes
  outages: [{ provider: yahoo, after: 1h, for: 6h, script: timeout }]
  queue: { retry: [20m, 1h, 4h], limits: { connections: 5 } }
  providers, rules, campaign, hostname, seed: as in `emta config show-default`")]
pub(crate) struct Simulate {
    /// A scenario: a file, or the name of one that comes along.
    #[arg(value_name = "SCENARIO", required_unless_present = "compare", conflicts_with = "compare")]
    scenario: Option<String>,
    /// Run two scenarios on the same seed and hold them against each other.
    #[arg(long, num_args = 2, value_names = ["A", "B"])]
    compare: Option<Vec<String>>,
    /// Another number of made-up recipients.
    #[arg(long, value_name = "COUNT")]
    recipients: Option<u32>,
    /// Another seed of all chance.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Run each of these seeds, and show the fifth percentile, the median and the 95th.
    #[arg(long, value_name = "FIRST..LAST", value_parser = seeds, conflicts_with = "seed")]
    seeds: Option<RangeInclusive<u64>>,
    /// Set any option that the main file has too, such as `--set queue.validity=24h`; may be repeated.
    #[arg(long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// Threads; as many as there are cores by default. They change the time that it takes, and nothing else.
    #[arg(long, value_name = "COUNT")]
    threads: Option<NonZeroUsize>,
    /// Write events, KPIs by virtual hour, a summary and a page to read into this folder.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// Write into a folder that is not empty.
    #[arg(long, requires = "out")]
    force: bool,
    /// Compress the events (gzip).
    #[arg(long, requires = "out")]
    compress: bool,
    /// How to print the summary: `text` for people, `json` for programs.
    #[arg(long, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Tables.
    Text,
    /// One object.
    Json,
}

/// A run that is over.
struct Done {
    finished: Finished,
    log: EventLog,
}

impl Simulate {
    pub(crate) fn run(self) -> anyhow::Result<Exit> {
        let names = match (&self.scenario, &self.compare) {
            (Some(name), _) => vec![name.clone()],
            (None, names) => names.clone().unwrap_or_default(),
        };
        let seeds: Vec<Option<u64>> = match &self.seeds {
            Some(seeds) => seeds.clone().map(Some).collect(),
            None => vec![self.seed],
        };
        // What is wrong with a scenario is told before the first run, and so is a folder that cannot be used.
        let first = self.changes(seeds.first().copied().flatten())?;
        let loaded = names.iter().map(|name| scenario::load(name, &first));
        let mut loaded = loaded.collect::<Result<VecDeque<_>, _>>()?;
        let out = self.out.as_ref().map(|path| OutDir::create(path, self.force)).transpose()?;
        let stop = stop_on_interrupt()?;
        let watch = Stopwatch::start();
        let mut groups: Vec<Vec<Done>> = Vec::new();
        for name in &names {
            let mut group = Vec::new();
            let mut first = loaded.pop_front();
            for seed in &seeds {
                let scenario = match first.take() {
                    Some(scenario) => scenario,
                    None => scenario::load(name, &self.changes(*seed)?)?,
                };
                let sink = match &out {
                    Some(out) if seeds.len() == 1 => {
                        let label = if groups.is_empty() { "a" } else { "b" };
                        let label = (names.len() > 1).then_some(label);
                        out.events(label, self.compress)?
                    }
                    Some(_) | None => EventSink::digest_only(),
                };
                let done = self.simulate(name, scenario, sink, &stop)?;
                let stopped = done.finished.stopped;
                group.push(done);
                if stopped {
                    groups.push(group);
                    return Ok(interrupted(&groups));
                }
            }
            groups.push(group);
        }
        let seconds = watch.elapsed().as_secs_f64();
        let arguments: Vec<String> =
            std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
        let command = command(arguments.iter().map(String::as_str));
        let Some(study) = study(&names, &groups, &command) else { return Ok(Exit::Findings) };
        if let Some(out) = &out {
            out.write(&study)?;
        }
        self.print(&study, &Measured::new(&groups, seconds))?;
        if let Some(out) = &out {
            let events =
                if seeds.len() == 1 { ", events" } else { "; no events, since there are several seeds" };
            let folder = out.path().display();
            output::tell(format_args!("written to {folder}: report.html, summary.json, kpis.csv{events}"));
        }
        Ok(Exit::Ok)
    }

    fn changes(&self, seed: Option<u64>) -> Result<Changes, ConfigError> {
        let mut set = self.set.iter().map(|set| Override::parse(set)).collect::<Result<Vec<_>, _>>()?;
        set.extend(seed.map(|seed| Override::flag("--seed", "seed", seed.to_string())));
        Ok(Changes { recipients: self.recipients, set })
    }

    fn simulate(
        &self,
        name: &str,
        scenario: Scenario,
        sink: EventSink,
        stop: &Arc<AtomicBool>,
    ) -> anyhow::Result<Done> {
        let threads = self.threads.or_else(|| std::thread::available_parallelism().ok());
        let seed = scenario.config.seed.to_string();
        let recipients = self.recipients.map(|recipients| recipients.to_string());
        let mut words = vec!["simulate", name, "--seed", &seed];
        words.extend(recipients.iter().flat_map(|recipients| ["--recipients", recipients]));
        words.extend(self.set.iter().flat_map(|set| ["--set", set]));
        let command = command(words);
        let options = Options { threads: threads.map_or(1, NonZeroUsize::get), lines: sink.lines(), command };
        let mut watch = Watch::new(&scenario, sink, stop.clone());
        let finished = simulation::run(scenario, &options, &mut watch)?;
        Ok(Done { finished, log: watch.finish()? })
    }

    fn print(&self, study: &Study<'_>, measured: &Measured) -> anyhow::Result<()> {
        match self.format {
            Format::Json => {
                let mut summary = serde_json::to_value(Summary::new(study))?;
                summary["measured"] = measured.json();
                output::json(&summary)
            }
            Format::Text => {
                for table in tables::all(study) {
                    let titles: Vec<&str> = table.titles.iter().map(String::as_str).collect();
                    output::print(&format!("{}\n{}\n", table.caption, output::table(&titles, table.rows)))?;
                }
                for run in study.groups().flat_map(Group::runs) {
                    let setting = run.figures.setting();
                    let digest = run.digest;
                    output::print(&format!(
                        "digest of {} on seed {}: {digest}",
                        setting.scenario, setting.seed
                    ))?;
                }
                output::print(&measured.text())
            }
        }
    }
}

/// The runs as what a report is about; `None` if there were none.
fn study<'a>(names: &[String], groups: &'a [Vec<Done>], command: &str) -> Option<Study<'a>> {
    let run = |done: &'a Done| Run { figures: &done.finished.figures, digest: done.log.digest };
    let mut made = names.iter().zip(groups).filter_map(|(name, group)| {
        let (first, others) = group.split_first()?;
        Some(Group::new(name.clone(), run(first)).with(others.iter().map(run)))
    });
    let first = made.next()?;
    Some(match made.next() {
        Some(second) => Study::comparison(first, second, command),
        None => Study::new(first, command),
    })
}

/// How far the runs came that Ctrl-C ended.
fn interrupted(groups: &[Vec<Done>]) -> Exit {
    if let Some(Done { finished, log }) = groups.iter().flatten().next_back() {
        let progress = &finished.progress;
        output::tell(format_args!(
            "interrupted at +{} h of {} h of virtual time: {} messages accepted, {} done, {} events; digest so far {}",
            progress.passed.as_secs() / 3600,
            progress.planned.as_secs() / 3600,
            progress.accepted,
            progress.finished,
            log.events,
            log.digest,
        ));
    }
    Exit::Interrupted
}

/// What the machine needed. Not part of any file: those are the same on every machine.
struct Measured {
    seconds: f64,
    recipients: u64,
    events: u64,
    /// Most memory that the process had at a time, in octets, where the system tells.
    peak_memory: Option<u64>,
}

impl Measured {
    fn new(groups: &[Vec<Done>], seconds: f64) -> Self {
        let runs = || groups.iter().flatten();
        Self {
            seconds,
            recipients: runs().map(|done| done.finished.figures.setting().recipients).sum(),
            events: runs().map(|done| done.log.events).sum(),
            peak_memory: peak_memory(),
        }
    }

    fn rate(&self) -> f64 {
        if self.seconds > 0.0 { self.recipients as f64 / self.seconds } else { 0.0 }
    }

    fn json(&self) -> Value {
        json!({
            "seconds": self.seconds,
            "recipients_per_second": self.rate().round(),
            "events": self.events,
            "peak_memory": self.peak_memory,
        })
    }

    fn text(&self) -> String {
        let memory = self.peak_memory.map_or(String::new(), |peak| format!(", {} MiB of memory", peak >> 20));
        format!(
            "{} recipients and {} events in {:.1} s: {:.0} recipients a second{memory}",
            self.recipients,
            self.events,
            self.seconds,
            self.rate()
        )
    }
}

/// The high-water mark of the process's memory, as Linux tells it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// A flag that Ctrl-C raises.
fn stop_on_interrupt() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = stop.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("Ctrl-C could not be listened for")?;
    std::thread::spawn(move || {
        if runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            raised.store(true, Ordering::Relaxed);
        }
    });
    Ok(stop)
}

/// A command line of this program, as a shell takes it.
fn command<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    std::iter::once("emta").chain(words).map(quoted).collect::<Vec<_>>().join(" ")
}

/// A word for a POSIX shell: in single quotes, unless it has only letters that mean nothing to one.
fn quoted(word: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,=+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return Cow::Borrowed(word);
    }
    Cow::Owned(format!("'{}'", word.replace('\'', r"'\''")))
}

/// Reads `1..50`.
fn seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let wrong = || format!("`{text}` are no seeds; expected the first and the last, such as `1..50`");
    let (first, last) = text.split_once("..").ok_or_else(wrong)?;
    let (first, last): (u64, u64) = (first.parse().map_err(|_| wrong())?, last.parse().map_err(|_| wrong())?);
    match last.checked_sub(first) {
        Some(more) if more < MAX_SEEDS => Ok(first..=last),
        Some(more) => {
            Err(format!("`{text}` are {} seeds; expected at most {MAX_SEEDS}", more.saturating_add(1)))
        }
        None => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_takes_the_command_as_it_was() {
        let check = |words: &[&str], expected: &str| assert_eq!(command(words.iter().copied()), expected);
        check(&["simulate", "warm-up", "--seeds", "1..50"], "emta simulate warm-up --seeds 1..50");
        check(&["my plan.yaml", "--set", "a.b=[1m, 2h]"], "emta 'my plan.yaml' --set 'a.b=[1m, 2h]'");
        check(&["", "it's", "$x", "~a", "é"], r"emta '' 'it'\''s' '$x' '~a' 'é'");
    }

    #[test]
    fn seeds_at_the_bound() {
        assert_eq!(seeds("1..50"), Ok(1..=50));
        assert_eq!(seeds("7..7"), Ok(7..=7));
        assert_eq!(seeds("1..1000"), Ok(1..=1000));
        assert!(seeds("1..1001").unwrap_err().contains("`1..1001` are 1001 seeds"));
        for text in ["", "1", "5..1", "a..b", "..", "0..18446744073709551615"] {
            assert!(seeds(text).is_err(), "{text}");
        }
    }
}
