//! Bounces: delivery status notifications (RFC 3464), and the plain text of programs that do not write them.

use super::format::ReportFormat;
use super::notification;
use super::style::{JAPANESE, Shape, Style, as_it_is, escaped, expand};
use super::writer::{Writer, bare, boundary};
use crate::header;
use crate::inbound::Action;
use crate::reply::EnhancedStatus;
use crate::time::Timestamp;

/// A bounce to be written.
#[derive(Clone, Copy, Debug)]
pub struct BounceSpec<'a> {
    /// In whose style.
    pub format: ReportFormat,
    /// The host that reports.
    pub reporting_mta: &'a str,
    /// The host that had refused the message; `None` where the reporting host itself did.
    pub remote_mta: Option<&'a str>,
    /// Sender of the bounce: the address of a postmaster or mailer daemon.
    pub from: &'a str,
    /// Recipient of the bounce: the envelope sender of the message it speaks of.
    pub to: &'a str,
    /// `Message-ID` of the bounce, without angle brackets.
    pub report_id: &'a str,
    /// The address that was tried.
    pub final_recipient: &'a str,
    /// The address as its sender wrote it (`ORCPT`), if known.
    pub original_recipient: Option<&'a str>,
    /// What became of the message.
    pub action: Action,
    /// Enhanced status.
    pub status: EnhancedStatus,
    /// The reply that ended the attempt, such as `550 5.1.1 User unknown`.
    pub diagnostic: &'a str,
    /// When the message had arrived at the reporting host.
    pub arrival: Timestamp,
    /// When the bounce is written; also the time of the last attempt.
    pub at: Timestamp,
    /// When the reporting host gives up, for a delay.
    pub will_retry_until: Option<Timestamp>,
    /// The sender's identifier for the transaction (`ENVID`).
    pub envelope_id: Option<&'a str>,
    /// The message it speaks of, as it was sent.
    pub original: &'a [u8],
    /// Whether the whole message is returned, or only its header (RFC 3461 section 4.3).
    pub return_full: bool,
}

/// Writes a bounce. A format that has no words for what became of the message, or no characters for it, is replaced by
/// [`ReportFormat::Rfc3464`].
pub fn bounce(spec: &BounceSpec<'_>) -> Vec<u8> {
    let own = ReportFormat::Rfc3464.style();
    let (style, (subject, text)) = match spec.format.style().words(spec) {
        Some(words) => (spec.format.style(), words),
        // The format of our own has words for everything.
        None => (own, own.words(spec).unwrap_or((own.subjects.failed, own.text.failed))),
    };
    let mut mail = Writer::with_capacity(4096 + spec.original.len());
    fields(&mut mail, spec, style, &expand(subject, spec, as_it_is));
    match style.shape {
        Shape::Report { html, fields, recipient_fields } => {
            let encode = if html { escaped } else { as_it_is };
            let text = lines(&expand(text, spec, encode));
            let mut status = Writer::with_capacity(1024);
            delivery_status(&mut status, spec, fields, recipient_fields);
            let text_type = if html { "text/html; charset=utf-8" } else { "text/plain; charset=utf-8" };
            let parts: [(&str, &[u8]); 3] = [
                (text_type, text.as_bytes()),
                ("message/delivery-status", status.as_bytes()),
                (returned_type(spec), returned(spec)),
            ];
            multipart(&mut mail, spec, "report; report-type=delivery-status", &parts);
        }
        Shape::Mixed => {
            let text = lines(&expand(text, spec, as_it_is));
            let parts: [(&str, &[u8]); 2] =
                [("text/plain; charset=utf-8", text.as_bytes()), (returned_type(spec), returned(spec))];
            multipart(&mut mail, spec, "mixed", &parts);
        }
        Shape::Plain { charset } => {
            if let Some(charset) = charset {
                mail.field("MIME-Version", "1.0");
                mail.field("Content-Type", &format!("text/plain; charset={charset}"));
                mail.field("Content-Transfer-Encoding", if charset == JAPANESE { "7bit" } else { "8bit" });
            }
            mail.blank();
            let text = expand(text, spec, as_it_is);
            if charset == Some(JAPANESE) {
                // Its escape sequences are control characters.
                mail.content(text.as_bytes());
            } else {
                mail.lines(&text);
            }
            mail.blank();
            mail.content(returned(spec));
        }
        Shape::Notification => {
            mail.field("MIME-Version", "1.0");
            mail.field("Content-Type", "text/plain; charset=UTF-8");
            // JSON has no place to break a line at.
            mail.field("Content-Transfer-Encoding", "base64");
            mail.blank();
            mail.base64(format!("{}\n\n{text}\n", notification::json(spec)).as_bytes());
        }
    }
    mail.into_bytes()
}

fn lines(text: &str) -> Writer {
    let mut out = Writer::with_capacity(text.len() + 64);
    out.lines(text);
    out
}

/// The parts, each with its type, behind the header's fields.
fn multipart(mail: &mut Writer, spec: &BounceSpec<'_>, subtype: &str, parts: &[(&str, &[u8])]) {
    let contents: Vec<&[u8]> = parts.iter().map(|(_, content)| *content).collect();
    let boundary = boundary(spec.report_id, &contents);
    mail.field("MIME-Version", "1.0");
    if contents.iter().any(|content| !content.is_ascii()) {
        mail.field("Content-Transfer-Encoding", "8bit");
    }
    mail.field("Content-Type", &format!("multipart/{subtype}; boundary=\"{boundary}\""));
    mail.blank();
    for (content_type, content) in parts {
        mail.line(&format!("--{boundary}"));
        mail.field("Content-Type", content_type);
        if !content.is_ascii() {
            mail.field("Content-Transfer-Encoding", "8bit");
        }
        mail.blank();
        mail.content(content);
        mail.blank();
    }
    mail.line(&format!("--{boundary}--"));
}

fn fields(mail: &mut Writer, spec: &BounceSpec<'_>, style: &Style, subject: &str) {
    mail.field("Date", &spec.at.rfc5322());
    mail.field("From", &format!("{} <{}>", style.from_name, bare(spec.from)));
    mail.field("To", &bare(spec.to));
    mail.text_field("Subject", subject);
    mail.field("Message-ID", &format!("<{}>", bare(spec.report_id)));
    mail.optional_field("Auto-Submitted", style.auto_submitted);
    if style.failed_recipients && spec.action == Action::Failed {
        mail.field("X-Failed-Recipients", &bare(spec.final_recipient));
    }
}

/// The fields of RFC 3464 section 2: one group for the message, one for the recipient.
fn delivery_status(
    out: &mut Writer,
    spec: &BounceSpec<'_>,
    fields: &[(&str, &str)],
    recipient_fields: &[(&str, &str)],
) {
    out.optional_field("Original-Envelope-Id", spec.envelope_id.map(xtext).as_deref());
    out.field("Reporting-MTA", &format!("dns; {}", spec.reporting_mta));
    for (name, value) in fields {
        out.field(name, &expand(value, spec, as_it_is));
    }
    out.field("Arrival-Date", &spec.arrival.rfc5322());
    out.blank();
    if let Some(original) = spec.original_recipient {
        out.field("Original-Recipient", &typed_address(original));
    }
    out.field("Final-Recipient", &typed_address(spec.final_recipient));
    out.field("Action", spec.action.name());
    out.field("Status", &spec.status.to_string());
    out.optional_field("Remote-MTA", spec.remote_mta.map(|host| format!("dns; {host}")).as_deref());
    out.field("Diagnostic-Code", &format!("smtp; {}", spec.diagnostic));
    out.field("Last-Attempt-Date", &spec.at.rfc5322());
    if spec.action == Action::Delayed {
        out.optional_field("Will-Retry-Until", spec.will_retry_until.map(Timestamp::rfc5322).as_deref());
    }
    for (name, value) in recipient_fields {
        out.field(name, &expand(value, spec, as_it_is));
    }
}

/// The address with its type; `utf-8` for one beyond ASCII (RFC 6533 section 3).
fn typed_address(address: &str) -> String {
    let kind = if address.is_ascii() { "rfc822" } else { "utf-8" };
    format!("{kind}; {}", bare(address))
}

/// `xtext` of RFC 3461 section 4: `+`, `=` and all beyond printable ASCII as `+XX`.
fn xtext(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_graphic() && !matches!(byte, b'+' | b'=') {
            out.push(char::from(byte));
        } else {
            let digit = |value: u8| char::from(b"0123456789ABCDEF"[usize::from(value & 15)]);
            out.extend(['+', digit(byte >> 4), digit(byte)]);
        }
    }
    out
}

fn returned<'a>(spec: &BounceSpec<'a>) -> &'a [u8] {
    if spec.return_full { spec.original } else { header::split(spec.original).0 }
}

fn returned_type(spec: &BounceSpec<'_>) -> &'static str {
    if spec.return_full { "message/rfc822" } else { "text/rfc822-headers" }
}
