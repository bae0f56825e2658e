//! The parts of a MIME mail (RFC 2045, RFC 2046), found in one pass.
//!
//! Content types, charsets and base64 are mail-parser's work; finding the parts is not. Version 0.11 scans
//! the rest of the mail again for every multipart whose boundary is missing (1 MB of them took 4 s), and drops nested
//! messages by recursion (3 MB of them overflowed the stack). A bounce needs less: the text, the report, and the
//! header of the returned message, which is not entered.

mod kind;

use std::borrow::Cow;

use mail_parser::parsers::MessageStream;
use mail_parser::{ContentType, HeaderValue};

use super::limits::{MAX_DEPTH, MAX_HTML, MAX_PARTS, MAX_SCANNED, whole_lines};
use super::{charset, html, transfer};
use crate::header;
use kind::{begins_as_feedback, begins_as_status, is_file_of_mail, kind};

pub(super) use kind::PartKind;

/// A leaf of the mail's tree.
#[derive(Clone, Debug)]
pub(super) struct Part<'a> {
    pub(super) kind: PartKind,
    charset: Option<String>,
    encoding: Encoding,
    /// As it stands in the mail, still encoded.
    raw: &'a [u8],
    /// No boundary follows: the mail may end before the part does.
    pub(super) is_cut: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Identity,
    Base64,
    QuotedPrintable,
}

/// What a part's header says of it.
struct Description {
    kind: PartKind,
    boundary: Option<Vec<u8>>,
    charset: Option<String>,
    encoding: Encoding,
    /// Its name is that of a file with a mail in it.
    is_file_of_mail: bool,
    /// Fields of the header that only messages have.
    message_fields: usize,
}

impl<'a> Part<'a> {
    /// The content without transfer encoding; as it stands where that is broken.
    pub(super) fn content(&self) -> Cow<'a, [u8]> {
        let raw = whole_lines(self.raw, MAX_SCANNED);
        let decoded = match self.encoding {
            Encoding::Identity => None,
            Encoding::Base64 => transfer::base64(raw),
            Encoding::QuotedPrintable => Some(transfer::quoted_printable(raw)),
        };
        decoded.map_or(Cow::Borrowed(raw), Cow::Owned)
    }

    /// The content as text for people.
    pub(super) fn text(&self) -> Cow<'a, str> {
        let text = self.charset_text();
        match self.kind {
            PartKind::Html => Cow::Owned(html::to_text(&text[..text.floor_char_boundary(MAX_HTML)])),
            PartKind::Text
            | PartKind::DeliveryStatus
            | PartKind::FeedbackReport
            | PartKind::Disposition
            | PartKind::Message
            | PartKind::Other => text,
        }
    }

    fn charset_text(&self) -> Cow<'a, str> {
        charset::decode(self.content(), self.charset.as_deref())
    }
}

/// Fields of messages that no part has by mistake in this number.
const MESSAGE_FIELDS: usize = 3;

/// The fields of a header that say what the content is, folded; of several of one name the last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ContentFields<'a> {
    pub(super) content_type: Option<&'a [u8]>,
    pub(super) disposition: Option<&'a [u8]>,
    pub(super) encoding: Option<&'a [u8]>,
}

/// The leaves of a mail in order: at most [`MAX_PARTS`], from multiparts nested at most [`MAX_DEPTH`] deep; what lies
/// deeper is one leaf. `fields` are those of its header.
pub(super) fn parts<'a>(fields: &ContentFields<'_>, body: &'a [u8]) -> Vec<Part<'a>> {
    let top = describe(fields);
    let Some(boundary) = top.boundary else {
        return vec![leaf(&top, body)];
    };
    let mut parts = Vec::with_capacity(4);
    // Boundaries of the multiparts that are open, outermost first.
    let mut open = vec![boundary];
    let mut current: Option<(Description, usize)> = None;
    let mut at = 0;
    while let Some(start) = next_dashes(body, at) {
        let end = line_end(body, start);
        at = end;
        let Some((level, closes)) = match_boundary(&body[start + 2..end], &open) else {
            continue;
        };
        if let Some((description, from)) = current.take() {
            parts.push(leaf(&description, without_line_end(&body[from.min(start)..start])));
        }
        if parts.len() >= MAX_PARTS {
            return parts;
        }
        open.truncate(level + usize::from(!closes));
        if open.is_empty() {
            break;
        }
        if closes {
            continue;
        }
        let header_end = part_header_end(body, end);
        let mut description = describe_part(&body[end..header_end]);
        let mut content = skip_blank(body, header_end);
        // The line that ends the header may itself begin with dashes, so the search goes on at the content.
        at = content;
        if description.message_fields >= MESSAGE_FIELDS {
            // The returned message stands where the header of its part should: that is not written.
            description =
                Description { kind: PartKind::Message, boundary: None, charset: None, ..description };
            description.encoding = Encoding::Identity;
            content = end;
        }
        match description.boundary {
            Some(boundary) if open.len() < MAX_DEPTH => open.push(boundary),
            Some(_) | None => current = Some((description, content)),
        }
    }
    if let Some((description, from)) = current {
        parts.push(Part { is_cut: true, ..leaf(&description, &body[from.min(body.len())..]) });
    }
    if parts.is_empty() {
        // A multipart without its boundary: whatever it is, it can be read as text.
        parts.push(Part {
            kind: PartKind::Text,
            charset: None,
            encoding: top.encoding,
            raw: body,
            is_cut: false,
        });
    }
    parts
}

fn leaf<'a>(description: &Description, raw: &'a [u8]) -> Part<'a> {
    let kind = match description.kind {
        PartKind::Message | PartKind::Html | PartKind::Other if begins_as_status(raw) => {
            PartKind::DeliveryStatus
        }
        PartKind::Other if begins_as_feedback(raw) => PartKind::FeedbackReport,
        PartKind::Other if description.is_file_of_mail => PartKind::Message,
        kind => kind,
    };
    Part { kind, charset: description.charset.clone(), encoding: description.encoding, raw, is_cut: false }
}

fn describe_part(header: &[u8]) -> Description {
    let (mut fields, mut message_fields) = (ContentFields::default(), 0);
    for (name, value) in header::raw_fields(header) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        match name.len() {
            12 if is("Content-Type") => fields.content_type = Some(value),
            19 if is("Content-Disposition") => fields.disposition = Some(value),
            25 if is("Content-Transfer-Encoding") => fields.encoding = Some(value),
            2 | 4 | 8 | 10 => {
                let is_known = ["To", "From", "Received", "Message-ID"].into_iter().any(is);
                message_fields += usize::from(is_known);
            }
            _ => {}
        }
    }
    Description { message_fields, ..describe(&fields) }
}

fn describe(fields: &ContentFields<'_>) -> Description {
    let disposition = fields.disposition.and_then(content_type);
    let is_file = disposition.is_some_and(|it| it.attribute("filename").is_some_and(is_file_of_mail));
    let mut description = Description {
        kind: PartKind::Text,
        boundary: None,
        charset: None,
        encoding: match fields.encoding.unwrap_or_default().trim_ascii() {
            value if value.eq_ignore_ascii_case(b"base64") => Encoding::Base64,
            value if value.eq_ignore_ascii_case(b"quoted-printable") => Encoding::QuotedPrintable,
            _ => Encoding::Identity,
        },
        is_file_of_mail: is_file,
        message_fields: 0,
    };
    if let Some(content_type) = fields.content_type.and_then(content_type) {
        description.kind = kind(&content_type);
        description.is_file_of_mail |= content_type.attribute("name").is_some_and(is_file_of_mail);
        description.boundary = Some(&content_type)
            .filter(|t| t.ctype().eq_ignore_ascii_case("multipart"))
            .and_then(|t| t.attribute("boundary"))
            .filter(|boundary| !boundary.is_empty())
            .map(|boundary| boundary.trim_end().as_bytes().to_vec());
        description.charset = content_type.attribute("charset").map(ToOwned::to_owned);
    }
    description
}

fn content_type(value: &[u8]) -> Option<ContentType<'_>> {
    match MessageStream::new(value).parse_content_type() {
        HeaderValue::ContentType(content_type) => Some(content_type),
        _ => None,
    }
}

/// Start of the first line at or after the line start `at` that begins with `--`.
fn next_dashes(body: &[u8], at: usize) -> Option<usize> {
    if body.get(at..)?.starts_with(b"--") {
        return Some(at);
    }
    memchr::memmem::find(&body[at..], b"\n--").map(|offset| at + offset + 1)
}

/// Which open boundary the line (without its dashes) is, innermost first, and whether it closes it.
fn match_boundary(line: &[u8], open: &[Vec<u8>]) -> Option<(usize, bool)> {
    let line = line.trim_ascii_end();
    open.iter().enumerate().rev().find_map(|(level, boundary)| {
        match line.strip_prefix(boundary.as_slice())? {
            b"" => Some((level, false)),
            b"--" => Some((level, true)),
            _ => None,
        }
    })
}

/// Where the header of a part ends: at the empty line, at a line that looks like a boundary, or with the mail.
fn part_header_end(body: &[u8], start: usize) -> usize {
    let mut at = start;
    while at < body.len() && at - start < header::MAX_BYTES {
        let end = line_end(body, at);
        if matches!(&body[at..end], b"\n" | b"\r\n") || body[at..end].starts_with(b"--") {
            break;
        }
        at = end;
    }
    at
}

fn skip_blank(body: &[u8], at: usize) -> usize {
    let rest = &body[at..];
    let blank = if rest.starts_with(b"\r\n") { 2 } else { usize::from(rest.starts_with(b"\n")) };
    at + blank
}

fn line_end(body: &[u8], start: usize) -> usize {
    memchr::memchr(b'\n', &body[start..]).map_or(body.len(), |offset| start + offset + 1)
}

fn without_line_end(content: &[u8]) -> &[u8] {
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    content.strip_suffix(b"\r").unwrap_or(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::head::Head;
    use proptest::prelude::*;

    fn parts_of<'a>(header: &[u8], body: &'a [u8]) -> Vec<Part<'a>> {
        parts(&Head::read(header).content, body)
    }

    fn check(raw: &str, expected: &[(PartKind, &str)]) {
        let (header, body) = header::split(raw.as_bytes());
        let found: Vec<_> = parts_of(header, body).iter().map(|p| (p.kind, p.text().into_owned())).collect();
        let expected: Vec<_> = expected.iter().map(|(kind, text)| (*kind, (*text).to_owned())).collect();
        assert_eq!(found, expected, "{raw}");
    }

    #[test]
    fn finds_the_leaves() {
        use PartKind::*;
        check("Subject: x\n\nhello\n", &[(Text, "hello\n")]);
        check(
            "Content-Type: multipart/report; boundary=\"b 1\"\n\npreamble\n--b 1\n\ntext\n--b 1\n\
             Content-Type: message/delivery-status\n\nA: 1\n\nB: 2\n--b 1\nContent-Type: text/rfc822-headers\n\nC: 3\n--b 1--\nend",
            &[(Text, "text"), (DeliveryStatus, "A: 1\n\nB: 2"), (Message, "C: 3")],
        );
        // A message where the header of its part should be.
        check(
            "Content-Type: multipart/mixed; boundary=a\n\n--a\n\ntext\n--a\nReceived: x\nMessage-ID: <m>\nFrom: b\n\nbody\n--a--",
            &[(Text, "text"), (Message, "Received: x\nMessage-ID: <m>\nFrom: b\n\nbody")],
        );
        // Nested, and the inner one never closed.
        check(
            "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/alternative; boundary=ab\r\n\r\n\
             --ab\r\n\r\none\r\n--ab\r\nContent-Type: text/html\r\n\r\n<p>two</p>\r\n--a\r\n\r\nthree\r\n",
            &[(Text, "one"), (Html, "two\n"), (Text, "three\r\n")],
        );
        check(
            "Content-Type: multipart/mixed; boundary=a\n\nno boundary\n--b\n",
            &[(Text, "no boundary\n--b\n")],
        );
        check("Content-Type: multipart/mixed\n\nx", &[(Text, "x")]);
        check(
            "Content-Type: multipart/mixed; boundary=a\n\n--a\n--a\n\nx\n--a--",
            &[(Text, ""), (Text, "x")],
        );
        check(
            "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: QUOTED-PRINTABLE\n\ncaf=E9=\n!",
            &[(Text, "café!")],
        );
        check("Content-Transfer-Encoding: base64\n\naGVsbG8=\n", &[(Text, "hello")]);
        check("Content-Transfer-Encoding: base64\n\n(not base64)", &[(Text, "(not base64)")]);
    }

    #[test]
    fn limits_at_their_bounds() {
        let count = |n: usize| {
            let mail =
                format!("Content-Type: multipart/mixed; boundary=a\n\n{}--a--", "--a\n\nx\n".repeat(n));
            let (header, body) = header::split(mail.as_bytes());
            parts_of(header, body).len()
        };
        assert_eq!(count(MAX_PARTS), MAX_PARTS);
        assert_eq!(count(MAX_PARTS + 1), MAX_PARTS);

        let nested = |depth: usize| {
            let inner: Vec<String> = (1..depth)
                .map(|level| {
                    format!("--b{}\nContent-Type: multipart/mixed; boundary=b{level}\n\n", level - 1)
                })
                .collect();
            let top = "Content-Type: multipart/mixed; boundary=b0\n\n";
            let mail = format!("{top}{}--b{}\n\ninnermost", inner.concat(), depth - 1);
            let (header, body) = header::split(mail.as_bytes());
            parts_of(header, body).iter().any(|p| p.text() == "innermost")
        };
        assert!(nested(MAX_DEPTH));
        assert!(!nested(MAX_DEPTH + 1));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(body in "(--a\n|--a--|\n|Content-Type: (text/html|multipart/mixed; boundary=(a|b))\n|<[a-z/!-]{0,6}>?|\\PC{0,4}|--b\r\n|=\\PC)*") {
            for part in parts_of(b"Content-Type: multipart/mixed; boundary=a\nContent-Transfer-Encoding: quoted-printable\n", body.as_bytes()) {
                let _ = part.text();
            }
        }
    }
}
