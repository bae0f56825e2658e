//! What the bounces of one program look like, as data: words with places for values, and a shape.
//!
//! Places are `{rcpt}` (address that was tried), `{reply}` (the diagnostic), `{host}` (who refused it), `{mta}` (who
//! reports), `{to}` (whose message it was), `{subject}` (of the message), `{status}`, `{arrival}` and `{at}`. A value is put in
//! once and without control characters, so that none can begin a line or a place.

use super::bounce::BounceSpec;
use super::writer::bare;
use crate::header;
use crate::inbound::Action;

/// How a program writes bounces.
pub(super) struct Style {
    /// Display name in `From`.
    pub(super) from_name: &'static str,
    pub(super) subjects: Words,
    pub(super) text: Words,
    /// Value of `Auto-Submitted` (RFC 3834 section 5); `None` for programs that do not write it.
    pub(super) auto_submitted: Option<&'static str>,
    /// Whether failed recipients stand in `X-Failed-Recipients`.
    pub(super) failed_recipients: bool,
    pub(super) shape: Shape,
}

/// Words by what became of the message; `None` where the program has none, and the report is written as RFC 3464.
pub(super) struct Words {
    pub(super) failed: &'static str,
    /// Where the address itself is wrong (status x.1.y).
    pub(super) unknown: Option<&'static str>,
    pub(super) delayed: Option<&'static str>,
    /// Delivered, relayed or expanded.
    pub(super) done: Option<&'static str>,
}

/// What the mail is made of.
pub(super) enum Shape {
    /// `multipart/report` (RFC 6522): text, `message/delivery-status`, the message or its header.
    Report {
        /// Subtype of the text.
        html: bool,
        /// Fields of the report that this program adds: about the message.
        fields: &'static [(&'static str, &'static str)],
        /// And about the recipient.
        recipient_fields: &'static [(&'static str, &'static str)],
    },
    /// Text with the message below it.
    Plain {
        /// `None` for programs that write no MIME fields.
        charset: Option<&'static str>,
    },
    /// `multipart/mixed`: text and the message.
    Mixed,
    /// A notification in JSON.
    Notification,
}

/// `multipart/report` without fields of its own.
pub(super) const REPORT: Shape = Shape::Report { html: false, fields: &[], recipient_fields: &[] };
/// Text without MIME.
pub(super) const PLAIN: Shape = Shape::Plain { charset: None };
/// ISO-2022-JP holds no other characters than Japanese and ASCII.
pub(super) const JAPANESE: &str = "ISO-2022-JP";

impl Words {
    /// Words for failure only.
    pub(super) const fn failed(failed: &'static str) -> Self {
        Self { failed, unknown: None, delayed: None, done: None }
    }

    /// Words for failure and delay.
    pub(super) const fn late(failed: &'static str, delayed: &'static str) -> Self {
        Self { failed, unknown: None, delayed: Some(delayed), done: None }
    }

    /// Words for everything.
    pub(super) const fn all(failed: &'static str, delayed: &'static str, done: &'static str) -> Self {
        Self { failed, unknown: None, delayed: Some(delayed), done: Some(done) }
    }

    fn of(&self, spec: &BounceSpec<'_>) -> Option<&'static str> {
        match spec.action {
            Action::Failed if spec.status.subject() == 1 => Some(self.unknown.unwrap_or(self.failed)),
            Action::Failed => Some(self.failed),
            Action::Delayed => self.delayed,
            Action::Delivered | Action::Relayed | Action::Expanded => self.done,
        }
    }
}

impl Style {
    /// Subject and text, if the style can say what became of the message.
    pub(super) fn words(&self, spec: &BounceSpec<'_>) -> Option<(&'static str, &'static str)> {
        let ascii =
            [spec.final_recipient, spec.diagnostic, spec.reporting_mta, spec.to].iter().all(|v| v.is_ascii());
        match self.shape {
            Shape::Plain { charset: Some(JAPANESE) } if !ascii => return None,
            // Deliveries are told of, but not what became of the message behind them.
            Shape::Notification if matches!(spec.action, Action::Relayed | Action::Expanded) => return None,
            Shape::Plain { .. } | Shape::Notification | Shape::Mixed | Shape::Report { .. } => {}
        }
        self.subjects.of(spec).zip(self.text.of(spec))
    }
}

/// The template with the values of the bounce in their places; `encode` makes a value fit to stand there.
pub(super) fn expand(template: &str, spec: &BounceSpec<'_>, encode: fn(&str) -> String) -> String {
    let mut out = String::with_capacity(template.len() + 256);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((value, after)) =
            after.split_once('}').and_then(|(place, after)| Some((value(place, spec)?, after)))
        else {
            out.push('{');
            rest = after;
            continue;
        };
        let value: String = value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        out.push_str(&encode(&value));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn value(place: &str, spec: &BounceSpec<'_>) -> Option<String> {
    Some(match place {
        "rcpt" => bare(spec.final_recipient),
        "reply" => spec.diagnostic.to_owned(),
        "host" => spec.remote_mta.unwrap_or(spec.reporting_mta).to_owned(),
        "mta" => spec.reporting_mta.to_owned(),
        "to" => bare(spec.to),
        "subject" => header::find(spec.original, "Subject").unwrap_or_default().into_owned(),
        "status" => spec.status.to_string(),
        "arrival" => spec.arrival.rfc5322(),
        "at" => spec.at.rfc5322(),
        _ => return None,
    })
}

/// A value as it is.
pub(super) fn as_it_is(value: &str) -> String {
    value.to_owned()
}

/// A value in HTML.
pub(super) fn escaped(value: &str) -> String {
    value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
