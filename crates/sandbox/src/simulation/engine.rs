//! The run: shards live side by side from bound to bound, and what they tell is told in one order.

use std::mem;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use emta_mail::Timestamp;
use emta_providers::ProvidersError;

use super::audience::{Division, SHARDS};
use super::crew::Crew;
use super::figures::{Figures, Outcome, Setting};
use super::mta::Mta;
use super::scenario::Scenario;
use super::shard::Shard;
use super::steps::Steps;
use super::told::{self, Bound, Page, Told};
use super::world::World;

/// How a simulation is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads, at least 1. Their number changes nothing in the story.
    pub threads: usize,
    /// Whether events are told as lines, too.
    pub lines: Lines,
    /// The command line, for reports.
    pub command: String,
}

/// Whether events are told as lines of JSON, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// They are, in the shape of the API's and the webhooks' events.
    Written,
    /// Nobody reads them.
    Omitted,
}

/// How far it came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Virtual time since the start.
    pub passed: Duration,
    /// Virtual time from the start until nothing more is waited for.
    pub planned: Duration,
    /// Events told.
    pub events: u64,
    /// Messages that the MTA took.
    pub accepted: u64,
    /// Messages that the MTA is done with.
    pub finished: u64,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Finished {
    /// What it adds up to.
    pub figures: Figures,
    /// How far it came.
    pub progress: Progress,
    /// Whether the end was reached, or somebody stopped it.
    pub stopped: bool,
    /// Mails that came back and speak of no message.
    pub unmatched: u64,
}

/// Why a simulation could not be run.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The providers contradict each other.
    #[error(transparent)]
    Providers(#[from] ProvidersError),
    /// What is told could not be written.
    #[error("the events could not be written: {0}")]
    Events(#[from] std::io::Error),
}

/// Who listens to a simulation.
pub trait Listener {
    /// Takes an event, in the order of the story.
    ///
    /// # Errors
    /// When it cannot; the simulation ends then.
    fn event(&mut self, event: Told<'_>) -> std::io::Result<()>;

    /// Hears how far it has come; may stop it.
    fn progress(&mut self, progress: &Progress) -> ControlFlow<()>;
}

/// Runs a scenario.
///
/// # Errors
/// See [`SimulationError`].
pub fn run(
    scenario: Scenario,
    options: &Options,
    listener: &mut impl Listener,
) -> Result<Finished, SimulationError> {
    let threads = options.threads.max(1);
    let setting = Setting {
        scenario: scenario.name.clone(),
        seed: scenario.config.seed,
        recipients: scenario.plan.recipients() as u64,
        start: scenario.plan.start,
        end: scenario.plan.end(),
        command: options.command.clone(),
    };
    let Scenario { name: _, config, content, plan, outages } = scenario;
    let world = Arc::new(World::new(config, content, &plan, outages));
    let division = Division::new(&plan, &world, threads);
    let steps = Steps::new(division.starts().collect(), division.wave_size());
    let mta = Mta::new(&world)?;
    let make = |number, ()| {
        let members = division.members(number);
        (number, Shard::new(&world, mta.for_others(), &setting, options.lines, members))
    };
    let mut shards = thread::scope(|scope| Crew::new(scope, threads, SHARDS, &make).step((), || ()).0);
    drop(division);
    shards.sort_unstable_by_key(|(number, _)| *number);
    let shards: Vec<_> = shards.into_iter().map(|(_, shard)| Lane::new(shard)).collect();

    let ledgers = Ledgers { setting: &setting, idle: Mutex::default() };
    let (progress, stopped) = live(&shards, steps, threads, &ledgers, listener)?;
    let mut figures = ledgers.sum();
    let mut unmatched = 0;
    for Lane { shard, .. } in shards {
        let mut shard = shard.into_inner().unwrap_or_else(PoisonError::into_inner);
        shard.end(&mut figures);
        unmatched += shard.unmatched();
    }
    Ok(Finished { figures, progress, stopped, unmatched })
}

/// A shard and the pages that it writes on.
struct Lane {
    /// Locked by the one thread that runs it.
    shard: Mutex<Shard>,
    /// Empty ones; with the one that is written and the one that is read there are three at most.
    pages: Mutex<Vec<Page>>,
}

impl Lane {
    fn new(shard: Shard) -> Self {
        Self { shard: Mutex::new(shard), pages: Mutex::default() }
    }

    /// Lives until the bound: what happened, and when something happens next.
    fn live(&self, until: Bound, ledgers: &Ledgers<'_>) -> (Page, Option<Timestamp>) {
        let empty = lock(&self.pages).pop().unwrap_or_default();
        let mut figures = ledgers.take();
        let mut shard = lock(&self.shard);
        let lived = (shard.run(until, empty, &mut figures), shard.deadline());
        lock(&ledgers.idle).push(figures);
        lived
    }
}

/// Figures that shards count in, as many as there are threads: with the hours of a week, those of one shard would take
/// as much as some hundred recipients.
struct Ledgers<'a> {
    setting: &'a Setting,
    /// Those that no thread counts in just now.
    idle: Mutex<Vec<Figures>>,
}

impl Ledgers<'_> {
    fn take(&self) -> Figures {
        let idle = lock(&self.idle).pop();
        idle.unwrap_or_else(|| Figures::new(self.setting.clone()))
    }

    /// All of them together.
    fn sum(&self) -> Figures {
        let mut sum = self.take();
        lock(&self.idle).drain(..).for_each(|figures| sum.merge(&figures));
        sum
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets shards live from bound to bound and tells what happens; how far it came, and whether somebody stopped it.
fn live(
    shards: &[Lane],
    mut steps: Steps,
    threads: usize,
    ledgers: &Ledgers<'_>,
    listener: &mut impl Listener,
) -> Result<(Progress, bool), SimulationError> {
    let setting = ledgers.setting;
    let planned = setting.end.since(setting.start);
    let mut progress = Progress { planned, ..Progress::default() };
    let mut stopped = false;
    let mut deadline = Some(setting.start);
    // By shard. What one step tells is told while the next one is lived.
    let mut told: Vec<Page> = Vec::new();
    let work = |number: usize, until: Bound| {
        let (page, deadline) = shards.get(number).map(|shard| shard.live(until, ledgers)).unwrap_or_default();
        (number, page, deadline)
    };
    thread::scope(|scope| {
        let mut crew = Crew::new(scope, threads, shards.len(), &work);
        while let Some(now) = deadline.filter(|now| *now < setting.end && !stopped) {
            let until = steps.next(now).min(Bound { at: setting.end, id: 0 });
            let tell = || tell(mem::take(&mut told), shards, &mut progress, listener);
            let (mut lived, outcome) = crew.step(until, tell);
            outcome?;
            lived.sort_unstable_by_key(|(number, ..)| *number);
            deadline = lived.iter().filter_map(|(.., deadline)| *deadline).min();
            told = lived.into_iter().map(|(_, page, _)| page).collect();
            steps.told(told.iter().map(Page::len).sum());
            progress.passed = until.at.since(setting.start).min(planned);
            stopped = listener.progress(&progress).is_break();
        }
        tell(told, shards, &mut progress, listener)?;
        if !stopped {
            progress.passed = planned;
        }
        Ok((progress, stopped))
    })
}

/// Tells what is on the shards' pages, in one order, and gives them back emptied.
fn tell(
    mut pages: Vec<Page>,
    shards: &[Lane],
    progress: &mut Progress,
    listener: &mut impl Listener,
) -> std::io::Result<()> {
    told::merge(&pages, |outcome, event| {
        progress.count(outcome);
        listener.event(event)
    })?;
    for (mut page, shard) in pages.drain(..).zip(shards) {
        page.clear();
        lock(&shard.pages).push(page);
    }
    Ok(())
}

impl Progress {
    fn count(&mut self, outcome: Outcome) {
        self.events += 1;
        self.accepted += u64::from(outcome == Outcome::Accepted);
        self.finished += u64::from(outcome.is_final());
    }
}
