//! The delivery log's entry: what is known of one message, and the status that each mode reads off it.
//!
//! Three witnesses speak of a message: the campaign's own relay, the MTA (by feedback), and the mail that came back.
//! For each, [`LogState`] keeps the one word that weighs most. Weighing is a total order, so the result does not
//! depend on the order in which the words arrive, nor on how often: that is the invariant that
//! `tests/campaign/invariant.rs` holds.

mod witness;

use emta_mail::{FailureReason, FailureType, Timestamp};

use crate::config::Mode;
use crate::exclusion::Exclusion;
use crate::feedback::{Failure, Feedback, FeedbackKind, FeedbackType};
use witness::{Handover, MailWord, MtaWord, Report};

/// Status of an entry in the delivery log (facts 5.3), as far as e-mail has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LogStatus {
    /// Excluded when the delivery was prepared.
    Ignored = 0,
    /// Delivered; without feedback service, relayed.
    Sent = 1,
    /// Not delivered.
    Failed = 2,
    /// Relayed, and the MTA has not reported yet (Campaign v8).
    TakenIntoAccount = 3,
    /// Waiting to be relayed; with feedback service in Campaign Standard, also relayed and not reported yet.
    Pending = 6,
    /// Not relayed: stopped, or the validity ended before.
    Canceled = 7,
}

impl LogStatus {
    /// All statuses, by number.
    pub const ALL: [Self; 6] =
        [Self::Ignored, Self::Sent, Self::Failed, Self::TakenIntoAccount, Self::Pending, Self::Canceled];

    /// Campaign's number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The label that the user interface shows.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ignored => "Ignored",
            Self::Sent => "Sent",
            Self::Failed => "Failed",
            Self::TakenIntoAccount => "Taken into account by the service provider",
            Self::Pending => "Pending",
            Self::Canceled => "Delivery canceled",
        }
    }

    /// Its name in configuration and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::TakenIntoAccount => "taken_into_account",
            Self::Pending => "pending",
            Self::Canceled => "canceled",
        }
    }

    /// The status of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

impl std::fmt::Display for LogStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.label())
    }
}

/// What is known of one message: 56 octets, and a report only where something went wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogState {
    handover: Handover,
    mta: MtaWord,
    mail: MailWord,
    marks: Marks,
}

/// What a message's recipient did, each counted once a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Opened it.
    pub opened: bool,
    /// Followed a link.
    pub clicked: bool,
    /// Complained.
    pub complained: bool,
    /// Asked for no more mail by a feedback report.
    pub opted_out: bool,
    /// Answered automatically.
    pub auto_replied: bool,
}

/// All of an entry that KPIs count, in one mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The status shown.
    pub status: LogStatus,
    /// The failure type shown; Not defined where nothing went wrong.
    pub failure_type: FailureType,
    /// The failure reason shown; Not defined where nothing went wrong.
    pub reason: FailureReason,
    /// The MTA has the message.
    pub relayed: bool,
    /// What the recipient did.
    pub marks: Marks,
}

impl LogState {
    /// An entry left out when the delivery was prepared; nothing changes it any more.
    pub fn excluded(why: Exclusion) -> Self {
        Self { handover: Handover::Excluded(why), ..Self::default() }
    }

    /// The relay took the message at `at`.
    pub fn relayed(self, at: Timestamp) -> Self {
        self.hand(Handover::Relayed(at))
    }

    /// The relay refused the message for now; it is tried again at `due`.
    pub fn relay_deferred(self, due: Timestamp) -> Self {
        self.hand(Handover::Retrying(due))
    }

    /// The relay refused the message for good.
    pub fn relay_failed(self, at: Timestamp, failure: Failure) -> Self {
        self.hand(Handover::Failed(Box::new(Report::own(at, failure))))
    }

    /// The delivery was stopped before the message was relayed.
    pub fn canceled(self, at: Timestamp) -> Self {
        self.hand(Handover::Canceled(at))
    }

    /// The validity ended before the message was relayed.
    pub fn overdue(self, at: Timestamp) -> Self {
        self.hand(Handover::Overdue(at))
    }

    /// Takes in a report. Whoever reports on a message has it, so it counts as relayed from then on at the latest.
    /// Excluded entries stay as they are.
    ///
    /// With `complaint_fails: false`, a complaint leaves the status and only sets [`Marks::complained`].
    pub fn apply(mut self, feedback: &Feedback, complaint_fails: bool) -> Self {
        if self.exclusion().is_some() {
            return self;
        }
        let report = |failure: &Failure| Box::new(Report::new(feedback, failure));
        match &feedback.kind {
            FeedbackKind::Accepted => {}
            FeedbackKind::Deferred(failure) => self.mta.join(MtaWord::Deferred(report(failure))),
            FeedbackKind::Delivered => self.mta.join(MtaWord::Delivered(feedback.at)),
            FeedbackKind::Bounced(failure) | FeedbackKind::Expired(failure) => {
                self.mta.join(MtaWord::GaveUp(report(failure)));
            }
            FeedbackKind::AsynchronousBounce { failure, from_this_mta: true } => {
                self.mail.join(MailWord::GaveUp(report(failure)));
            }
            FeedbackKind::AsynchronousBounce { failure, from_this_mta: false } => {
                self.mail.join(if failure.fails_after_delivery() {
                    MailWord::Bounced(report(failure))
                } else {
                    MailWord::Noted(report(failure))
                });
            }
            FeedbackKind::Complaint { failure, feedback_type: FeedbackType::Complaint } => {
                self.marks.complained = true;
                if complaint_fails {
                    self.mail.join(MailWord::Complained(report(failure)));
                }
            }
            FeedbackKind::Complaint { feedback_type: FeedbackType::OptOut, failure: _ } => {
                self.marks.opted_out = true;
            }
            FeedbackKind::Complaint { feedback_type: FeedbackType::NoComplaint, failure: _ } => {}
            FeedbackKind::AutoReply(failure) => {
                self.marks.auto_replied = true;
                self.mail.join(MailWord::Noted(report(failure)));
            }
            FeedbackKind::Opened => self.marks.opened = true,
            FeedbackKind::Clicked => self.marks.clicked = true,
        }
        self.relayed(feedback.at)
    }

    /// The entry as it would be had nothing been reported: what the campaign itself did.
    pub fn without_feedback(&self) -> Self {
        Self { handover: self.handover.clone(), ..Self::default() }
    }

    /// Why it was left out, if it was.
    pub const fn exclusion(&self) -> Option<Exclusion> {
        match self.handover {
            Handover::Excluded(why) => Some(why),
            Handover::Waiting
            | Handover::Retrying(_)
            | Handover::Canceled(_)
            | Handover::Overdue(_)
            | Handover::Failed(_)
            | Handover::Relayed(_) => None,
        }
    }

    /// What the recipient did.
    pub const fn marks(&self) -> Marks {
        self.marks
    }

    /// Whether the MTA has the message.
    pub const fn is_relayed(&self) -> bool {
        matches!(self.handover, Handover::Relayed(_))
    }

    /// Whether it is still to be relayed.
    pub const fn is_waiting(&self) -> bool {
        matches!(self.handover, Handover::Waiting | Handover::Retrying(_))
    }

    /// When it is to be relayed again, if the relay has refused it for now.
    pub const fn retry_due(&self) -> Option<Timestamp> {
        match self.handover {
            Handover::Retrying(due) => Some(due),
            Handover::Waiting
            | Handover::Excluded(_)
            | Handover::Canceled(_)
            | Handover::Overdue(_)
            | Handover::Failed(_)
            | Handover::Relayed(_) => None,
        }
    }

    /// Whether nothing more is expected but late news (asynchronous bounce, complaint, open, click).
    pub const fn is_settled(&self) -> bool {
        match self.handover {
            Handover::Waiting | Handover::Retrying(_) => false,
            Handover::Excluded(_) | Handover::Canceled(_) | Handover::Overdue(_) | Handover::Failed(_) => {
                true
            }
            Handover::Relayed(_) => self.mta.is_last() || self.mail.fails(),
        }
    }

    /// What the mode counts of it.
    pub fn standing(&self, mode: Mode) -> Standing {
        let shown = self.failure(mode);
        let (failure_type, reason) = match &self.handover {
            Handover::Excluded(why) => (FailureType::Ignored, why.reason()),
            Handover::Overdue(_) => (FailureType::Ignored, FailureReason::Unreachable),
            Handover::Waiting
            | Handover::Retrying(_)
            | Handover::Canceled(_)
            | Handover::Failed(_)
            | Handover::Relayed(_) => match shown {
                Some(failure) => (failure.failure_type(), failure.reason()),
                None => (FailureType::NotDefined, FailureReason::NotDefined),
            },
        };
        let status = self.status(mode);
        Standing { status, failure_type, reason, relayed: self.is_relayed(), marks: self.marks }
    }

    /// The status that the mode shows.
    pub const fn status(&self, mode: Mode) -> LogStatus {
        match self.handover {
            Handover::Excluded(_) => LogStatus::Ignored,
            Handover::Waiting | Handover::Retrying(_) => LogStatus::Pending,
            Handover::Canceled(_) | Handover::Overdue(_) => LogStatus::Canceled,
            Handover::Failed(_) => LogStatus::Failed,
            Handover::Relayed(_) if self.mail.fails() => LogStatus::Failed,
            Handover::Relayed(_) => match (&self.mta, mode) {
                (MtaWord::GaveUp(_), Mode::WithoutEfs | Mode::Efs | Mode::EfsV8) => LogStatus::Failed,
                (_, Mode::WithoutEfs) | (MtaWord::Delivered(_), Mode::Efs | Mode::EfsV8) => LogStatus::Sent,
                (MtaWord::Nothing, Mode::Efs) => LogStatus::Pending,
                (MtaWord::Deferred(_), Mode::Efs) => LogStatus::Failed,
                (MtaWord::Nothing | MtaWord::Deferred(_), Mode::EfsV8) => LogStatus::TakenIntoAccount,
            },
        }
    }

    /// The failure that the mode shows: what made the message Failed, or what was noted without changing the status.
    pub fn failure(&self, mode: Mode) -> Option<&Failure> {
        self.shown(mode).map(|report| &report.failure)
    }

    /// When that happened which the mode shows; `None` for entries that nothing has happened to.
    pub fn date(&self, mode: Mode) -> Option<Timestamp> {
        if let Some(report) = self.shown(mode) {
            return Some(report.at);
        }
        match (&self.handover, &self.mta, mode) {
            (Handover::Relayed(_), MtaWord::Delivered(at), Mode::Efs | Mode::EfsV8) => Some(*at),
            (Handover::Relayed(at) | Handover::Canceled(at) | Handover::Overdue(at), _, _) => Some(*at),
            (Handover::Failed(report), _, _) => Some(report.at),
            (Handover::Waiting | Handover::Retrying(_) | Handover::Excluded(_), _, _) => None,
        }
    }

    /// Text of an entry whose validity ended before it was relayed (facts 2.4).
    pub const OVERDUE_TEXT: &'static str = "Message could not be processed before the delivery limit date.";

    /// Whether the validity ended before it was relayed.
    pub const fn is_overdue(&self) -> bool {
        matches!(self.handover, Handover::Overdue(_))
    }

    fn hand(mut self, handover: Handover) -> Self {
        self.handover.join(handover);
        self
    }

    /// What the recipient's provider said outweighs what the MTA said; of the MTA's two ways to say that it gave up,
    /// the feedback service shows the one that carries the reply, and without it there is only the mail.
    fn shown(&self, mode: Mode) -> Option<&Report> {
        if let Handover::Failed(report) = &self.handover {
            return Some(report);
        }
        match (&self.mail, &self.mta, mode) {
            (MailWord::Bounced(report) | MailWord::Complained(report), _, _) => Some(report),
            (MailWord::GaveUp(_), MtaWord::GaveUp(report), Mode::Efs | Mode::EfsV8) => Some(report),
            (MailWord::GaveUp(report), _, _) => Some(report),
            (_, MtaWord::GaveUp(report), _) => Some(report),
            // A soft bounce is Failed for now, and shows why; what was noted must wait.
            (_, MtaWord::Deferred(report), Mode::Efs) => Some(report),
            (MailWord::Noted(report), _, _) => Some(report),
            (MailWord::Nothing, MtaWord::Deferred(report), Mode::EfsV8) => Some(report),
            (MailWord::Nothing, MtaWord::Deferred(_), Mode::WithoutEfs) => None,
            (MailWord::Nothing, MtaWord::Nothing | MtaWord::Delivered(_), _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_stays_small() {
        assert_eq!(size_of::<LogState>(), 56, "ten million of these fit into memory");
    }

    #[test]
    fn numbers_and_names_lead_back() {
        for status in LogStatus::ALL {
            assert_eq!(LogStatus::from_name(status.name()), Some(status));
        }
        let codes = LogStatus::ALL.map(LogStatus::code);
        assert_eq!(codes, [0, 1, 2, 3, 6, 7]);
    }
}
