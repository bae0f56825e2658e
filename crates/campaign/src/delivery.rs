//! One delivery: its state, its log and what the log adds up to.

use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;

use emta_mail::{EmailAddress, Timestamp};

use crate::config::Mode;
use crate::content::{Content, Recipient};
use crate::key::{DeliveryId, LogKey};
use crate::kpi::Kpis;
use crate::log::LogState;
use crate::quarantine::AddressBook;
use crate::roster::{self, LogRow, Row, Target};

/// State of a delivery (facts 6.1), as far as this core has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DeliveryState {
    /// Created, not prepared.
    Edition = 0,
    /// Prepared: who receives it is settled; nothing is sent before it is confirmed.
    Ready = 45,
    /// Confirmed: relaying, and waiting for news.
    Started = 55,
    /// Stopped. What was relayed before goes on: the MTA cannot be called back (facts 3.2).
    Canceled = 85,
    /// Every message is settled, or the validity ended. Late news still change the log.
    Finished = 95,
}

impl DeliveryState {
    /// All states, by number.
    pub const ALL: [Self; 5] = [Self::Edition, Self::Ready, Self::Started, Self::Canceled, Self::Finished];

    /// Campaign's number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The label that the user interface shows.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Edition => "Being edited",
            Self::Ready => "Ready to be delivered",
            Self::Started => "In progress",
            Self::Canceled => "Stopped",
            Self::Finished => "Finished",
        }
    }

    /// Its name in the API and in errors.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Edition => "edition",
            Self::Ready => "ready",
            Self::Started => "started",
            Self::Canceled => "canceled",
            Self::Finished => "finished",
        }
    }

    /// The state of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A delivery and its log.
#[derive(Clone, Debug)]
pub struct Delivery {
    id: DeliveryId,
    content: Arc<Content>,
    state: DeliveryState,
    rows: Vec<Row>,
    /// In the order of [`Mode::ALL`]; empty until the delivery is prepared.
    kpis: [Kpis; Mode::ALL.len()],
    prepared_at: Option<Timestamp>,
    started_at: Option<Timestamp>,
    last_relayed_at: Option<Timestamp>,
    /// Rows that are still to be relayed.
    waiting: usize,
    /// Rows of which more is expected than late news.
    unsettled: usize,
    new_quarantine: u64,
    /// Rows before this one were handed out, or need not be. Not part of the story: after a replay it starts again,
    /// and what was handed out but never reported is handed out again.
    cursor: usize,
    /// Rows to be relayed again, by due time.
    retries: BTreeSet<(Timestamp, usize)>,
    /// Its entry in the core's agenda.
    pub(crate) agenda: Option<Timestamp>,
}

impl Delivery {
    pub(crate) fn new(id: DeliveryId, content: Content, recipients: Vec<Recipient>) -> Self {
        let row = |recipient: Recipient| Row {
            target: Target::read(&recipient.address),
            values: recipient.values.into_iter().map(String::into_boxed_str).collect(),
            state: LogState::default(),
        };
        Self {
            id,
            content: Arc::new(content),
            state: DeliveryState::Edition,
            rows: recipients.into_iter().map(row).collect(),
            kpis: <[Kpis; Mode::ALL.len()]>::default(),
            prepared_at: None,
            started_at: None,
            last_relayed_at: None,
            waiting: 0,
            unsettled: 0,
            new_quarantine: 0,
            cursor: 0,
            retries: BTreeSet::new(),
            agenda: None,
        }
    }

    /// Its number.
    pub const fn id(&self) -> DeliveryId {
        self.id
    }

    /// What it sends.
    pub const fn content(&self) -> &Arc<Content> {
        &self.content
    }

    /// Its state.
    pub const fn state(&self) -> DeliveryState {
        self.state
    }

    /// Number of recipients, those left out included.
    pub const fn recipients(&self) -> usize {
        self.rows.len()
    }

    /// When it was last prepared.
    pub const fn prepared_at(&self) -> Option<Timestamp> {
        self.prepared_at
    }

    /// When it was confirmed.
    pub const fn started_at(&self) -> Option<Timestamp> {
        self.started_at
    }

    /// When the last message's validity ends, as far as messages were relayed; counted from the relay, not from the
    /// confirmation. `None` before it is confirmed.
    pub fn ends_at(&self) -> Option<Timestamp> {
        let last = self.last_relayed_at.max(self.started_at);
        last.filter(|_| self.started_at.is_some()).map(|last| last + self.content.effective_validity())
    }

    /// What its log adds up to in the mode; all zero before it is prepared. [`Kpis::new_quarantine`] is `None` here.
    pub fn kpis(&self, mode: Mode) -> &Kpis {
        let [without_efs, efs, efs_v8] = &self.kpis;
        match mode {
            Mode::WithoutEfs => without_efs,
            Mode::Efs => efs,
            Mode::EfsV8 => efs_v8,
        }
    }

    /// Addresses that its failures put into quarantine, in the mode in force.
    pub const fn new_quarantine(&self) -> u64 {
        self.new_quarantine
    }

    /// Address and personalisation values of the recipient with this entry; `None` where there is none, or it has no
    /// address.
    pub fn recipient(&self, log: u64) -> Option<(&EmailAddress, &[Box<str>])> {
        let row = self.rows.get(LogKey { delivery: self.id, log }.index()?)?;
        Some((row.target.address()?, &row.values))
    }

    /// One entry of the log; `None` where there is none, or the delivery was not prepared.
    pub fn log(&self, log: u64, mode: Mode) -> Option<LogRow<'_>> {
        let prepared_at = self.prepared_at?;
        let key = LogKey { delivery: self.id, log };
        Some(self.rows.get(key.index()?)?.show(key, mode, prepared_at))
    }

    /// The log after the entry `after` (0 for all of it), by key; empty before the delivery is prepared. Takes no
    /// longer for a page at the end.
    pub fn logs(&self, mode: Mode, after: u64) -> impl Iterator<Item = LogRow<'_>> {
        let skipped = usize::try_from(after).unwrap_or(usize::MAX);
        let prepared = self.prepared_at.zip(self.rows.get(skipped..));
        let (prepared_at, rows) = prepared.unwrap_or_default();
        let first = after.saturating_add(1);
        rows.iter()
            .zip(first..)
            .map(move |(row, log)| row.show(LogKey { delivery: self.id, log }, mode, prepared_at))
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(crate) fn prepare(&mut self, book: &AddressBook, now: Timestamp) {
        roster::prepare(&mut self.rows, book);
        self.state = DeliveryState::Ready;
        self.prepared_at = Some(now);
        for (kpis, mode) in self.kpis.iter_mut().zip(Mode::ALL) {
            *kpis = Kpis::from_states(mode, self.rows.iter().map(|row| &row.state));
        }
        self.waiting = self.rows.iter().filter(|row| row.state.is_waiting()).count();
        self.unsettled = self.waiting;
    }

    pub(crate) fn confirm(&mut self, now: Timestamp) {
        self.state = DeliveryState::Started;
        self.started_at = Some(now);
    }

    pub(crate) fn cancel(&mut self, now: Timestamp) {
        if self.prepared_at.is_some() {
            self.give_up_waiting(|state| state.canceled(now));
        }
        self.state = DeliveryState::Canceled;
    }

    pub(crate) fn note_relayed(&mut self, index: usize, now: Timestamp) {
        self.update(index, |state| state.relayed(now));
        self.last_relayed_at = self.last_relayed_at.max(Some(now));
    }

    pub(crate) const fn note_quarantined(&mut self) {
        self.new_quarantine = self.new_quarantine.saturating_add(1);
    }

    /// The one door through which a row changes, so that every count follows.
    pub(crate) fn update(&mut self, index: usize, change: impl FnOnce(LogState) -> LogState) {
        let Some(row) = self.rows.get_mut(index) else { return };
        let before = Mode::ALL.map(|mode| row.state.standing(mode));
        let (was_waiting, was_settled) = (row.state.is_waiting(), row.state.is_settled());
        if let Some(due) = row.state.retry_due() {
            self.retries.remove(&(due, index));
        }
        row.state = change(mem::take(&mut row.state));
        if let Some(due) = row.state.retry_due() {
            self.retries.insert((due, index));
        }
        for ((kpis, mode), before) in self.kpis.iter_mut().zip(Mode::ALL).zip(before) {
            let after = row.state.standing(mode);
            if before != after {
                kpis.leave(before);
                kpis.enter(after);
            }
        }
        recount(&mut self.waiting, was_waiting, row.state.is_waiting());
        recount(&mut self.unsettled, !was_settled, !row.state.is_settled());
    }

    /// What is to be relayed now; each row once, unless the relay refuses it.
    pub(crate) fn next_row(&mut self, now: Timestamp) -> Option<usize> {
        if self.state != DeliveryState::Started {
            return None;
        }
        while let Some(row) = self.rows.get(self.cursor) {
            let index = self.cursor;
            self.cursor += 1;
            if row.state.is_waiting() && row.state.retry_due().is_none() {
                return Some(index);
            }
        }
        let (due, index) = self.retries.first().copied()?;
        if due > now {
            return None;
        }
        self.retries.pop_first();
        Some(index)
    }

    /// Ends what has run out by now.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        if self.state != DeliveryState::Started {
            return;
        }
        if self.overdue_at().is_some_and(|at| at <= now) {
            self.give_up_waiting(|state| state.overdue(now));
        }
        if self.unsettled == 0 || self.ends_at().is_some_and(|at| at <= now) {
            self.state = DeliveryState::Finished;
        }
    }

    /// When it is to be looked at again if nothing happens before.
    pub(crate) fn deadline(&self, now: Timestamp) -> Option<Timestamp> {
        if self.state != DeliveryState::Started {
            return None;
        }
        let retry = self.retries.range((now, usize::MAX)..).map(|&(due, _)| due).next();
        [retry, self.overdue_at(), self.ends_at()].into_iter().flatten().min()
    }

    /// When what has not been relayed by then is given up.
    fn overdue_at(&self) -> Option<Timestamp> {
        let started_at = self.started_at.filter(|_| self.waiting > 0)?;
        Some(started_at + self.content.effective_validity())
    }

    fn give_up_waiting(&mut self, change: impl Fn(LogState) -> LogState) {
        let mut index = 0;
        while let Some(row) = self.rows.get(index) {
            if row.state.is_waiting() {
                self.update(index, &change);
            }
            index += 1;
        }
    }
}

const fn recount(number: &mut usize, was: bool, is: bool) {
    match (was, is) {
        (true, false) => *number = number.saturating_sub(1),
        (false, true) => *number = number.saturating_add(1),
        (true, true) | (false, false) => {}
    }
}
