//! A queued message: one recipient, its envelope, and where in the campaign system it came from.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::address::{EmailAddress, ReversePath};

/// The queue's name for a message, one for each recipient; written as 16 hexadecimal digits.
///
/// It is made from the message (seed, envelope, content), not from the order of arrival, so that the same input gives
/// the same ids.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId(u64);

/// What was wrong with a written queue id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a queue id; expected 16 hexadecimal digits")]
pub struct QueueIdError(String);

impl QueueId {
    /// From its number.
    pub const fn from_u64(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn as_u64(self) -> u64 {
        self.0
    }
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for QueueId {
    type Err = QueueIdError;
    fn from_str(text: &str) -> Result<Self, QueueIdError> {
        let hex = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let number = hex.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        number.map(Self).ok_or_else(|| QueueIdError(text.chars().take(40).collect()))
    }
}

/// What of the message a failure report returns (RFC 3461 section 4.3, `RET`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Return {
    /// The whole message.
    Full,
    /// Its header only.
    Headers,
}

/// When the sender wants a report (RFC 3461 section 4.1, `NOTIFY`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Notify {
    /// On delivery.
    pub success: bool,
    /// On failure.
    pub failure: bool,
    /// On delay.
    pub delay: bool,
}

impl Notify {
    /// `NOTIFY=NEVER`.
    pub const NEVER: Self = Self { success: false, failure: false, delay: false };
    /// What holds where the sender said nothing: reports of failure.
    pub const DEFAULT: Self = Self { success: false, failure: true, delay: false };
}

/// The envelope of one queued message.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Envelope {
    /// Where failures are reported.
    pub sender: ReversePath,
    /// The one recipient.
    pub recipient: EmailAddress,
    /// What reports return; `None` where the sender left it open.
    pub ret: Option<Return>,
    /// The sender's own identifier for the transaction (`ENVID`), decoded, at most 100 characters.
    pub envid: Option<String>,
    /// When reports are wanted.
    pub notify: Notify,
    /// The recipient as the sender first knew it (`ORCPT`), decoded, without its address type.
    pub original_recipient: Option<String>,
    /// The content has octets beyond ASCII (`BODY=8BITMIME`, RFC 6152).
    pub eight_bit: bool,
    /// Addresses or header fields have characters beyond ASCII (`SMTPUTF8`, RFC 6531).
    pub smtputf8: bool,
}

impl Envelope {
    /// An envelope with sender and recipient and no options.
    pub const fn new(sender: ReversePath, recipient: EmailAddress) -> Self {
        Self {
            sender,
            recipient,
            ret: None,
            envid: None,
            notify: Notify::DEFAULT,
            original_recipient: None,
            eight_bit: false,
            smtputf8: false,
        }
    }
}

/// Where in the campaign system a message came from, as its header fields said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The campaign.
    pub campaign: Option<String>,
    /// The delivery within the campaign (decimal, for Adobe's identifiers).
    pub delivery: Option<String>,
    /// The recipient's entry in the delivery log (decimal, for Adobe's broad-log identifiers).
    pub log: Option<String>,
    /// How long the sender wants it tried; the queue's own limit caps it.
    pub validity: Option<Duration>,
    /// Free metadata, returned in every event.
    pub metadata: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queue_id_leads_back() {
        let id = QueueId::from_u64(0x0123_4567_89ab_cdef);
        assert_eq!(id.to_string(), "0123456789abcdef");
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "123", "0123456789abcdefa", "+123456789abcdef"] {
            assert!(text.parse::<QueueId>().is_err(), "{text}");
        }
    }
}
