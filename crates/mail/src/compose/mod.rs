//! Writes the mails that come back: bounces, complaints, automatic replies.
//!
//! Pure: the same specification gives the same bytes. All lines end in CRLF and are at most [`MAX_LINE`] octets, and
//! no value can add a header field or a MIME part. What is written here, [`crate::inbound::read`] reads back.

mod auto_reply;
mod bounce;
mod complaint;
mod format;
mod notification;
mod style;
mod styles;
mod writer;

pub use auto_reply::{AutoReplySpec, Language, auto_reply};
pub use bounce::{BounceSpec, bounce};
pub use complaint::{ComplaintSpec, complaint};
pub use format::ReportFormat;
pub use writer::MAX_LINE;
