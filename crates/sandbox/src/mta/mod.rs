//! The Enhanced MTA at work: one task owns the queue, hands out attempts, classifies what comes of them, and records it.
//!
//! The queue decides in memory at once; the clock waits until what was decided is on disk.

mod delivery;
mod trace;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use emta_mail::event::{Attempt, Verdict};
use emta_mail::{BounceClass, DeliveryEvent, Domain, EventKind, Phase, QueueId, Reply, Timestamp};
use emta_queue::{AttemptResult, Input, Message, Output, Queue, Queued, Summary};
use emta_store::{QueueChange, Record, Store};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::classify;
use crate::clock::{Clock, Source, Timers, Token};
use crate::live_rules::LiveRules;
use crate::network::Network;
use crate::pulse::Pulse;

pub(crate) use delivery::{REPLY, internal};
pub(crate) use trace::{Trace, content_as_sent};

use delivery::{AttemptJob, Connection};

/// Messages to the owner that may wait.
const INBOX: usize = 1024;
/// Messages to the owner that are taken at once, so that their events share a commit.
const BATCH: usize = 512;

/// What the owner is told.
enum Command {
    Accepted(Vec<Message>, Token),
    Finished(Box<Finished>),
    Queue(usize, oneshot::Sender<(Summary, Vec<Queued>)>),
}

/// An attempt that is over.
struct Finished {
    id: QueueId,
    attempt: Attempt,
    result: AttemptEnd,
    token: Token,
}

/// How it ended.
enum AttemptEnd {
    Delivered,
    Bounced(Verdict),
    Deferred(Verdict),
    /// It was not made, because the program is ending.
    NotMade,
}

/// The way to the owner; cheap to clone.
#[derive(Clone)]
pub(crate) struct MtaHandle(mpsc::Sender<Command>);

impl MtaHandle {
    /// Queues messages that are on disk.
    pub(crate) async fn accepted(&self, messages: Vec<Message>, token: Token) {
        // The owner is gone only when the program ends; the messages are on disk and queued at the next start.
        let _ = self.0.send(Command::Accepted(messages, token)).await;
    }

    /// What is queued, and the first `count` messages that are due; `None` when the program is ending.
    pub(crate) async fn queue(&self, count: usize) -> Option<(Summary, Vec<Queued>)> {
        let (answer, queue) = oneshot::channel();
        self.0.send(Command::Queue(count, answer)).await.ok()?;
        queue.await.ok()
    }
}

/// What the owner and its connections share.
pub(crate) struct MtaParts {
    pub(crate) hostname: String,
    pub(crate) clock: Clock,
    /// For providers that take their time.
    pub(crate) timers: Timers,
    pub(crate) store: Store,
    pub(crate) pulse: Pulse,
    pub(crate) network: Arc<Network>,
    pub(crate) rules: Arc<LiveRules>,
    pub(crate) tls: Arc<rustls::ClientConfig>,
}

/// The owner of the queue.
pub(crate) struct Mta {
    parts: Arc<MtaParts>,
    queue: Queue,
    source: Source,
    inbox: mpsc::Receiver<Command>,
    handle: MtaHandle,
    /// Open connections by lane and slot.
    connections: HashMap<(Arc<Domain>, u32), mpsc::Sender<AttemptJob>>,
    tasks: JoinSet<()>,
    stage: Stage,
    /// Messages that may have been on their way when the program last ended uncleanly.
    doubtful: HashSet<QueueId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Running,
    /// The program ends.
    Ending,
}

/// What the queue decided in one round, to be recorded together.
#[derive(Default)]
struct Round {
    records: Vec<Record>,
    /// Attempts that failed for now, until the queue says what follows.
    deferred: HashMap<QueueId, (Attempt, Verdict)>,
    /// Messages whose validity has ended without a word in this round.
    expired: Vec<QueueId>,
    tokens: Vec<Token>,
}

impl Mta {
    pub(crate) fn new(parts: Arc<MtaParts>, queue: Queue, doubtful: HashSet<QueueId>) -> (Self, MtaHandle) {
        let (sender, inbox) = mpsc::channel(INBOX);
        let handle = MtaHandle(sender);
        let source = parts.clock.source("queue");
        let mta = Self {
            parts,
            queue,
            source,
            inbox,
            handle: handle.clone(),
            connections: HashMap::new(),
            tasks: JoinSet::new(),
            stage: Stage::Running,
            doubtful,
        };
        (mta, handle)
    }

    /// Runs until `stop`, then lets attempts under way end.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut commands = Vec::with_capacity(BATCH);
        self.round(Round::default());
        loop {
            let mut round = Round::default();
            tokio::select! {
                () = stop.cancelled() => break,
                token = self.source.due() => round.tokens.push(token),
                _ = self.inbox.recv_many(&mut commands, BATCH) => {}
                Some(_) = self.tasks.join_next(), if !self.tasks.is_empty() => continue,
            }
            self.take_all(&mut commands, round);
        }
        // Connections end when nothing can reach them any more; what they report meanwhile is recorded.
        self.stage = Stage::Ending;
        self.connections.clear();
        while !self.tasks.is_empty() {
            tokio::select! {
                _ = self.inbox.recv_many(&mut commands, BATCH) => self.take_all(&mut commands, Round::default()),
                _ = self.tasks.join_next() => {}
            }
        }
        while let Ok(command) = self.inbox.try_recv() {
            commands.push(command);
        }
        self.take_all(&mut commands, Round::default());
    }

    fn take_all(&mut self, commands: &mut Vec<Command>, mut round: Round) {
        for command in commands.drain(..) {
            self.take(command, &mut round);
        }
        self.round(round);
    }

    fn take(&mut self, command: Command, round: &mut Round) {
        let now = self.parts.clock.now();
        match command {
            Command::Accepted(messages, token) => {
                for message in messages {
                    self.queue.handle(Input::Accept(message), now);
                }
                round.tokens.push(token);
            }
            Command::Finished(finished) => self.finished(*finished, round, now),
            Command::Queue(count, answer) => {
                drop(answer.send((self.queue.summary(), self.queue.upcoming(count))));
            }
        }
    }

    fn finished(&mut self, finished: Finished, round: &mut Round, now: Timestamp) {
        let Finished { id, attempt, result, token } = finished;
        round.tokens.push(token);
        let mut done = |kind| {
            let event = DeliveryEvent { message: id, at: now, kind };
            round.records.push(Record { event, queue: QueueChange::Finished });
            self.parts.network.forget(id);
        };
        let result = match result {
            AttemptEnd::Delivered => {
                done(EventKind::Delivered { attempt });
                AttemptResult::Delivered
            }
            AttemptEnd::Bounced(verdict) => {
                done(EventKind::Bounced { attempt, verdict });
                AttemptResult::Bounced
            }
            AttemptEnd::Deferred(verdict) => {
                let class = verdict.class.unwrap_or(BounceClass::Undetermined);
                round.deferred.insert(id, (attempt, verdict));
                AttemptResult::Deferred { class }
            }
            AttemptEnd::NotMade => AttemptResult::Postponed,
        };
        self.queue.handle(Input::Finished { id, result }, now);
    }

    /// Lets the queue decide, starts what it asks for, and records what it said.
    fn round(&mut self, mut round: Round) {
        let now = self.parts.clock.now();
        while let Some(output) = self.queue.poll(now) {
            match output {
                // Nothing new is begun then; the message is queued on disk as before.
                Output::Attempt { .. } if self.stage == Stage::Ending => {}
                Output::Attempt { id, number, domain, provider, slot, fresh_connection } => {
                    let after_crash = !self.doubtful.is_empty() && self.doubtful.remove(&id);
                    let token = self.parts.clock.hold("delivery");
                    let job = AttemptJob { id, number, provider, fresh_connection, after_crash, token };
                    self.start(domain, slot, job);
                }
                Output::Rescheduled { id, next_attempt, attempts } => {
                    if let Some((attempt, verdict)) = round.deferred.remove(&id) {
                        let kind = EventKind::Deferred { attempt, verdict, next_attempt };
                        let event = DeliveryEvent { message: id, at: now, kind };
                        let queue = QueueChange::Rescheduled { due: next_attempt, attempts };
                        round.records.push(Record { event, queue });
                    }
                }
                Output::Expired { id, attempts: _ } => {
                    self.parts.network.forget(id);
                    match round.deferred.remove(&id) {
                        Some(last) => round.records.push(expired(id, now, Some(last))),
                        None => round.expired.push(id),
                    }
                }
            }
        }
        // Before the round's tokens go: without a deadline the clock would pass over the next attempts.
        self.source.set_deadline(self.queue.deadline());
        self.finish_round(round, now);
    }

    fn finish_round(&mut self, round: Round, now: Timestamp) {
        let Round { records, deferred: _, expired, tokens } = round;
        if !expired.is_empty() {
            let parts = self.parts.clone();
            let token = self.parts.clock.hold("expiry");
            self.tasks.spawn_blocking(move || parts.expire(&expired, now, token));
        }
        self.parts.commit(records, tokens);
    }

    fn start(&mut self, domain: Arc<Domain>, slot: u32, job: AttemptJob) {
        let key = (domain, slot);
        let job = match self.connections.get(&key) {
            Some(connection) => match connection.try_send(job) {
                Ok(()) => return,
                // The connection had been idle for too long and is gone.
                Err(mpsc::error::TrySendError::Closed(job) | mpsc::error::TrySendError::Full(job)) => job,
            },
            None => job,
        };
        let (sender, jobs) = mpsc::channel(1);
        let connection = Connection::new(self.parts.clone(), self.handle.clone(), key.0.clone());
        self.tasks.spawn(connection.run(jobs));
        // There is room for one, and the channel is new.
        let _ = sender.try_send(job);
        self.connections.insert(key, sender);
    }
}

impl MtaParts {
    /// Records events; the tokens are held until they are on disk.
    fn commit(&self, records: Vec<Record>, tokens: Vec<Token>) {
        if records.is_empty() {
            return;
        }
        let pulse = self.pulse.clone();
        let count = records.len();
        self.store.record(
            records,
            Box::new(move |outcome| {
                match outcome {
                    Ok(_) => pulse.grown(),
                    // The messages are still queued on disk: at the next start they are tried again.
                    Err(error) => tracing::error!(%error, count, "delivery events could not be recorded"),
                }
                drop(tokens);
            }),
        );
    }

    /// Ends messages whose validity is over; their last failure is read from disk.
    fn expire(&self, ids: &[QueueId], now: Timestamp, token: Token) {
        let mut records = Vec::with_capacity(ids.len());
        for id in ids {
            let last = match self.store.message(*id) {
                Ok(row) => row.and_then(|row| row.last_attempt),
                Err(error) => {
                    tracing::error!(%error, message = %id, "the last attempt could not be read");
                    None
                }
            };
            let with_verdict = last.map(|attempt| {
                let verdict = self.classify(&attempt);
                (attempt, verdict)
            });
            records.push(expired(*id, now, with_verdict));
        }
        self.commit(records, vec![token]);
    }

    /// What the classification rules make of an attempt's reply.
    fn classify(&self, attempt: &Attempt) -> Verdict {
        classify::synchronous(&self.rules.get(), attempt)
    }
}

fn expired(id: QueueId, now: Timestamp, last: Option<(Attempt, Verdict)>) -> Record {
    let event = DeliveryEvent { message: id, at: now, kind: expiry(last) };
    Record { event, queue: QueueChange::Finished }
}

/// The end of a message whose validity is over (facts 3.3). Its class is that of the last transient failure.
pub(crate) fn expiry(last: Option<(Attempt, Verdict)>) -> EventKind {
    let (attempt, verdict) = match last {
        Some((attempt, verdict)) => {
            let text = format!("[internal] message timeout (last transfail: {})", attempt.reply);
            (Attempt { reply: expiry_reply(&text), ..attempt }, verdict)
        }
        None => {
            let attempt = Attempt {
                number: 0,
                provider: String::new(),
                mx: String::new(),
                phase: Phase::Connect,
                reply: expiry_reply("[internal] exceeded max time without delivery"),
                after_crash: false,
            };
            let (failure_type, reason) = BounceClass::Timeout.default_verdict();
            (attempt, Verdict { class: Some(BounceClass::Timeout), failure_type, reason, rule: None })
        }
    };
    EventKind::Expired { attempt, verdict }
}

fn expiry_reply(text: &str) -> Reply {
    Reply::new(554, "5.4.7".parse().ok(), text)
}
