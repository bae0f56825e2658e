//! What is reported about a message after it was relayed.

use emta_mail::event::{MailReport, Verdict};
use emta_mail::{DeliveryEvent, EventId, EventKind, FailureReason, FailureType, Timestamp};

use crate::key::LogKey;

/// Longest text and rule name kept of a failure, in octets; the rest is cut off.
pub const MAX_FAILURE_TEXT: usize = 1_000;

/// One report about one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// Names the report; a repetition has the same name and no effect.
    pub event_id: EventId,
    /// The message.
    pub log: LogKey,
    /// When it happened, which may be long before it is reported.
    pub at: Timestamp,
    /// What happened.
    pub kind: FeedbackKind,
}

impl Feedback {
    /// What a delivery event means for this log entry.
    pub fn from_event(event: &DeliveryEvent, log: LogKey) -> Self {
        Self { event_id: event.id(), log, at: event.at, kind: FeedbackKind::from(&event.kind) }
    }
}

/// What happened to a message, as far as its log entry is concerned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedbackKind {
    /// The MTA took it over.
    Accepted,
    /// An attempt failed for now.
    Deferred(Failure),
    /// A mailbox provider accepted it.
    Delivered,
    /// A mailbox provider refused it for good, in the session.
    Bounced(Failure),
    /// The validity ended before an attempt succeeded.
    Expired(Failure),
    /// A report of failure came back by mail.
    AsynchronousBounce {
        /// What inMail made of it.
        failure: Failure,
        /// It is the MTA's own report on a message that it gave up, not that of a provider that had accepted it.
        from_this_mta: bool,
    },
    /// A feedback report came back (ARF, RFC 5965).
    Complaint {
        /// What inMail made of it.
        failure: Failure,
        /// What the recipient meant by it.
        feedback_type: FeedbackType,
    },
    /// An automatic reply came back (RFC 3834).
    AutoReply(Failure),
    /// The recipient opened it.
    Opened,
    /// The recipient followed a link.
    Clicked,
}

impl From<&EventKind> for FeedbackKind {
    fn from(kind: &EventKind) -> Self {
        match kind {
            EventKind::Accepted(_) => Self::Accepted,
            EventKind::Deferred { attempt, verdict, next_attempt: _ } => {
                Self::Deferred(Failure::from_verdict(verdict, &attempt.reply.to_string()))
            }
            EventKind::Delivered { .. } => Self::Delivered,
            EventKind::Bounced { attempt, verdict } => {
                Self::Bounced(Failure::from_verdict(verdict, &attempt.reply.to_string()))
            }
            EventKind::Expired { attempt, verdict } => {
                Self::Expired(Failure::from_verdict(verdict, &attempt.reply.to_string()))
            }
            EventKind::AsynchronousBounce(report) => Self::AsynchronousBounce {
                failure: Failure::from_report(report),
                from_this_mta: report.from_this_mta,
            },
            EventKind::Complaint(report) => Self::Complaint {
                failure: Failure::from_report(report),
                feedback_type: FeedbackType::parse(&report.feedback_type),
            },
            EventKind::AutoReply(report) => Self::AutoReply(Failure::from_report(report)),
            EventKind::Opened => Self::Opened,
            EventKind::Clicked { .. } => Self::Clicked,
        }
    }
}

/// What the recipient meant by a feedback report (`Feedback-Type`, RFC 5965 section 3.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FeedbackType {
    /// This is spam: `abuse`, `fraud`, `virus`, `other`, and whatever is not listed below.
    Complaint,
    /// No more mail, please: `opt-out`, `opt-out-list`. The address goes on the denylist, the message did not fail.
    OptOut,
    /// Nobody complains: `not-spam`, and `auth-failure` (RFC 6591), which a server reports and not a recipient.
    NoComplaint,
}

impl FeedbackType {
    /// Reads the field's value; case does not count.
    pub fn parse(text: &str) -> Self {
        match text.trim().to_ascii_lowercase().as_str() {
            "opt-out" | "opt-out-list" => Self::OptOut,
            "not-spam" | "auth-failure" => Self::NoComplaint,
            _ => Self::Complaint,
        }
    }
}

/// A failure in Campaign's terms: type, reason, text, and the rule that said so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    severity: FailureType,
    reason: FailureReason,
    rule: Option<Box<str>>,
    text: Box<str>,
}

impl Failure {
    /// A failure; text and rule are cut at [`MAX_FAILURE_TEXT`] octets.
    pub fn new(failure_type: FailureType, reason: FailureReason, rule: Option<&str>, text: &str) -> Self {
        Self {
            severity: failure_type,
            reason,
            rule: rule.map(|rule| cut(rule).into()),
            text: cut(text).into(),
        }
    }

    /// What the MTA made of a reply; `text` is the raw reply.
    pub fn from_verdict(verdict: &Verdict, text: &str) -> Self {
        Self::new(verdict.failure_type, verdict.reason, verdict.rule.as_deref(), text)
    }

    /// What inMail made of a mail that came back. The log shows which rule matched, not what the mail said (facts
    /// 2.3); where no rule matched, `text` itself.
    pub fn inbound(verdict: &Verdict, text: &str) -> Self {
        match &verdict.rule {
            Some(rule) => Self::from_verdict(verdict, &inbound_text(cut(rule))),
            None => Self::from_verdict(verdict, text),
        }
    }

    fn from_report(report: &MailReport) -> Self {
        Self::inbound(&report.verdict, &report.text)
    }

    /// Campaign's failure type.
    pub const fn failure_type(&self) -> FailureType {
        self.severity
    }

    /// Campaign's failure reason.
    pub const fn reason(&self) -> FailureReason {
        self.reason
    }

    /// The rule that matched, if one did.
    pub fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    /// The raw reply, or the text of [`inbound_text`].
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether a provider's late report of this failure makes a delivered message Failed: not when the failure is
    /// known to be harmless or nobody has qualified it yet.
    pub(crate) fn fails_after_delivery(&self) -> bool {
        match self.severity {
            FailureType::Hard | FailureType::Soft => self.reason != FailureReason::ErrorIgnored,
            FailureType::Ignored | FailureType::NotDefined => false,
        }
    }
}

/// What the log shows for a mail that an Inbound email rule matched (facts 2.3).
pub fn inbound_text(rule: &str) -> String {
    format!("Inbound email bounce (rule '{rule}' has matched this bounce).")
}

/// The beginning of a text, at most [`MAX_FAILURE_TEXT`] octets.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(MAX_FAILURE_TEXT)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use emta_mail::event::{Attempt, Correlation};
    use emta_mail::{Phase, Reply};

    fn verdict(rule: Option<&str>) -> Verdict {
        Verdict {
            class: None,
            failure_type: FailureType::Hard,
            reason: FailureReason::UserUnknown,
            rule: rule.map(str::to_owned),
        }
    }

    fn report(rule: Option<&str>, feedback_type: &str) -> Box<MailReport> {
        Box::new(MailReport {
            report_id: "1@mx.example".to_owned(),
            recipient: None,
            status: None,
            text: "550 no such user".to_owned(),
            verdict: verdict(rule),
            matched_by: Correlation::MessageId,
            from_this_mta: false,
            feedback_type: feedback_type.to_owned(),
        })
    }

    #[test]
    fn events_carry_the_text_that_the_log_shows() {
        let attempt = Attempt {
            number: 1,
            provider: "example".to_owned(),
            mx: "mx.example".to_owned(),
            phase: Phase::Rcpt,
            reply: Reply::parse("550 5.1.1 User unknown").unwrap(),
            after_crash: false,
        };
        let check = |kind: EventKind, text: &str| match FeedbackKind::from(&kind) {
            FeedbackKind::Deferred(failure)
            | FeedbackKind::Bounced(failure)
            | FeedbackKind::Expired(failure)
            | FeedbackKind::AsynchronousBounce { failure, .. }
            | FeedbackKind::Complaint { failure, .. }
            | FeedbackKind::AutoReply(failure) => assert_eq!(failure.text(), text),
            FeedbackKind::Accepted
            | FeedbackKind::Delivered
            | FeedbackKind::Opened
            | FeedbackKind::Clicked => {
                panic!("{kind:?} lost its failure")
            }
        };
        check(EventKind::Bounced { attempt, verdict: verdict(Some("mta")) }, "550 5.1.1 User unknown");
        check(
            EventKind::AutoReply(report(Some("Auto_replies"), "")),
            "Inbound email bounce (rule 'Auto_replies' has matched this bounce).",
        );
        check(EventKind::AsynchronousBounce(report(None, "")), "550 no such user");
    }

    #[test]
    fn feedback_types() {
        for (text, expected) in [
            ("abuse", FeedbackType::Complaint),
            ("", FeedbackType::Complaint),
            ("fraud", FeedbackType::Complaint),
            ("Opt-Out", FeedbackType::OptOut),
            ("opt-out-list", FeedbackType::OptOut),
            (" not-spam ", FeedbackType::NoComplaint),
            ("auth-failure", FeedbackType::NoComplaint),
        ] {
            assert_eq!(FeedbackType::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn texts_are_cut_at_the_bound() {
        let text_of = |text: &str| {
            Failure::new(FailureType::Soft, FailureReason::Refused, Some(text), text).text().to_owned()
        };
        let fits = "x".repeat(MAX_FAILURE_TEXT);
        assert_eq!(text_of(&fits), fits);
        assert_eq!(text_of(&format!("{fits}x")), fits);
        // A character is kept whole or dropped.
        assert_eq!(text_of(&format!("{}é", "x".repeat(MAX_FAILURE_TEXT - 1))).len(), MAX_FAILURE_TEXT - 1);
    }
}
