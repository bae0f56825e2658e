//! The bounce mailbox: mail that came back, and what was made of it.

use std::fmt;

use bytes::Bytes;
use emta_mail::event::Correlation;
use emta_mail::{EnhancedStatus, FailureReason, FailureType, QueueId, Timestamp};

/// The name of a mail that came back: made by the caller from its content, so that the same mail, taken in twice, is
/// one. Written as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InboundId(u64);

impl InboundId {
    /// From its number.
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for InboundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for InboundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// A mail that came back, to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInbound {
    /// Its id; a mail whose id is already there is not kept again.
    pub id: InboundId,
    /// When it came.
    pub received_at: Timestamp,
    /// The mail as it came.
    pub raw: Bytes,
    /// What it was read as, such as `dsn`, `arf` or `auto_reply`; the reader's word.
    pub kind: String,
    /// Its own `Message-ID` without angle brackets; empty if it has none.
    pub message_id: String,
    /// Its subject, decoded; empty if it has none.
    pub subject: String,
    /// What it says, for each recipient that it speaks of. Empty where nothing was understood.
    pub results: Vec<InboundResult>,
}

/// What a mail that came back says of one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundResult {
    /// The message that it speaks of, and how that was found; `None` where none was.
    pub matched: Option<(QueueId, Correlation)>,
    /// The recipient that it names.
    pub recipient: Option<String>,
    /// Enhanced status of the failure.
    pub status: Option<EnhancedStatus>,
    /// The text that was qualified.
    pub text: String,
    /// Campaign's failure type.
    pub failure_type: FailureType,
    /// Campaign's failure reason.
    pub reason: FailureReason,
    /// The rule that matched; `None` where the default applied.
    pub rule: Option<String>,
}

/// A mail that came back, without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboundRow {
    /// Its id.
    pub id: InboundId,
    /// When it came.
    pub received_at: Timestamp,
    /// Its size in octets.
    pub size: u64,
    /// What it was read as.
    pub kind: String,
    /// Its own `Message-ID` without angle brackets; empty if it has none.
    pub message_id: String,
    /// Its subject, decoded; empty if it has none.
    pub subject: String,
    /// A POP3 client deleted it: it is gone from the mailbox, and only from there.
    pub deleted: bool,
    /// What it says, for each recipient that it speaks of.
    pub results: Vec<InboundResult>,
}

impl InboundRow {
    /// Its place in the mailbox.
    pub const fn cursor(&self) -> InboundCursor {
        InboundCursor { received_at: self.received_at, id: self.id }
    }
}

/// A place in the mailbox, which is told oldest first: by the instant of arrival, then by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InboundCursor {
    /// When the mail came.
    pub received_at: Timestamp,
    /// The mail.
    pub id: InboundId,
}

/// How much is in the bounce mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboundCounts {
    /// Mails kept, those that a POP3 client deleted included.
    pub kept: u64,
    /// Mails in the mailbox.
    pub mailbox: u64,
    /// Their size in octets.
    pub mailbox_octets: u64,
}
