//! Mail that somebody passed on by quoting it.

use std::borrow::Cow;

use super::head::Head;

/// The text without the marks of quotation, where the mail says that it passes another one on, and quotes a header.
pub(super) fn forwarded<'a>(text: Cow<'a, str>, head: &Head<'_>) -> Cow<'a, str> {
    let quotes_header = || ["\n> From:", "\n>From:"].iter().any(|mark| text.contains(mark));
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

/// Whether a subject in lower case is that of a mail that somebody passed on, in the languages of mail programs.
pub(super) fn is_forwarded(lower: &str) -> bool {
    const PREFIXES: [&str; 9] = ["fwd:", "fw:", "wg:", "tr:", "rv:", "i:", "vs:", "enc:", "doorst:"];
    PREFIXES.iter().any(|prefix| lower.starts_with(prefix)) || lower.starts_with("[fwd")
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
