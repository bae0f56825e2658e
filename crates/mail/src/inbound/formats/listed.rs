//! Recipients in a list: each at the beginning of a line, what is said of it behind it and in the lines below.

use super::Source;
use super::found::Found;
use super::reply::is_rule;
use super::spots::without_kind;
use crate::inbound::diagnostic::codes;
use crate::inbound::lexicon;
use crate::inbound::lines::with_offsets;
use crate::inbound::values::full_address;

/// Reads lines such as `<a@example.com>: no such user`, `a@example.com: no such user`, or an address alone with the
/// reason below it, up to the next address, an empty line, or a line of dashes.
pub(super) fn read(source: &Source<'_>, found: &mut Found<'_>) {
    let mut current: Option<usize> = None;
    for (start, line) in with_offsets(source.text) {
        let content = line.trim();
        if content.is_empty() || is_rule(content) {
            current = None;
        } else if let Some((address, rest)) = leading_address(content).or_else(|| {
            // What only its words make an entry may as well say something of the entry above.
            leading_column(content).filter(|_| current.is_none_or(|place| found.has_words(place)))
        }) {
            if let Some(place) =
                current.filter(|place| found.place(&address) == Some(*place) && found.has_words(*place))
            {
                // A wrapped reply that repeats the address: `550 5.1.1` above `<a@example.com>: no such user`.
                found.say(place, content);
                continue;
            }
            current = found.add(&address, start);
            if let Some(place) = current.filter(|_| !rest.is_empty()) {
                found.say(place, rest);
            }
        } else if let Some(place) = current {
            found.say(place, content);
        }
    }
}

/// Reads names without a domain, as a provider writes those of its own users, below a line that ends in a colon; the
/// domain is that of the mail system which sends the bounce.
pub(super) fn read_local(source: &Source<'_>, found: &mut Found<'_>) {
    let Some((_, domain)) = source.parties[0].and_then(|from| from.rsplit_once('@')) else { return };
    let mut below_colon = false;
    for (start, line) in with_offsets(source.text) {
        let name = line.trim();
        let is_name = (2..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-+".contains(&b));
        if below_colon && is_name {
            found.add(&format!("{name}@{}", domain.to_ascii_lowercase()), start);
        } else {
            below_colon = name.ends_with(':');
        }
    }
}

/// Words before the address in lists, in lower case.
const LABELS: [&str; 44] = [
    "-- ",
    "-> ",
    ">>> ",
    "* ",
    "- ",
    "• ",
    "recipient: [smtp:",
    "recipient address:",
    "recipient:",
    "recipients:",
    "failed recipient:",
    "address:",
    "user:",
    "rcpt to:",
    "mail address:",
    "failed address:",
    "[smtp:",
    "smtp:",
    "smtp ",
    "undeliverable address:",
    "final recipient:",
    "unable to deliver message to:",
    "unknown user:",
    "undeliverable to",
    "destinataire :",
    "destinataire:",
    "empfänger:",
    "empfängeradresse:",
    "destinatario:",
    "destinatário:",
    "ontvanger:",
    "geadresseerde:",
    "mottagare:",
    "adresat:",
    "odbiorca:",
    "получатель:",
    "收件人:",
    "收件人：",
    "宛先:",
    "宛先：",
    "あて先:",
    "あて先：",
    "送信先:",
    "送信先：",
];

/// The address with which a line begins, and what follows it.
pub(super) fn leading_address(line: &str) -> Option<(String, &str)> {
    memchr::memchr(b'@', line.as_bytes())?;
    let line = line.trim_matches(['|', ' ']);
    let line = without_label(without_number(line)).trim_start();
    let quote = line.chars().next().filter(|c| matches!(c, '"' | '\''));
    if let Some((inner, rest)) = quote.and_then(|quote| line.get(1..)?.split_once(quote))
        && !rest.starts_with('@')
    {
        if is_date(rest) {
            return Some((full_address(inner)?, ""));
        }
        return Some((full_address(inner)?, rest.trim_start_matches([':', '.', ',', ';']).trim()));
    }
    if let Some(inner) = line.strip_prefix('<') {
        const WORDS_AT_MOST: usize = 2;
        let (inner, rest) = inner.split_once('>')?;
        if inner.split_whitespace().count() > WORDS_AT_MOST && !inner.starts_with('"') {
            return None;
        }
        return Some((full_address(inner)?, rest.trim_start_matches([':', '.', ',', ';']).trim()));
    }
    // `Name <a@example.com>: no`; the name may look like an address itself.
    if let Some((name, (inner, rest))) =
        line.split_once(" <").and_then(|(name, r)| Some((name, r.split_once(">:")?)))
        && full_address(name).is_some_and(|address| address.len() == name.len())
    {
        return Some((full_address(inner)?, rest.trim()));
    }
    let end = line.find(char::is_whitespace).unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    let rest = rest.trim();
    let ended = word.trim_end_matches([':', ',', ';', '.']);
    // The end of `[SMTP:a@example.com]`, unless the domain itself is in brackets.
    let ended = if ended.contains('[') { ended } else { ended.trim_end_matches(']') };
    let bare = without_kind(ended);
    let address = full_address(bare).filter(|a| a.len() == bare.len() && !a.contains("://"))?;
    if is_date(rest) {
        return Some((address, ""));
    }
    // A word of a sentence is followed by more words; an entry of a list by nothing or by a mark.
    let entry = rest.is_empty()
        || ended.len() < word.len()
        || rest.starts_with(['(', '[', '<', ':', '-', '=', '→'])
        || rest.starts_with("Invalid Address")
        || rest.starts_with("...");
    entry.then_some((address, rest.trim_start_matches([':', '-', '=', '>', '→']).trim()))
}

/// The address with which a row of a table begins: other cells follow it, or the reason.
fn leading_column(line: &str) -> Option<(String, &str)> {
    memchr::memchr(b'@', line.as_bytes())?;
    let line = line.trim_matches(['|', ' ']);
    let line = without_label(without_number(line)).trim_start();
    let end = line.find(char::is_whitespace)?;
    let (word, rest) = line.split_at(end);
    let address = full_address(word).filter(|a| a.len() == word.len() && !a.contains("://"))?;
    let is_row = rest.starts_with("  ")
        || rest.contains('\t')
        || codes(rest).reply.is_some()
        || lexicon::explains(&beginning(rest).to_lowercase());
    is_row.then_some((address, rest.trim()))
}

fn without_label(line: &str) -> &str {
    let labelled = LABELS.iter().find(|label| {
        line.get(..label.len()).is_some_and(|head| {
            head.eq_ignore_ascii_case(label) || (!head.is_ascii() && head.to_lowercase() == **label)
        })
    });
    if let Some(label) = labelled {
        return &line[label.len()..];
    }
    match label(line) {
        Some((words, value)) if lexicon::is_recipient_label(&words.to_lowercase()) => value,
        Some(_) | None => line,
    }
}

/// The words before a colon at the beginning of a line, if they are few, and what follows it.
pub(in crate::inbound) fn label(line: &str) -> Option<(&str, &str)> {
    const LONGEST: usize = 60;
    const WORDS_AT_MOST: usize = 4;
    let beginning = &line[..line.floor_char_boundary(LONGEST)];
    let (words, _) = beginning.split_once([':', '：']).or_else(|| beginning.split_once(" = "))?;
    let value = line[words.len()..].trim_start_matches([':', '：', ' ', '=']);
    let words = words.trim_matches(|c: char| c.is_whitespace() || "*->•|.".contains(c));
    let begins = words.starts_with(char::is_alphabetic) && !words.contains('@') && !words.contains(". ");
    (begins && words.split_whitespace().count() <= WORDS_AT_MOST).then_some((words, value.trim()))
}

/// As much of a line as is looked at for what it says.
fn beginning(rest: &str) -> &str {
    const LOOKED_AT: usize = 300;
    &rest[..rest.floor_char_boundary(LOOKED_AT)]
}

/// The line without the number of its entry: `1. `, `12) `.
fn without_number(line: &str) -> &str {
    let digits = line.bytes().take(4).take_while(u8::is_ascii_digit).count();
    let rest = line.get(digits..).filter(|_| digits > 0).unwrap_or_default();
    rest.strip_prefix(['.', ')']).and_then(|rest| rest.strip_prefix(' ')).unwrap_or(line)
}

/// Whether all that follows an address is when it failed, as Exchange writes it: `on 05/01/2026 09:00`, `le 05/01/2026
/// 09:00`, `on Mon, 5 Jan 2026 09:00:00 +0000`.
fn is_date(rest: &str) -> bool {
    const LONGEST: usize = 48;
    let mut words = rest.split_whitespace();
    let preposition =
        words.next().is_some_and(|word| word.chars().count() <= 4 && word.chars().all(char::is_alphabetic));
    let mut date = words.next().unwrap_or_default();
    if date.ends_with(',') {
        date = words.next().unwrap_or_default();
    }
    rest.len() <= LONGEST && preposition && date.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<(&str, &str)>) {
        let found = leading_address(line);
        assert_eq!(found.as_ref().map(|(a, r)| (a.as_str(), *r)), expected, "{line}");
    }

    #[test]
    fn addresses_that_begin_a_line() {
        check("<a@example.com>: no such user", Some(("a@example.com", "no such user")));
        check("a@example.com: no such user", Some(("a@example.com", "no such user")));
        check("a@example.com", Some(("a@example.com", "")));
        check("Recipient: <a@example.com>", Some(("a@example.com", "")));
        check("a@example.com [User unknown]", Some(("a@example.com", "[User unknown]")));
        check("a@example.com on Mon, 5 Jan 2026", Some(("a@example.com", "")));
        check("'a@example.com' on 05/01/2026 09:00", Some(("a@example.com", "")));
        check("a@example.com am 05.01.2026 09:00", Some(("a@example.com", "")));
        check("12. a@example.com - no", Some(("a@example.com", "no")));
        check("a@example.com -> 550 no", Some(("a@example.com", "550 no")));
        check("a@example.com => 550 no", Some(("a@example.com", "550 no")));
        check("宛先： a@example.com", Some(("a@example.com", "")));
        check("Recipient: [SMTP:a@example.com]", Some(("a@example.com", "")));
        check("b@example.com <a@example.com>: malformed", Some(("a@example.com", "malformed")));
        check("a@example.com was here last week", None);
        check("\"a@example.com\":", Some(("a@example.com", "")));
        check("\"a b\"@example.com: no", None);
        check("see <https://www.example.com>", None);
        check("<not an address>", None);
        check("", None);
        check("é@example.com", Some(("é@example.com", "")));
    }
}
