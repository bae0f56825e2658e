//! What can become of a message, and how often it did.

use emta_mail::{DeliveryEvent, EventKind, FailureType};

/// What an event says has become of a message, as a simulation counts it: finer than the event's kind where type of
/// failure or sender of a report make two stories of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The relay has it.
    Accepted,
    /// An attempt failed for now.
    Deferred,
    /// A mailbox provider has it.
    Delivered,
    /// Refused for good in the session, and classified as Hard.
    HardBounced,
    /// Refused for good in the session, and classified as anything else.
    SoftBounced,
    /// Its validity ended before an attempt succeeded.
    Expired,
    /// A provider that had taken it reported a failure by mail.
    AsynchronousBounce,
    /// The MTA's own report on a message that it gave up, which bounced or expired before.
    OwnReport,
    /// The recipient complained.
    Complaint,
    /// The recipient answered automatically.
    AutoReply,
    /// The recipient opened it.
    Opened,
    /// The recipient followed a link.
    Clicked,
}

impl Outcome {
    /// Number of outcomes.
    pub const COUNT: usize = 12;

    /// All of them, in the order of a message's life.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Accepted,
        Self::Deferred,
        Self::Delivered,
        Self::HardBounced,
        Self::SoftBounced,
        Self::Expired,
        Self::AsynchronousBounce,
        Self::OwnReport,
        Self::Complaint,
        Self::AutoReply,
        Self::Opened,
        Self::Clicked,
    ];

    /// What the event counts as.
    pub const fn of(event: &DeliveryEvent) -> Self {
        match &event.kind {
            EventKind::Accepted(_) => Self::Accepted,
            EventKind::Deferred { .. } => Self::Deferred,
            EventKind::Delivered { .. } => Self::Delivered,
            EventKind::Bounced { verdict, attempt: _ } => match verdict.failure_type {
                FailureType::Hard => Self::HardBounced,
                FailureType::Soft | FailureType::Ignored | FailureType::NotDefined => Self::SoftBounced,
            },
            EventKind::Expired { .. } => Self::Expired,
            EventKind::AsynchronousBounce(report) if report.from_this_mta => Self::OwnReport,
            EventKind::AsynchronousBounce(_) => Self::AsynchronousBounce,
            EventKind::Complaint(_) => Self::Complaint,
            EventKind::AutoReply(_) => Self::AutoReply,
            EventKind::Opened => Self::Opened,
            EventKind::Clicked { .. } => Self::Clicked,
        }
    }

    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Deferred => "deferred",
            Self::Delivered => "delivered",
            Self::HardBounced => "hard_bounced",
            Self::SoftBounced => "soft_bounced",
            Self::Expired => "expired",
            Self::AsynchronousBounce => "asynchronous_bounces",
            Self::OwnReport => "own_reports",
            Self::Complaint => "complaints",
            Self::AutoReply => "auto_replies",
            Self::Opened => "opened",
            Self::Clicked => "clicked",
        }
    }

    /// Its name for people.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Accepted => "Accepted",
            Self::Deferred => "Deferred attempts",
            Self::Delivered => "Delivered",
            Self::HardBounced => "Hard bounces",
            Self::SoftBounced => "Soft bounces",
            Self::Expired => "Expired",
            Self::AsynchronousBounce => "Asynchronous bounces",
            Self::OwnReport => "Own reports",
            Self::Complaint => "Complaints",
            Self::AutoReply => "Automatic replies",
            Self::Opened => "Opens",
            Self::Clicked => "Clicks",
        }
    }

    /// Whether the message leaves the queue by it.
    pub const fn is_final(self) -> bool {
        match self {
            Self::Delivered | Self::HardBounced | Self::SoftBounced | Self::Expired => true,
            Self::Accepted
            | Self::Deferred
            | Self::AsynchronousBounce
            | Self::OwnReport
            | Self::Complaint
            | Self::AutoReply
            | Self::Opened
            | Self::Clicked => false,
        }
    }
}

/// How many events there were of each outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts([u64; Outcome::COUNT]);

impl Counts {
    /// Events of this outcome.
    pub const fn of(&self, outcome: Outcome) -> u64 {
        self.0[outcome as usize]
    }

    /// Events of any of these outcomes.
    pub fn sum(&self, outcomes: impl IntoIterator<Item = Outcome>) -> u64 {
        outcomes.into_iter().fold(0, |sum, outcome| sum.saturating_add(self.of(outcome)))
    }

    /// Messages that left the queue.
    pub fn finished(&self) -> u64 {
        self.sum(Outcome::ALL.into_iter().filter(|outcome| outcome.is_final()))
    }

    /// Messages accepted that have not left the queue, of counts that hold both.
    pub fn queued(&self) -> u64 {
        self.of(Outcome::Accepted).saturating_sub(self.finished())
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|number| *number == 0)
    }

    /// Counts `number` more.
    pub const fn add(&mut self, outcome: Outcome, number: u64) {
        let slot = &mut self.0[outcome as usize];
        *slot = slot.saturating_add(number);
    }

    /// Adds other counts.
    pub fn merge(&mut self, other: &Self) {
        for outcome in Outcome::ALL {
            self.add(outcome, other.of(outcome));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_numbered_as_listed() {
        for (index, outcome) in Outcome::ALL.into_iter().enumerate() {
            assert_eq!(outcome as usize, index, "{outcome:?}");
        }
    }

    #[test]
    fn what_is_queued_is_what_has_not_left() {
        let mut counts = Counts::default();
        counts.add(Outcome::Accepted, 10);
        counts.add(Outcome::Deferred, 4);
        counts.add(Outcome::Delivered, 6);
        counts.add(Outcome::Expired, 1);
        counts.add(Outcome::AsynchronousBounce, 3);
        assert_eq!((counts.finished(), counts.queued()), (7, 3));
        counts.add(Outcome::Delivered, u64::MAX);
        assert_eq!((counts.finished(), counts.queued()), (u64::MAX, 0), "no overflow");
    }
}
