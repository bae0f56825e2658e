//! One attempt of a script: `421x3`, `rcpt:550 5.1.1 no such user in 5s..40s`, `disconnect@data`, `dns`.

use emta_mail::{Phase, Reply, duration};

use super::ScriptError;
use super::piece::Piece;
use super::standard::with_standard_text;
use crate::internal;
use crate::latency::Latency;
use crate::outcome::{AttemptStep, Outcome, Step, TimedStep};

const ATTEMPT: &str = "an attempt, such as `250`, `421x3`, `rcpt:550 5.1.1 no such user`, `disconnect@data`, `dns`, \
                       `nxdomain`, `nullmx`, `refused`, `timeout` or `tls` (text with commas goes in double quotes)";
const STEP: &str = "a step: `greeting`, `ehlo`, `mail`, `rcpt`, `data` or `message` (text with commas goes in double quotes)";
const LATENCY: &str = "one delay of at most 1h, such as `30s`, or `5s..40s` with the shorter one first \
                       (text that ends like this goes in double quotes)";

/// Reads an attempt and adds it as often as it says.
pub(super) fn parse(piece: Piece<'_>, attempts: &mut Vec<TimedStep>) -> Result<(), ScriptError> {
    // `421 in 2m x3` and `421x3 in 2m` are the same.
    let (rest, at_the_end) = split_latency(piece)?;
    let (rest, times) = split_times(rest)?;
    let (what, latency) = match at_the_end {
        Some(_) => (rest, at_the_end),
        None => split_latency(rest)?,
    };
    let timed = TimedStep { step: parse_what(what)?, latency };
    if attempts.len().saturating_add(times) > Outcome::MAX_ATTEMPTS {
        return Err(piece.error(format!("at most {} attempts in all", Outcome::MAX_ATTEMPTS)));
    }
    attempts.extend(std::iter::repeat_n(timed, times));
    Ok(())
}

/// Splits `what in 30s`.
fn split_latency(piece: Piece<'_>) -> Result<(Piece<'_>, Option<Latency>), ScriptError> {
    let words = piece.words()?;
    let [_, .., keyword, value] = words.as_slice() else { return Ok((piece, None)) };
    // Text may well end in `in` and a word. Durations alone are meant as a delay, even if `8h..1h` is not one.
    let is_meant = value.text.split("..").all(|part| duration::parse(part).is_ok());
    if keyword.text != "in" || !is_meant {
        return Ok((piece, None));
    }
    let latency = value.text.parse().map_err(|_| value.error(LATENCY))?;
    Ok((piece.head(keyword.offset - piece.offset).trim(), Some(latency)))
}

/// Splits `what x3` and, for a code alone, `421x3`.
fn split_times(piece: Piece<'_>) -> Result<(Piece<'_>, usize), ScriptError> {
    let words = piece.words()?;
    let Some(last) = words.last().copied() else { return Err(piece.error(ATTEMPT)) };
    let attached = last.text.find('x').filter(|at| {
        // `421x3` and `rcpt:421x3`, but not a word of the reply's text.
        let head = last.text.get(..*at).unwrap_or("");
        words.len() == 1 && head.len() >= 3 && head.bytes().rev().take(3).all(|b| b.is_ascii_digit())
    });
    let at = attached.or_else(|| (words.len() > 1 && last.text.starts_with('x')).then_some(0));
    let Some((at, digits)) = at.and_then(|at| Some((at, last.text.get(at + 1..)?))) else {
        return Ok((piece, 1));
    };
    let all_digits = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if !all_digits && attached.is_none() {
        return Ok((piece, 1));
    }
    let times = digits.parse().ok().filter(|n| all_digits && (1..=Outcome::MAX_ATTEMPTS).contains(n));
    let times = times.ok_or_else(|| {
        last.skip(at + 1).error(format!("how often, a number from 1 to {}", Outcome::MAX_ATTEMPTS))
    })?;
    Ok((piece.head(last.offset - piece.offset + at).trim(), times))
}

fn parse_what(piece: Piece<'_>) -> Result<AttemptStep, ScriptError> {
    if let [name, keyword, ..] = piece.words()?.as_slice()
        && keyword.text == "in"
        && without_reply(*name)?.is_some()
    {
        // There is no text that `in` could belong to.
        return Err(piece.skip(keyword.offset - piece.offset + keyword.text.len()).trim().error(LATENCY));
    }
    if let Some(step) = without_reply(piece)? {
        return Ok(step);
    }
    if let Some(at) = prefix_end(piece.text) {
        let (name, rest) = (piece.head(at), piece.skip(at + 1).trim());
        if name.text == Phase::Dns.name() {
            let (reply, _) = parse_reply(rest)?;
            return refusal(rest, &reply).map(|()| AttemptStep::DnsFailure { reply });
        }
        let step = Step::from_name(name.text).ok_or_else(|| name.error(STEP))?;
        let (reply, then_disconnect) = parse_reply(rest)?;
        return refusal(rest, &reply).map(|()| AttemptStep::Refuse { step, reply, then_disconnect });
    }
    let (reply, then_disconnect) = parse_reply(piece)?;
    if (200..300).contains(&reply.code()) {
        let says_something = piece.text.len() > 3;
        return Ok(AttemptStep::Accept { reply: says_something.then_some(reply) });
    }
    refusal(piece, &reply).map(|()| AttemptStep::Refuse { step: Step::Rcpt, reply, then_disconnect })
}

/// An attempt whose name says all.
fn without_reply(piece: Piece<'_>) -> Result<Option<AttemptStep>, ScriptError> {
    if piece.text.starts_with("disconnect@") {
        let name = piece.skip("disconnect@".len());
        let step = Step::from_name(name.text).ok_or_else(|| name.error(STEP))?;
        return Ok(Some(AttemptStep::Disconnect { step }));
    }
    Ok(match piece.text {
        "dns" => Some(AttemptStep::DnsFailure { reply: internal::no_host() }),
        "nxdomain" => Some(AttemptStep::DnsFailure { reply: internal::no_domain() }),
        "nullmx" => Some(AttemptStep::DnsFailure { reply: internal::null_mx() }),
        "refused" => Some(AttemptStep::ConnectRefused),
        "timeout" => Some(AttemptStep::ConnectTimeout),
        "tls" => Some(AttemptStep::TlsFailure),
        "disconnect" => Some(AttemptStep::Disconnect { step: Step::Rcpt }),
        _ => None,
    })
}

/// Offset of the colon after a step's name: `rcpt:550`.
fn prefix_end(text: &str) -> Option<usize> {
    let at = text.find(':')?;
    let name = text.get(..at)?;
    (!name.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic())).then_some(at)
}

fn refusal(piece: Piece<'_>, reply: &Reply) -> Result<(), ScriptError> {
    if reply.is_positive() {
        return Err(piece.error("a reply that refuses, 4yz or 5yz; `250` stands without a step"));
    }
    Ok(())
}

fn parse_reply(piece: Piece<'_>) -> Result<(Reply, bool), ScriptError> {
    let (said, hangs_up) = match piece.text.strip_suffix("then disconnect") {
        Some(said) if said.ends_with(' ') => (piece.head(said.len()).trim(), true),
        Some(_) | None => (piece, false),
    };
    let code_only = said.text.len() == 3 && said.text.bytes().all(|b| b.is_ascii_digit());
    let reply = Reply::parse(&said.unquoted()).map_err(|_| {
        let expected = if code_only { "a reply code from 200 to 599" } else { ATTEMPT };
        said.error(expected)
    })?;
    let closes = hangs_up || reply.code() == 421;
    Ok((with_standard_text(reply), closes))
}
