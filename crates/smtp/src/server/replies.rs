//! The replies that a server gives on its own.

use emta_mail::{EnhancedStatus, Reply};

use super::config::{AuthPolicy, Extensions, Limits};

/// A reply whose enhanced status has the class of its code; a 3yz has none.
pub(super) fn reply(code: u16, subject: u16, detail: u16, text: impl Into<String>) -> Reply {
    let class = u8::try_from(code / 100).unwrap_or(0);
    Reply::new(code, EnhancedStatus::try_new(class, subject, detail), text)
}

/// A reply without an enhanced status: greetings, EHLO (RFC 2034 section 4) and 3yz.
pub(super) fn plain(code: u16, text: impl Into<String>) -> Reply {
    Reply::new(code, None, text)
}

/// A command whose arguments cannot be read.
pub(super) fn bad_syntax(expected: &str) -> Reply {
    reply(501, 5, 4, format!("bad syntax; expected {expected}"))
}

/// A command at the wrong time.
pub(super) fn bad_sequence(hint: &str) -> Reply {
    reply(503, 5, 1, format!("bad sequence of commands: {hint}"))
}

/// A command that exists but is not offered here.
pub(super) fn not_implemented() -> Reply {
    reply(502, 5, 1, "command not implemented")
}

/// The keywords of the reply to EHLO, one a line, after its first line.
pub(super) fn keywords(extensions: &Extensions, limits: &Limits, tls: bool) -> String {
    let auth = match extensions.auth {
        AuthPolicy::Off => false,
        AuthPolicy::Optional | AuthPolicy::Required => tls || !extensions.require_tls_for_auth,
    };
    let mut out = String::new();
    for (offered, keyword) in [
        (extensions.pipelining, "PIPELINING"),
        (extensions.eight_bit_mime, "8BITMIME"),
        (extensions.smtputf8, "SMTPUTF8"),
        (extensions.enhanced_status_codes, "ENHANCEDSTATUSCODES"),
        (extensions.dsn, "DSN"),
        (extensions.chunking, "CHUNKING"),
        (extensions.starttls && !tls, "STARTTLS"),
        (auth, "AUTH PLAIN LOGIN"),
    ] {
        if offered {
            out.push('\n');
            out.push_str(keyword);
        }
    }
    if extensions.size {
        out.push_str("\nSIZE ");
        out.push_str(&limits.message_size.to_string());
    }
    out
}
