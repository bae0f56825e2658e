//! What a story writes, and everything that it can be asked afterwards.

use std::fmt::Debug;

use emta_mail::event::{Attempt, Correlation, MailReport, Verdict};
use emta_mail::{
    DeliveryEvent, Domain, EmailAddress, Envelope, EventKind, FailureReason, FailureType, Origin, Phase,
    QueueId, Reply, ReversePath, Timestamp,
};

use super::*;
use crate::backend::Done;
use crate::change::{Change, QueueChange, Record};
use crate::inbound::{InboundId, InboundResult, NewInbound};
use crate::message::{MessageFilter, MessageIdHeader, NewMessage};

/// A sequence of numbers that follows from a seed.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x2545_f491_4f6c_dd1d)
    }

    /// Any number (xorshift64*).
    pub(super) const fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// One from 0 up to below the limit; 0 where that is 0.
    pub(super) const fn below(&mut self, limit: usize) -> usize {
        let number = (self.next() >> 33) as usize;
        if limit == 0 { 0 } else { number % limit }
    }

    pub(super) const fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    /// The writes of a group, when so many were made before. It has an acceptance, so that it is committed.
    pub(super) fn group(&mut self, before: usize) -> Vec<Plan> {
        let mut group = vec![self.accept(before)];
        for _ in 0..self.below(4) {
            let plan = if self.one_in(3) { self.accept(before) } else { self.commit(before) };
            group.push(plan);
        }
        group
    }

    fn accept(&mut self, before: usize) -> Plan {
        let messages = (0..=self.below(2)).map(|_| self.message(before)).collect();
        let body = (0..self.below(400)).map(|_| self.next() as u8).collect();
        Plan::Accept { messages, body }
    }

    fn message(&mut self, before: usize) -> NewMessage {
        let number = self.below(before + 4) as u64;
        let recipient = format!("r{}@bigmail.example", self.below(5));
        let accepted_at = self.instant();
        NewMessage {
            candidate: QueueId::from_u64(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            envelope: Envelope::new(ReversePath::Null, EmailAddress::parse(&recipient).unwrap()),
            origin: Origin { log: self.one_in(2).then(|| number.to_string()), ..Origin::default() },
            header_message_id: if self.one_in(2) {
                MessageIdHeader::Present(format!("{number}@sender.example"))
            } else {
                MessageIdHeader::Add { domain: Domain::parse("mta.example").unwrap() }
            },
            add_date: self.one_in(2),
            received_from: "from client.example ([192.0.2.7])".repeat(self.below(40)),
            accepted_at,
            expires_at: Timestamp::from_seconds(302_400),
            size: 5,
        }
    }

    fn instant(&mut self) -> Timestamp {
        Timestamp::from_seconds(self.below(1_000) as i64)
    }

    fn commit(&mut self, before: usize) -> Plan {
        Plan::Commit { changes: (0..=self.below(3)).map(|_| self.change(before)).collect() }
    }

    fn change(&mut self, before: usize) -> Change {
        let name = self.below(3).to_string();
        match self.below(14) {
            0 => Change::Inbound(Box::new(self.inbound())),
            1 => Change::Delete(InboundId::from_u64(self.below(6) as u64)),
            2 => Change::Cursor { name, sequence: self.below(2 * before + 1) as u64 },
            3 => Change::Put { namespace: "n".to_owned(), key: name, value: self.next().to_string().into() },
            4 => Change::Remove { namespace: "n".to_owned(), key: name },
            5 => Change::Append { journal: name, entry: self.next().to_string().into() },
            _ => Change::Record(Box::new(self.record(before))),
        }
    }

    fn inbound(&mut self) -> NewInbound {
        let results = vec![InboundResult {
            matched: Some((QueueId::from_u64(1), Correlation::Header)),
            recipient: None,
            status: None,
            text: "no such user".to_owned(),
            failure_type: FailureType::Hard,
            reason: FailureReason::UserUnknown,
            rule: None,
        }];
        NewInbound {
            id: InboundId::from_u64(self.below(6) as u64),
            received_at: self.instant(),
            raw: vec![b'x'; self.below(6_000)].into(),
            kind: "dsn".to_owned(),
            message_id: String::new(),
            subject: "Undelivered".to_owned(),
            results,
        }
    }

    fn record(&mut self, before: usize) -> Record {
        let (at, next_attempt) = (self.instant(), self.instant());
        let number = self.below(9) as u32;
        let attempt = Attempt {
            number,
            provider: "bigmail".to_owned(),
            mx: "mx1.bigmail.example".to_owned(),
            phase: Phase::Rcpt,
            reply: Reply::parse("452 4.2.2 mailbox full").unwrap(),
            after_crash: self.one_in(2),
        };
        let (failure_type, reason) = (FailureType::Soft, FailureReason::MailboxFull);
        let verdict = Verdict { class: None, failure_type, reason, rule: None };
        let (kind, queue) = match self.below(6) {
            0 | 1 => (
                EventKind::Deferred { attempt, verdict, next_attempt },
                QueueChange::Rescheduled { due: next_attempt, attempts: number },
            ),
            2 => (EventKind::Delivered { attempt }, QueueChange::Finished),
            3 => (EventKind::Bounced { attempt, verdict }, QueueChange::Finished),
            4 => (EventKind::Opened, QueueChange::None),
            _ => {
                let report = MailReport {
                    report_id: number.to_string(),
                    recipient: None,
                    status: None,
                    text: String::new(),
                    verdict,
                    matched_by: Correlation::Verp,
                    from_this_mta: true,
                    feedback_type: "abuse".to_owned(),
                };
                (EventKind::Complaint(Box::new(report)), QueueChange::None)
            }
        };
        // Of a message that is there more often than not.
        let message = self.below(before + 5) as u64;
        let message = QueueId::from_u64(message.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Record { event: DeliveryEvent { message, at, kind }, queue }
    }
}

/// A write that can be made more than once.
#[derive(Clone)]
pub(super) enum Plan {
    Accept { messages: Vec<NewMessage>, body: Bytes },
    Commit { changes: Vec<Change> },
}

impl Plan {
    /// The write, and where its callback says what came of it.
    pub(super) fn write(&self) -> (Write, Receiver<String>) {
        let (sender, receiver) = mpsc::channel();
        let write = match self.clone() {
            Self::Accept { messages, body } => Write::Accept { messages, body, done: tell(sender) },
            Self::Commit { changes } => Write::Commit { changes, done: tell(sender) },
        };
        (write, receiver)
    }

    /// Whether it may come to this on a disk without fault: events may name messages that are not there.
    pub(super) fn may_come_to(&self, outcome: &str) -> bool {
        match self {
            Self::Accept { .. } => outcome.starts_with("Ok"),
            Self::Commit { .. } => outcome.starts_with("Ok") || outcome.starts_with("Err(UnknownMessage"),
        }
    }
}

fn tell<T: Debug>(sender: mpsc::Sender<String>) -> Done<T> {
    Box::new(move |outcome| drop(sender.send(format!("{outcome:?}"))))
}

/// Everything that a store can be asked.
pub(super) fn told(store: &impl Backend) -> Vec<String> {
    let mut told = Vec::new();
    store.for_each_queued(&mut |row| told.push(format!("{row:?}"))).unwrap();
    let messages = store.messages(&MessageFilter::default(), None, 1_000).unwrap();
    for row in &messages {
        told.push(format!("{:?}", store.body(row.id).unwrap().unwrap()));
        told.push(format!("{:?}", store.events_of(row.id, 1_000).unwrap()));
        let message_id =
            MessageFilter { message_id: Some(row.message_id.clone()), ..MessageFilter::default() };
        told.push(format!("{:?}", store.messages(&message_id, None, 1_000).unwrap().len()));
    }
    for recipient in 0..5 {
        let recipient = Some(format!("R{recipient}@bigmail.example"));
        let filter = MessageFilter { recipient, ..MessageFilter::default() };
        told.push(format!("{:?}", store.messages(&filter, None, 1_000).unwrap().len()));
    }
    told.push(format!("{:?}", store.events_after(0, 1_000).unwrap()));
    told.push(format!("{:?}", store.last_sequence().unwrap()));
    told.push(format!("{:?}", store.events_ordered(None, 1_000).unwrap()));
    for mail in store.mailbox(None, 1_000).unwrap() {
        told.push(format!("{mail:?} {:?}", store.inbound_raw(mail.id).unwrap()));
    }
    told.push(format!("{:?} {:?}", store.inbound_counts().unwrap(), store.values("n", None, 9).unwrap()));
    for name in ["0", "1", "2"] {
        let journal = store.journal_after(name, 0, 1_000).unwrap();
        told.push(format!("{:?} {journal:?}", store.cursor(name).unwrap()));
    }
    told
}
