//! The writer's thread: groups of writes, one sync and one transaction each.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use emta_mail::{QueueId, Timestamp};
use rusqlite::{Connection, TransactionBehavior};

use super::apply::Effects;
use super::checkpoint::Checkpoints;
use super::inbox::{Inbox, Wanted};
use super::lookup::RunWriter;
use super::{Shared, apply, failed};
use crate::backend::{Done, Write};
use crate::change::{Change, Committed};
use crate::error::StoreError;
use crate::fault::Step;
use crate::message::{MessageRow, NewMessage, StoredMessage};
use crate::options::Options;
use crate::segment::{End, Placement, Writer};

/// How often segments are looked through for ones that nobody needs any more, in virtual time.
const RELEASE_EVERY: Duration = Duration::from_mins(10);

/// Owns the connection that writes.
pub(super) struct GroupWriter {
    /// First, so that its connection is closed before the one that writes. `None` leaves the log to SQLite.
    checkpoints: Option<Checkpoints>,
    connection: Connection,
    bodies: Writer,
    shared: Arc<Shared>,
    options: Options,
    /// How many mails the last group had: so many senders are about, and the next group waits for them a little.
    expected: usize,
    last_release: Timestamp,
    /// The last place in the log of events that is taken.
    last: i64,
    runs: RunWriter,
}

/// A write of the group that is being committed.
enum Pending {
    Accept { messages: Vec<NewMessage>, body: Bytes, place: Placement, done: Done<Vec<QueueId>> },
    Commit { changes: Vec<Change>, done: Done<Committed> },
}

/// What a pending write comes to.
enum Outcome {
    Accepted(Vec<QueueId>),
    Committed(Committed),
    /// This write cannot be made; the others can.
    Refused(StoreError),
}

/// Why a group's transaction was rolled back.
enum Abort {
    /// The write at this place cannot be made.
    Refused(usize, StoreError),
    /// The disk failed.
    Storage(StoreError),
}

impl GroupWriter {
    pub(super) fn new(
        connection: Connection,
        bodies: Writer,
        shared: Arc<Shared>,
        options: Options,
        last: i64,
    ) -> Self {
        let runs = RunWriter::default();
        Self {
            checkpoints: None,
            connection,
            bodies,
            shared,
            options,
            expected: 0,
            last_release: Timestamp::MIN,
            last,
            runs,
        }
    }

    /// Has the log of the database copied by a thread of its own.
    pub(super) fn leave_the_log_to(self, checkpoints: Checkpoints) -> Self {
        Self { checkpoints: Some(checkpoints), ..self }
    }

    #[cfg(test)]
    pub(super) const fn connection(&self) -> &Connection {
        &self.connection
    }

    #[cfg(test)]
    pub(super) const fn bodies_end(&self) -> End {
        self.bodies.end()
    }

    /// Writes until the inbox is closed and empty.
    pub(super) fn run(mut self, inbox: &Inbox) {
        while let Some(group) = inbox.take(self.wanted(), self.options.group_wait) {
            self.expected = group.iter().filter(|write| write.is_mail()).count();
            self.write(group);
        }
    }

    /// Senders of mail who were in the group before have their next mail ready soon, and what becomes of the one before
    /// it; everything shares one commit then.
    const fn wanted(&self) -> Wanted {
        Wanted { mails: self.expected, weight: self.options.group_max }
    }

    /// Commits a group and calls its callbacks.
    pub(super) fn write(&mut self, group: Vec<Write>) {
        let faults = &self.shared.faults;
        if let Err(error) = faults.check().and_then(|()| faults.at(Step::Begun)) {
            return group.into_iter().for_each(|write| write.fail(error.clone()));
        }
        let start = self.bodies.end();
        let pending = self.place_bodies(group, start);
        let mut outcomes: Vec<Option<Outcome>> = pending.iter().map(|_| None).collect();
        // A write that cannot be made takes the group's transaction with it; the others are made again without it.
        let committed = loop {
            match self.transact(&pending, &mut outcomes) {
                Ok(now) => break Ok(now),
                Err(Abort::Storage(error)) => break Err(error),
                Err(Abort::Refused(place, error)) => {
                    if let Some(outcome) = outcomes.get_mut(place) {
                        *outcome = Some(Outcome::Refused(error));
                    }
                }
            }
        };
        match committed {
            Ok(now) => {
                self.shared.groups.fetch_add(1, Ordering::Relaxed);
                let (writes, octets) =
                    pending.iter().map(Pending::log).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
                for (write, outcome) in pending.into_iter().zip(outcomes) {
                    self.finish(write, outcome);
                }
                self.release(now);
                if let Some(checkpoints) = &mut self.checkpoints {
                    checkpoints.wrote(&self.connection, writes, octets);
                }
            }
            Err(error) => {
                self.bodies.rewind(start);
                for (write, outcome) in pending.into_iter().zip(outcomes) {
                    let refused = match outcome {
                        Some(Outcome::Refused(refused)) => refused,
                        Some(Outcome::Accepted(_) | Outcome::Committed(_)) | None => error.clone(),
                    };
                    write.fail(refused);
                }
            }
        }
    }

    /// Makes the bodies of a group durable. If that fails, mail is refused, and the other writes go on.
    fn place_bodies(&mut self, group: Vec<Write>, start: End) -> Vec<Pending> {
        let placed = self.append_bodies(&group);
        if placed.is_err() {
            self.bodies.rewind(start);
        }
        let mut places = placed.as_deref().unwrap_or_default().iter();
        let mut pending = Vec::with_capacity(group.len());
        for write in group {
            match write {
                Write::Accept { messages, body, done } => match (&placed, places.next()) {
                    (Ok(_), Some(place)) => {
                        pending.push(Pending::Accept { messages, body, place: *place, done });
                    }
                    (Err(error), _) => done(Err(error.clone())),
                    (Ok(_), None) => done(Err(StoreError::Closed)),
                },
                Write::Commit { changes, done } => pending.push(Pending::Commit { changes, done }),
            }
        }
        pending
    }

    /// The places of the bodies of a group, one for each [`Write::Accept`].
    fn append_bodies(&mut self, group: &[Write]) -> Result<Vec<Placement>, StoreError> {
        let mut places = Vec::new();
        for write in group {
            match write {
                Write::Accept { messages, body, .. } => {
                    let id = messages.first().map_or(0, |message| message.candidate.as_u64());
                    places.push(self.bodies.append(id, body)?);
                }
                Write::Commit { .. } => {}
            }
        }
        self.bodies.flush()?;
        self.shared.faults.at(Step::BodiesWritten)?;
        self.bodies.sync()?;
        self.shared.faults.at(Step::BodiesSynced)?;
        Ok(places)
    }

    /// Makes all writes of a group that were not refused, in one transaction. Returns the newest instant that the group
    /// spoke of.
    fn transact(
        &mut self,
        pending: &[Pending],
        outcomes: &mut [Option<Outcome>],
    ) -> Result<Timestamp, Abort> {
        let storage = |e: rusqlite::Error| Abort::Storage(failed("committing", &e));
        let transaction =
            (self.connection).transaction_with_behavior(TransactionBehavior::Immediate).map_err(storage)?;
        let mut effects = Effects::new(self.bodies.end(), self.last, &self.shared.lookup);
        for (place, (write, outcome)) in pending.iter().zip(outcomes.iter_mut()).enumerate() {
            if matches!(outcome, Some(Outcome::Refused(_))) {
                continue;
            }
            let made = match write {
                Pending::Accept { messages, place, .. } => {
                    apply::accept(&transaction, messages, *place, &mut effects).map(Outcome::Accepted)
                }
                Pending::Commit { changes, .. } => {
                    apply::commit(&transaction, changes, &mut effects).map(Outcome::Committed)
                }
            };
            *outcome = Some(made.map_err(|error| match error {
                StoreError::Full { .. } | StoreError::Io { .. } => Abort::Storage(error),
                StoreError::UnknownMessage(_)
                | StoreError::AcceptedTwice(_)
                | StoreError::WrongChange { .. }
                | StoreError::Corrupt { .. }
                | StoreError::TooLong { .. }
                | StoreError::Busy { .. }
                | StoreError::Closed
                | StoreError::Locked { .. }
                | StoreError::NewerSchema { .. } => Abort::Refused(place, error),
            })?);
        }
        effects.write(&transaction).map_err(Abort::Storage)?;
        let part = self.runs.write(&transaction, effects.added()).map_err(Abort::Storage)?;
        self.shared.faults.at(Step::RowsWritten).map_err(Abort::Storage)?;
        transaction.commit().map_err(storage)?;
        let _ = self.shared.faults.at(Step::Committed);
        let now = effects.now();
        self.last = effects.last();
        self.runs.committed(&part, effects.into_entries(), self.last, &self.shared.lookup);
        Ok(now)
    }

    /// Calls the callback of a write whose group is durable.
    fn finish(&self, write: Pending, outcome: Option<Outcome>) {
        match (write, outcome) {
            (Pending::Accept { messages, body, done, .. }, Some(Outcome::Accepted(ids))) => {
                let fresh = messages.into_iter().zip(&ids).map(|(new, id)| StoredMessage {
                    message: MessageRow::accepted(new, *id),
                    body: body.clone(),
                });
                self.shared.fresh.put(fresh);
                done(Ok(ids));
            }
            (Pending::Commit { changes, done }, Some(Outcome::Committed(committed))) => {
                self.shared.fresh.forget(changes.iter().filter_map(Change::queued));
                done(Ok(committed));
            }
            (write, Some(Outcome::Refused(error))) => write.fail(error),
            // Every write that was not refused has the outcome of its own kind.
            (write, Some(Outcome::Accepted(_) | Outcome::Committed(_)) | None) => {
                write.fail(StoreError::Closed);
            }
        }
    }

    /// Removes segments that no message needs any more.
    fn release(&mut self, now: Timestamp) {
        if now < self.last_release + RELEASE_EVERY {
            return;
        }
        self.last_release = now;
        let current = self.bodies.end().segment;
        // That this fails leaves bodies longer than needed, which is no reason to stop; the next time tries again.
        if let Ok(segments) =
            apply::release_segments(&self.connection, now - self.options.keep_bodies, current)
        {
            for segment in segments {
                self.shared.bodies.remove(segment);
            }
        }
    }
}

impl Pending {
    /// What it is in the log of the database: how many writes, and octets beyond them.
    fn log(&self) -> (usize, usize) {
        match self {
            Self::Accept { messages, .. } => (messages.len(), 0),
            Self::Commit { changes, .. } => (changes.len(), changes.iter().map(Change::octets).sum()),
        }
    }

    fn fail(self, error: StoreError) {
        match self {
            Self::Accept { done, .. } => done(Err(error)),
            Self::Commit { done, .. } => done(Err(error)),
        }
    }
}
