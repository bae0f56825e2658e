//! Bounces: delivery status notifications (RFC 3464), and the plain text of programs that do not write them.

use super::wording;
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

/// In whose style a bounce is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ReportFormat {
    /// The MTA's own: RFC 3464 with a short text.
    #[default]
    Rfc3464,
    /// Postfix: RFC 3464 with fields of its own.
    Postfix,
    /// Exim before it wrote RFC 3464: plain text, the address also in `X-Failed-Recipients`.
    Exim,
    /// qmail: plain text (QSBMF).
    Qmail,
    /// sendmail: RFC 3464 with a transcript of the session.
    Sendmail,
    /// Microsoft Exchange and Office 365: RFC 3464 with text for administrators.
    Exchange,
    /// Gmail: RFC 3464 with a headline, the address also in `X-Failed-Recipients`.
    Gmail,
}

impl ReportFormat {
    /// All formats.
    pub const ALL: [Self; 7] =
        [Self::Rfc3464, Self::Postfix, Self::Exim, Self::Qmail, Self::Sendmail, Self::Exchange, Self::Gmail];

    /// Its name in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rfc3464 => "rfc3464",
            Self::Postfix => "postfix",
            Self::Exim => "exim",
            Self::Qmail => "qmail",
            Self::Sendmail => "sendmail",
            Self::Exchange => "exchange",
            Self::Gmail => "gmail",
        }
    }

    /// The format of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The format in which this one reports the action: qmail writes failures only, and neither it nor Exim's plain
    /// text has words for success.
    const fn for_action(self, action: Action) -> Self {
        match (self, action) {
            (Self::Qmail, Action::Delayed | Action::Delivered | Action::Relayed | Action::Expanded)
            | (Self::Exim, Action::Delivered | Action::Relayed | Action::Expanded) => Self::Rfc3464,
            (format, _) => format,
        }
    }
}

/// Writes a bounce.
pub fn bounce(spec: &BounceSpec<'_>) -> Vec<u8> {
    let spec = &BounceSpec { format: spec.format.for_action(spec.action), ..*spec };
    match spec.format {
        ReportFormat::Exim | ReportFormat::Qmail => plain(spec),
        ReportFormat::Rfc3464
        | ReportFormat::Postfix
        | ReportFormat::Sendmail
        | ReportFormat::Exchange
        | ReportFormat::Gmail => report(spec),
    }
}

/// Plain text: the fields, the text for people, then the message without any MIME.
fn plain(spec: &BounceSpec<'_>) -> Vec<u8> {
    let mut mail = Writer::with_capacity(2048 + spec.original.len());
    fields(&mut mail, spec);
    mail.blank();
    wording::write(&mut mail, spec);
    mail.content(returned(spec));
    mail.into_bytes()
}

/// `multipart/report` (RFC 6522): text for people, `message/delivery-status`, the message or its header.
fn report(spec: &BounceSpec<'_>) -> Vec<u8> {
    let mut text = Writer::with_capacity(1024);
    wording::write(&mut text, spec);
    let mut status = Writer::with_capacity(1024);
    delivery_status(&mut status, spec);
    let returned = returned(spec);
    let parts = [text.as_bytes(), status.as_bytes(), returned];
    let boundary = boundary(spec.report_id, &parts);
    let eight_bit = parts.iter().any(|part| !part.is_ascii());
    let part = |mail: &mut Writer, content_type: &str, content: &[u8]| {
        mail.line(&format!("--{boundary}"));
        mail.field("Content-Type", content_type);
        if !content.is_ascii() {
            mail.field("Content-Transfer-Encoding", "8bit");
        }
        mail.blank();
        mail.content(content);
        mail.blank();
    };

    let mut mail = Writer::with_capacity(4096 + spec.original.len());
    fields(&mut mail, spec);
    mail.field("MIME-Version", "1.0");
    if eight_bit {
        mail.field("Content-Transfer-Encoding", "8bit");
    }
    mail.field(
        "Content-Type",
        &format!("multipart/report; report-type=delivery-status; boundary=\"{boundary}\""),
    );
    mail.blank();
    part(&mut mail, "text/plain; charset=utf-8", text.as_bytes());
    part(&mut mail, "message/delivery-status", status.as_bytes());
    let returned_type = if spec.return_full { "message/rfc822" } else { "text/rfc822-headers" };
    part(&mut mail, returned_type, returned);
    mail.line(&format!("--{boundary}--"));
    mail.into_bytes()
}

fn fields(mail: &mut Writer, spec: &BounceSpec<'_>) {
    let wording = wording::heading(spec);
    mail.field("Date", &spec.at.rfc5322());
    mail.field("From", &format!("{} <{}>", wording.from_name, bare(spec.from)));
    mail.field("To", &bare(spec.to));
    mail.text_field("Subject", &wording.subject);
    mail.field("Message-ID", &format!("<{}>", bare(spec.report_id)));
    if let Some(auto_submitted) = wording.auto_submitted {
        mail.field("Auto-Submitted", auto_submitted);
    }
    if matches!(spec.format, ReportFormat::Exim | ReportFormat::Gmail) && spec.action == Action::Failed {
        mail.field("X-Failed-Recipients", &bare(spec.final_recipient));
    }
}

/// The fields of RFC 3464 section 2: one group for the message, one for the recipient.
fn delivery_status(out: &mut Writer, spec: &BounceSpec<'_>) {
    out.optional_field("Original-Envelope-Id", spec.envelope_id.map(xtext).as_deref());
    out.field("Reporting-MTA", &format!("dns; {}", spec.reporting_mta));
    if spec.format == ReportFormat::Postfix {
        out.field("X-Postfix-Sender", &format!("rfc822; {}", bare(spec.to)));
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
