//! Recipients in a transcript of the SMTP session, as sendmail and its heirs write it.

use super::Source;
use super::found::Found;
use super::listed::leading_address;
use super::reply::{is_rule, starts_with_code};
use crate::inbound::diagnostic::starts_with_no_case;
use crate::inbound::lines::with_offsets;
use crate::inbound::values::full_address;

/// Reads the list of addresses, if there is one, and then what was said of them in the session.
pub(super) fn read(source: &Source<'_>, found: &mut Found<'_>) {
    list(source, found);
    session(source, found);
}

/// Addresses alone on a line, each with lines in parentheses below it: `(reason: 550 5.1.1 User unknown)`.
fn list(source: &Source<'_>, found: &mut Found<'_>) {
    let mut current: Option<usize> = None;
    for (start, line) in with_offsets(source.text) {
        let content = line.trim();
        if content.contains("Transcript") && is_rule(content) || content.starts_with("Transcript of session")
        {
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
const SENT: [&str; 6] = [">>> ", "Sent <<< ", "Sent >>> ", "--> ", "C: ", "Command: "];
/// Marks before what was received.
const RECEIVED: [&str; 6] = ["<<< ", "Received >>> ", "Received <<< ", "<-- ", "S: ", "Response: "];

/// What the other side said, if the line is marked so.
fn received(line: &str) -> Option<&str> {
    RECEIVED.iter().find_map(|mark| line.strip_prefix(mark))
}

/// The line without the time at which it was logged: `Mon 2026-01-05 09:00:00: <-- 250 OK`.
fn without_time(line: &str) -> &str {
    const LONGEST: usize = 48;
    let head = &line[..line.floor_char_boundary(LONGEST)];
    let arrow = [" --> ", " <-- "].iter().find_map(|arrow| head.find(arrow));
    arrow.and_then(|at| line.get(at + 1..)).unwrap_or(line)
}

/// The line without the direction in which it went, as logs of programs write it: `CLIENT -> SERVER: RCPT TO:<a@example.com>`.
fn without_direction(line: &str) -> Option<&str> {
    const LONGEST: usize = 40;
    let (direction, _) = line[..line.floor_char_boundary(LONGEST)].split_once(": ")?;
    let arrow = ["->", "<-", "=>", "<="].iter().any(|arrow| direction.contains(arrow));
    line.get(direction.len() + 2..).filter(|_| arrow)
}

/// Commands and replies: `>>> RCPT To:<a@example.com>`, `<<< 550 5.1.1 unknown`, `550 5.1.1 <a@example.com>... unknown`.
fn session(source: &Source<'_>, found: &mut Found<'_>) {
    let mut asked: Option<String> = None;
    // A list names everyone; without one the session does.
    let listed = !found.is_empty();
    // A reply that names nobody, to a command that names nobody: the program's own line about it may.
    let mut unassigned: Option<String> = None;
    let mut host = "";
    let mut lines = with_offsets(source.text).peekable();
    while let Some((start, line)) = lines.next() {
        let content = without_time(line.trim());
        let content = content.strip_prefix("050 ").unwrap_or(content);
        let (content, arrow) = match without_direction(content) {
            Some(rest) => (rest, true),
            None => (content, false),
        };
        if let Some(talked_to) = content.strip_prefix("While talking to ") {
            host = talked_to.trim_end_matches(':');
            unassigned = None;
            continue;
        }
        let bare = starts_with_no_case(content, "RCPT TO:").then_some(content);
        if let Some(command) = SENT.iter().find_map(|mark| content.strip_prefix(mark)).or(bare) {
            let command = command.trim();
            asked = if starts_with_no_case(command, "RCPT TO:") { full_address(&command[8..]) } else { None };
            unassigned = None;
            continue;
        }
        let marked = received(content).or(arrow.then_some(content));
        let first = marked.unwrap_or(content);
        if !starts_with_code(first) || first.starts_with('2') {
            continue;
        }
        let mut reply = first.to_owned();
        // A reply of several lines goes on with the same code and a hyphen before the text.
        while reply.len() < 2_000
            && let Some((_, next)) = lines.peek()
            && let next = without_time(next.trim())
            && let next_reply = received(next).unwrap_or(next)
            && reply.as_bytes().get(3) == Some(&b'-')
            && next_reply.get(..3) == reply.get(..3)
        {
            reply.push('\n');
            reply.push_str(next_reply);
            let ends = next_reply.as_bytes().get(3) != Some(&b'-');
            lines.next();
            if ends {
                break;
            }
        }
        // Whom the message came from or goes back to is named in passing.
        let named = named_in(&reply).filter(|address| !found.is_party(address));
        let mut spoken_of = named.iter().chain(&asked);
        let place = if listed {
            spoken_of.find_map(|address| found.place(address)).or_else(|| found.only())
        } else {
            spoken_of.next().and_then(|address| found.add(address, start))
        };
        match (place, marked) {
            (Some(place), Some(_)) => found.settle(place, &reply),
            (Some(place), None) => found.settle(place, unassigned.as_ref().unwrap_or(&reply)),
            (None, Some(_)) => unassigned = Some(reply),
            // `550 other.example (smtp)... Host unknown`: what follows is about another host.
            (None, None) if reply.contains(")... ") && !reply.contains(host) => unassigned = None,
            (None, None) => {}
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
