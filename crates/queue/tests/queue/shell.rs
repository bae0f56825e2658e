//! A queue, its shell, and what the queue has said, in short.

use std::sync::Arc;

use emta_mail::{BounceClass, Chance, QueueId, Timestamp};
use emta_queue::{AttemptResult, Input, Limits, MAX_VALIDITY, Message, Output, Policy, Queue};

pub(crate) const FULL: AttemptResult = AttemptResult::Deferred { class: BounceClass::MailboxFull };
pub(crate) const HOUR: i64 = 3_600;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

pub(crate) fn id(number: u64) -> QueueId {
    QueueId::from_u64(number)
}

pub(crate) fn message(number: u64, domain: &str, accepted_at: Timestamp) -> Message {
    let expires_at = accepted_at + MAX_VALIDITY;
    Message {
        id: id(number),
        domain: domain.parse().expect("a domain"),
        provider: "any".into(),
        accepted_at,
        expires_at,
    }
}

pub(crate) fn limits(connections: u32, per_connection: u32, per_hour: Option<u32>) -> Policy {
    let limits = Limits::try_new(connections, per_connection, per_hour).expect("limits within bounds");
    Policy { limits, ..Policy::default() }
}

/// A queue and its shell: a point in time, and what the queue has said.
pub(crate) struct Shell {
    pub(crate) queue: Queue,
    pub(crate) now: Timestamp,
}

impl Shell {
    pub(crate) fn new(policy: Policy) -> Self {
        Self { queue: Queue::new(Arc::new(policy), Chance::new(1)), now: at(0) }
    }

    pub(crate) fn handle(&mut self, input: Input) {
        self.queue.handle(input, self.now);
    }

    pub(crate) fn accept(&mut self, number: u64, domain: &str) {
        self.handle(Input::Accept(message(number, domain, self.now)));
    }

    pub(crate) fn finish(&mut self, number: u64, result: AttemptResult) {
        self.handle(Input::Finished { id: id(number), result });
    }

    /// What the queue says now, in short: `1#2@0+` is message 1, attempt 2 on slot 0 over a fresh connection; `1>60`
    /// is rescheduled to second 60; `1x3` is expired after three attempts.
    pub(crate) fn said(&mut self) -> String {
        let mut said = Vec::new();
        while let Some(output) = self.queue.poll(self.now) {
            said.push(match output {
                Output::Attempt { id, number, slot, fresh_connection, .. } => {
                    format!("{}#{number}@{slot}{}", id.as_u64(), if fresh_connection { "+" } else { "" })
                }
                Output::Rescheduled { id, next_attempt, .. } => {
                    format!("{}>{}", id.as_u64(), next_attempt.as_millis() as f64 / 1e3)
                }
                Output::Expired { id, attempts } => format!("{}x{attempts}", id.as_u64()),
            });
        }
        said.join(" ")
    }

    pub(crate) fn check(&mut self, seconds: i64, expected: &str) {
        self.check_millis(seconds * 1_000, expected);
    }

    pub(crate) fn check_millis(&mut self, millis: i64, expected: &str) {
        self.now = Timestamp::from_millis(millis);
        assert_eq!(self.said(), expected, "at {millis} ms");
    }

    pub(crate) fn due_next(&self) -> Option<i64> {
        self.queue.deadline().map(Timestamp::as_millis)
    }

    /// Goes from deadline to deadline, defers every attempt, and tells at which second each was, and the expiry.
    pub(crate) fn defer_until_expired(&mut self) -> (Vec<i64>, Option<(Timestamp, u32)>) {
        let mut attempts = Vec::new();
        loop {
            while let Some(output) = self.queue.poll(self.now) {
                match output {
                    Output::Attempt { id, .. } => {
                        attempts.push(self.now.as_seconds());
                        self.handle(Input::Finished { id, result: FULL });
                    }
                    Output::Rescheduled { .. } => {}
                    Output::Expired { attempts: made, .. } => return (attempts, Some((self.now, made))),
                }
            }
            let Some(next) = self.queue.deadline() else { return (attempts, None) };
            assert!(next > self.now);
            self.now = next;
        }
    }
}
