//! Mail that comes back: bounces in any format, complaints, automatic replies.

pub mod adobe;
mod report;

pub use adobe::AdobeMessageId;
pub use report::{Action, Feedback, InboundMail, MailKind, OriginalMessage, RecipientReport};

/// Octets of the human part's text that are kept for the rules.
pub const MAX_TEXT: usize = 32 * 1024;
/// Octets of one diagnostic text that are kept.
pub const MAX_DIAGNOSTIC: usize = 4 * 1024;
/// Header fields of a returned message that are kept.
pub const MAX_ORIGINAL_FIELDS: usize = 100;

/// Reads a mail.
pub fn read(raw: &[u8]) -> InboundMail {
    let _ = raw;
    InboundMail::default()
}
