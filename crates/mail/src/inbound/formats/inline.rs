//! Recipients in a sentence, or in the header.

use super::Source;
use super::found::Found;
use crate::inbound::values::full_address;

/// Words without which a line with an address says nothing of a failure, in lower case.
const WORDS: [&str; 14] = [
    "deliver",
    "fail",
    "reject",
    "unknown",
    "recipient",
    "rcpt to",
    "mailbox",
    "not found",
    "no such",
    "error",
    "bounce",
    "your mail to",
    "your message to",
    "the user",
];

/// Addresses in angle brackets or between spaces, in lines that speak of a failure.
pub(super) fn read(source: &Source<'_>, found: &mut Found) {
    let mut at = 0;
    for line in source.text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        if !line.contains('@') {
            continue;
        }
        let lower = line.to_ascii_lowercase();
        if !WORDS.iter().any(|word| lower.contains(word)) {
            continue;
        }
        for address in addresses(line) {
            found.add(&address, start);
        }
    }
}

/// Addresses of the `X-Failed-Recipients` field, which several programs write.
pub(super) fn failed_recipients(source: &Source<'_>, found: &mut Found) {
    for address in source.head.failed_recipients().split([',', ' ']).filter_map(full_address) {
        found.add(&address, source.text.len());
    }
}

/// The addresses of a line.
fn addresses(line: &str) -> impl Iterator<Item = String> {
    line.split(|c: char| {
        c.is_whitespace() || matches!(c, '<' | '>' | '(' | ')' | ',' | ';' | '"' | '[' | ']')
    })
    .filter(|word| word.contains('@') && !word.contains("://"))
    .filter_map(|word| full_address(word.trim_matches(|c: char| ".:'`!?".contains(c))))
}
