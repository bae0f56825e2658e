//! The arguments of MAIL and RCPT: paths and the parameters of the extensions.

use emta_mail::message::{Notify, Return};
use emta_mail::{EmailAddress, Reply, ReversePath};

use super::command::Context;
use super::exchange::{MailCommand, RcptCommand};
use super::replies::{bad_syntax, reply};
use crate::xtext;

/// Longest ENVID, decoded or not, in characters (RFC 3461 section 4.4).
const ENVID: usize = 100;

/// Longest ORCPT as it stands in the command, in characters (RFC 3461 section 5.1, SMTP's own limit of 500).
const ORCPT: usize = 500;

/// Reads what follows `MAIL `.
pub(super) fn mail(arguments: &str, context: &Context<'_>) -> Result<MailCommand, Reply> {
    let bad_address = || reply(501, 1, 7, "bad sender address; expected `<>` or `<local-part@domain>`");
    let (path, rest) = path(arguments, "FROM:")?;
    let sender = match path {
        "" => ReversePath::Null,
        text => ReversePath::Address(EmailAddress::parse(without_route(text)).map_err(|_| bad_address())?),
    };
    let mut mail =
        MailCommand { sender, size: None, eight_bit: false, smtputf8: false, ret: None, envid: None };
    let mut seen = Seen::default();
    for word in rest.split_ascii_whitespace() {
        let (keyword, value) = seen.parameter(word)?;
        let offered = context.offered;
        match (keyword.as_str(), value) {
            ("SIZE", Some(value)) if offered.size => {
                mail.size = Some(number(value).ok_or_else(|| bad_syntax("`SIZE=<octets>`"))?);
            }
            ("BODY", Some(value)) if offered.eight_bit_mime => {
                mail.eight_bit = match value.to_ascii_uppercase().as_str() {
                    "7BIT" => false,
                    "8BITMIME" => true,
                    _ => return Err(bad_syntax("`BODY=7BIT` or `BODY=8BITMIME`")),
                };
            }
            ("SMTPUTF8", None) if offered.smtputf8 => mail.smtputf8 = true,
            ("RET", Some(value)) if offered.dsn => {
                mail.ret = Some(match value.to_ascii_uppercase().as_str() {
                    "FULL" => Return::Full,
                    "HDRS" => Return::Headers,
                    _ => return Err(bad_syntax("`RET=FULL` or `RET=HDRS`")),
                });
            }
            ("ENVID", Some(value)) if offered.dsn => {
                let envid = (value.len() <= ENVID).then(|| xtext::decode(value)).flatten();
                mail.envid = Some(
                    envid
                        .filter(|id| !id.is_empty())
                        .ok_or_else(|| bad_syntax("`ENVID=<xtext of at most 100 characters>`"))?,
                );
            }
            // Who the client says first submitted the message (RFC 4954 section 5); nobody here relies on it.
            ("AUTH", Some(_)) if offers_auth(context) => {}
            _ => return Err(unknown(&keyword)),
        }
    }
    utf8_allowed(mail.sender.as_str(), mail.smtputf8)?;
    Ok(mail)
}

/// Reads what follows `RCPT `.
pub(super) fn rcpt(arguments: &str, context: &Context<'_>) -> Result<RcptCommand, Reply> {
    let bad_address = || reply(501, 1, 3, "bad recipient address; expected `<local-part@domain>`");
    let (path, rest) = path(arguments, "TO:")?;
    let recipient = if path.eq_ignore_ascii_case("postmaster") {
        // Every server knows its postmaster, also without a domain (RFC 5321 section 4.5.1).
        EmailAddress::parse(&format!("{path}@{}", context.hostname))
    } else {
        EmailAddress::parse(without_route(path))
    };
    let recipient = recipient.map_err(|_| bad_address())?;
    let mut rcpt = RcptCommand { recipient, notify: Notify::DEFAULT, original_recipient: None };
    let mut seen = Seen::default();
    for word in rest.split_ascii_whitespace() {
        let (keyword, value) = seen.parameter(word)?;
        match (keyword.as_str(), value) {
            ("NOTIFY", Some(value)) if context.offered.dsn => {
                rcpt.notify = notify(value).ok_or_else(|| {
                    bad_syntax("`NOTIFY=NEVER` or a list of `SUCCESS`, `FAILURE` and `DELAY`")
                })?;
            }
            ("ORCPT", Some(value)) if context.offered.dsn => {
                let original = (value.len() <= ORCPT).then(|| xtext::decode_address(value)).flatten();
                rcpt.original_recipient =
                    Some(original.ok_or_else(|| bad_syntax("`ORCPT=<type>;<address in xtext>`"))?);
            }
            _ => return Err(unknown(&keyword)),
        }
    }
    utf8_allowed(rcpt.recipient.as_str(), context.smtputf8)?;
    Ok(rcpt)
}

/// Reads a decimal number of at most 20 digits that fits; no sign.
pub(super) fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// Splits `FROM:<path> parameters` into path and parameters. Spaces before the path are let through: many clients
/// write them, and they change nothing.
fn path<'a>(arguments: &'a str, label: &str) -> Result<(&'a str, &'a str), Reply> {
    let fail = || bad_syntax(&format!("`{label}<address>`"));
    let (head, rest) = arguments.split_at_checked(label.len()).ok_or_else(fail)?;
    if !head.eq_ignore_ascii_case(label) {
        return Err(fail());
    }
    let rest = rest.trim_start_matches(' ').strip_prefix('<').ok_or_else(fail)?;
    let end = path_end(rest).ok_or_else(fail)?;
    let (path, rest) = rest.split_at_checked(end).ok_or_else(fail)?;
    let rest = rest.strip_prefix('>').ok_or_else(fail)?;
    if rest.is_empty() || rest.starts_with(' ') { Ok((path, rest)) } else { Err(fail()) }
}

/// Where the `>` is that is not inside a quoted local part.
fn path_end(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

/// Drops a source route, `@a.example,@b.example:` before the address, as RFC 5321 appendix C wants.
fn without_route(path: &str) -> &str {
    match path.strip_prefix('@').and_then(|route| route.split_once(':')) {
        Some((_, address)) => address,
        None => path,
    }
}

fn utf8_allowed(address: &str, smtputf8: bool) -> Result<(), Reply> {
    if smtputf8 || address.is_ascii() {
        Ok(())
    } else {
        Err(reply(553, 6, 7, "an address beyond ASCII needs the parameter `SMTPUTF8`"))
    }
}

fn offers_auth(context: &Context<'_>) -> bool {
    use super::config::AuthPolicy;
    match context.offered.auth {
        AuthPolicy::Off => false,
        AuthPolicy::Optional | AuthPolicy::Required => true,
    }
}

fn notify(value: &str) -> Option<Notify> {
    if value.eq_ignore_ascii_case("NEVER") {
        return Some(Notify::NEVER);
    }
    let mut notify = Notify::NEVER;
    for word in value.split(',') {
        let flag = match word.to_ascii_uppercase().as_str() {
            "SUCCESS" => &mut notify.success,
            "FAILURE" => &mut notify.failure,
            "DELAY" => &mut notify.delay,
            _ => return None,
        };
        if std::mem::replace(flag, true) {
            return None;
        }
    }
    Some(notify)
}

fn unknown(keyword: &str) -> Reply {
    let shown: String = keyword.chars().take(40).collect();
    reply(555, 5, 4, format!("unknown parameter `{shown}`, or its value is missing or not wanted"))
}

/// The keywords that a command had so far: each may stand once.
#[derive(Default)]
struct Seen(Vec<String>);

impl Seen {
    /// Splits `KEYWORD=value`; the keyword in upper case.
    fn parameter<'a>(&mut self, word: &'a str) -> Result<(String, Option<&'a str>), Reply> {
        let (keyword, value) = match word.split_once('=') {
            Some((keyword, value)) => (keyword, Some(value)),
            None => (word, None),
        };
        let keyword = keyword.to_ascii_uppercase();
        if self.0.contains(&keyword) {
            return Err(bad_syntax("each parameter once"));
        }
        self.0.push(keyword.clone());
        Ok((keyword, value))
    }
}

#[cfg(test)]
mod tests;
