//! Addresses wherever they stand in a text: in brackets and quotes, behind a label, glued to words of a language that
//! has no spaces, before the dots of an ellipsis.

use crate::inbound::diagnostic::starts_with_no_case;
use crate::inbound::values::full_address;

/// The addresses of a line, each with the offset at which it begins; not those within URLs.
pub(super) fn addresses(line: &str) -> impl Iterator<Item = (usize, String)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let at = from + memchr::memchr(b'@', line.as_bytes().get(from..)?)?;
            let end = domain_end(line, at + 1);
            let start = local_start(line, from, at);
            from = end.max(at + 1);
            if is_in_url(line, start, end) {
                from = line[at..].find(char::is_whitespace).map_or(line.len(), |space| at + space);
                continue;
            }
            let found = line.get(start..end).and_then(full_address).map(closed);
            if let Some(address) = found.filter(|address| address.len() <= MAX_ADDRESS) {
                return Some((start, address));
            }
        }
    })
}

/// The address with the bracket that ends its address literal (RFC 5321 section 4.1.3).
fn closed(mut address: String) -> String {
    if address.contains("@[") && !address.ends_with(']') {
        address.push(']');
    }
    address
}

/// Octets of an address (RFC 5321 section 4.5.3.1) with some room for gateways that write whole paths into it.
const MAX_ADDRESS: usize = 512;

/// Where the domain ends that begins here, without the dots and hyphens of the sentence.
fn domain_end(line: &str, at: usize) -> usize {
    let rest = line.get(at..).unwrap_or_default();
    if rest.starts_with('[') {
        return rest.find(']').map_or(line.len(), |close| at + close + 1);
    }
    let length = rest.find(|c: char| !(c.is_alphanumeric() || ".-_".contains(c))).unwrap_or(rest.len());
    // A second `@` belongs to what follows: `a@b@c` is a route.
    at + rest[..length].trim_end_matches(['.', '-', '_']).len()
}

/// The scripts behind this character have no spaces between words.
const UNSPACED: char = '\u{2e80}';

/// What programs write before an address and an equals sign.
const KINDS: [&str; 9] =
    ["rfc822", "rfc-822", "smtp", "addr", "address", "rcpt", "recipient", "email", "user"];

/// Where the local part begins that ends here.
fn local_start(line: &str, from: usize, at: usize) -> usize {
    let before = line.get(from..at).unwrap_or_default();
    if before.ends_with('"')
        && let Some(open) = before[..before.len() - 1].rfind('"')
    {
        return from + open;
    }
    // An ASCII name beside letters of a language without spaces is not theirs.
    let ascii = before.ends_with(|c: char| c.is_ascii());
    let is_part = |c: char| {
        if c.is_ascii() {
            c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c)
        } else {
            c.is_alphanumeric() && (!ascii || c < UNSPACED)
        }
    };
    let length = before.len() - before.trim_end_matches(is_part).len();
    let mut start = at - length;
    let mut local = &line[start..at];
    // Marks of quotation and of lists, and what names the kind of the address, are not part of it.
    let bare = local.trim_start_matches(['\'', '`', '*', '-', '=', '.', '|', '{', '/']);
    if !bare.is_empty() && (!local.starts_with('/') || !bare.contains('=')) {
        start = at - bare.len();
        local = bare;
    }
    start + local.len() - without_kind(local).len()
}

/// The address without what names its kind in front of it: `DD.RFC-822=a@example.com`.
pub(super) fn without_kind(address: &str) -> &str {
    let local = address.rfind('@').map_or(address, |at| &address[..at]);
    let kind = local.rfind('=').filter(|equals| {
        let named = local[..*equals].to_ascii_lowercase();
        KINDS.iter().any(|kind| named.ends_with(kind))
    });
    kind.map_or(address, |equals| &address[equals + 1..])
}

/// Whether an address is a piece of a URL: `https://example.com/?to=a@example.com`.
fn is_in_url(line: &str, start: usize, end: usize) -> bool {
    const LOOKED_AT: usize = 1024;
    let before = &line[line.floor_char_boundary(start.saturating_sub(LOOKED_AT))..start];
    let length = before
        .rfind(|c: char| c.is_whitespace() || "<>\"'()".contains(c))
        .map_or(before.len(), |at| before.len() - at - 1);
    let word = line.get(start - length..end).unwrap_or_default();
    word.contains("://") || starts_with_no_case(word, "www.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(line: &str, expected: &[&str]) {
        let found: Vec<String> = addresses(line).map(|(_, address)| address).collect();
        assert_eq!(found, expected, "{line}");
    }

    #[test]
    fn addresses_in_every_surrounding() {
        check(
            "<a@example.com>: no; \"b@example.com\" 'c@example.com', (d@example.com).",
            &["a@example.com", "b@example.com", "c@example.com", "d@example.com"],
        );
        check("smtp mx.example a.b@example.com... 99", &["a.b@example.com"]);
        check("收件人邮件地址（a@example.com）不存在", &["a@example.com"]);
        check("您的邮件a@example.com无法投递", &["a@example.com"]);
        check("é@bücher.example", &["é@bücher.example"]);
        check("\"a b\"@example.com", &["\"a b\"@example.com"]);
        check("{'a@example.com': (550, b\"no\")}", &["a@example.com"]);
        check("DD.RFC-822=a@example.com; CN=A", &["a@example.com"]);
        check("Rcpt=[a@example.com];Error=[550]", &["a@example.com"]);
        check("bounce+a=example.com@news.example", &["bounce+a=example.com@news.example"]);
        check("see http://help.example/?a=a@example.com&b=c@d or mail", &[]);
        check("mailto:a@example.com", &["a@example.com"]);
        check("To:a@[192.0.2.1]!", &["a@[192.0.2.1]"]);
        check("@ a@ @b @@ <@>", &[]);
        check("+49305550123@fax.example", &["+49305550123@fax.example"]);
    }

    proptest! {
        #[test]
        fn any_line_is_read(line in "([<>@:;.a\"'=/é \\[\\]-]|user=|http://|邮|@){0,40}") {
            for (at, _) in addresses(&line) {
                prop_assert!(line.is_char_boundary(at));
            }
        }
    }
}
