//! Complaints: the Abuse Reporting Format (RFC 5965), and what Microsoft's feedback loop sends in its place.

use super::limits::{MAX_RECIPIENTS, MAX_VALUE};
use super::report::{Feedback, OriginalMessage};
use super::values::{address, date, full_address, one_line, short};
use crate::header;

/// Reads a `message/feedback-report` part.
pub(super) fn read(content: &[u8]) -> Feedback {
    let mut feedback = Feedback::default();
    let mut rest = content.trim_ascii_start();
    // One group of fields; some generators put empty lines between them.
    while !rest.is_empty() {
        let (block, after) = header::split(rest);
        for (name, value) in header::fields(block) {
            field(&mut feedback, name, &value);
        }
        rest = after;
    }
    if feedback.feedback_type.is_empty() {
        "abuse".clone_into(&mut feedback.feedback_type);
    }
    feedback
}

fn field(feedback: &mut Feedback, name: &str, value: &str) {
    let is = |known: &str| name.eq_ignore_ascii_case(known);
    if is("Feedback-Type") {
        feedback.feedback_type = one_line(value, MAX_VALUE).to_ascii_lowercase();
    } else if is("User-Agent") {
        feedback.user_agent = short(value);
    } else if is("Original-Mail-From") {
        feedback.original_mail_from = address(value);
    } else if is("Original-Rcpt-To") || is("Removal-Recipient") {
        let known = feedback.original_rcpt_to.len();
        if let Some(recipient) = full_address(value).filter(|_| known < MAX_RECIPIENTS)
            && feedback.original_rcpt_to.last() != Some(&recipient)
        {
            feedback.original_rcpt_to.push(recipient);
        }
    } else if is("Arrival-Date") || is("Received-Date") {
        feedback.arrival_date = feedback.arrival_date.or_else(|| date(value));
    } else if is("Source-IP") {
        feedback.source_ip = short(value);
    }
}

/// Reads the report where it stands in the text for people, as sites make it that have no MIME for it.
pub(super) fn in_text(text: &str) -> Option<Feedback> {
    let begins = |name: &str| {
        let name = name.as_bytes();
        memchr::memmem::find_iter(text.as_bytes(), name)
            .find(|at| *at == 0 || text.as_bytes()[at - 1] == b'\n')
    };
    let at = begins("Feedback-Type:")?;
    // A text about such reports names the field; a report has others, too (RFC 5965 section 3.1).
    let others = ["User-Agent:", "Version:", "Original-Rcpt-To:", "Source-IP:"];
    let is_report = others.iter().filter(|name| begins(name).is_some()).count() >= 2;
    is_report.then(|| read(text.as_bytes().get(at..).unwrap_or_default()))
}

/// A complaint that SpamCop passes on: its text has the address and the time, and the message with its recipient removed.
pub(super) fn spamcop(text: &str) -> Option<Feedback> {
    let rest = text.trim_start().strip_prefix("[ SpamCop V")?;
    let from = rest.lines().find_map(|line| line.strip_prefix("Email from "));
    let (source, at) = from.and_then(|from| from.split_once(" / ")).unzip();
    Some(Feedback {
        feedback_type: "abuse".to_owned(),
        source_ip: source.and_then(short),
        arrival_date: at.and_then(date),
        ..Feedback::default()
    })
}

/// A complaint of Microsoft's Junk Mail Reporting Program: no report part, but a field in the returned message that
/// names the recipient, or did so before it was redacted.
pub(super) fn junk_mail_report(original: &OriginalMessage) -> Option<Feedback> {
    let recipient = full_address(original.header("X-HmXmrOriginalRecipient")?);
    Some(Feedback {
        feedback_type: "abuse".to_owned(),
        original_rcpt_to: recipient.into_iter().collect(),
        source_ip: original.header("X-Sender-IP").and_then(short),
        ..Feedback::default()
    })
}

/// The recipients who complain: those that the report names, or else those that the returned message was to.
pub(super) fn recipients(feedback: &Feedback, original: Option<&OriginalMessage>) -> Vec<String> {
    if !feedback.original_rcpt_to.is_empty() {
        return feedback.original_rcpt_to.clone();
    }
    let to = original.and_then(|original| {
        ["To", "X-Original-To", "Delivered-To"]
            .into_iter()
            .find_map(|name| full_address(original.header(name)?))
    });
    to.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_full_and_sparse_reports() {
        let full = read(
            b"Feedback-Type: Abuse\nUser-Agent: ExampleFBL/1.0\nVersion: 1\nOriginal-Mail-From: <b@news.example>\n\
              Original-Rcpt-To: <a@example.com>\nOriginal-Rcpt-To: c@example.com\nOriginal-Rcpt-To: redacted\n\n\
              Arrival-Date: Mon, 5 Jan 2026 09:00:00 +0000\nSource-IP: 192.0.2.1\n",
        );
        assert_eq!(full.feedback_type, "abuse");
        assert_eq!(full.original_rcpt_to, ["a@example.com", "c@example.com"]);
        assert_eq!(full.original_mail_from.as_deref(), Some("b@news.example"));
        assert_eq!(full.arrival_date.unwrap().as_seconds(), 1_767_603_600);
        assert_eq!(full.source_ip.as_deref(), Some("192.0.2.1"));
        assert_eq!(read(b""), Feedback { feedback_type: "abuse".to_owned(), ..Feedback::default() });
    }

    #[test]
    fn recipients_of_a_sparse_report_are_those_of_the_message() {
        let original = |name: &str, value: &str| OriginalMessage {
            headers: vec![(name.to_owned(), value.to_owned())],
            ..OriginalMessage::default()
        };
        let feedback = read(b"Feedback-Type: abuse\n");
        assert_eq!(recipients(&feedback, Some(&original("To", "A <a@example.com>"))), ["a@example.com"]);
        assert!(recipients(&feedback, Some(&original("To", "redacted"))).is_empty());
        assert!(recipients(&feedback, None).is_empty());
        let jmrp = original("X-HmXmrOriginalRecipient", "a@example.com");
        assert_eq!(junk_mail_report(&jmrp).unwrap().original_rcpt_to, ["a@example.com"]);
        assert_eq!(junk_mail_report(&original("To", "a@example.com")), None);
    }

    #[test]
    fn complaints_passed_on_by_spamcop() {
        let text = "[ SpamCop V5.3.0 ]\nBrief.\n\nEmail from 192.0.2.7 / Mon, 5 Jan 2026 09:00:00 +0000\n";
        let read = spamcop(text).unwrap();
        assert_eq!(read.source_ip.as_deref(), Some("192.0.2.7"));
        assert_eq!(read.arrival_date.unwrap().as_seconds(), 1_767_603_600);
        assert_eq!(spamcop("SpamCop V5.3.0"), None);
    }
}
