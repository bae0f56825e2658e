//! What a server offers and what it tolerates.

/// The settings that all sessions of one server share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig {
    /// The server's name in the greeting and in the reply to EHLO; also the domain of `RCPT TO:<Postmaster>`.
    pub hostname: String,
    /// Which extensions it offers.
    pub extensions: Extensions,
    /// Where it stops.
    pub limits: Limits,
}

impl ServerConfig {
    /// A server of this name with default extensions and limits.
    pub fn new(hostname: impl Into<String>) -> Self {
        Self { hostname: hostname.into(), extensions: Extensions::default(), limits: Limits::default() }
    }
}

/// The extensions that a server offers in its reply to EHLO. The default offers all but STARTTLS and AUTH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extensions {
    /// STARTTLS (RFC 3207); the caller must be able to carry out [`ServerOutput::StartTls`](super::ServerOutput).
    pub starttls: bool,
    /// AUTH is offered, and taken, only once TLS is active.
    pub require_tls_for_auth: bool,
    /// AUTH (RFC 4954).
    pub auth: AuthPolicy,
    /// PIPELINING (RFC 2920). Pipelined commands are understood in any case.
    pub pipelining: bool,
    /// 8BITMIME (RFC 6152).
    pub eight_bit_mime: bool,
    /// SMTPUTF8 (RFC 6531).
    pub smtputf8: bool,
    /// SIZE (RFC 1870), with [`Limits::message_size`].
    pub size: bool,
    /// ENHANCEDSTATUSCODES (RFC 2034): standard replies carry them. Replies that the caller gives are sent as given.
    pub enhanced_status_codes: bool,
    /// DSN (RFC 3461).
    pub dsn: bool,
    /// CHUNKING (RFC 3030).
    pub chunking: bool,
}

impl Default for Extensions {
    fn default() -> Self {
        Self {
            starttls: false,
            require_tls_for_auth: true,
            auth: AuthPolicy::Off,
            pipelining: true,
            eight_bit_mime: true,
            smtputf8: true,
            size: true,
            enhanced_status_codes: true,
            dsn: true,
            chunking: true,
        }
    }
}

impl Extensions {
    /// No extension at all: what holds before EHLO and after HELO.
    pub const NONE: Self = Self {
        starttls: false,
        require_tls_for_auth: true,
        auth: AuthPolicy::Off,
        pipelining: false,
        eight_bit_mime: false,
        smtputf8: false,
        size: false,
        enhanced_status_codes: false,
        dsn: false,
        chunking: false,
    };
}

/// Whether clients authenticate (mechanisms PLAIN and LOGIN).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthPolicy {
    /// AUTH is not offered.
    Off,
    /// AUTH is offered; mail is taken without it too.
    Optional,
    /// Mail is taken only after AUTH; before it, `530 5.7.0`.
    Required,
}

/// Where a server stops. Going over one gets a reply and loses nothing that was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest command line, in octets with CRLF; over it `500 5.5.2`. RFC 5321 section 4.5.3.1.4 asks for 512, the
    /// parameters of DSN and SMTPUTF8 for about 1,100 more.
    pub command_line: usize,
    /// Longest line of content, in octets with CRLF and without the stuffed dot; over it `554 5.6.0` at the end.
    /// RFC 5321 section 4.5.3.1.6 asks for 1,000; real mail often has more.
    pub text_line: usize,
    /// Most recipients of a transaction; each one more gets `452 4.5.3`, the others go on.
    pub recipients: usize,
    /// Largest content, in octets; over it `552 5.3.4`.
    pub message_size: u64,
    /// Commands with errors of protocol that are answered in one session; the next one gets `421 4.7.0`.
    pub errors: u32,
}

impl Limits {
    /// Longest line of an AUTH exchange, in octets with CRLF (RFC 4954 section 4.5 plus the line end).
    pub const AUTH_LINE: usize = 12_288 + 2;
    /// Unread bytes, in octets, from which on [`ServerSession::wants_bytes`](super::ServerSession::wants_bytes) is
    /// false.
    pub const BACKLOG: usize = 64 * 1024;
    /// Unread bytes, in octets, at which a session gives up on a caller that does not heed
    /// [`ServerSession::wants_bytes`](super::ServerSession::wants_bytes): `421 4.3.2`.
    pub const BACKLOG_HARD: usize = 1024 * 1024;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_line: 2048,
            text_line: 4096,
            recipients: 1000,
            message_size: 20 * 1024 * 1024,
            errors: 20,
        }
    }
}
