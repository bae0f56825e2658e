//! The returned message: its header, wherever the report keeps it.

use super::limits::{MAX_ORIGINAL_FIELDS, MAX_VALUE};
use super::lines::with_offsets;
use super::report::OriginalMessage;
use super::values::{message_id, one_line};
use crate::header;

/// Fields that trace and sign: most of a header's bytes, and nothing to correlate by.
const LEFT_OUT: [&str; 12] = [
    "Received",
    "DKIM-Signature",
    "DomainKey-Signature",
    "Authentication-Results",
    "ARC-Seal",
    "ARC-Message-Signature",
    "ARC-Authentication-Results",
    "X-Google-DKIM-Signature",
    "X-Received",
    "Received-SPF",
    "X-Spam-Report",
    "X-Microsoft-Antispam-Message-Info",
];

/// Reads the header of a returned message; `None` if there is no field.
pub(super) fn read(content: &[u8]) -> Option<OriginalMessage> {
    // Some programs put empty lines, or a line about the header, before it.
    let content = content.trim_ascii_start();
    let mut original = OriginalMessage::default();
    for (name, value) in header::raw_fields(content) {
        if LEFT_OUT.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            continue;
        }
        if original.headers.len() >= MAX_ORIGINAL_FIELDS {
            break;
        }
        let value = header::unfold(&value[..value.len().min(MAX_VALUE)]);
        if original.message_id.is_none() && name.eq_ignore_ascii_case("Message-ID") {
            original.message_id = message_id(&value);
        }
        original.headers.push((name.to_owned(), one_line(&value, MAX_VALUE)));
    }
    (!original.headers.is_empty()).then_some(original)
}

/// Octets of a text in which the identifier of the message is looked for.
const ID_WITHIN: usize = 16 * 1024;

/// The identifier of the message where a text for people tells it: behind `Message-ID` on its line, or on the next,
/// with an `@` in it.
pub(super) fn id_in_text(text: &str) -> Option<String> {
    let text = &text[..text.floor_char_boundary(ID_WITHIN)];
    let lower = text.to_ascii_lowercase();
    memchr::memmem::find_iter(lower.as_bytes(), "message").find_map(|at| {
        let after = lower[at..].strip_prefix("message").filter(|rest| rest.starts_with(['-', ' ']))?;
        // `Message-ID`, `message id`, `message with ID`.
        let name = ["-id", " id", " with id", " with the id"].iter().find(|name| after.starts_with(*name))?;
        let rest = text.get(text.len() - after.len() + name.len()..)?;
        let mut lines = rest.lines();
        let line = lines.next().unwrap_or_default();
        let ends = line.trim_end().ends_with([':', '=']) || line.trim().is_empty();
        let line = if ends { lines.next().unwrap_or_default() } else { line };
        let word = |c: char| c.is_whitespace() || "<>()[]\"',;".contains(c);
        let id = line.split(word).find(|word| word.contains('@'))?.trim_matches([':', '.', '=']);
        let whole = id.split_once('@').is_some_and(|(left, right)| !left.is_empty() && !right.is_empty());
        message_id(id).filter(|_| whole)
    })
}

/// Splits text that ends with a returned message into what is for people and the message; a text without one is all
/// for people.
///
/// The message begins at a block of lines that look like a header: three fields or more, two of them of the kind that
/// every message has and one that summaries for people do not have, after an empty line or a line of dashes. One line
/// that is no field is let through, for folds that lost their white space.
pub(super) fn split(text: &str) -> (&str, &str) {
    let mut block: Option<Block> = None;
    // Whether the line before allows a header to begin.
    let mut may_begin = false;
    // Whether the last line that is no field announces a summary, as Messaging Server does.
    let mut summary = false;
    for (start, line) in with_offsets(text) {
        let content = line.trim_end();
        if content.is_empty() {
            block = None;
            may_begin = true;
            continue;
        }
        let continued = line.starts_with([' ', '\t']);
        if let Some(name) = field_name(content).filter(|_| !continued) {
            if (may_begin && !summary) || block.is_some() {
                let block = block.get_or_insert(Block { start, ..Block::default() });
                block.fields += 1;
                block.usual += usize::from(USUAL.iter().any(|known| known.eq_ignore_ascii_case(name)));
                block.sure |= SURE.iter().any(|known| known.eq_ignore_ascii_case(name));
                if block.fields >= 3 && block.usual >= 2 && block.sure {
                    return text.split_at(block.start);
                }
            }
            may_begin = false;
        } else if let Some(open) = block.as_mut().filter(|block| continued || !block.broken) {
            open.broken |= !continued;
        } else {
            block = None;
            summary = content.ends_with("the following header fields:");
            let rule = content.trim_matches('|');
            may_begin = rule.starts_with("--")
                || rule.ends_with("--")
                || rule.ends_with("**")
                || rule.ends_with("====")
                || content.ends_with(':')
                || content == "[ Offending message ]"
                || content.starts_with("From ");
        }
    }
    (text, "")
}

#[derive(Default)]
struct Block {
    start: usize,
    fields: usize,
    usual: usize,
    sure: bool,
    /// A line that is no field was let through.
    broken: bool,
}

/// Fields that summaries of a message for people do not have.
pub(super) const SURE: [&str; 5] = ["Received", "Return-Path", "Message-ID", "From", "MIME-Version"];

/// Fields that every message has, and few texts about one.
pub(super) const USUAL: [&str; 9] = [
    "Received",
    "Return-Path",
    "Message-ID",
    "Date",
    "From",
    "Subject",
    "MIME-Version",
    "To",
    "Content-Type",
];

pub(super) fn field_name(line: &str) -> Option<&str> {
    let (name, _) = line.split_once(':')?;
    let ok =
        !name.is_empty() && name.len() < 60 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    ok.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, human: &str) {
        assert_eq!(split(text).0, human, "{text}");
    }

    #[test]
    fn finds_where_the_message_begins() {
        check("It failed.\n\nReceived: x\n  y\nFrom: a\nSubject: b\n\nbody", "It failed.\n\n");
        check("It failed.\n--- copy ---\nFrom: a\nTo: b\nSubject: c\n", "It failed.\n--- copy ---\n");
        check("Recipient: a\nReason: b\nHint: c\n\nrest", "Recipient: a\nReason: b\nHint: c\n\nrest");
        check("To: a\nCC:\nDate: b\nSubject: c\n\nfailed", "To: a\nCC:\nDate: b\nSubject: c\n\nfailed");
        check("x\n\nReceived: a (via\nb)\nFrom: c\nTo: d\n", "x\n\n");
        check("Subject: a\nTo: b\n\nOther: c\n", "Subject: a\nTo: b\n\nOther: c\n");
        check("", "");
    }

    #[test]
    fn keeps_what_correlates() {
        let original =
            read(b"\nReceived: x\nMessage-ID: <1@news.example>\nX-Emta-Id: 7\n\nbody: no\n").unwrap();
        assert_eq!(original.message_id.as_deref(), Some("1@news.example"));
        assert_eq!(original.header("x-emta-id"), Some("7"));
        assert_eq!(original.headers.len(), 2);
        assert_eq!(read(b"no header at all"), None);
    }

    #[test]
    fn the_text_tells_the_identifier() {
        for (text, expected) in [
            ("Message-ID: <1@news.example>", Some("1@news.example")),
            ("It failed.\nThe message id was 1@news.example.\n", Some("1@news.example")),
            ("Message-ID of your message:\n   <1@news.example>\n", Some("1@news.example")),
            ("message-id=<1@news.example>, size=7", Some("1@news.example")),
            ("The message with ID <1@news.example> failed.", Some("1@news.example")),
            ("Message ID: 4711\nContact help@news.example", None),
            ("Message ID: 4711", None),
            ("a message-id", None),
            ("", None),
        ] {
            assert_eq!(id_in_text(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn fields_are_limited() {
        let count = |n: usize| read("A: 1\n".repeat(n).as_bytes()).unwrap().headers.len();
        assert_eq!(count(MAX_ORIGINAL_FIELDS), MAX_ORIGINAL_FIELDS);
        assert_eq!(count(MAX_ORIGINAL_FIELDS + 1), MAX_ORIGINAL_FIELDS);
    }

    proptest! {
        #[test]
        fn splitting_loses_nothing(text in "((From|To|Subject|Date|é|--)?:?[ a\n]{0,4}){0,20}") {
            let (human, message) = split(&text);
            prop_assert_eq!(format!("{human}{message}"), text);
        }
    }
}
