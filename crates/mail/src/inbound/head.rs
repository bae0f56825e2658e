//! The header fields of the mail itself that say what it is, read in one pass.

use std::borrow::Cow;

use super::values::{date, full_address, message_id, one_line, short};
use super::{limits, mime};
use crate::header;
use crate::time::Timestamp;

/// First values of the fields that matter, folded, undecoded.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Head<'a> {
    from: Option<&'a [u8]>,
    to: Option<&'a [u8]>,
    delivered_to: Option<&'a [u8]>,
    subject: Option<&'a [u8]>,
    date: Option<&'a [u8]>,
    message_id: Option<&'a [u8]>,
    return_path: Option<&'a [u8]>,
    auto_submitted: Option<&'a [u8]>,
    precedence: Option<&'a [u8]>,
    in_reply_to: Option<&'a [u8]>,
    references: Option<&'a [u8]>,
    failed_recipients: Option<&'a [u8]>,
    /// A field that only automatic replies have.
    pub(super) marked_automatic: bool,
}

impl<'a> Head<'a> {
    /// Reads the header.
    pub(super) fn read(header: &'a [u8]) -> Self {
        let mut head = Self::default();
        for (name, value) in header::raw_fields(header) {
            let is = |known: &str| name.eq_ignore_ascii_case(known);
            let slot = match name.len() {
                2 if is("To") => &mut head.to,
                4 if is("From") => &mut head.from,
                4 if is("Date") => &mut head.date,
                7 if is("Subject") => &mut head.subject,
                10 if is("Message-ID") => &mut head.message_id,
                10 if is("Precedence") => &mut head.precedence,
                10 if is("References") => &mut head.references,
                11 if is("In-Reply-To") => &mut head.in_reply_to,
                11 if is("Return-Path") => &mut head.return_path,
                11 if is("Envelope-To") => &mut head.delivered_to,
                12 if is("Delivered-To") => &mut head.delivered_to,
                13 if is("X-Original-To") => &mut head.delivered_to,
                14 if is("Auto-Submitted") => &mut head.auto_submitted,
                19 if is("X-Failed-Recipients") => &mut head.failed_recipients,
                _ => {
                    head.marked_automatic |= AUTOMATIC.iter().any(|known| is(known));
                    continue;
                }
            };
            if slot.is_none() {
                *slot = Some(value);
            }
        }
        head
    }

    pub(super) fn subject(&self) -> String {
        let subject = text(self.subject);
        one_line(&header::decode(&subject), limits::MAX_VALUE)
    }

    pub(super) fn from(&self) -> Option<String> {
        full_address(&text(self.from)).or_else(|| short(&text(self.from)))
    }

    pub(super) fn to(&self) -> Option<String> {
        full_address(&text(self.delivered_to)).or_else(|| full_address(&text(self.to)))
    }

    /// The address of its `To` field alone.
    pub(super) fn addressee(&self) -> Option<String> {
        full_address(&text(self.to))
    }

    pub(super) fn date(&self) -> Option<Timestamp> {
        self.date.and_then(|value| date(&header::unfold(value)))
    }

    pub(super) fn report_id(&self) -> Option<String> {
        self.message_id.and_then(|value| message_id(&header::unfold(value)))
    }

    /// The message that this one answers.
    pub(super) fn answered(&self) -> Option<String> {
        let last = |value: &[u8]| header::unfold(value).rsplit('<').next().and_then(message_id);
        self.in_reply_to
            .and_then(|value| message_id(&header::unfold(value)))
            .or_else(|| self.references.and_then(last))
    }

    pub(super) fn auto_submitted(&self) -> Cow<'a, str> {
        text(self.auto_submitted)
    }

    pub(super) fn precedence(&self) -> Cow<'a, str> {
        text(self.precedence)
    }

    pub(super) fn failed_recipients(&self) -> Cow<'a, str> {
        text(self.failed_recipients)
    }

    /// The mail must not be answered (RFC 5321 section 4.5.5), as the final delivery noted.
    pub(super) fn null_sender(&self) -> bool {
        self.return_path.is_some_and(|value| matches!(value.trim_ascii(), b"<>" | b""))
    }

    /// It answers another mail.
    pub(super) fn is_answer(&self) -> bool {
        self.in_reply_to.is_some() || self.references.is_some()
    }

    /// The sender is a mail system, not a person.
    pub(super) fn sent_by_mail_system(&self) -> bool {
        const NAMES: [&str; 16] = [
            "mailer-daemon",
            "postmaster",
            "mail-daemon",
            "mail delivery",
            "maildelivery",
            "mailerdaemon",
            "system administrator",
            "mrs daemon",
            "post_master",
            "maildaemon",
            "mail administrator",
            "mailadministrator",
            "delivery-notification@",
            "bounce-notification",
            "microsoftexchange",
            "mail.daemon",
        ];
        [self.from, self.return_path].into_iter().flatten().any(|value| {
            let value = header::unfold(&value[..value.len().min(400)]).to_ascii_lowercase();
            NAMES.iter().any(|name| value.contains(name))
        })
    }
}

/// Names of fields that only automatic replies have.
const AUTOMATIC: [&str; 6] =
    ["X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-AutoReply-From", "X-Mail-Autoreply", "X-Vacation"];

fn text(value: Option<&[u8]>) -> Cow<'_, str> {
    value.map_or(Cow::Borrowed(""), header::unfold)
}

/// The part for people: all text before the report or the returned message; HTML only where there is no other.
pub(super) fn human_text<'a>(parts: &[mime::Part<'a>]) -> Cow<'a, str> {
    let of_kind = |kind: mime::PartKind| {
        parts
            .iter()
            .filter(move |part| part.kind == kind)
            .map(mime::Part::text)
            .filter(|t| !t.trim().is_empty())
    };
    let mut texts = of_kind(mime::PartKind::Text);
    let Some(first) = texts.next() else {
        return of_kind(mime::PartKind::Html).next().unwrap_or_default();
    };
    match texts.next() {
        None => first,
        Some(second) => {
            let mut all = first.into_owned();
            for text in std::iter::once(second).chain(texts) {
                if all.len() >= limits::MAX_SCANNED {
                    break;
                }
                all.push('\n');
                all.push_str(&text);
            }
            Cow::Owned(all)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_says_what_the_mail_is() {
        let head = Head::read(
            b"Return-Path: <>\nFrom: Mail Delivery System <MAILER-DAEMON@mx.example>\nTo: b@news.example\n\
              Delivered-To: b+1@news.example\nSubject: =?utf-8?Q?caf=C3=A9?=\n two\nReferences: <a@x> <b@x>\nX-Autoreply: yes\n",
        );
        assert!(head.null_sender() && head.sent_by_mail_system() && head.marked_automatic);
        assert_eq!(head.subject(), "café two");
        assert_eq!(head.to().unwrap(), "b+1@news.example");
        assert_eq!(head.from().unwrap(), "MAILER-DAEMON@mx.example");
        assert_eq!(head.answered().unwrap(), "b@x");
    }

    #[test]
    fn an_empty_header_says_nothing() {
        let head = Head::read(b"");
        assert!(!head.null_sender() && !head.sent_by_mail_system());
        assert_eq!((head.from(), head.to(), head.report_id(), head.answered()), (None, None, None, None));
    }
}
