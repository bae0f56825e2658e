//! The exchanges of AUTH PLAIN and AUTH LOGIN (RFC 4954, RFC 4616).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use emta_mail::Reply;

use super::exchange::{Credentials, Mechanism};
use super::replies::{plain, reply};

/// What the server waits for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sasl {
    /// PLAIN's only message.
    Plain,
    /// LOGIN's user name.
    LoginUser,
    /// LOGIN's password.
    LoginPassword { username: String },
}

/// What a step came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Send this 334 and wait for the next line.
    Prompt(Reply, Sasl),
    /// The client has said all.
    Complete(Credentials),
}

/// Begins an exchange; the mechanism in upper case, the initial response in base64 or `=` for an empty one.
///
/// # Errors
/// With the reply to send.
pub(super) fn begin(mechanism: &str, initial: Option<&str>) -> Result<Step, Reply> {
    let (prompt, sasl) = match mechanism {
        "PLAIN" => ("", Sasl::Plain),
        "LOGIN" => (USER_PROMPT, Sasl::LoginUser),
        _ => return Err(reply(504, 5, 4, "unknown mechanism; expected `PLAIN` or `LOGIN`")),
    };
    match initial {
        None => Ok(Step::Prompt(plain(334, prompt), sasl)),
        Some("=") => respond(sasl, b""),
        Some(text) => respond(sasl, text.as_bytes()),
    }
}

/// `Username:` and `Password:` in base64, as clients of LOGIN expect them.
const USER_PROMPT: &str = "VXNlcm5hbWU6";
const PASSWORD_PROMPT: &str = "UGFzc3dvcmQ6";

/// Goes on with a line from the client, without its CRLF.
///
/// # Errors
/// With the reply to send; the exchange is over.
pub(super) fn respond(sasl: Sasl, line: &[u8]) -> Result<Step, Reply> {
    if line == b"*" {
        return Err(reply(501, 7, 0, "authentication cancelled"));
    }
    let text = STANDARD
        .decode(line)
        .ok()
        .and_then(|octets| String::from_utf8(octets).ok())
        .ok_or_else(|| reply(501, 5, 2, "bad response; expected UTF-8 text in base64"))?;
    match sasl {
        Sasl::Plain => plain_credentials(&text)
            .map(Step::Complete)
            .ok_or_else(|| reply(501, 5, 2, "bad response; expected identity, NUL, user, NUL, password")),
        Sasl::LoginUser => {
            Ok(Step::Prompt(plain(334, PASSWORD_PROMPT), Sasl::LoginPassword { username: text }))
        }
        Sasl::LoginPassword { username } => Ok(Step::Complete(Credentials {
            mechanism: Mechanism::Login,
            identity: String::new(),
            username,
            password: text,
        })),
    }
}

fn plain_credentials(text: &str) -> Option<Credentials> {
    let mut parts = text.split('\0');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(identity), Some(username), Some(password), None) if !username.is_empty() => Some(Credentials {
            mechanism: Mechanism::Plain,
            identity: identity.to_owned(),
            username: username.to_owned(),
            password: password.to_owned(),
        }),
        _ => None,
    }
}
