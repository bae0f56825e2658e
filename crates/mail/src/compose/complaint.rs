//! Complaints in the Abuse Reporting Format (RFC 5965).

use super::writer::{Writer, bare, boundary};
use crate::header;
use crate::time::Timestamp;

/// A complaint to be written.
#[derive(Clone, Copy, Debug)]
pub struct ComplaintSpec<'a> {
    /// Sender of the complaint: the feedback loop's address.
    pub from: &'a str,
    /// Recipient of the complaint.
    pub to: &'a str,
    /// `Message-ID` of the complaint, without angle brackets.
    pub report_id: &'a str,
    /// Its kind, such as `abuse` (RFC 5965 section 3.5).
    pub feedback_type: &'a str,
    /// The program that makes it, such as `ExampleFBL/1.0`.
    pub user_agent: &'a str,
    /// Envelope sender of the message complained about.
    pub original_sender: &'a str,
    /// The recipient who complains; `None` for providers that do not tell, which also removes the recipients from the
    /// returned message's `To`, `Cc` and the like.
    pub original_recipient: Option<&'a str>,
    /// When the message had arrived.
    pub arrival: Timestamp,
    /// When the complaint is written.
    pub at: Timestamp,
    /// The host that reports.
    pub reporting_mta: &'a str,
    /// The address that the message had come from.
    pub source_ip: Option<&'a str>,
    /// The message complained about, as it was sent.
    pub original: &'a [u8],
}

/// Header fields that tell the recipient.
const RECIPIENT_FIELDS: [&str; 6] = ["To", "Cc", "Bcc", "Delivered-To", "X-Original-To", "Envelope-To"];

/// Writes a complaint: `multipart/report` of text for people, `message/feedback-report` and the message.
pub fn complaint(spec: &ComplaintSpec<'_>) -> Vec<u8> {
    let mut report = Writer::with_capacity(512);
    feedback_report(&mut report, spec);
    let redacted;
    let original = if spec.original_recipient.is_some() {
        spec.original
    } else {
        redacted = redact(spec.original);
        &redacted
    };
    let mut text = Writer::with_capacity(256);
    text.line(&format!("This is an email abuse report for a message received by {}", spec.reporting_mta));
    text.line(&format!("on {}.", spec.arrival.rfc5322()));
    text.line("The recipient said that it was not wanted. The message is attached.");

    let boundary = boundary(spec.report_id, &[text.as_bytes(), report.as_bytes(), original]);
    let mut mail = Writer::with_capacity(2048 + original.len());
    mail.field("Date", &spec.at.rfc5322());
    mail.field("From", &bare(spec.from));
    mail.field("To", &bare(spec.to));
    let subject = header::find(spec.original, "Subject").unwrap_or_default();
    mail.text_field("Subject", &format!("FW: {subject}"));
    mail.field("Message-ID", &format!("<{}>", bare(spec.report_id)));
    mail.field("MIME-Version", "1.0");
    if !report.as_bytes().is_ascii() || !original.is_ascii() {
        mail.field("Content-Transfer-Encoding", "8bit");
    }
    mail.field(
        "Content-Type",
        &format!("multipart/report; report-type=feedback-report; boundary=\"{boundary}\""),
    );
    let parts: [(&str, &[u8]); 3] = [
        ("text/plain; charset=utf-8", text.as_bytes()),
        ("message/feedback-report", report.as_bytes()),
        ("message/rfc822", original),
    ];
    mail.blank();
    for (content_type, content) in parts {
        mail.line(&format!("--{boundary}"));
        mail.field("Content-Type", content_type);
        mail.field("Content-Disposition", "inline");
        if !content.is_ascii() {
            mail.field("Content-Transfer-Encoding", "8bit");
        }
        mail.blank();
        mail.content(content);
        mail.blank();
    }
    mail.line(&format!("--{boundary}--"));
    mail.into_bytes()
}

/// The fields of RFC 5965 section 3.
fn feedback_report(out: &mut Writer, spec: &ComplaintSpec<'_>) {
    out.field("Feedback-Type", spec.feedback_type);
    out.field("User-Agent", spec.user_agent);
    out.field("Version", "1");
    out.field("Original-Mail-From", &format!("<{}>", bare(spec.original_sender)));
    if let Some(recipient) = spec.original_recipient {
        out.field("Original-Rcpt-To", &format!("<{}>", bare(recipient)));
    }
    out.field("Arrival-Date", &spec.arrival.rfc5322());
    out.field("Reporting-MTA", &format!("dns; {}", spec.reporting_mta));
    out.optional_field("Source-IP", spec.source_ip);
}

/// The message without the values of the fields that tell the recipient (RFC 6590 leaves the form open).
fn redact(original: &[u8]) -> Vec<u8> {
    let (_, body) = header::split(original);
    let mut out = Writer::with_capacity(original.len());
    for (name, value) in header::raw_fields(original) {
        if RECIPIENT_FIELDS.iter().any(|field| field.eq_ignore_ascii_case(name)) {
            out.field(name, "redacted");
        } else {
            out.verbatim(name.as_bytes());
            out.verbatim(b":");
            out.verbatim(value.trim_ascii_end());
            out.verbatim(b"\r\n");
        }
    }
    out.blank();
    out.content(body);
    out.into_bytes()
}
