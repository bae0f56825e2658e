//! Mail that comes back: bounces in any format, complaints, automatic replies.
//!
//! [`read`] never fails and never panics: what cannot be understood is [`MailKind::Other`], with its text. It takes
//! linear time and bounded memory for any input; the limits are the constants of this module.

pub mod adobe;
mod answer;
mod arf;
mod charset;
mod complete;
mod diagnostic;
mod dsn;
mod formats;
mod head;
mod html;
mod lexicon;
mod limits;
mod lines;
pub mod mbox;
mod mime;
mod notice;
mod notification;
mod original;
mod quoted;
mod report;
mod transfer;
mod values;

pub use adobe::AdobeMessageId;
pub use limits::{
    MAX_DEPTH, MAX_DIAGNOSTIC, MAX_HTML, MAX_JSON, MAX_MAIL, MAX_ORIGINAL_FIELDS, MAX_PARTS, MAX_RECIPIENTS,
    MAX_SCANNED, MAX_TEXT, MAX_VALUE,
};
pub use report::{Action, Feedback, FoundIn, InboundMail, MailKind, OriginalMessage, RecipientReport};

use crate::header;
use head::Head;
use mime::PartKind;

/// Reads a mail that arrived in the bounce mailbox.
pub fn read(raw: &[u8]) -> InboundMail {
    let raw = lines::normalise(limits::whole_lines(raw, MAX_MAIL));
    if raw.first() == Some(&b'{')
        && let Ok(text) = std::str::from_utf8(&raw)
        && let Some(notification) = notification::read(text)
    {
        // As SNS posts it, without a mail around it.
        let mut mail = InboundMail::default();
        notify(&mut mail, notification);
        return mail;
    }
    read_at(&raw, Wrapped::Outer)
}

fn read_at(raw: &[u8], depth: Wrapped) -> InboundMail {
    let (header, body) = header::split(raw);
    let head = Head::read(header);
    let parts = mime::parts(&head.content, body);
    let text = quoted::forwarded(head::human_text(&parts), &head);
    let (human, returned) = quoted::split(&text);

    let part = |kind: PartKind| parts.iter().find(|part| part.kind == kind);
    let original = match part(PartKind::Message) {
        Some(message) => original::read(&message.content()),
        None => None,
    };
    let original = original.or_else(|| original::read(returned.as_bytes()));

    let mut mail = InboundMail {
        kind: MailKind::Other,
        report_id: head.report_id(),
        subject: head.subject(),
        from: head.from(),
        to: head.to(),
        date: head.date(),
        sender_format: "unknown",
        program: None,
        reporting_mta: None,
        original,
        recipients: Vec::new(),
        feedback: None,
        text: bounded(human),
    };
    // Some write a part for each recipient.
    let of_status = parts.iter().filter(|part| part.kind == PartKind::DeliveryStatus);
    let mut status = of_status.map(|part| dsn::read(&part.content())).reduce(dsn::DeliveryStatus::and);
    let unnamed = status.as_mut().and_then(|status| status.unnamed.take());
    let is_cut = parts.last().is_some_and(|part| part.kind == PartKind::DeliveryStatus && part.is_cut);
    let feedback = match (part(PartKind::FeedbackReport), &status) {
        (Some(report), _) => Some(arf::read(&report.content())),
        (None, None) => {
            let reported = || mail.original.as_ref().and_then(arf::junk_mail_report);
            arf::in_text(human).or_else(|| arf::spamcop(human)).or_else(reported)
        }
        (None, Some(_)) => None,
    };
    if let Some(feedback) = feedback {
        complaint(&mut mail, feedback);
    } else if let Some(notification) = status.is_none().then(|| notification::read(human)).flatten() {
        notify(&mut mail, notification);
    } else {
        let is_report = status.is_some();
        let known = formats::Known::in_text(human);
        let receipt = part(PartKind::Disposition);
        report_or_answer(
            &mut mail,
            &head,
            human,
            known,
            Reports { status, unnamed: unnamed.as_ref(), is_cut, is_receipt: receipt.is_some() },
        );
        if mail.kind == MailKind::DeliveryReport {
            mail.program = known.program();
        }
        if depth == Wrapped::Outer {
            let attached = part(PartKind::Message).map(mime::Part::content);
            let message = attached.as_deref().unwrap_or(returned.as_bytes());
            // A list that tells a subscriber why it will stop writes below its text what had come back.
            let names_nobody = mail.recipients.is_empty() && (attached.is_some() || !head.of_list);
            if names_nobody || (!is_report && attached.as_deref().is_some_and(is_report_as_mail)) {
                unwrap(&mut mail, message, attached.is_some());
            } else if mail.kind == MailKind::DeliveryReport {
                complete::from_message(&mut mail, message);
            }
        }
        let says_failed = is_report
            || (mail.kind == MailKind::DeliveryReport
                && head.sent_by_mail_system()
                && formats::subject_says_failed(&mail.subject.to_lowercase()));
        if mail.recipients.is_empty() && says_failed {
            mail.recipients.extend(complete::recipient_of_original(&mail, human));
        }
        if mail.kind == MailKind::DeliveryReport {
            if mail.recipients.is_empty() && receipt.is_none() {
                mail.recipients.extend(complete::recipient_in_summary(&mail, human));
            }
            if let Some(refusal) = receipt.filter(|_| mail.recipients.is_empty()) {
                complete::with_refusal(&mut mail, &refusal.content(), human);
            }
            complete::with_unnamed(&mut mail, unnamed);
            complete::with_message_id(&mut mail, &head, human);
        }
    }
    mail
}

/// Whether the mail was found in another one; that one is the last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wrapped {
    Outer,
    Inner,
}

/// Whether a mail is a report by its type (RFC 6522).
fn is_report_as_mail(mail: &[u8]) -> bool {
    let (header, _) = header::split(mail.trim_ascii_start());
    header::find(header, "Content-Type").is_some_and(|value| value.contains("report"))
}

/// What a notification says of the message is all there is of it.
fn notify(mail: &mut InboundMail, notification: notification::Notification) {
    mail.kind = notification.kind;
    mail.sender_format = "json";
    mail.program = Some("amazon_ses");
    mail.date = mail.date.or(notification.at);
    mail.reporting_mta = notification.reporting_mta;
    mail.recipients = notification.recipients;
    mail.original = notification.original;
    mail.feedback = notification.feedback;
}

fn complaint(mail: &mut InboundMail, feedback: Feedback) {
    mail.kind = MailKind::Complaint;
    mail.sender_format = "rfc5965";
    mail.recipients = arf::recipients(&feedback, mail.original.as_ref())
        .into_iter()
        // The message had been delivered: that is how it came to be complained about.
        .map(|recipient| RecipientReport {
            final_recipient: Some(recipient),
            action: Action::Delivered,
            found_in: FoundIn::FeedbackPart,
            ..RecipientReport::default()
        })
        .collect();
    mail.feedback = Some(feedback);
}

/// The parts of a mail that are made for programs.
struct Reports<'a> {
    status: Option<dsn::DeliveryStatus>,
    /// What the status says of nobody.
    unnamed: Option<&'a RecipientReport>,
    /// The mail ends within the status, perhaps before all of it was written.
    is_cut: bool,
    /// There is a receipt (RFC 8098), which is no answer of a person who is away.
    is_receipt: bool,
}

fn report_or_answer(
    mail: &mut InboundMail,
    head: &Head<'_>,
    human: &str,
    known: formats::Known,
    Reports { status, unnamed, is_cut, is_receipt }: Reports<'_>,
) {
    if let Some(status) = status {
        mail.kind = MailKind::DeliveryReport;
        delivery_status(mail, status);
        let named = head.failed_recipients();
        if let [report] = mail.recipients.as_mut_slice()
            && report.final_recipient.as_ref().is_none_or(|address| !address.contains('@'))
            && let Some(address) = values::full_address(&named)
        {
            // A path or a command that mail for the recipient went to.
            report.final_recipient = Some(address);
        }
        if !mail.recipients.is_empty() {
            complete::with_failed_recipient(mail, head, unnamed);
            complete::from_text(mail, head, human, known);
            if is_cut {
                complete::with_lost(mail, head, human, known);
            }
            return;
        }
    } else if let Some(at) = memchr::memmem::find(human.as_bytes(), b"Final-Recipient:")
        && !formats::speaks_of_bounces(head, &mail.subject.to_lowercase(), human, known)
    {
        // The report of RFC 3464 without its MIME part.
        let mut status = dsn::read(human.as_bytes());
        let unnamed = status.unnamed.take();
        if !status.recipients.is_empty() {
            mail.kind = MailKind::DeliveryReport;
            delivery_status(mail, status);
            mail.recipients.iter_mut().for_each(|report| report.found_in = FoundIn::StatusInText);
            complete::with_failed_recipient(mail, head, unnamed.as_ref());
            let fields =
                memchr::memmem::find(human.as_bytes(), b"Reporting-MTA:").map_or(at, |first| first.min(at));
            complete::from_text_above(mail, head, &human[..fields], known);
            return;
        }
    }
    if head.is_of_tls() {
        return;
    }
    let refuses = mail.kind == MailKind::Other
        && known.program().is_none()
        && notice::refuses_own_message(mail, head, human, known);
    if mail.kind == MailKind::Other && !is_receipt && is_answer(mail, head, human, known, refuses) {
        return;
    }
    let reading = plain_text(mail, head, human, known, refuses)
        .filter(|reading| refuses || !notice::is_no_bounce(mail, head, reading, human));
    let refused = if refuses { notice::refused_recipient(mail, human) } else { None };
    if let Some(reading) = reading {
        mail.kind = MailKind::DeliveryReport;
        mail.sender_format = reading.format;
        mail.recipients = match refused {
            // The text names whom to ask as well.
            Some(refused) if !notice::names_recipient(&reading) => vec![refused],
            Some(_) | None => reading.recipients,
        };
        if refuses {
            mail.recipients.iter_mut().for_each(|report| notice::explain(report, human));
        }
    }
}

/// Whether what a machine answers is that a message failed.
fn tells_of_failure(mail: &InboundMail, head: &Head<'_>, human: &str, known: formats::Known) -> bool {
    let subject = &mail.subject;
    let to = head.addressee();
    let parties = [mail.from.as_deref(), to.as_deref()];
    let original = mail.original.as_ref();
    let refuses = false;
    formats::answers_with_failure(&formats::Source {
        head,
        subject,
        text: human,
        known,
        refuses,
        parties,
        original,
    })
}

/// Reads what somebody or something answered, other than by refusing the message; whether it was that.
fn is_answer(
    mail: &mut InboundMail,
    head: &Head<'_>,
    human: &str,
    known: formats::Known,
    refuses: bool,
) -> bool {
    let failed = |subject: &str| {
        let subject = subject.to_lowercase();
        formats::subject_says_failed(&subject)
            && !formats::speaks_of_bounces(head, &subject, human, known)
            && formats::text_says_failed(human)
    };
    if let Some(answer::Unsubscribe { message_id }) = answer::unsubscribe(head, &mail.subject, human) {
        mail.kind = MailKind::Unsubscribe;
        mail.sender_format = "mailto";
        if message_id.is_some() {
            mail.original.get_or_insert_default().message_id = message_id;
        }
    } else if answer::is_challenge(head, &mail.subject, human) {
        mail.kind = MailKind::ChallengeResponse;
        mail.sender_format = "challenge";
    } else {
        let moved = answer::is_address_change(head, &mail.subject);
        if refuses
            || !(moved || answer::is_auto_reply(head, &mail.subject, human))
            || failed(&mail.subject)
            || tells_of_failure(mail, head, human, known)
            || !head.failed_recipients().is_empty()
        {
            return false;
        }
        mail.kind = MailKind::AutoReply;
        let moved = moved || answer::tells_of_change(human);
        mail.sender_format = if moved { "address_change" } else { "rfc3834" };
        if let Some(message_id) = head.answered() {
            mail.original.get_or_insert_default().message_id.get_or_insert(message_id);
        }
    }
    answered_by_sender(mail);
    true
}

fn plain_text(
    mail: &InboundMail,
    head: &Head<'_>,
    human: &str,
    known: formats::Known,
    refuses: bool,
) -> Option<formats::Reading> {
    let to = head.addressee();
    let parties = [mail.from.as_deref(), to.as_deref()];
    let original = mail.original.as_ref();
    let subject = &mail.subject;
    formats::read(&formats::Source { head, subject, text: human, known, refuses, parties, original })
}

/// A bounce that was forwarded, or wrapped by a filter: the report is in the returned message.
fn unwrap(mail: &mut InboundMail, wrapped: &[u8], attached: bool) {
    let wrapped = wrapped.trim_ascii_start();
    if !header::raw_fields(wrapped).any(|(name, _)| name.eq_ignore_ascii_case("From")) {
        return;
    }
    let (header, _) = header::split(wrapped);
    let head = Head::read(header);
    if is_report_as_mail(wrapped)
        || head.sent_by_machine()
        || (mail.kind == MailKind::Other && (attached || quoted::is_forwarded(&mail.subject.to_lowercase())))
        || formats::subject_says_failed(&head.subject().to_lowercase())
    {
        let inner = read_at(wrapped, Wrapped::Inner);
        if !inner.recipients.is_empty()
            && matches!(inner.kind, MailKind::DeliveryReport | MailKind::Complaint)
        {
            mail.kind = inner.kind;
            mail.sender_format = inner.sender_format;
            mail.program = inner.program.or(mail.program);
            mail.reporting_mta = inner.reporting_mta;
            mail.original = inner.original;
            mail.recipients = inner.recipients;
            mail.feedback = inner.feedback;
        }
    }
}

fn delivery_status(mail: &mut InboundMail, status: dsn::DeliveryStatus) {
    mail.sender_format = "rfc3464";
    mail.reporting_mta = status.reporting_mta;
    mail.recipients = status.recipients;
    if status.envelope_id.is_some() {
        mail.original.get_or_insert_default().envelope_id = status.envelope_id;
    }
    if let Some(message_id) = status.message_id {
        mail.original.get_or_insert_default().message_id.get_or_insert(message_id);
    }
}

/// Who answers has the message: the one to whom it was sent, if the answer comes from elsewhere in the same domain, as
/// those do that ask for confirmation.
fn answered_by_sender(mail: &mut InboundMail) {
    let domain = |address: &str| address.rsplit_once('@').map(|(_, domain)| domain.to_ascii_lowercase());
    let asked = mail.original.as_ref().and_then(|original| original.header("To"));
    let asked = asked.filter(|to| !to.contains(',')).and_then(values::full_address);
    let asked = asked.filter(|asked| domain(asked) == mail.from.as_deref().and_then(domain));
    mail.recipients = asked
        .as_ref()
        .or(mail.from.as_ref())
        .into_iter()
        .map(|from| RecipientReport {
            final_recipient: Some(from.clone()),
            action: Action::Delivered,
            found_in: FoundIn::Sender,
            ..RecipientReport::default()
        })
        .collect();
}

fn bounded(text: &str) -> String {
    let text = text.trim();
    text[..text.floor_char_boundary(MAX_TEXT)].to_owned()
}
