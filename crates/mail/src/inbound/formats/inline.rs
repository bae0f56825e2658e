//! Recipients in a sentence.

use super::Source;
use super::found::Found;
use crate::inbound::diagnostic::codes;
use crate::inbound::values::full_address;

/// Words without which a line with an address says nothing of a failure, in lower case.
const WORDS: [&str; 15] = [
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
    "generated ",
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
        let reply = codes(line).reply.is_some();
        for address in addresses(line) {
            // Sentences name the sender and the recipient of the mail in passing.
            if found.is_party(&address) {
                continue;
            }
            let place = found.add(&address, start);
            if let Some(place) = place.filter(|_| reply) {
                found.say(place, line.trim());
            }
        }
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
