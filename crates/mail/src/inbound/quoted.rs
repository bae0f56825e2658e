//! Mail that somebody passed on by quoting it.

use std::borrow::Cow;

use super::formats::{is_rule, label};
use super::head::Head;
use super::lines::with_offsets;
use super::original::{self, SURE, USUAL, field_name};
use super::values;

/// The text without the marks of quotation, where the mail says that it passes another one on, and quotes a header.
pub(super) fn forwarded<'a>(text: Cow<'a, str>, head: &Head<'_>) -> Cow<'a, str> {
    let quotes_header = || {
        let mut quoted = text.lines().filter_map(|line| line.strip_prefix('>'));
        quoted.any(|line| field_name(line.trim_start()).is_some_and(|name| name.eq_ignore_ascii_case("From")))
    };
    if !is_forwarded(&head.subject().to_lowercase()) || !quotes_header() {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let rest = line.strip_prefix('>').unwrap_or(line);
        // The arrows of a transcript are no marks: `>>>> DATA` was `>>> DATA`.
        out.push_str(rest.strip_prefix(' ').unwrap_or(rest));
    }
    Cow::Owned(out)
}

/// Splits text that ends with a returned message into what is for people and the message, also where each of its lines
/// is indented or has a mark of quotation.
pub(super) fn split(text: &str) -> (&str, Cow<'_, str>) {
    let (human, returned) = original::split(text);
    if !returned.is_empty() {
        return (human, Cow::Borrowed(returned));
    }
    let Some((at, mark)) = marked_header(text) else { return (text, Cow::Borrowed("")) };
    let (human, returned) = text.split_at(at);
    let mut out = String::with_capacity(returned.len());
    for line in returned.split_inclusive('\n') {
        out.push_str(line.strip_prefix(mark).unwrap_or_else(|| line.trim_start_matches(is_mark)));
    }
    (human, Cow::Owned(out))
}

fn is_mark(c: char) -> bool {
    matches!(c, '>' | '|' | ' ' | '\t')
}

/// Where a header begins whose lines have the same mark in front of them, and that mark. One that is only indented must
/// have fields that no summary for people has.
fn marked_header(text: &str) -> Option<(usize, &str)> {
    const LONGEST_MARK: usize = 12;
    let mut block: Option<Marked<'_>> = None;
    let mut may_begin = true;
    for (start, line) in with_offsets(text) {
        let content = line.trim_end();
        let bare = content.trim_start_matches(is_mark);
        let mark = &content[..content.len() - bare.len()];
        if let Some(open) = block.as_mut() {
            let rest = content.strip_prefix(open.mark);
            match rest.and_then(field_name) {
                Some(name) => {
                    if open.takes(name) {
                        return Some((open.start, open.mark));
                    }
                    continue;
                }
                None if rest.is_some_and(|rest| rest.starts_with([' ', '\t'])) => continue,
                None => block = None,
            }
        }
        if may_begin
            && (1..=LONGEST_MARK).contains(&mark.len())
            && let Some(name) = field_name(bare)
        {
            let open = block.insert(Marked { start, mark, fields: 0, usual: 0, sure: false, traced: false });
            open.takes(name);
        }
        may_begin = bare.is_empty() || is_rule(bare) || bare.ends_with(':');
    }
    None
}

/// A block of lines that may be a marked header.
struct Marked<'a> {
    start: usize,
    mark: &'a str,
    fields: usize,
    usual: usize,
    sure: bool,
    /// It has a field that mail systems write.
    traced: bool,
}

impl Marked<'_> {
    /// Takes a field; whether the block is a header now.
    fn takes(&mut self, name: &str) -> bool {
        let is = |known: &&str| known.eq_ignore_ascii_case(name);
        self.fields += 1;
        self.usual += usize::from(USUAL.iter().any(is));
        self.sure |= SURE.iter().any(is);
        self.traced |= ["Received", "Return-Path", "MIME-Version"].iter().any(is);
        self.fields >= 3 && self.usual >= 2 && self.sure && (self.traced || self.mark.contains(['>', '|']))
    }
}

/// The identifier of the message that a notice is about, where a line of its text has it behind a label.
pub(super) fn labelled_id(human: &str) -> Option<String> {
    const LOOKED_AT: usize = 16 * 1024;
    let human = &human[..human.floor_char_boundary(LOOKED_AT)];
    human.lines().filter(|line| line.contains('@')).find_map(|line| {
        let (words, value) = label(line)?;
        let words = words.to_lowercase();
        let is_id = words == "id"
            || ["message-id", "message id", "messageid", "msgid"].iter().any(|id| words.contains(id));
        let value = value.trim();
        (is_id && !value.is_empty() && !value.contains(char::is_whitespace))
            .then(|| values::message_id(value))
            .flatten()
    })
}

/// Whether a subject in lower case is that of a mail that somebody passed on, in the languages of mail programs.
pub(super) fn is_forwarded(lower: &str) -> bool {
    const PREFIXES: [&str; 9] = ["fwd", "fw", "wg", "tr", "rv", "i", "vs", "enc", "doorst"];
    // The French put a space before the colon.
    lower.split_once(':').is_some_and(|(prefix, _)| PREFIXES.contains(&prefix.trim_end()))
        || lower.starts_with("[fwd")
}

/// Whether a text quotes another mail, in the ways of mail programs: behind angles, or below a header or a line that says
/// who wrote it.
pub(super) fn quotes(text: &str) -> bool {
    const MARKS: [&str; 20] = [
        "\n>",
        "\nFrom:",
        "\nVon:",
        "\nDe :",
        "\nDe:",
        "\nDa:",
        "\nVan:",
        "\nFrån:",
        "\nОт:",
        "\nOd:",
        "\n差出人:",
        "\n发件人",
        "-----Original",
        "-----Urspr",
        " wrote:",
        " schrieb ",
        " a écrit",
        " escribió",
        " ha scritto",
        " escreveu",
    ];
    MARKS.iter().any(|mark| text.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_behind_marks() {
        let check = |text: &str, human: &str, returned: &str| {
            let (found, message) = split(text);
            assert_eq!((found, message.as_ref()), (human, returned), "{text}");
        };
        check(
            "No.\n\n> From: a\n> To: b\n> Subject: c\n>\n> d\n",
            "No.\n\n",
            "From: a\nTo: b\nSubject: c\n\nd\n",
        );
        check(
            "  No.\n\n  Received: x\n    y\n  From: a\n  To: b\n  \n  d\n",
            "  No.\n\n",
            "Received: x\n  y\nFrom: a\nTo: b\n\nd\n",
        );
        check("Header:\n| From: a\n| To: b\n| Date: c\n", "Header:\n", "From: a\nTo: b\nDate: c\n");
        let summary = "About:\n\n  From: a\n  To: b\n  Subject: c\n\nNo.\n";
        check(summary, summary, "");
    }

    #[test]
    fn identifiers_in_texts() {
        let head = Head::read(b"References: <0@x> <1@x>\n");
        for (text, expected) in [
            ("   Id:   <2@x>\n", "2@x"),
            ("Message-ID of your message: <2@x>\n", "2@x"),
            ("Valid: <2@x>\n", "1@x"),
            ("", "1@x"),
        ] {
            let found = labelled_id(text).or_else(|| head.answered());
            assert_eq!(found.as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn marks_of_quotation_go_where_a_mail_is_passed_on() {
        let quoted = "Look:\n\n> From: a\n> To: b\n>\n>>>> RCPT To:<c>\n";
        let read = |subject: &str, text: &'static str| {
            forwarded(Cow::Borrowed(text), &Head::read(subject.as_bytes())).into_owned()
        };
        assert_eq!(read("Subject: Fwd: x\n", quoted), "Look:\n\nFrom: a\nTo: b\n\n>>> RCPT To:<c>\n");
        assert_eq!(read("Subject: Re: x\n", quoted), quoted);
        assert_eq!(read("Subject: Fwd: x\n", "> no header\n"), "> no header\n");
    }
}
