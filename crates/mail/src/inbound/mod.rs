//! Mail that comes back: bounces in any format, complaints, automatic replies.
//!
//! [`read`] never fails and never panics: what cannot be understood is [`MailKind::Other`], with its text. It takes
//! linear time and bounded memory for any input; the limits are the constants of this module.

pub mod adobe;
mod answer;
mod arf;
mod diagnostic;
mod dsn;
mod formats;
mod head;
mod limits;
pub mod mbox;
mod mime;
mod original;
mod report;
mod values;

pub use adobe::AdobeMessageId;
pub use limits::{
    MAX_DEPTH, MAX_DIAGNOSTIC, MAX_HTML, MAX_MAIL, MAX_ORIGINAL_FIELDS, MAX_PARTS, MAX_RECIPIENTS,
    MAX_SCANNED, MAX_TEXT, MAX_VALUE,
};
pub use report::{Action, Feedback, InboundMail, MailKind, OriginalMessage, RecipientReport};

use crate::header;
use head::Head;
use mime::PartKind;

/// Reads a mail that arrived in the bounce mailbox.
pub fn read(raw: &[u8]) -> InboundMail {
    let raw = &raw[..raw.len().min(MAX_MAIL)];
    let (header, body) = header::split(raw);
    let head = Head::read(header);
    let parts = mime::parts(header, body);
    let text = head::human_text(&parts);
    let (human, returned) = original::split(&text);

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
        reporting_mta: None,
        original,
        recipients: Vec::new(),
        feedback: None,
        text: bounded(human),
    };
    let feedback = match part(PartKind::FeedbackReport) {
        Some(report) => Some(arf::read(&report.content())),
        None => mail.original.as_ref().and_then(arf::junk_mail_report),
    };
    if let Some(feedback) = feedback {
        complaint(&mut mail, feedback);
    } else {
        let status = part(PartKind::DeliveryStatus).map(|part| dsn::read(&part.content()));
        report_or_answer(&mut mail, &head, human, status);
    }
    mail
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
            ..RecipientReport::default()
        })
        .collect();
    mail.feedback = Some(feedback);
}

fn report_or_answer(
    mail: &mut InboundMail,
    head: &Head<'_>,
    human: &str,
    status: Option<dsn::DeliveryStatus>,
) {
    if let Some(status) = status {
        mail.kind = MailKind::DeliveryReport;
        delivery_status(mail, status);
        if !mail.recipients.is_empty() {
            return;
        }
    } else if memchr::memmem::find(human.as_bytes(), b"Final-Recipient:").is_some() {
        // The report of RFC 3464 without its MIME part.
        let status = dsn::read(human.as_bytes());
        if !status.recipients.is_empty() {
            mail.kind = MailKind::DeliveryReport;
            delivery_status(mail, status);
            return;
        }
    }
    if mail.kind == MailKind::Other {
        if let Some(answer::Unsubscribe { message_id }) = answer::unsubscribe(&mail.subject) {
            mail.kind = MailKind::Unsubscribe;
            mail.sender_format = "mailto";
            if message_id.is_some() {
                mail.original.get_or_insert_default().message_id = message_id;
            }
            answered_by_sender(mail);
            return;
        }
        if answer::is_challenge(&mail.subject) {
            mail.kind = MailKind::ChallengeResponse;
            mail.sender_format = "challenge";
            answered_by_sender(mail);
            return;
        }
        if answer::is_auto_reply(head, &mail.subject) && head.failed_recipients().is_empty() {
            mail.kind = MailKind::AutoReply;
            mail.sender_format = "rfc3834";
            if let Some(message_id) = head.answered() {
                mail.original.get_or_insert_default().message_id.get_or_insert(message_id);
            }
            answered_by_sender(mail);
            return;
        }
    }
    let source = formats::Source {
        head,
        subject: &mail.subject,
        text: human,
        others: [mail.from.as_deref(), mail.to.as_deref()],
    };
    if let Some(reading) = formats::read(&source) {
        mail.kind = MailKind::DeliveryReport;
        mail.sender_format = reading.format;
        mail.recipients = reading.recipients;
    }
}

fn delivery_status(mail: &mut InboundMail, status: dsn::DeliveryStatus) {
    mail.sender_format = "rfc3464";
    mail.reporting_mta = status.reporting_mta;
    mail.recipients = status.recipients;
    if status.envelope_id.is_some() {
        mail.original.get_or_insert_default().envelope_id = status.envelope_id;
    }
}

/// Who answers has the message.
fn answered_by_sender(mail: &mut InboundMail) {
    mail.recipients = mail
        .from
        .iter()
        .map(|from| RecipientReport {
            final_recipient: Some(from.clone()),
            action: Action::Delivered,
            ..RecipientReport::default()
        })
        .collect();
}

fn bounded(text: &str) -> String {
    let text = text.trim();
    text[..text.floor_char_boundary(MAX_TEXT)].to_owned()
}
