//! The compact notation of an outcome: `421x3, 250; dsn=5.1.1 after 6h`.
//!
//! ```text
//! script  = attempts *( ";" action )          "250" where the attempts are left out
//! attempts = attempt *( "," attempt )          the last one repeats for ever
//! attempt = what [ "in" delay ] [ "x" times ]  421x3 · 450 4.2.1 greylisted x2 · 421 slow down in 5s..40s x3
//! what    = [ step ":" ] code [status] [text] [ "then disconnect" ]
//!         / "disconnect" [ "@" step ]          the provider hangs up without a word
//!         / "dns" / "nxdomain" / "nullmx"      no host is found
//!         / "refused" / "timeout" / "tls"      the connection or the handshake fails
//! step    = "greeting" / "ehlo" / "mail" / "rcpt" / "data" / "message"     rcpt where left out; "dns" with a reply
//! action  = kind [ "=" value ] [ "as" format ] [ "after" delay ] [ "with" probability ]
//! kind    = "dsn" / "delayed" / "arf" / "ooo" / "open" / "click"
//! delay   = 6h / 1h..8h, as one word           probability = 25% / 0.25
//! ```
//!
//! Text in double quotes is taken as it stands, so that it can hold commas, semicolons and the words above. A code
//! alone gets the usual status and text; a 2yz reply always comes after the final dot. `421` hangs up after the reply
//! (RFC 5321 section 3.8).
//!
//! `in` is how long the provider takes to answer the attempt, in virtual time, at most
//! [`Latency::MAX`](crate::Latency::MAX); it may also stand after the times, `421x3 in 2m`. Followed by anything but
//! a delay, or by more words, `in` is a word of the text: `450 filed in vain` takes no time, and neither does
//! `450 "try again in 5m"`.

mod action;
mod attempt;
mod piece;
mod standard;

use piece::Piece;

use crate::action::LaterAction;
use crate::outcome::{AttemptStep, Outcome, TimedStep};

pub use standard::{standard_for_status, standard_reply};

/// Longest script, in octets.
pub const MAX_SCRIPT: usize = 4_096;

/// What was wrong with a written script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {} of the script: found {}, expected {expected}", .offset + 1, shown(.found))]
pub struct ScriptError {
    /// Octets before the text that is wrong.
    pub offset: usize,
    /// The text that is wrong, at most 40 characters of it; empty at the end of the script.
    pub found: String,
    /// What would be right.
    pub expected: String,
}

fn shown(found: &str) -> String {
    if found.is_empty() { "the end".to_owned() } else { format!("`{found}`") }
}

/// Reads a script.
///
/// # Errors
/// When the text does not follow the grammar of this module, is longer than [`MAX_SCRIPT`] or makes no whole
/// [`Outcome`].
pub fn parse(text: &str) -> Result<Outcome, ScriptError> {
    let whole = whole(text)?;
    let mut sections = whole.split(b';')?.into_iter().map(Piece::trim).peekable();
    let attempts = match sections.next_if(|first| !action::is_action(*first)) {
        Some(first) => attempts(first)?,
        None => vec![AttemptStep::Accept { reply: None }.into()],
    };
    let after = sections.map(action::parse).collect::<Result<_, _>>()?;
    Outcome::timed(attempts, after).map_err(|error| whole.error(error.to_string()))
}

/// Reads the attempts of a script alone: `421x3, 250`. How long they take is left out; see
/// [`parse_timed_attempts`].
///
/// # Errors
/// As [`parse`].
pub fn parse_attempts(text: &str) -> Result<Vec<AttemptStep>, ScriptError> {
    Ok(parse_timed_attempts(text)?.into_iter().map(|timed| timed.step).collect())
}

/// Reads the attempts of a script alone, with how long they take: `421x3 in 2m, 250`.
///
/// # Errors
/// As [`parse`].
pub fn parse_timed_attempts(text: &str) -> Result<Vec<TimedStep>, ScriptError> {
    attempts(whole(text)?)
}

/// Reads the actions of a script alone: `dsn=5.1.1 after 6h; open after 10m with 25%`.
///
/// # Errors
/// As [`parse`].
pub fn parse_actions(text: &str) -> Result<Vec<LaterAction>, ScriptError> {
    whole(text)?.split(b';')?.into_iter().map(|section| action::parse(section.trim())).collect()
}

fn whole(text: &str) -> Result<Piece<'_>, ScriptError> {
    let whole = Piece::new(text);
    if text.len() > MAX_SCRIPT {
        return Err(whole.error(format!("at most {MAX_SCRIPT} octets, not {}", text.len())));
    }
    Ok(whole)
}

fn attempts(section: Piece<'_>) -> Result<Vec<TimedStep>, ScriptError> {
    let mut attempts = Vec::new();
    for piece in section.split(b',')? {
        attempt::parse(piece.trim(), &mut attempts)?;
    }
    Ok(attempts)
}

#[cfg(test)]
mod tests;
