//! Addresses that failed: error counts, quarantine, denylist (NmsAddress, facts 4).

use std::collections::BTreeMap;

use emta_mail::{EmailAddress, FailureReason, FailureType, Timestamp};

use crate::config::{Mode, QuarantinePolicy};
use crate::feedback::{Failure, FeedbackKind, FeedbackType};

/// Status of an address, in the order in which the user interface lists them (facts 4.2). Only the number of Valid is
/// documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressStatus {
    /// Nothing is known.
    Unknown = 0,
    /// It had errors, too few for quarantine.
    WithErrors = 1,
    /// It works.
    Valid = 2,
    /// Its owner complained or opted out: never mailed again.
    Denylisted = 3,
    /// Too many errors: never mailed again, until an operator says otherwise.
    Quarantine = 4,
    /// An operator vouches for it: errors are ignored.
    Allowlisted = 5,
}

impl AddressStatus {
    /// All statuses, by number.
    pub const ALL: [Self; 6] =
        [Self::Unknown, Self::WithErrors, Self::Valid, Self::Denylisted, Self::Quarantine, Self::Allowlisted];

    /// Campaign's number.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The label that the user interface shows.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Unknown => "Unknown",
            Self::WithErrors => "With errors",
            Self::Valid => "Valid",
            Self::Denylisted => "Denylisted",
            Self::Quarantine => "Quarantine",
            Self::Allowlisted => "Allowlisted",
        }
    }

    /// Its name in configuration and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::WithErrors => "with_errors",
            Self::Valid => "valid",
            Self::Denylisted => "denylisted",
            Self::Quarantine => "quarantine",
            Self::Allowlisted => "allowlisted",
        }
    }

    /// The status of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// What is known of one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressRecord {
    /// Its status.
    pub status: AddressStatus,
    /// When the record was made.
    pub created: Timestamp,
    /// When the status last changed, or the number of errors.
    pub modified: Timestamp,
    /// Significant errors since the last reset.
    pub errors: u32,
    /// The last error that was counted as significant.
    pub last_significant: Option<Timestamp>,
    /// The last error that counts for quarantine at all, significant or not.
    pub last_error: Option<Timestamp>,
    /// The last delivery to it.
    pub last_success: Option<Timestamp>,
    /// Reason of the last error.
    pub reason: FailureReason,
    /// Text of the last error: the raw reply, or which Inbound email rule matched.
    pub text: Box<str>,
}

impl AddressRecord {
    fn new(now: Timestamp) -> Self {
        Self {
            status: AddressStatus::Unknown,
            created: now,
            modified: now,
            errors: 0,
            last_significant: None,
            last_error: None,
            last_success: None,
            reason: FailureReason::NotDefined,
            text: Box::default(),
        }
    }

    fn set(&mut self, status: AddressStatus, now: Timestamp) {
        self.status = status;
        self.modified = now;
    }

    /// Whether the errors are so old that they no longer count.
    fn is_forgotten(&self, policy: &QuarantinePolicy, now: Timestamp) -> bool {
        let after = if self.reason == FailureReason::MailboxFull {
            policy.mailbox_full_reset
        } else {
            policy.reset_after
        };
        self.last_significant.is_none_or(|last| now.since(last) > after)
    }
}

/// Whether a failure gave the address a bad mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    Hard,
    Soft,
}

/// All addresses that something was ever wrong with, or that an operator gave a status.
///
/// The local part's case counts (facts 4.1). Only Denylisted and Quarantine keep an address out of a delivery.
/// Repeated reports change nothing: a repetition is never a day younger than itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressBook {
    mode: Mode,
    policy: QuarantinePolicy,
    records: BTreeMap<EmailAddress, AddressRecord>,
    last_cleanup: Option<Timestamp>,
}

impl AddressBook {
    /// An empty book, kept in this mode: it decides which reports count.
    pub const fn new(mode: Mode, policy: QuarantinePolicy) -> Self {
        Self { mode, policy, records: BTreeMap::new(), last_cleanup: None }
    }

    /// What is known of the address.
    pub fn get(&self, address: &EmailAddress) -> Option<&AddressRecord> {
        self.records.get(address)
    }

    /// The address's status; Unknown where nothing is known.
    pub fn status(&self, address: &EmailAddress) -> AddressStatus {
        self.get(address).map_or(AddressStatus::Unknown, |record| record.status)
    }

    /// All records, by address.
    pub fn iter(&self) -> impl Iterator<Item = (&EmailAddress, &AddressRecord)> {
        self.records.iter()
    }

    /// An operator gives the address a status. All but With errors, Denylisted and Quarantine forget its errors.
    pub fn set_status(&mut self, address: EmailAddress, status: AddressStatus, now: Timestamp) {
        let record = self.records.entry(address).or_insert_with(|| AddressRecord::new(now));
        record.set(status, now);
        match status {
            AddressStatus::Unknown | AddressStatus::Valid | AddressStatus::Allowlisted => {
                record.errors = 0;
                record.last_significant = None;
            }
            AddressStatus::WithErrors | AddressStatus::Denylisted | AddressStatus::Quarantine => {}
        }
    }

    /// Takes in a report about a message to the address, which happened at `at`. True if this put the address into
    /// quarantine.
    ///
    /// With feedback service, what the MTA reports counts, and what providers mail back; without, all that comes
    /// back by mail. The MTA's own mails repeat what it reported, and count only where there was no report.
    pub fn report(&mut self, address: &EmailAddress, kind: &FeedbackKind, at: Timestamp) -> bool {
        let feedback_service = match self.mode {
            Mode::WithoutEfs => false,
            Mode::Efs | Mode::EfsV8 => true,
        };
        match kind {
            // Whatever its type, a deferral does not prove that the address is bad for good.
            FeedbackKind::Deferred(failure) if feedback_service => match failure.failure_type() {
                FailureType::Hard | FailureType::Soft => self.error(address, Severity::Soft, failure, at),
                FailureType::Ignored | FailureType::NotDefined => false,
            },
            FeedbackKind::Bounced(failure) | FeedbackKind::Expired(failure) if feedback_service => {
                self.failed(address, failure, at)
            }
            FeedbackKind::AsynchronousBounce { failure, from_this_mta }
                if !(feedback_service && *from_this_mta) =>
            {
                self.failed(address, failure, at)
            }
            FeedbackKind::Delivered if feedback_service => {
                if let Some(record) = self.records.get_mut(address) {
                    record.last_success = record.last_success.max(Some(at));
                }
                false
            }
            FeedbackKind::Complaint {
                failure,
                feedback_type: FeedbackType::Complaint | FeedbackType::OptOut,
            } => {
                self.denylist(address, failure, at);
                false
            }
            FeedbackKind::Deferred(_)
            | FeedbackKind::Bounced(_)
            | FeedbackKind::Expired(_)
            | FeedbackKind::AsynchronousBounce { .. }
            | FeedbackKind::Delivered
            | FeedbackKind::Complaint { feedback_type: FeedbackType::NoComplaint, .. }
            | FeedbackKind::Accepted
            | FeedbackKind::AutoReply(_)
            | FeedbackKind::Opened
            | FeedbackKind::Clicked => false,
        }
    }

    /// The daily database cleanup (facts 4.4): addresses With errors become Valid after a success or when their
    /// errors are old, and addresses that were Valid at the previous cleanup already are dropped. Quarantine and
    /// Denylisted stay.
    pub fn cleanup(&mut self, now: Timestamp) {
        let (policy, last_cleanup) = (&self.policy, self.last_cleanup);
        self.records.retain(|_, record| match record.status {
            AddressStatus::WithErrors => {
                if record.last_success > record.last_error || record.is_forgotten(policy, now) {
                    record.set(AddressStatus::Valid, now);
                    record.errors = 0;
                    record.last_significant = None;
                }
                true
            }
            AddressStatus::Valid => last_cleanup.is_none_or(|last| record.modified > last),
            AddressStatus::Unknown
            | AddressStatus::Denylisted
            | AddressStatus::Quarantine
            | AddressStatus::Allowlisted => true,
        });
        self.last_cleanup = Some(now);
    }

    fn failed(&mut self, address: &EmailAddress, failure: &Failure, at: Timestamp) -> bool {
        match failure.failure_type() {
            FailureType::Hard => self.error(address, Severity::Hard, failure, at),
            FailureType::Soft => self.error(address, Severity::Soft, failure, at),
            FailureType::Ignored | FailureType::NotDefined => false,
        }
    }

    fn error(
        &mut self,
        address: &EmailAddress,
        severity: Severity,
        failure: &Failure,
        at: Timestamp,
    ) -> bool {
        let record = self.records.entry(address.clone()).or_insert_with(|| AddressRecord::new(at));
        match record.status {
            AddressStatus::Allowlisted | AddressStatus::Denylisted => return false,
            AddressStatus::Unknown
            | AddressStatus::WithErrors
            | AddressStatus::Valid
            | AddressStatus::Quarantine => {}
        }
        if record.status != AddressStatus::Quarantine && record.is_forgotten(&self.policy, at) {
            record.errors = 0;
            record.last_significant = None;
        }
        if record.last_error.is_none_or(|last| at >= last) {
            record.last_error = Some(at);
            record.reason = failure.reason();
            record.text = failure.text().into();
        }
        if record.status == AddressStatus::Quarantine {
            return false;
        }
        let is_significant =
            record.last_significant.is_none_or(|last| at.since(last) >= self.policy.significant_delay);
        match severity {
            Severity::Hard => {
                record.errors = record.errors.max(1);
                record.last_significant = record.last_significant.max(Some(at));
                record.set(AddressStatus::Quarantine, at);
                true
            }
            Severity::Soft if is_significant => {
                record.errors = record.errors.saturating_add(1);
                record.last_significant = Some(at);
                let is_too_many = record.errors >= self.policy.error_threshold;
                record
                    .set(if is_too_many { AddressStatus::Quarantine } else { AddressStatus::WithErrors }, at);
                is_too_many
            }
            Severity::Soft => false,
        }
    }

    fn denylist(&mut self, address: &EmailAddress, failure: &Failure, at: Timestamp) {
        let record = self.records.entry(address.clone()).or_insert_with(|| AddressRecord::new(at));
        if record.status == AddressStatus::Denylisted {
            return;
        }
        record.reason = failure.reason();
        record.text = failure.text().into();
        record.last_error = record.last_error.max(Some(at));
        record.set(AddressStatus::Denylisted, at);
    }
}
