//! One cause, one text: what varies from message to message is taken out of a diagnostic.
//!
//! Placeholders are Campaign's (facts 2.4): `*` for an address, `#DOMAIN#` for a host, `#ID#` for ids, dates, IP
//! addresses and long numbers, `#MESSAGE#` for quoted text of others. Reply code and enhanced status stay, and so do
//! short codes such as `TS01` or `OFR_416`, which tell causes apart.
//!
//! Normalising twice is normalising once. That holds because every decision is made on a piece of text between
//! delimiters, placeholders consist of delimiters and pieces that no decision applies to, and nothing is ever
//! cut but between such pieces.

use std::sync::LazyLock;

use regex::Regex;

use crate::subject::{MAX_TEXT, bounded};

/// Longest normalised text, in octets.
pub const MAX_NORMALISED: usize = 2_000;
/// Quoted text longer than this, in octets, is foreign text.
const MAX_QUOTED: usize = 100;
/// Text without a space that is longer than this, in octets, is an id.
const MAX_RUN: usize = 200;

/// The text with what varies replaced, on one line, at most [`MAX_NORMALISED`] octets. Of the text itself
/// [`MAX_TEXT`] octets are looked at.
pub fn normalise(text: &str) -> String {
    let line = bounded(text, MAX_TEXT).split_whitespace().collect::<Vec<_>>().join(" ");
    let line = DATE.replace_all(&line, "#ID#");
    let line = each_between(&line, is_chunk_end, chunk);
    let line = each_between(&line, |c| matches!(c, ' ' | '"'), long_run);
    cut(quoted_messages(&line))
}

/// Dates as RFC 5322 and `ctime` write them, with or without weekday, time and zone.
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    let weekday = r"(?:\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?";
    let month = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*";
    let time = r"\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?";
    let zone = r"(?: (?:[+-]\d{4}|GMT|UTC|[A-Z]{3,4}))?(?: \([A-Z]{3,4}\))?";
    let day_first = format!(r"{weekday}\b\d{{1,2}} {month} \d{{4}}(?:,? {time}{zone})?\b");
    let month_first =
        format!(r"{weekday}\b{month} \d{{1,2}},? (?:{time} )?(?:[A-Z]{{3,4}} )?\d{{4}}(?: {time})?\b");
    Regex::new(&format!("(?-u:{day_first}|{month_first})")).expect("a constant regex compiles")
});

/// Applies `replace` to each piece between delimiters; delimiters stay.
fn each_between(
    line: &str,
    is_delimiter: impl Fn(char) -> bool,
    replace: impl Fn(&str, &mut String),
) -> String {
    let mut out = String::with_capacity(line.len());
    for piece in line.split_inclusive(&is_delimiter) {
        let delimiter = piece.chars().next_back().filter(|c| is_delimiter(*c));
        let inner = delimiter.and_then(|c| piece.strip_suffix(c)).unwrap_or(piece);
        if !inner.is_empty() {
            replace(inner, &mut out);
        }
        out.extend(delimiter);
    }
    out
}

fn is_chunk_end(c: char) -> bool {
    matches!(c, ' ' | '<' | '>' | '(' | ')' | '[' | ']' | '{' | '}' | '"' | '\'' | ',' | ';' | '|' | '`')
}

/// A chunk may be an address, an IPv6 address or a point in time as a whole; otherwise its pieces are looked at.
fn chunk(chunk: &str, out: &mut String) {
    let core = chunk.trim_end_matches(['.', ':', '?', '!']);
    let tail = chunk.get(core.len()..).unwrap_or_default();
    if let Some((before, domain)) = core.split_once('@') {
        // `TO:<...>` and `mailto:` are labels; with anything but letters in it, it is all address.
        let is_label = |head: &str| head.bytes().all(|b| b.is_ascii_alphabetic() || b == b':');
        let colon = before.rfind(':').map_or(0, |colon| colon + 1);
        let (label, local) =
            Some(before.split_at(colon)).filter(|(l, _)| is_label(l)).unwrap_or(("", before));
        if !local.is_empty() && !domain.is_empty() {
            out.push_str(label);
            out.push('*');
            out.push_str(tail);
            return;
        }
    }
    if is_ipv6_or_time(core) || starts_with_iso_date(core) {
        out.push_str("#ID#");
        out.push_str(tail);
    } else {
        pieces(chunk, out);
    }
}

fn is_ipv6_or_time(chunk: &str) -> bool {
    let chunk =
        chunk.get(..5).filter(|head| head.eq_ignore_ascii_case("ipv6:")).map_or(chunk, |_| &chunk[5..]);
    chunk.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'))
        && chunk.bytes().filter(|b| *b == b':').count() >= 2
        && chunk.bytes().any(|b| b.is_ascii_hexdigit())
}

fn starts_with_iso_date(chunk: &str) -> bool {
    const SHAPE: &[u8] = b"0000-00-00";
    let fits = |(byte, shape): (u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        other => byte == *other,
    };
    chunk.len() >= SHAPE.len() && chunk.bytes().zip(SHAPE).all(fits)
}

fn pieces(chunk: &str, out: &mut String) {
    let is_delimiter = |c: char| c.is_ascii() && !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.');
    out.push_str(&each_between(chunk, is_delimiter, piece));
}

/// A piece: letters, digits, `-`, `_`, `.` and what is not ASCII.
fn piece(piece: &str, out: &mut String) {
    let core = piece.trim_matches(['-', '_', '.']);
    let (lead, tail) = match piece.split_once(core) {
        Some(around) if !core.is_empty() => around,
        _ => (piece, ""),
    };
    let (label, rest) = split_label(core);
    out.push_str(lead);
    out.push_str(label);
    if is_host(rest) {
        out.push_str("#DOMAIN#");
    } else if is_ipv4(rest) || is_id(rest) {
        out.push_str("#ID#");
    } else {
        out.push_str(rest);
    }
    out.push_str(tail);
}

/// What stays in front of an id: the code of `550-5.1.1`, the letters of `INT-150012`.
fn split_label(core: &str) -> (&str, &str) {
    let Some((label, rest)) = core.split_once('-') else { return ("", core) };
    let is_code = label.len() == 3 && label.bytes().all(|b| b.is_ascii_digit());
    let is_prefix = !label.is_empty()
        && label.bytes().all(|b| b.is_ascii_alphabetic())
        && rest.bytes().all(|b| b.is_ascii_digit());
    if (is_code || is_prefix) && !rest.is_empty() { core.split_at(label.len() + 1) } else { ("", core) }
}

fn is_ipv4(text: &str) -> bool {
    let part = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
    text.split('.').count() == 4 && text.split('.').all(part)
}

/// Labels of ASCII letters, digits, `-` and `_`; the last one of letters, all upper or all lower case, which tells
/// `mx.example` from `STOREDRV.Deliver`.
fn is_host(text: &str) -> bool {
    let Some((labels, top)) = text.rsplit_once('.') else { return false };
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let one_case = top.bytes().all(|b| b.is_ascii_lowercase()) || top.bytes().all(|b| b.is_ascii_uppercase());
    top.len() >= 2 && one_case && labels.split('.').all(label)
}

/// Long numbers, long hexadecimal numbers, and words in which letters and digits take turns: queue ids, session ids.
fn is_id(text: &str) -> bool {
    let (mut digits, mut longest, mut letters, mut turns) = (0, 0, 0, 0);
    let (mut all_hex, mut last_was_digit, mut run) = (true, None, 0);
    for c in text.chars() {
        let is_digit = c.is_ascii_digit();
        run = if is_digit { run + 1 } else { 0 };
        longest = longest.max(run);
        if !c.is_ascii_alphanumeric() {
            all_hex &= matches!(c, '-');
            continue;
        }
        all_hex &= c.is_ascii_hexdigit();
        digits += usize::from(is_digit);
        letters += usize::from(!is_digit);
        turns += usize::from(last_was_digit.is_some_and(|last: bool| last != is_digit));
        last_was_digit = Some(is_digit);
    }
    let length = digits + letters;
    longest >= 5 || (length >= 8 && digits > 0 && (all_hex || turns >= 3))
}

fn long_run(run: &str, out: &mut String) {
    out.push_str(if run.len() > MAX_RUN { "#ID#" } else { run });
}

/// Text in quotation marks over [`MAX_QUOTED`], and what an SMS centre appends as `|MESSAGE=` (facts 7.1).
fn quoted_messages(line: &str) -> String {
    let line = line
        .find("|MESSAGE=")
        .and_then(|at| line.get(..at))
        .map_or_else(|| line.to_owned(), |head| format!("{head}|#MESSAGE#"));
    let mut out = String::with_capacity(line.len());
    let mut rest = line.as_str();
    while let Some((before, after)) = rest.split_once('"') {
        out.push_str(before);
        out.push('"');
        match after.split_once('"') {
            Some((quoted, after)) => {
                out.push_str(if quoted.len() > MAX_QUOTED { "#MESSAGE#" } else { quoted });
                out.push('"');
                rest = after;
            }
            None => rest = after,
        }
    }
    out.push_str(rest);
    out
}

/// Cuts before the last space or quotation mark that fits; there is one, because runs without them are short.
fn cut(mut line: String) -> String {
    if line.len() > MAX_NORMALISED {
        let end = bounded(&line, MAX_NORMALISED).rfind([' ', '"']).unwrap_or(0);
        line.truncate(end);
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(normalise(text), expected, "{text}");
        assert_eq!(normalise(expected), expected, "again: {text}");
    }

    #[test]
    fn addresses_become_stars() {
        check(
            "550 5.1.1 <a@b.example>: Recipient address rejected: User unknown in virtual mailbox table",
            "550 5.1.1 <*>: Recipient address rejected: User unknown in virtual mailbox table",
        );
        check("550 <ann@example.com> recipient rejected", "550 <*> recipient rejected");
        check("550 ann@example.com... User unknown", "550 *... User unknown");
        check("after RCPT TO:<ann@example.com>: no", "after RCPT TO:<*>: no");
        check("mailto:ann@example.com?", "mailto:*?");
        check("2026-01-05Z:ann@example.com", "*");
        check("<bounce+ann=example.com/7@news.example>", "<*>");
        check("'ann@example.com' sent", "'*' sent");
        check("user @ host, ann@, @example.com", "user @ host, ann@, @#DOMAIN#");
    }

    #[test]
    fn hosts_become_domains() {
        check("DNS query failed for 'mx.example.com'", "DNS query failed for '#DOMAIN#'");
        check("421 MX1.EXAMPLE.NET too busy.", "421 #DOMAIN# too busy.");
        check("see https://help.example.com/mail/?p=NoSuchUser", "see https://#DOMAIN#/mail/?p=NoSuchUser");
        check(
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found",
            "550 5.1.10 RESOLVER.ADR.RecipientNotFound; not found",
        );
        check("i.e. version 3.5", "i.e. version 3.5");
    }

    #[test]
    fn ids_and_dates_become_ids() {
        check("queued as 4XyZ12ABCd", "queued as #ID#");
        check("[192.0.2.1:25] and [IPv6:2001:db8::1]", "[#ID#:25] and [#ID#]");
        check("error 150012, INT-150012", "error #ID#, INT-#ID#");
        check("id d9443c01-a733-4f1e-8b7a-000000000001 - gsmtp", "id #ID# - gsmtp");
        check("at 2026-01-05T09:00:00.000Z", "at #ID#");
        check("at Mon, 5 Jan 2026 09:00:00 +0000 (UTC) we", "at #ID# (UTC) we");
        check("at Mon Jan 5 09:00:00 2026", "at #ID#");
        check("at 09:00:00", "at #ID#");
    }

    #[test]
    fn codes_stay() {
        for text in [
            "550 5.1.1 no",
            "550-5.1.1 no 550 5.1.1 such user",
            "421 4.7.0 [TSS04] deferred",
            "OFR_416 [416]",
            "LPN007_426",
            "503 #5.5.1 RCPT first",
            "554 5.7.509 Access denied (S3140)",
            "#DOMAIN# #ID# #MESSAGE# * <*>",
        ] {
            check(text, text);
        }
    }

    #[test]
    fn foreign_text_becomes_a_message() {
        let quote = |n: usize| format!("550 \"{}\" said no", "a b ".repeat(n / 4));
        check(&quote(MAX_QUOTED), &quote(MAX_QUOTED));
        check(&quote(MAX_QUOTED + 4), "550 \"#MESSAGE#\" said no");
        check("SR Generic DELIVRD 000|MESSAGE=id:1 sub:001", "SR Generic DELIVRD 000|#MESSAGE#");
    }

    #[test]
    fn is_one_bounded_line() {
        check("  550\r\n\tno \u{a0} such  user ", "550 no such user");
        check("", "");
        check(&"x".repeat(MAX_RUN), &"x".repeat(MAX_RUN));
        check(&"x".repeat(MAX_RUN + 1), "#ID#");
        let words = |n: usize| vec!["word"; n].join(" ");
        let fits = MAX_NORMALISED / 5;
        check(&words(fits), &words(fits));
        check(&words(fits + 1), &words(fits));
        assert!(normalise(&"é".repeat(MAX_TEXT)).len() <= MAX_NORMALISED);
        assert!(normalise(&"a.bc ".repeat(MAX_TEXT)).len() <= MAX_NORMALISED);
    }

    /// Texts that are near the decisions.
    fn nasty() -> impl Strategy<Value = String> {
        let token = prop::sample::select(vec![
            "a",
            "Z",
            "é",
            "0",
            "12",
            "1234",
            "99999",
            "abcdef12",
            "@",
            ".",
            "-",
            "_",
            ":",
            "::",
            "#",
            "*",
            "\"",
            "'",
            "<",
            ">",
            "[",
            "|",
            "/",
            "=",
            " ",
            " ",
            "\n",
            "a.bc",
            "MX.EX",
            "x@y.zz",
            "#ID#",
            "#DOMAIN#",
            "#MESSAGE#",
            "5 Jan 2026",
            "Mon, ",
            "Jan 5 ",
            " 2026",
            "09:00:00",
            "+0000",
            " GMT",
            "2026-01-05",
            "IPv6:",
            "550-",
            "550 ",
            "|MESSAGE=",
            "lorem ipsum dolor sit amet consetetur sadipscing elitr sed diam nonumy eirmod",
        ]);
        prop::collection::vec(token, 0..60).prop_map(|tokens| tokens.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn twice_is_once(text in prop_oneof![nasty(), any::<String>(), "[ -~]{0,300}"]) {
            let once = normalise(&text);
            prop_assert!(once.len() <= MAX_NORMALISED);
            prop_assert_eq!(normalise(&once), once);
        }

        #[test]
        fn long_texts_too(text in nasty(), times in 1_usize..400) {
            let once = normalise(&text.repeat(times));
            prop_assert!(once.len() <= MAX_NORMALISED);
            prop_assert_eq!(normalise(&once), once);
        }
    }
}
