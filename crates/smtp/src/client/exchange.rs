//! What goes into a client session and what comes out of it.

use std::fmt;

use bytes::Bytes;
use emta_mail::{Envelope, Phase, Reply};

/// The settings that all sessions of one client share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientConfig {
    /// The name or address literal given in EHLO.
    pub helo: String,
    /// Whether to encrypt.
    pub tls: TlsPolicy,
    /// Use PIPELINING where it is offered.
    pub pipelining: bool,
    /// Use CHUNKING where it is offered.
    pub chunking: bool,
}

impl ClientConfig {
    /// A client of this name: TLS where offered, pipelining, no chunking.
    pub fn new(helo: impl Into<String>) -> Self {
        Self { helo: helo.into(), tls: TlsPolicy::Opportunistic, pipelining: true, chunking: false }
    }
}

/// Whether a client encrypts (RFC 3207).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsPolicy {
    /// Never.
    Never,
    /// Where the server offers it; where it offers but then refuses, in plain text.
    Opportunistic,
    /// Always; without it, no mail is sent.
    Required,
}

/// What happens to a session.
#[derive(Debug)]
pub enum ClientInput<'a> {
    /// Bytes arrived from the server (after TLS, the decrypted ones).
    Bytes(&'a [u8]),
    /// Send this message. Any number may wait; see [`ClientSession::wants_job`](super::ClientSession::wants_job).
    Deliver(Job),
    /// TLS is active, after [`ClientOutput::StartTls`].
    TlsStarted,
    /// The handshake failed, with the reason.
    TlsFailed(&'a str),
    /// The connection is gone.
    Closed,
    /// The server has been silent for too long.
    Timeout,
    /// Say QUIT once all jobs are done; jobs that come later are not sent.
    Quit,
}

/// What a session wants done, in this order.
#[derive(Debug, PartialEq, Eq)]
pub enum ClientOutput {
    /// Write these bytes. Go on reading meanwhile: a server may stop reading until its replies are taken (RFC 2920
    /// section 3.1).
    Send(Vec<u8>),
    /// Write what is pending, drop bytes already read, and begin the TLS handshake.
    StartTls,
    /// A job is done.
    Finished(Outcome),
    /// Write what is pending and close. Only outcomes of jobs that come later follow.
    Close,
}

/// One message to one recipient.
#[derive(Clone)]
pub struct Job {
    /// The caller's name for it, returned in its [`Outcome`].
    pub key: u64,
    /// The envelope.
    pub envelope: Envelope,
    /// The content, in parts that are concatenated, with lines ended by CRLF and without stuffed dots. Other line
    /// ends become CRLF.
    pub content: Vec<Bytes>,
}

/// Without the content, which may be megabytes.
impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("key", &self.key)
            .field("envelope", &self.envelope)
            .field("octets", &self.size())
            .finish_non_exhaustive()
    }
}

impl Job {
    /// Size of the content, in octets.
    pub fn size(&self) -> u64 {
        self.content.iter().fold(0, |sum, part| sum.saturating_add(part.len() as u64))
    }
}

/// How a job ended; there is exactly one for each [`ClientInput::Deliver`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The job's name.
    pub key: u64,
    /// The step at which it ended: [`Phase::Message`] with a positive reply when the server took it. A job that was not
    /// begun, because the session had ended before its turn, ends at [`Phase::Connect`]: it wants another connection.
    pub phase: Phase,
    /// The server's reply that decided, or one marked `[internal]`.
    pub reply: Reply,
}

impl Outcome {
    /// Whether the server took responsibility for the message.
    pub fn is_delivered(&self) -> bool {
        self.phase == Phase::Message && self.reply.is_positive()
    }
}
