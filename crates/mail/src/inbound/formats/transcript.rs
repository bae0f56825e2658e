//! Recipients in a transcript of the SMTP session, as sendmail and its heirs write it.

use super::Source;
use super::found::Found;
use super::listed::leading_address;
use crate::inbound::diagnostic::starts_with_no_case;
use crate::inbound::values::full_address;

/// Reads the list of addresses, if there is one, and then what was said of them in the session.
pub(super) fn read(source: &Source<'_>, found: &mut Found) {
    list(source, found);
    session(source, found);
}

/// Addresses alone on a line, each with lines in parentheses below it: `(reason: 550 5.1.1 User unknown)`.
fn list(source: &Source<'_>, found: &mut Found) {
    let mut at = 0;
    let mut current: Option<usize> = None;
    for line in source.text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let content = line.trim();
        if content.contains("Transcript of session") {
            break;
        }
        if content.starts_with('(') {
            if let Some(place) = current.filter(|_| starts_with_no_case(content, "(reason: ")) {
                let reason = content["(reason: ".len()..].trim_end_matches(')');
                // A reason without a code is sendmail's own summary; the session says more.
                if starts_with_code(reason) {
                    found.settle(place, reason);
                } else {
                    found.say(place, reason);
                }
            }
        } else if let Some((address, rest)) = leading_address(content) {
            current = found.add(&address, start);
            if let Some(place) = current.filter(|_| !rest.is_empty() && !rest.starts_with('<')) {
                found.say(place, rest);
            }
        } else {
            current = None;
        }
    }
}

/// Marks before what was sent; InterScan means its arrows the other way round.
const SENT: [&str; 5] = [">>> ", "Sent <<< ", "Sent >>> ", "--> ", "C: "];
/// Marks before what was received.
const RECEIVED: [&str; 5] = ["<<< ", "Received >>> ", "Received <<< ", "<-- ", "S: "];

fn received(line: &str) -> &str {
    RECEIVED.iter().find_map(|mark| line.strip_prefix(mark)).unwrap_or(line)
}

/// Commands and replies: `>>> RCPT To:<a@example.com>`, `<<< 550 5.1.1 unknown`, `550 5.1.1 <a@example.com>... unknown`.
fn session(source: &Source<'_>, found: &mut Found) {
    let mut at = 0;
    let mut asked: Option<String> = None;
    // A list names everyone; without one the session does.
    let listed = !found.is_empty();
    let mut lines = source.text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let start = at;
        at += line.len();
        let content = line.trim();
        if let Some(command) = SENT.iter().find_map(|mark| content.strip_prefix(mark)) {
            let command = command.trim();
            asked = if starts_with_no_case(command, "RCPT TO:") { full_address(&command[8..]) } else { None };
            continue;
        }
        let reply = received(content);
        if !starts_with_code(reply) || reply.starts_with('2') {
            continue;
        }
        let mut reply = reply.to_owned();
        // A reply of several lines goes on with the same code and a hyphen before the text.
        while reply.len() < 2_000
            && let Some(next) = lines.peek()
            && let next_reply = received(next.trim())
            && reply.as_bytes().get(3) == Some(&b'-')
            && next_reply.get(..3) == reply.get(..3)
        {
            reply.push('\n');
            reply.push_str(next_reply);
            at += lines.next().map_or(0, str::len);
            if next_reply.as_bytes().get(3) != Some(&b'-') {
                break;
            }
        }
        let named = named_in(&reply);
        let mut spoken_of = named.iter().chain(&asked);
        let place = if listed {
            spoken_of.find_map(|address| found.place(address)).or_else(|| found.only())
        } else {
            spoken_of.next().and_then(|address| found.add(address, start))
        };
        if let Some(place) = place {
            found.settle(place, &reply);
        }
    }
}

/// The address in a reply such as `550 5.1.1 <a@example.com>... User unknown` or `550 a@example.com... unknown`.
fn named_in(reply: &str) -> Option<String> {
    if let Some((_, rest)) = reply.split_once('<')
        && let Some((inner, _)) = rest.split_once('>')
    {
        return full_address(inner);
    }
    let word = reply.split_whitespace().find(|word| word.contains('@'))?;
    full_address(word.trim_end_matches(['.', ':', ',']))
}

fn starts_with_code(text: &str) -> bool {
    matches!(text.as_bytes(), [b'2' | b'4' | b'5', b'0'..=b'9', b'0'..=b'9', b' ' | b'-', ..])
}
