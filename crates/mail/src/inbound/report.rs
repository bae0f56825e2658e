//! What a mail that came back says, whatever format it said it in.

use std::fmt;

use crate::reply::EnhancedStatus;
use crate::time::Timestamp;

/// A mail that arrived in the bounce mailbox, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InboundMail {
    /// What it is.
    pub kind: MailKind,
    /// Its own `Message-ID`, without angle brackets.
    pub report_id: Option<String>,
    /// Its `Subject`, decoded; empty if it has none.
    pub subject: String,
    /// Address of its `From` field.
    pub from: Option<String>,
    /// The address it was sent to, for variable envelope return paths: `Delivered-To`, `X-Original-To`,
    /// `Envelope-To`, or else `To`.
    pub to: Option<String>,
    /// Its `Date`, where it can be read.
    pub date: Option<Timestamp>,
    /// The format it is written in: `rfc3464`, `rfc5965`, `rfc3834`, `json`, `address_change`, or the program whose
    /// plain text it is (`exim`, `qmail`, ...); `unknown` for mail that is no report.
    pub sender_format: &'static str,
    /// The program or service that wrote it, by the words that only it uses; also for `rfc3464`.
    pub program: Option<&'static str>,
    /// The host that reports (RFC 3464 section 2.2.2).
    pub reporting_mta: Option<String>,
    /// The message it speaks of.
    pub original: Option<OriginalMessage>,
    /// The recipients it speaks of, in its order; may be empty where a report names none.
    pub recipients: Vec<RecipientReport>,
    /// What a complaint says; `None` for other mail.
    pub feedback: Option<Feedback>,
    /// Plain text of the part for people, without the returned message; at most
    /// [`MAX_TEXT`](super::MAX_TEXT) octets.
    pub text: String,
}

/// What a mail in the bounce mailbox is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MailKind {
    /// A delivery status notification (RFC 3464), or a bounce in another format.
    DeliveryReport,
    /// A recipient's complaint (RFC 5965).
    Complaint,
    /// An automatic answer (RFC 3834); the message it answers was delivered.
    AutoReply,
    /// A request to be taken off the list, mailed to the `List-Unsubscribe` address (facts 2.6).
    Unsubscribe,
    /// The recipient's system asks the sender to prove to be human.
    ChallengeResponse,
    /// None of these.
    #[default]
    Other,
}

impl MailKind {
    /// All kinds.
    pub const ALL: [Self; 6] = [
        Self::DeliveryReport,
        Self::Complaint,
        Self::AutoReply,
        Self::Unsubscribe,
        Self::ChallengeResponse,
        Self::Other,
    ];

    /// Its name in events and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DeliveryReport => "delivery_report",
            Self::Complaint => "complaint",
            Self::AutoReply => "auto_reply",
            Self::Unsubscribe => "unsubscribe",
            Self::ChallengeResponse => "challenge_response",
            Self::Other => "other",
        }
    }

    /// The kind of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for MailKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What the reporting system did with a recipient (RFC 3464 section 2.3.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// The message will not be delivered.
    #[default]
    Failed,
    /// Not yet; it keeps trying.
    Delayed,
    /// It is in the mailbox.
    Delivered,
    /// It went on to a system that makes no reports.
    Relayed,
    /// It went on to several addresses.
    Expanded,
}

impl Action {
    /// All actions.
    pub const ALL: [Self; 5] = [Self::Failed, Self::Delayed, Self::Delivered, Self::Relayed, Self::Expanded];

    /// Its name in the `Action` field.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Delayed => "delayed",
            Self::Delivered => "delivered",
            Self::Relayed => "relayed",
            Self::Expanded => "expanded",
        }
    }

    /// The action of this name; case does not count.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a report says of one recipient.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecipientReport {
    /// The address that was tried, without its type (RFC 3464 section 2.3.2).
    pub final_recipient: Option<String>,
    /// The address as the sender wrote it, without its type (RFC 3464 section 2.3.1).
    pub original_recipient: Option<String>,
    /// What was done.
    pub action: Action,
    /// Enhanced status: of the diagnostic text, or, where that has none or says nothing, of the `Status` field.
    pub status: Option<EnhancedStatus>,
    /// Code of the SMTP reply in the diagnostic text, 200 to 599.
    pub reply_code: Option<u16>,
    /// What the other side said, on one line: SMTP reply or the reporting system's own words; at most
    /// [`MAX_DIAGNOSTIC`](super::MAX_DIAGNOSTIC) octets. Empty if there is nothing.
    pub diagnostic: String,
    /// The host that refused it.
    pub remote_mta: Option<String>,
    /// When it was last tried.
    pub last_attempt: Option<Timestamp>,
    /// When the reporting system gives up, for a delay.
    pub will_retry_until: Option<Timestamp>,
    /// The SMTP command that was refused, where the report says so: `RCPT`, `DATA`, ...
    pub smtp_command: Option<&'static str>,
    /// Where in the mail the recipient was found.
    pub found_in: FoundIn,
}

/// Where in a mail a recipient was found; the surest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FoundIn {
    /// The part that is made for it: `message/delivery-status` (RFC 3464).
    #[default]
    StatusPart,
    /// The report of a complaint (RFC 5965).
    FeedbackPart,
    /// A notification in JSON.
    Json,
    /// Fields of RFC 3464 that stand in the text for people.
    StatusInText,
    /// The header of the mail: `X-Failed-Recipients`.
    FailedRecipients,
    /// A list in the text.
    List,
    /// A transcript of the SMTP session in the text.
    Transcript,
    /// A sentence of the text.
    Sentence,
    /// The mail's sender, who answers.
    Sender,
    /// The header of the returned message.
    Original,
}

impl FoundIn {
    /// All places.
    pub const ALL: [Self; 10] = [
        Self::StatusPart,
        Self::FeedbackPart,
        Self::Json,
        Self::StatusInText,
        Self::FailedRecipients,
        Self::List,
        Self::Transcript,
        Self::Sentence,
        Self::Sender,
        Self::Original,
    ];

    /// Its name in the output of commands and the API.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StatusPart => "status_part",
            Self::FeedbackPart => "feedback_part",
            Self::Json => "json",
            Self::StatusInText => "status_in_text",
            Self::FailedRecipients => "failed_recipients",
            Self::List => "list",
            Self::Transcript => "transcript",
            Self::Sentence => "sentence",
            Self::Sender => "sender",
            Self::Original => "original",
        }
    }
}

impl fmt::Display for FoundIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl RecipientReport {
    /// The address that the sender knew, or else the one that was tried; one without `@` only if both are.
    pub fn address(&self) -> Option<&str> {
        let mut names = [&self.original_recipient, &self.final_recipient].into_iter().flatten();
        let first = names.clone().next();
        names.find(|name| name.contains('@')).or(first).map(String::as_str)
    }
}

/// What a report returns of the message it speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OriginalMessage {
    /// Its `Message-ID`, without angle brackets.
    pub message_id: Option<String>,
    /// Its header fields as name and unfolded value; at most [`MAX_ORIGINAL_FIELDS`](super::MAX_ORIGINAL_FIELDS).
    /// Trace and signature fields are left out: nobody correlates by them, and they are most of the bytes.
    pub headers: Vec<(String, String)>,
    /// `Original-Envelope-Id` of the report, decoded (RFC 3461 section 4.4).
    pub envelope_id: Option<String>,
}

impl OriginalMessage {
    /// Value of the first field of this name; case does not count.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// What a complaint says (RFC 5965 section 3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Feedback {
    /// Its kind in lower case, such as `abuse`; `abuse` where it is missing.
    pub feedback_type: String,
    /// The program that made it.
    pub user_agent: Option<String>,
    /// Envelope sender of the message complained about, without angle brackets.
    pub original_mail_from: Option<String>,
    /// Recipients of the message complained about, without angle brackets; empty where they were removed.
    pub original_rcpt_to: Vec<String>,
    /// When the message had arrived.
    pub arrival_date: Option<Timestamp>,
    /// The address it had come from.
    pub source_ip: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for kind in MailKind::ALL {
            assert_eq!(MailKind::from_name(kind.name()), Some(kind));
        }
        for action in Action::ALL {
            assert_eq!(Action::from_name(&action.name().to_uppercase()), Some(action));
        }
        assert_eq!(Action::from_name("exploded"), None);
    }
}
