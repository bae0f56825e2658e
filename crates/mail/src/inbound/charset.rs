//! Octets to text: by the charset that the mail names, or, where it names none or a wrong one, by what the octets
//! look like.

use std::borrow::Cow;

use mail_parser::decoders::charsets::map::charset_decoder;

/// Octets that are looked at to guess a charset: a bounce's own words stand at its beginning.
const LOOKED_AT: usize = 16 * 1024;

/// The text, whatever it takes; octets that nothing explains become U+FFFD.
pub(super) fn decode<'a>(content: Cow<'a, [u8]>, charset: Option<&str>) -> Cow<'a, str> {
    let head = &content[..content.len().min(LOOKED_AT)];
    let name = match charset {
        Some(name) if !is_default(name) && !contradicted(head, name) => Cow::Borrowed(canonical(name)),
        Some(_) | None => match guess(head) {
            Some(guessed) => Cow::Borrowed(guessed),
            None => return utf8(content),
        },
    };
    match charset_decoder(name.as_bytes()) {
        Some(decode) => Cow::Owned(decode(&content)),
        None => utf8(content),
    }
}

/// The charsets that programs name without looking.
fn is_default(name: &str) -> bool {
    ["utf-8", "utf8", "us-ascii", "ascii", "unknown-8bit", "x-unknown"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

/// Names of charsets that the decoder knows under another name.
fn canonical(name: &str) -> &str {
    const ALIASES: [(&str, &str); 5] = [
        ("unicode-1-1-utf-7", "utf-7"),
        ("x-unicode-2-0-utf-7", "utf-7"),
        ("iso-2022-jp-2", "iso-2022-jp"),
        ("x-sjis", "shift_jis"),
        ("cp932", "shift_jis"),
    ];
    ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name)).map_or(name, |(_, known)| known)
}

/// Whether the octets cannot be meant in this charset: escape sequences of ISO-2022-JP, or correct UTF-8 of several
/// octets, which a text in a charset of one octet hardly ever is, or UTF-8 without a zero where each ASCII
/// character would have one.
fn contradicted(head: &[u8], name: &str) -> bool {
    let starts = |prefix: &str| name.get(..prefix.len()).is_some_and(|n| n.eq_ignore_ascii_case(prefix));
    let one_octet = starts("iso-8859") || starts("windows-125") || starts("koi8");
    let several_octets = starts("utf-16") || starts("utf-32") || starts("ucs-2") || starts("iso-10646-ucs");
    (several_octets && valid_utf8(head) && memchr::memchr(0, head).is_none())
        || one_octet && (is_iso_2022_jp(head) || (!head.is_ascii() && valid_utf8(head)))
}

fn is_iso_2022_jp(head: &[u8]) -> bool {
    memchr::memmem::find_iter(head, b"\x1b$").take(4).any(|at| matches!(head.get(at + 2), Some(b'B' | b'@')))
}

/// Correct UTF-8, but for a character that is cut off at the end.
fn valid_utf8(head: &[u8]) -> bool {
    match std::str::from_utf8(head) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && head.len() == LOOKED_AT,
    }
}

fn utf8(content: Cow<'_, [u8]>) -> Cow<'_, str> {
    match content {
        // Looking for what is invalid takes much longer than finding that nothing is.
        Cow::Borrowed(bytes) => {
            std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
        }
        Cow::Owned(bytes) => Cow::Owned(
            String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned()),
        ),
    }
}

/// What the octets look like; `None` for UTF-8 and ASCII.
fn guess(head: &[u8]) -> Option<&'static str> {
    if is_iso_2022_jp(head) {
        return Some("iso-2022-jp");
    }
    if valid_utf8(head) {
        return None;
    }
    let signs = Signs::read(head);
    Some(if signs.shift_jis_kana > 2 && signs.shift_jis_kana >= signs.euc_kana {
        "shift_jis"
    } else if signs.euc_kana > 2 && signs.even_runs >= signs.odd_runs && signs.euc_kana * 4 >= signs.high {
        "euc-jp"
    } else if signs.cyrillic_runs > 0 && (signs.below_e0 + signs.above_e0) * 10 >= signs.high * 9 {
        // Most letters of a text are small; the two charsets have them on opposite sides of 0xE0.
        if signs.above_e0 >= signs.below_e0 { "windows-1251" } else { "koi8-r" }
    } else if signs.even_runs > 2 && signs.odd_runs == 0 && signs.long_runs > 0 {
        "gb18030"
    } else {
        "windows-1252"
    })
}

/// Counts that tell charsets apart.
#[derive(Default)]
struct Signs {
    /// Octets beyond ASCII.
    high: usize,
    /// Pairs that are hiragana or katakana in Shift_JIS (lead octets 0x82 and 0x83).
    shift_jis_kana: usize,
    /// Pairs that are hiragana or katakana in EUC-JP (lead octets 0xA4 and 0xA5).
    euc_kana: usize,
    /// Runs of octets beyond ASCII, by length.
    even_runs: usize,
    odd_runs: usize,
    /// Runs of four and more.
    long_runs: usize,
    /// Runs of three and more, all in 0xC0 to 0xFF: words in Cyrillic. Of Chinese, a third is below.
    cyrillic_runs: usize,
    below_e0: usize,
    above_e0: usize,
}

impl Signs {
    fn read(head: &[u8]) -> Self {
        let mut signs = Self::default();
        for pair in head.windows(2) {
            if let [lead, trail] = pair {
                signs.shift_jis_kana +=
                    usize::from(matches!(lead, 0x82 | 0x83) && matches!(trail, 0x40..=0xf1));
            }
        }
        for run in head.split(u8::is_ascii).filter(|run| !run.is_empty()) {
            signs.high += run.len();
            if run.len() % 2 == 0 {
                signs.even_runs += 1;
            } else {
                signs.odd_runs += 1;
            }
            signs.long_runs += usize::from(run.len() >= 4);
            signs.cyrillic_runs += usize::from(run.len() >= 3 && run.iter().all(|b| *b >= 0xc0));
            signs.euc_kana += run.chunks(2).filter(|pair| matches!(pair, [0xa4 | 0xa5, 0xa1..=0xff])).count();
            signs.below_e0 += run.iter().filter(|b| (0xc0..0xe0).contains(*b)).count();
            signs.above_e0 += run.iter().filter(|b| **b >= 0xe0).count();
        }
        signs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(content: &[u8], charset: Option<&str>, expected: &str) {
        assert_eq!(decode(Cow::Borrowed(content), charset), expected, "{charset:?}");
    }

    #[test]
    fn named_charsets() {
        check(b"caf\xe9", Some("ISO-8859-1"), "café");
        check(b"Gr+APwA3w-e", Some("utf-7"), "Grüße");
        check(b"Gr+APwA3w-e", Some("UNICODE-1-1-UTF-7"), "Grüße");
        check(b"\x1b$B%O%m\x1b(B", Some("iso-2022-jp"), "ハロ");
        check("né".as_bytes(), Some("utf-8"), "né");
        check(b"plain", Some("no-such-charset"), "plain");
    }

    #[test]
    fn wrong_and_missing_charsets() {
        check(b"\x1b$B%O%m\x1b(B", None, "ハロ");
        check(b"\x1b$B%O%m\x1b(B", Some("us-ascii"), "ハロ");
        check(b"\x1b$B%O%m\x1b(B", Some("iso-8859-1"), "ハロ");
        check("né à côté".as_bytes(), Some("iso-8859-1"), "né à côté");
        check(b"n\xe9 \xe0 c\xf4t\xe9", Some("utf-8"), "né à côté");
        check(b"zugestellt f\xfcr Gr\xfc\xdfe", None, "zugestellt für Grüße");
        check(b"\x82\xb1\x82\xcc\x83\x81\x81[\x83\x8b", None, "このメール");
        check(b"\xa4\xb3\xa4\xce\xa5\xe1\xa1\xbc\xa5\xeb", None, "このメール");
        check(
            b"\xcf\xe8\xf1\xfc\xec\xee \xed\xe5 \xe4\xee\xf1\xf2\xe0\xe2\xeb\xe5\xed\xee",
            None,
            "Письмо не доставлено",
        );
        check(
            b"\xf0\xc9\xd3\xd8\xcd\xcf \xce\xc5 \xc4\xcf\xd3\xd4\xc1\xd7\xcc\xc5\xce\xcf",
            None,
            "Письмо не доставлено",
        );
        check(b"\xd3\xca\xbc\xfe a \xce\xde\xb7\xa8 b \xcd\xb6\xb5\xdd", None, "邮件 a 无法 b 投递");
    }

    proptest! {
        #[test]
        fn any_octets_are_text(content in proptest::collection::vec(any::<u8>(), 0..200), name in "(utf-7|iso-2022-jp|gb2312|x|koi8-r)?") {
            let _ = decode(Cow::Borrowed(&content), Some(&name));
            let _ = decode(Cow::Borrowed(&content), None);
        }
    }
}
