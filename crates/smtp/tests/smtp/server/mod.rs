//! Transcripts of the server.

mod dialogue;
mod extensions;
mod hostile;

use emta_smtp::{AuthPolicy, Extensions, ServerConfig};

use crate::script::{check_server, ehlo_reply};

fn config() -> ServerConfig {
    ServerConfig::new("mx.example.test")
}

/// A script after greeting and EHLO, with SIZE not offered.
fn check(config: ServerConfig, script: &str) {
    let extensions = Extensions { size: false, ..config.extensions };
    let mut keywords = vec!["PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN", "CHUNKING"];
    if extensions.starttls {
        keywords.push("STARTTLS");
    }
    if extensions.auth != AuthPolicy::Off && !extensions.require_tls_for_auth {
        keywords.push("AUTH PLAIN LOGIN");
    }
    let hello = ehlo_reply(&keywords);
    let config = ServerConfig { extensions, ..config };
    check_server(config, &format!("S: 220 mx.example.test ESMTP\nC: EHLO client.example\n{hello}{script}"));
}

/// A script within a transaction from `a@example.com` to `b@example.net`.
fn check_data(config: ServerConfig, script: &str) {
    let envelope = "
        C: MAIL FROM:<a@example.com>
        S: 250 2.1.0 Ok
        C: RCPT TO:<b@example.net>
        S: 250 2.1.5 Ok
        C: DATA
        S: 354 end with <CRLF>.<CRLF>
    ";
    check(config, &format!("{envelope}{script}"));
}
