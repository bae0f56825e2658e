//! The witnesses of a message's fate, and how their words weigh.
//!
//! Each word has a rank. The higher rank stays; of two words of equal rank the later one stays where it is news about
//! something that goes on, the earlier one where it settled the matter. All three orders are total.

use std::cmp::Ordering;

use emta_mail::{EventId, Timestamp};

use crate::exclusion::Exclusion;
use crate::feedback::{Failure, Feedback};

/// A failure, and when and by which event it was reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) at: Timestamp,
    event: EventId,
    pub(super) failure: Failure,
}

impl Report {
    pub(super) fn new(feedback: &Feedback, failure: &Failure) -> Self {
        Self { at: feedback.at, event: feedback.event_id, failure: failure.clone() }
    }

    /// What the campaign system itself found out, which no event names.
    pub(super) fn own(at: Timestamp, failure: Failure) -> Self {
        Self { at, event: EventId::from_u64(0), failure }
    }

    fn order(&self) -> (Timestamp, EventId) {
        (self.at, self.event)
    }
}

/// How far the campaign itself got with the message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Handover {
    /// Not relayed yet.
    #[default]
    Waiting,
    /// The relay refused it for now; again at this time.
    Retrying(Timestamp),
    /// Stopped before it was relayed.
    Canceled(Timestamp),
    /// Its validity ended before it was relayed.
    Overdue(Timestamp),
    /// The relay refused it for good.
    Failed(Box<Report>),
    /// The MTA has it. Weighs more than the above: it may become known late, as when the answer of the relay was lost.
    Relayed(Timestamp),
    /// Left out; nothing was sent.
    Excluded(Exclusion),
}

impl Handover {
    const fn rank(&self) -> u8 {
        match self {
            Self::Waiting => 0,
            Self::Retrying(_) => 1,
            Self::Canceled(_) => 2,
            Self::Overdue(_) => 3,
            Self::Failed(_) => 4,
            Self::Relayed(_) => 5,
            Self::Excluded(_) => 6,
        }
    }

    pub(super) fn join(&mut self, other: Self) {
        let weight = match (&*self, &other) {
            (Self::Retrying(a), Self::Retrying(b)) => b.cmp(a),
            (Self::Canceled(a), Self::Canceled(b))
            | (Self::Overdue(a), Self::Overdue(b))
            | (Self::Relayed(a), Self::Relayed(b)) => a.cmp(b),
            (Self::Failed(a), Self::Failed(b)) => a.order().cmp(&b.order()),
            (a, b) => b.rank().cmp(&a.rank()),
        };
        if weight == Ordering::Greater {
            *self = other;
        }
    }
}

/// What the MTA reported by feedback.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum MtaWord {
    #[default]
    Nothing,
    /// The last attempt failed for now.
    Deferred(Box<Report>),
    /// A provider accepted it.
    Delivered(Timestamp),
    /// It bounced or expired. Weighs more than a delivery, which can only stand beside it after a crash: without
    /// feedback service nobody would hear of the delivery, and the modes must agree.
    GaveUp(Box<Report>),
}

impl MtaWord {
    const fn rank(&self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Deferred(_) => 1,
            Self::Delivered(_) => 2,
            Self::GaveUp(_) => 3,
        }
    }

    /// Whether the MTA is through with the message.
    pub(super) const fn is_last(&self) -> bool {
        match self {
            Self::Nothing | Self::Deferred(_) => false,
            Self::Delivered(_) | Self::GaveUp(_) => true,
        }
    }

    pub(super) fn join(&mut self, other: Self) {
        let weight = match (&*self, &other) {
            (Self::Deferred(a), Self::Deferred(b)) => b.order().cmp(&a.order()),
            (Self::Delivered(a), Self::Delivered(b)) => a.cmp(b),
            (Self::GaveUp(a), Self::GaveUp(b)) => a.order().cmp(&b.order()),
            (a, b) => b.rank().cmp(&a.rank()),
        };
        if weight == Ordering::Greater {
            *self = other;
        }
    }
}

/// What came back by mail.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum MailWord {
    #[default]
    Nothing,
    /// An automatic reply, or a bounce that is to be ignored.
    Noted(Box<Report>),
    /// The MTA's own report that it gave up.
    GaveUp(Box<Report>),
    /// A provider's report that it could not deliver after all.
    Bounced(Box<Report>),
    /// A complaint that makes the message Failed.
    Complained(Box<Report>),
}

impl MailWord {
    const fn rank(&self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Noted(_) => 1,
            Self::GaveUp(_) => 2,
            Self::Bounced(_) => 3,
            Self::Complained(_) => 4,
        }
    }

    /// Whether it makes the message Failed.
    pub(super) const fn fails(&self) -> bool {
        match self {
            Self::Nothing | Self::Noted(_) => false,
            Self::GaveUp(_) | Self::Bounced(_) | Self::Complained(_) => true,
        }
    }

    pub(super) fn join(&mut self, other: Self) {
        let weight = match (&*self, &other) {
            (Self::Noted(a), Self::Noted(b)) => b.order().cmp(&a.order()),
            (Self::GaveUp(a), Self::GaveUp(b))
            | (Self::Bounced(a), Self::Bounced(b))
            | (Self::Complained(a), Self::Complained(b)) => a.order().cmp(&b.order()),
            (a, b) => b.rank().cmp(&a.rank()),
        };
        if weight == Ordering::Greater {
            *self = other;
        }
    }
}
