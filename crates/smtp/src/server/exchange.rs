//! What goes into a server session and what comes out of it.

use std::fmt;

use emta_mail::message::{Notify, Return};
use emta_mail::{EmailAddress, Reply, ReversePath};

/// What happens to a session.
#[derive(Debug)]
pub enum ServerInput<'a> {
    /// Bytes arrived from the client (after TLS, the decrypted ones). Hand over any number, but only while
    /// [`ServerSession::wants_bytes`](super::ServerSession::wants_bytes).
    Bytes(&'a [u8]),
    /// The answer to the open [`ServerOutput::Ask`].
    Answer(Answer),
    /// TLS is active, after [`ServerOutput::StartTls`]. If the handshake fails, say `Closed`.
    TlsStarted,
    /// The connection is gone.
    Closed,
    /// The client has been silent for too long. Ignored while a question is open: then it is not the client who is
    /// late.
    Timeout,
    /// The server is going down: an open question may still be answered, then the session ends with 421.
    Shutdown,
}

/// What a session wants done, in this order.
#[derive(Debug, PartialEq, Eq)]
pub enum ServerOutput {
    /// Write these bytes.
    Send(Vec<u8>),
    /// Decide, and say so by [`ServerInput::Answer`]; nothing more is read until then.
    Ask(Request),
    /// Write what is pending, drop bytes already read, and begin the TLS handshake.
    StartTls,
    /// Write what is pending and close. Nothing comes after it.
    Close,
}

/// A question that only the owner of the server can answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A client connected; the reply is the greeting. After a refusal by [`Answer::Reply`] the session stays open for
    /// QUIT alone (RFC 5321 section 3.1).
    Connect,
    /// EHLO (`extended`) or HELO. A positive reply replaces the text of the first line; the extensions follow.
    Ehlo {
        /// The name or address literal that the client gives itself, as written.
        domain: String,
        /// EHLO, not HELO.
        extended: bool,
    },
    /// MAIL FROM.
    Mail(MailCommand),
    /// RCPT TO.
    Rcpt(RcptCommand),
    /// DATA, or the first BDAT of a transaction.
    Data,
    /// The whole message is here; a positive reply takes responsibility for it.
    Message(Transaction),
    /// AUTH, with what the client gave.
    Auth(Credentials),
}

impl Request {
    /// The message, if the question is who takes it: for servers that accept whatever else they are asked.
    pub fn into_message(self) -> Option<Transaction> {
        match self {
            Self::Message(transaction) => Some(transaction),
            Self::Connect
            | Self::Ehlo { .. }
            | Self::Mail(_)
            | Self::Rcpt(_)
            | Self::Data
            | Self::Auth(_) => None,
        }
    }
}

/// The answer to a [`Request`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes, with the standard reply.
    Accept,
    /// This reply: 2yz and 3yz mean yes, 4yz and 5yz no.
    Reply(Reply),
    /// This reply, then the connection is closed.
    ReplyAndClose(Reply),
    /// The connection is closed without a reply.
    Close,
}

/// The MAIL command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailCommand {
    /// Where failures are reported.
    pub sender: ReversePath,
    /// The size that the client announced, in octets (RFC 1870).
    pub size: Option<u64>,
    /// `BODY=8BITMIME` (RFC 6152).
    pub eight_bit: bool,
    /// `SMTPUTF8` (RFC 6531).
    pub smtputf8: bool,
    /// `RET` (RFC 3461 section 4.3).
    pub ret: Option<Return>,
    /// `ENVID`, decoded, at most 100 characters (RFC 3461 section 4.4).
    pub envid: Option<String>,
}

/// The RCPT command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RcptCommand {
    /// The recipient.
    pub recipient: EmailAddress,
    /// `NOTIFY` (RFC 3461 section 4.1).
    pub notify: Notify,
    /// `ORCPT`, decoded, without its address type (RFC 3461 section 4.2).
    pub original_recipient: Option<String>,
}

/// A recipient that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The address.
    pub address: EmailAddress,
    /// `NOTIFY`.
    pub notify: Notify,
    /// `ORCPT`, decoded, without its address type.
    pub original_recipient: Option<String>,
}

/// A whole mail transaction.
#[derive(Clone, PartialEq, Eq)]
pub struct Transaction {
    /// Where failures are reported.
    pub sender: ReversePath,
    /// The accepted recipients, at least one, in the order in which they came.
    pub recipients: Vec<Recipient>,
    /// `RET`.
    pub ret: Option<Return>,
    /// `ENVID`, decoded.
    pub envid: Option<String>,
    /// `BODY=8BITMIME`.
    pub eight_bit: bool,
    /// `SMTPUTF8`.
    pub smtputf8: bool,
    /// The message, lines ended by CRLF, without stuffed dots.
    pub content: Vec<u8>,
    /// How it came, for the `with` clause of `Received`: `SMTP`, `ESMTP`, `ESMTPS`, `ESMTPA`, `ESMTPSA` (RFC 3848) or
    /// their `UTF8SMTP` kin (RFC 6531 section 4.3).
    pub protocol: &'static str,
    /// The name that the client gave itself.
    pub helo: String,
}

/// Without the content, which may be megabytes.
impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("sender", &self.sender)
            .field("recipients", &self.recipients)
            .field("ret", &self.ret)
            .field("envid", &self.envid)
            .field("eight_bit", &self.eight_bit)
            .field("smtputf8", &self.smtputf8)
            .field("octets", &self.content.len())
            .field("protocol", &self.protocol)
            .field("helo", &self.helo)
            .finish()
    }
}

/// A mechanism of AUTH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// Two prompts; never standardised, still spoken everywhere.
    Login,
}

/// What a client gave to authenticate.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The mechanism.
    pub mechanism: Mechanism,
    /// On whose behalf it wants to act (PLAIN's authorization identity); empty for the user itself.
    pub identity: String,
    /// The user.
    pub username: String,
    /// The password.
    pub password: String,
}

/// Without the password, which belongs in no log.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("mechanism", &self.mechanism)
            .field("identity", &self.identity)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}
