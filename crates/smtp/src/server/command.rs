//! A command line, read strictly (RFC 5321 section 4.1.1).

use emta_mail::Reply;

use super::config::Extensions;
use super::exchange::{MailCommand, RcptCommand};
use super::parameters;
use super::replies::{bad_syntax, not_implemented, reply};

/// What a client asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// HELO, or EHLO (`extended`).
    Hello { domain: String, extended: bool },
    /// MAIL FROM.
    Mail(MailCommand),
    /// RCPT TO.
    Rcpt(RcptCommand),
    /// DATA.
    Data,
    /// BDAT (RFC 3030): so many octets follow.
    Chunk { octets: u64, last: bool },
    /// AUTH (RFC 4954), with an initial response still in base64.
    Auth { mechanism: String, initial: Option<String> },
    /// STARTTLS (RFC 3207).
    StartTls,
    /// RSET.
    Reset,
    /// VRFY.
    Verify,
    /// HELP.
    Help,
    /// NOOP.
    Noop,
    /// QUIT.
    Quit,
    /// A request of HTTP: a browser that was led here by a hostile page.
    Http,
}

/// What the reading of a command depends on.
pub(super) struct Context<'a> {
    /// What the client was offered: parameters of anything else are refused.
    pub(super) offered: &'a Extensions,
    /// The server's name.
    pub(super) hostname: &'a str,
    /// MAIL said SMTPUTF8, so that recipients may have characters beyond ASCII.
    pub(super) smtputf8: bool,
}

/// Longest name in HELO and EHLO, in octets, as for any domain (RFC 5321 section 4.5.3.1.2).
const HELLO_NAME: usize = 255;

/// Reads a line without its CRLF.
///
/// # Errors
/// With the reply to send.
pub(super) fn parse(line: &[u8], context: &Context<'_>) -> Result<Command, Reply> {
    let line =
        std::str::from_utf8(line).map_err(|_| reply(500, 5, 2, "command is neither ASCII nor UTF-8"))?;
    let (verb, arguments) = line.split_once(' ').unwrap_or((line, ""));
    let arguments = arguments.trim_matches(' ');
    let none = |command| if arguments.is_empty() { Ok(command) } else { Err(bad_syntax("no argument")) };
    match verb.to_ascii_uppercase().as_str() {
        "EHLO" => Ok(Command::Hello { domain: hello_name(arguments)?, extended: true }),
        "HELO" => Ok(Command::Hello { domain: hello_name(arguments)?, extended: false }),
        "MAIL" => parameters::mail(arguments, context).map(Command::Mail),
        "RCPT" => parameters::rcpt(arguments, context).map(Command::Rcpt),
        "DATA" => none(Command::Data),
        "BDAT" => chunk(arguments),
        "AUTH" => auth(arguments),
        "STARTTLS" => none(Command::StartTls),
        "RSET" => none(Command::Reset),
        "QUIT" => none(Command::Quit),
        "VRFY" if arguments.is_empty() => Err(bad_syntax("a name or an address")),
        "VRFY" => Ok(Command::Verify),
        "HELP" => Ok(Command::Help),
        "NOOP" => Ok(Command::Noop),
        "EXPN" | "ETRN" | "ATRN" | "TURN" | "SEND" | "SOML" | "SAML" | "BURL" => Err(not_implemented()),
        "GET" | "POST" | "PUT" | "HEAD" | "DELETE" | "OPTIONS" | "CONNECT" | "TRACE" | "PATCH" => {
            Ok(Command::Http)
        }
        _ => Err(reply(500, 5, 1, "command not recognised")),
    }
}

/// Clients give themselves all sorts of names; only what could harm a header field is refused.
fn hello_name(text: &str) -> Result<String, Reply> {
    let safe = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '[' | ']');
    if text.is_empty() || text.len() > HELLO_NAME || !text.chars().all(safe) {
        return Err(bad_syntax("a host name or an address literal"));
    }
    Ok(text.to_owned())
}

fn chunk(arguments: &str) -> Result<Command, Reply> {
    let fail = || bad_syntax("`BDAT <octets>` or `BDAT <octets> LAST`");
    let (digits, last) = match arguments.split_once(' ') {
        None => (arguments, false),
        Some((digits, word)) if word.eq_ignore_ascii_case("LAST") => (digits, true),
        Some(_) => return Err(fail()),
    };
    Ok(Command::Chunk { octets: parameters::number(digits).ok_or_else(fail)?, last })
}

fn auth(arguments: &str) -> Result<Command, Reply> {
    let mut words = arguments.split(' ');
    match (words.next(), words.next(), words.next()) {
        (Some(mechanism), initial, None) if !mechanism.is_empty() => Ok(Command::Auth {
            mechanism: mechanism.to_ascii_uppercase(),
            initial: initial.map(str::to_owned),
        }),
        _ => Err(bad_syntax("`AUTH <mechanism>`, with an initial response or not")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a line is read as, or the reply to it.
    fn check(line: &str, expected: &str) {
        let context =
            Context { offered: &Extensions::default(), hostname: "mx.example.test", smtputf8: false };
        let got = match parse(line.as_bytes(), &context) {
            Ok(command) => format!("{command:?}"),
            Err(reply) => reply.to_string(),
        };
        assert!(got.starts_with(expected), "{line}: {got}");
    }

    #[test]
    fn verbs() {
        check("ehlo client.example", r#"Hello { domain: "client.example", extended: true }"#);
        check("HELO [192.0.2.1]", r#"Hello { domain: "[192.0.2.1]", extended: false }"#);
        check("EHLO [IPv6:2001:db8::1] ", r#"Hello { domain: "[IPv6:2001:db8::1]""#);
        check("EHLO", "501 5.5.4");
        check("EHLO a(b)", "501 5.5.4");
        check("EHLO a b", "501 5.5.4");
        check(&format!("EHLO {}", "a".repeat(HELLO_NAME)), "Hello");
        check(&format!("EHLO {}", "a".repeat(HELLO_NAME + 1)), "501 5.5.4");
        check("DATA", "Data");
        check("DATA now", "501 5.5.4");
        check("rset", "Reset");
        check("NOOP anything", "Noop");
        check("HELP", "Help");
        check("HELP MAIL", "Help");
        check("VRFY ann", "Verify");
        check("VRFY", "501 5.5.4");
        check("EXPN list", "502 5.5.1");
        check("QUIT", "Quit");
        check("STARTTLS x", "501 5.5.4");
        check("GET / HTTP/1.1", "Http");
        check("", "500 5.5.1");
        check(" NOOP", "500 5.5.1");
        check("XYZZY", "500 5.5.1");
    }

    #[test]
    fn chunks_and_auth() {
        check("BDAT 0", "Chunk { octets: 0, last: false }");
        check("bdat 12 last", "Chunk { octets: 12, last: true }");
        check(&format!("BDAT {}", u64::MAX), "Chunk");
        for arguments in ["", "LAST", "-1", "+1", "1 FIRST", "1 LAST LAST", "99999999999999999999"] {
            check(&format!("BDAT {arguments}"), "501 5.5.4");
        }
        check("AUTH plain", r#"Auth { mechanism: "PLAIN", initial: None }"#);
        check("AUTH PLAIN =", r#"Auth { mechanism: "PLAIN", initial: Some("=") }"#);
        check("AUTH", "501 5.5.4");
        check("AUTH PLAIN a b", "501 5.5.4");
    }

    #[test]
    fn octets_that_are_no_text() {
        let context = Context { offered: &Extensions::NONE, hostname: "", smtputf8: false };
        assert_eq!(parse(b"NOOP \xff", &context).map_err(|r| r.code()), Err(500));
    }
}
