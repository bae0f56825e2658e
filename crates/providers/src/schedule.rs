//! What is due after acceptance, in the order in which it is due.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use emta_mail::chance::Hasher;
use emta_mail::compose::{self, AutoReplySpec, BounceSpec, ComplaintSpec};
use emta_mail::inbound::Action;
use emta_mail::{EmailAddress, EnhancedStatus, QueueId, Reply, ReversePath, Timestamp, header};

use crate::action::{ActionKind, Disclosure};
use crate::script::standard_reply;

/// Something that a provider or its user does now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Later {
    /// When it was due, a whole second.
    pub due: Timestamp,
    /// The message that it answers.
    pub message: QueueId,
    /// The provider.
    pub provider: Arc<str>,
    /// The provider's host, which signs the reports.
    pub host: Arc<str>,
    /// Envelope sender of the message: where reports go.
    pub sender: ReversePath,
    /// Envelope recipient of the message.
    pub recipient: EmailAddress,
    /// When the provider had accepted the message.
    pub accepted: Timestamp,
    /// Its place among the actions of the message's outcome.
    pub number: u32,
    /// What is done; placeholders in texts are filled in.
    pub kind: ActionKind,
}

/// A mail that a provider or its user sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportMail {
    /// Envelope sender: null for bounces and automatic replies, so that nobody answers them.
    pub sender: ReversePath,
    /// Envelope recipient.
    pub recipient: EmailAddress,
    /// The mail, with CRLF.
    pub raw: Vec<u8>,
}

impl Later {
    /// `Message-ID` of the mail that this sends, without angle brackets; the same in every run.
    pub fn report_id(&self) -> String {
        let hash = Hasher::new()
            .u64(self.message.as_u64())
            .u64(u64::from(self.number))
            .bytes(self.kind.name().as_bytes())
            .finish();
        format!("{hash:016x}.{}@{}", self.kind.name(), self.host)
    }

    /// Writes the mail that this sends; `original` is the message as it was delivered, or its header alone. `None` for
    /// opens and clicks, and for a message with a null sender.
    pub fn compose(&self, original: &[u8]) -> Option<ReportMail> {
        let to = self.sender.address()?;
        let report_id = self.report_id();
        let daemon = format!("MAILER-DAEMON@{}", self.host);
        let feedback_loop = format!("feedbackloop@{}", self.host);
        let mut sender = ReversePath::Null;
        let raw = match &self.kind {
            ActionKind::Open | ActionKind::Click { .. } => return None,
            ActionKind::Bounce { reply, format } | ActionKind::DelayReport { reply, format } => {
                let failed = matches!(self.kind, ActionKind::Bounce { .. });
                compose::bounce(&BounceSpec {
                    format: *format,
                    reporting_mta: &self.host,
                    remote_mta: None,
                    from: &daemon,
                    to: to.as_str(),
                    report_id: &report_id,
                    final_recipient: self.recipient.as_str(),
                    original_recipient: None,
                    action: if failed { Action::Failed } else { Action::Delayed },
                    status: reply.enhanced().unwrap_or_else(|| status_of(reply)),
                    diagnostic: &reply.to_string(),
                    arrival: self.accepted,
                    at: self.due,
                    will_retry_until: (!failed).then(|| self.accepted + RETRY_SPAN),
                    envelope_id: None,
                    original,
                    return_full: false,
                })
            }
            ActionKind::Complaint { feedback_type, disclosure } => {
                sender = feedback_loop.parse().unwrap_or(ReversePath::Null);
                compose::complaint(&ComplaintSpec {
                    from: &feedback_loop,
                    to: to.as_str(),
                    report_id: &report_id,
                    feedback_type,
                    user_agent: "Feedback-Loop/1.0",
                    original_sender: to.as_str(),
                    original_recipient: match disclosure {
                        Disclosure::Named => Some(self.recipient.as_str()),
                        Disclosure::Redacted => None,
                    },
                    arrival: self.accepted,
                    at: self.due,
                    reporting_mta: &self.host,
                    source_ip: None,
                    original,
                })
            }
            ActionKind::AutoReply { language } => {
                let subject = header::find(original, "Subject").unwrap_or_default();
                let message_id = header::find(original, "Message-ID").unwrap_or_default();
                let message_id = message_id.trim().trim_start_matches('<').trim_end_matches('>');
                compose::auto_reply(&AutoReplySpec {
                    from: self.recipient.as_str(),
                    to: to.as_str(),
                    report_id: &report_id,
                    subject: &subject,
                    in_reply_to: (!message_id.is_empty()).then_some(message_id),
                    at: self.due,
                    language: *language,
                    text: None,
                })
            }
        };
        Some(ReportMail { sender, recipient: to.clone(), raw })
    }
}

/// How long a provider says that it goes on trying: five days, the usual default (RFC 5321 section 4.5.4.1).
const RETRY_SPAN: Duration = Duration::from_hours(120);

/// "Other or undefined status", permanent (RFC 3463 section 3.1).
const UNDEFINED: EnhancedStatus = match EnhancedStatus::try_new(5, 0, 0) {
    Some(status) => status,
    None => panic!("5.0.0 is a status"),
};

/// The usual status of a reply that has none.
fn status_of(reply: &Reply) -> EnhancedStatus {
    standard_reply(reply.code()).enhanced().unwrap_or(UNDEFINED)
}

/// The key by which actions are done: instant, message, kind, place in the outcome.
type Key = (Timestamp, QueueId, u8, u32);

/// All actions that are not yet due.
#[derive(Debug)]
pub(crate) struct Schedule {
    waiting: BTreeMap<Key, Waiting>,
    /// That of the action that was added last: most have the same.
    between: Option<Arc<Between>>,
    limit: usize,
    dropped: u64,
}

/// What is kept of a [`Later`] beside its key, as small as can be: of ten million messages a few million may wait.
#[derive(Debug)]
struct Waiting {
    between: Arc<Between>,
    recipient: EmailAddress,
    accepted: Timestamp,
    /// `None` for [`ActionKind::Open`], which most are.
    kind: Option<Box<ActionKind>>,
}

/// Who has to do with whom.
#[derive(Debug)]
struct Between {
    provider: Arc<str>,
    host: Arc<str>,
    sender: ReversePath,
}

impl Schedule {
    /// A schedule that holds at most this many actions.
    pub(crate) const fn with_limit(limit: usize) -> Self {
        Self { waiting: BTreeMap::new(), between: None, limit, dropped: 0 }
    }

    /// Adds an action; the same action at the same instant is there once. Over the limit it is counted and dropped.
    pub(crate) fn add(&mut self, later: Later) {
        if self.waiting.len() >= self.limit {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        let Later { due, message, provider, host, sender, recipient, accepted, number, kind } = later;
        let key = (due, message, kind.rank(), number);
        let between = match &self.between {
            Some(last) if last.provider == provider && last.host == host && last.sender == sender => last,
            Some(_) | None => self.between.insert(Arc::new(Between { provider, host, sender })),
        };
        let kind = (kind != ActionKind::Open).then(|| Box::new(kind));
        self.waiting.insert(key, Waiting { between: Arc::clone(between), recipient, accepted, kind });
    }

    /// The first action that is due at `now`.
    pub(crate) fn pop(&mut self, now: Timestamp) -> Option<Later> {
        let first = self.waiting.first_entry().filter(|first| first.key().0 <= now)?;
        let ((due, message, _, number), waiting) = first.remove_entry();
        let Waiting { between, recipient, accepted, kind } = waiting;
        Some(Later {
            due,
            message,
            provider: Arc::clone(&between.provider),
            host: Arc::clone(&between.host),
            sender: between.sender.clone(),
            recipient,
            accepted,
            number,
            kind: kind.map_or(ActionKind::Open, |kind| *kind),
        })
    }

    /// When the first action is due.
    pub(crate) fn deadline(&self) -> Option<Timestamp> {
        self.waiting.first_key_value().map(|(key, _)| key.0)
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// How many were dropped over the limit.
    pub(crate) const fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use emta_mail::compose::{Language, ReportFormat};

    use super::*;

    fn later(due: i64, message: u64, kind: ActionKind) -> Later {
        Later {
            due: Timestamp::from_seconds(due),
            message: QueueId::from_u64(message),
            provider: "p".into(),
            host: "mx.p.test".into(),
            sender: "bounce@news.example".parse().unwrap(),
            recipient: EmailAddress::parse("ann@p.test").unwrap(),
            accepted: Timestamp::from_seconds(0),
            number: 1,
            kind,
        }
    }

    #[test]
    fn done_by_instant_then_message_then_kind() {
        let click = ActionKind::Click { url: String::new() };
        let mut schedule = Schedule::with_limit(10);
        for later in [
            later(20, 1, ActionKind::Open),
            later(10, 2, click.clone()),
            later(10, 2, ActionKind::Open),
            later(10, 1, click),
            later(20, 1, ActionKind::Open),
        ] {
            schedule.add(later);
        }
        assert_eq!((schedule.len(), schedule.deadline()), (4, Some(Timestamp::from_seconds(10))));
        assert_eq!(schedule.pop(Timestamp::from_seconds(9)), None);
        let mut done = Vec::new();
        while let Some(later) = schedule.pop(Timestamp::from_seconds(20)) {
            done.push((later.due.as_seconds(), later.message.as_u64(), later.kind.name()));
        }
        assert_eq!(done, [(10, 1, "click"), (10, 2, "open"), (10, 2, "click"), (20, 1, "open")]);
        assert_eq!(schedule.deadline(), None);
    }

    #[test]
    fn over_the_limit_actions_are_counted() {
        let mut schedule = Schedule::with_limit(2);
        for n in 0..3 {
            schedule.add(later(n, 1, ActionKind::Open));
        }
        assert_eq!((schedule.len(), schedule.dropped()), (2, 1));
    }

    #[test]
    fn a_null_sender_gets_no_mail() {
        let arf = ActionKind::Complaint { feedback_type: "abuse".to_owned(), disclosure: Disclosure::Named };
        let with_sender = later(1, 1, arf);
        let mail = with_sender.compose(b"Subject: Hi\r\n\r\n").unwrap();
        assert_eq!(mail.sender.as_str(), "feedbackloop@mx.p.test");
        assert_eq!(mail.recipient.as_str(), "bounce@news.example");
        let without = Later { sender: ReversePath::Null, ..with_sender };
        assert_eq!(without.compose(b""), None);
    }

    #[test]
    fn reports_say_what_happened() {
        let reply = Reply::parse("552 5.2.2 over quota").unwrap();
        let bounce = ActionKind::Bounce { reply, format: ReportFormat::Rfc3464 };
        let original = b"Message-ID: <1@news.example>\r\nSubject: Hi\r\n\r\nText\r\n";
        let mail = later(60, 1, bounce).compose(original).unwrap();
        assert_eq!(mail.sender, ReversePath::Null);
        let text = String::from_utf8(mail.raw).unwrap();
        for part in ["Status: 5.2.2", "552 5.2.2 over quota", "ann@p.test", "<1@news.example>"] {
            assert!(text.contains(part), "{part} in {text}");
        }
        let away = ActionKind::AutoReply { language: Language::French };
        let mail = later(60, 1, away.clone()).compose(original).unwrap();
        let text = String::from_utf8(mail.raw).unwrap();
        assert!(text.contains("In-Reply-To: <1@news.example>"), "{text}");
        assert_eq!(later(60, 1, away.clone()).report_id(), later(61, 1, away.clone()).report_id());
        assert_ne!(later(60, 1, away.clone()).report_id(), later(60, 2, away).report_id());
    }
}
