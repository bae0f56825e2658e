//! The run: shards live side by side from bound to bound, and what they tell is told in one order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use emta_mail::{DeliveryEvent, Timestamp};
use emta_providers::ProvidersError;
use emta_store::MessageFacts;

use super::audience::{Division, SHARDS};
use super::figures::{Figures, Setting};
use super::scenario::Scenario;
use super::shard::{Bound, Facts, Shard, Told};
use super::world::World;

/// Virtual time between two bounds: a slice of the hourly limits.
const STRIDE: Duration = Duration::from_mins(5);
/// Recipients of a delivery that are relayed between two bounds, so that events need not wait in memory.
const SLICE: u32 = 16_384;

/// How a simulation is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads, at least 1. Their number changes nothing in the story.
    pub threads: usize,
    /// Whether events are told with what a reader must know of their messages.
    pub facts: Facts,
    /// The command line, for reports.
    pub command: String,
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
    /// Takes an event, in the order of the story; with the facts of its message if [`Options::facts`] says so.
    ///
    /// # Errors
    /// When it cannot; the simulation ends then.
    fn event(&mut self, event: &DeliveryEvent, facts: Option<&MessageFacts>) -> std::io::Result<()>;

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
    let shards = populate(&world, &division, &setting, threads)?;
    let steps = Steps::new(&division);
    drop(division);
    let mut run = Run { world, shards, steps, threads, facts: options.facts, figures: Figures::new(setting) };
    run.until_the_end(listener)
}

/// Makes the shards, on all threads.
fn populate(
    world: &Arc<World>,
    division: &Division<'_>,
    setting: &Setting,
    threads: usize,
) -> Result<Vec<Mutex<Shard>>, ProvidersError> {
    let made = on_threads(threads, SHARDS, |shard| {
        Shard::new(world, Figures::new(setting.clone()), division.members(shard))
    });
    made.into_iter().map(|(_, shard)| shard.map(Mutex::new)).collect()
}

/// Does `work` for each number below `count`; results by number.
fn on_threads<T: Send>(threads: usize, count: usize, work: impl Fn(usize) -> T + Sync) -> Vec<(usize, T)> {
    on_threads_beside(threads, count, work, || ()).0
}

/// As [`on_threads`], with something else that this thread does first.
fn on_threads_beside<T: Send, U>(
    threads: usize,
    count: usize,
    work: impl Fn(usize) -> T + Sync,
    beside: impl FnOnce() -> U,
) -> (Vec<(usize, T)>, U) {
    let next = AtomicUsize::new(0);
    let take = || {
        let mut results = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return results;
            }
            results.push((number, work(number)));
        }
    };
    let (mut results, other) = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(take)).collect();
        let other = beside();
        let mut results = take();
        for thread in others {
            results.extend(thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        (results, other)
    });
    results.sort_unstable_by_key(|(number, _)| *number);
    (results, other)
}

struct Run {
    world: Arc<World>,
    /// Each is locked by the one thread that runs it.
    shards: Vec<Mutex<Shard>>,
    steps: Steps,
    threads: usize,
    facts: Facts,
    figures: Figures,
}

impl Run {
    fn until_the_end(&mut self, listener: &mut impl Listener) -> Result<Finished, SimulationError> {
        let mut progress =
            Progress { planned: self.world.end.since(self.world.start), ..Progress::default() };
        let mut stopped = false;
        let mut deadline = Some(self.world.start);
        let mut told: Vec<Vec<Told>> = Vec::new();
        // What one step tells is written while the next one is lived.
        while let Some(now) = deadline.filter(|now| *now < self.world.end && !stopped) {
            let until = self.steps.next(now).min(Bound { at: self.world.end, id: 0 });
            let (lived, written) = on_threads_beside(
                self.threads,
                self.shards.len(),
                |number| self.live(number, until),
                || write(std::mem::take(&mut told), &mut progress, listener),
            );
            written?;
            deadline = lived.iter().filter_map(|(_, (_, deadline))| *deadline).min();
            told = lived.into_iter().map(|(_, (told, _))| told).collect();
            progress.passed = until.at.since(self.world.start).min(progress.planned);
            stopped = listener.progress(&progress).is_break();
        }
        write(told, &mut progress, listener)?;
        let mut unmatched = 0;
        for shard in &self.shards {
            let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            shard.end();
            self.figures.merge(&shard.diary.figures);
            unmatched += shard.unmatched();
        }
        if !stopped {
            progress.passed = progress.planned;
        }
        Ok(Finished { figures: self.figures.clone(), progress, stopped, unmatched })
    }

    fn live(&self, shard: usize, until: Bound) -> (Vec<Told>, Option<Timestamp>) {
        let Some(shard) = self.shards.get(shard) else { return (Vec::new(), None) };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        let told = shard.run(until, self.facts);
        (told, shard.deadline())
    }
}

/// Tells what shards have told, in one order.
fn write(told: Vec<Vec<Told>>, progress: &mut Progress, listener: &mut impl Listener) -> std::io::Result<()> {
    let mut sources: Vec<_> = told.into_iter().map(Vec::into_iter).collect();
    let mut heads: BinaryHeap<_> = (0..)
        .zip(&sources)
        .filter_map(|(number, source)| Some(Reverse((source.as_slice().first()?.order(), number))))
        .collect();
    while let Some(Reverse((_, number))) = heads.pop() {
        let Some(source) = sources.get_mut(number) else { continue };
        if let Some(Told { event, facts, .. }) = source.next() {
            progress.count(&event);
            listener.event(&event, facts.as_deref())?;
        }
        if let Some(told) = source.as_slice().first() {
            heads.push(Reverse((told.order(), number)));
        }
    }
    Ok(())
}

impl Progress {
    fn count(&mut self, event: &DeliveryEvent) {
        use emta_mail::EventKind as Kind;
        self.events += 1;
        match event.kind {
            Kind::Accepted(_) => self.accepted += 1,
            Kind::Delivered { .. } | Kind::Bounced { .. } | Kind::Expired { .. } => self.finished += 1,
            Kind::Deferred { .. }
            | Kind::AsynchronousBounce(_)
            | Kind::Complaint(_)
            | Kind::AutoReply(_)
            | Kind::Opened
            | Kind::Clicked { .. } => {}
        }
    }
}

/// From bound to bound: deliveries by slices of ids, all else by virtual time.
struct Steps {
    /// When deliveries start, soonest first.
    starts: Vec<Timestamp>,
    slices: u32,
    /// Slices that are done of the delivery that starts now.
    done: u32,
}

impl Steps {
    fn new(division: &Division<'_>) -> Self {
        Self {
            starts: division.starts().collect(),
            slices: division.wave_size().div_ceil(SLICE).max(1),
            done: 0,
        }
    }

    /// Up to where to go when the next thing happens at `now`.
    fn next(&mut self, now: Timestamp) -> Bound {
        if self.starts.contains(&now) {
            self.done += 1;
            if self.done < self.slices {
                let share = (u128::from(self.done) << 64) / u128::from(self.slices);
                return Bound { at: now, id: u64::try_from(share).unwrap_or(u64::MAX) };
            }
        }
        self.done = 0;
        let stride = STRIDE.as_secs() as i64;
        let full = Timestamp::from_seconds((now.as_seconds().div_euclid(stride) + 1) * stride);
        let at = self.starts.iter().copied().filter(|start| *start > now).fold(full, Timestamp::min);
        Bound { at, id: 0 }
    }
}
