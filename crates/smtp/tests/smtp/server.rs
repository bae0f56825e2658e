//! Transcripts of the server.

use std::sync::Arc;

use emta_smtp::{
    Answer, AuthPolicy, Extensions, Limits, Request, ServerConfig, ServerInput, ServerOutput, ServerSession,
};

use crate::script::check_server;

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
    let last = keywords.pop().unwrap();
    let keywords: String = keywords.iter().map(|keyword| format!("S: 250-{keyword}\n")).collect();
    let start = "S: 220 mx.example.test ESMTP\nC: EHLO client.example\nS: 250-mx.example.test greets you\n";
    let config = ServerConfig { extensions, ..config };
    check_server(config, &format!("{start}{keywords}S: 250 {last}\n{script}"));
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

#[test]
fn a_message() {
    check_server(
        config(),
        r#"
        S: 220 mx.example.test ESMTP
        Q: connect
        I: true
        C: EHLO client.example
        Q: ehlo client.example
        S: 250-mx.example.test greets you
        S: 250-PIPELINING
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250-DSN
        S: 250-CHUNKING
        S: 250 SIZE 20971520
        I: true
        C: MAIL FROM:<a@example.com> SIZE=20971520
        S: 250 2.1.0 Ok
        I: false
        C: RCPT TO:<b@example.net>
        S: 250 2.1.5 Ok
        C: RCPT TO:<c@example.net>
        A: 550 5.1.1 no such user
        S: 550 5.1.1 no such user
        C: RCPT TO:<d@example.net>
        A: 251 2.1.5 will forward
        S: 251 2.1.5 will forward
        C: DATA
        S: 354 end with <CRLF>.<CRLF>
        C: Subject: x
        C:
        C: ..
        C: .
        A: 250 2.0.0 Ok: queued as 1
        S: 250 2.0.0 Ok: queued as 1
        Q: ESMTP from client.example <a@example.com> to b@example.net,d@example.net: "Subject: x\r\n\r\n.\r\n"
        I: true
        C: QUIT
        S: 221 2.0.0 mx.example.test says goodbye
        X:
        C: NOOP
        "#,
    );
}

#[test]
fn pipelined_and_refused() {
    check(
        config(),
        r"
        c: MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n
        A: 250 2.1.0 fine
        A: 550 5.1.1 no
        S: 250 2.1.0 fine
        S: 550 5.1.1 no
        S: 554 5.5.1 no valid recipients
        c: RSET\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n
        A: 451 4.7.1 later
        S: 250 2.0.0 Ok
        S: 451 4.7.1 later
        S: 503 5.5.1 *
        S: 503 5.5.1 *
        ",
    );
}

#[test]
fn refused_at_every_step() {
    check_server(
        config(),
        "A: 554 5.7.1 go away\nS: 554 5.7.1 go away\nC: EHLO a\nS: 503 5.5.1 *\nC: QUIT\nS: 221 *\nX:",
    );
    check_server(config(), "A: close 421 4.7.0 busy\nS: 421 4.7.0 busy\nX:\nC: EHLO a");
    check_server(config(), "A: close\nX:");
    check_server(config(), "A: 220 mail.example ready\nS: 220 mail.example ready");
    check_server(
        config(),
        "S: 220 *\nC: HELO a\nA: 550 5.7.1 bad name\nS: 550 5.7.1 bad name\nC: MAIL FROM:<>\nS: 503 *",
    );
    let script = "C: MAIL FROM:<a@example.com>\nA: close 421 4.3.2 x\nS: 421 4.3.2 x\nX:";
    check(config(), script);
    let refused_data = "
        C: MAIL FROM:<>
        S: 250 *
        C: RCPT TO:<b@example.net>
        S: 250 *
        C: DATA
        A: 451 4.3.0 not now
        S: 451 4.3.0 not now
        C: DATA
        A: 250 odd
        S: 354 *
        C: .
        A: close
        X:
    ";
    check(config(), refused_data);
    check_data(config(), "C: x\nC: .\nA: 552 5.2.2 full\nS: 552 5.2.2 full\nC: MAIL FROM:<>\nS: 250 *");
}

#[test]
fn order_and_repertoire() {
    check_server(
        config(),
        "S: 220 *\nC: MAIL FROM:<>\nS: 503 *\nC: NOOP\nS: 250 *\nC: RCPT TO:<a@example.com>\nS: 503 *",
    );
    check(
        config(),
        "
        C: DATA
        S: 503 5.5.1 *
        C: MAIL FROM:<>
        S: 250 2.1.0 Ok
        C: DATA
        S: 503 5.5.1 *
        C: MAIL FROM:<>
        S: 503 5.5.1 *
        C: RSET
        S: 250 2.0.0 Ok
        I: true
        C: RCPT TO:<a@example.com>
        S: 503 5.5.1 *
        C: VRFY ann
        S: 252 2.0.0 *
        C: HELP
        S: 214 2.0.0 *
        C: EXPN staff
        S: 502 5.5.1 *
        C: AUTH PLAIN
        S: 502 5.5.1 *
        C: STARTTLS
        S: 502 5.5.1 *
        C: XYZZY
        S: 500 5.5.1 *
        C: MAIL FROM:<> FOO=1
        S: 555 5.5.4 unknown parameter `FOO`*
        C: MAIL FROM:<>
        S: 250 *
        C: EHLO again.example
        S: 250-mx.example.test greets you
        S: 250-PIPELINING
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250-DSN
        S: 250 CHUNKING
        C: RCPT TO:<a@example.com>
        S: 503 5.5.1 *
        ",
    );
}

#[test]
fn helo_has_no_extensions() {
    check_server(
        config(),
        r#"
        S: 220 *
        C: HELO client.example
        S: 250 mx.example.test greets you
        C: MAIL FROM:<a@example.com> SIZE=1
        S: 555 5.5.4 *
        c: BDAT 6\r\nQUIT\r\n
        S: 502 5.5.1 *
        c: MAIL FROM:<a@example.com>\r\nRCPT TO:<Postmaster>\r\nDATA\r\n
        S: 250 *
        S: 250 *
        S: 354 *
        c: x\r\n.\r\n
        S: 250 2.0.0 Ok
        Q: SMTP from client.example <a@example.com> to Postmaster@mx.example.test: "x\r\n"
        "#,
    );
    let plain = Extensions { enhanced_status_codes: false, ..Extensions::NONE };
    let config = ServerConfig { extensions: plain, ..config() };
    check_server(
        config,
        "S: 220 *\nC: EHLO a\nS: 250 mx*\nC: NOOP\nS: 250 Ok\nC: MAIL FROM:<> SIZE=1\nS: 555 unknown*",
    );
}

#[test]
fn a_bare_line_end_is_refused_and_nothing_after_it_is_read() {
    for command in [r"NOOP\nQUIT\r\n", r"NOOP\rQUIT\r\n", r"\n", r"EHLO a\r\r\n"] {
        check(config(), &format!("c: {command}\nS: 500 5.5.2 *\nX:"));
    }
    let smuggled = r"MAIL FROM:<evil@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\nx\r\n.\r\n";
    for end in [r"\n.\n", r"\n.\r\n", r"\r.\r", r"\r\n.\n", r"\r.\r\n", r"\r\n.\r\r\n", r"\r\n\n.\r\n"] {
        check_data(config(), &format!("c: text{end}{smuggled}\nS: 550 5.5.2 *\nX:"));
    }
    let chunk = r"MAIL FROM:<>\r\nRCPT TO:<b@example.net>\r\nBDAT";
    let start = "S: 250 *\nS: 250 *\n";
    check(config(), &format!("c: {chunk} 6 LAST\\r\\na\\n.\\r\\nx\n{start}S: 550 5.5.2 *\nX:"));
    check(config(), &format!("c: {chunk} 2 LAST\\r\\na\\r\n{start}S: 550 5.5.2 *\nX:"));
}

#[test]
fn http_is_not_answered() {
    check_server(config(), "S: 220 *\nC: POST / HTTP/1.1\nX:\nC: Host: mx.example.test\nC: QUIT");
}

#[test]
fn limits_at_the_bound() {
    let limits = Limits { command_line: 40, text_line: 12, recipients: 2, message_size: 20, errors: 3 };
    let config = ServerConfig { limits, ..config() };
    let line = format!("NOOP {}", "x".repeat(33));
    check(
        config.clone(),
        &format!(
            "C: {line}\nS: 250 *\nC: {line}x\nS: 500 5.5.2 line is longer than 40 octets\nC: NOOP\nS: 250 *"
        ),
    );
    check(
        config.clone(),
        r"
        C: MAIL FROM:<>
        S: 250 *
        C: RCPT TO:<b@example.net>
        S: 250 *
        C: RCPT TO:<c@example.net>
        A: 550 no
        S: 550 no
        C: RCPT TO:<d@example.net>
        S: 250 *
        C: RCPT TO:<e@example.net>
        S: 452 4.5.3 more than 2 recipients
        C: DATA
        S: 354 *
        c: 0123456789\r\n123456\r\n.\r\n
        S: 250 2.0.0 Ok
        ",
    );
    check_data(
        config.clone(),
        "c: 0123456789\\r\\n1234567\\r\\n.\\r\\n\nS: 552 5.3.4 *\nC: MAIL FROM:<>\nS: 250 *",
    );
    check_data(config.clone(), "c: 01234567890\\r\\n.\\r\\n\nS: 554 5.6.0 *\nC: NOOP\nS: 250 *");
    let errors = "C: X\nS: 500 *\nC: X\nS: 500 *\nC: X\nS: 500 *\nC: NOOP\nS: 250 *\nC: X\nS: 421 4.7.0 too many errors\nX:";
    check(config.clone(), errors);
    let sized = ServerConfig { extensions: Extensions::default(), ..config };
    let hello = "S: 220 *\nC: HELO a\nS: 250 *\nC: EHLO a\n".to_owned();
    let keywords =
        "S: 250-mx*\nS: 250-P*\nS: 250-8*\nS: 250-S*\nS: 250-E*\nS: 250-D*\nS: 250-C*\nS: 250 SIZE 20\n";
    check_server(
        sized,
        &format!(
            "{hello}{keywords}C: MAIL FROM:<> SIZE=21\nS: 552 5.3.4 *\nC: MAIL FROM:<> SIZE=20\nS: 250 *"
        ),
    );
}

#[test]
fn chunking() {
    check(
        config(),
        r#"
        c: MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nBDAT 4\r\n.\r\nx
        S: 250 2.1.0 Ok
        S: 250 2.1.5 Ok
        Q: data
        S: 250 2.0.0 4 octets received
        C: RCPT TO:<c@example.net>
        S: 503 5.5.1 *
        C: DATA
        S: 503 5.5.1 *
        C: BDAT 0
        S: 250 2.0.0 0 octets received
        c: BDAT 3 last\r\ny\r
        I: false
        c: \n
        S: 250 2.0.0 Ok
        Q: ESMTP from client.example <a@example.com> to b@example.net: ".\r\nxy\r\n"
        I: true
        c: MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nBDAT 1\r\nxRSET\r\nBDAT 1 LAST\r\nx
        S: 250 2.1.0 Ok
        S: 250 2.1.5 Ok
        S: 250 2.0.0 1 octets received
        S: 250 2.0.0 Ok
        S: 503 5.5.1 *
        "#,
    );
    check(
        config(),
        r"
        c: MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.net>\r\nBDAT 6\r\nQUIT\r\nBDAT 1 LAST\r\nxNOOP\r\n
        A: 250 2.1.0 Ok
        A: 250 2.1.5 Ok
        A: 451 4.3.0 not now
        S: 250 2.1.0 Ok
        S: 250 2.1.5 Ok
        S: 451 4.3.0 not now
        S: 503 5.5.1 *
        S: 250 2.0.0 Ok
        ",
    );
    let limits = Limits { message_size: 3, ..Limits::default() };
    check(
        ServerConfig { limits, ..config() },
        r"
        c: MAIL FROM:<>\r\nRCPT TO:<b@example.net>\r\nBDAT 3\r\nx\r\nBDAT 1\r\nyBDAT 1 LAST\r\nz
        S: 250 *
        S: 250 *
        S: 250 *
        S: 552 5.3.4 *
        S: 503 5.5.1 *
        ",
    );
}

#[test]
fn starttls_forgets_what_was_said_before() {
    let extensions = Extensions { starttls: true, ..Extensions::default() };
    check(
        ServerConfig { extensions, ..config() },
        r#"
        C: MAIL FROM:<>
        S: 250 *
        C: STARTTLS
        S: 503 5.5.1 *
        C: RSET
        S: 250 *
        c: STARTTLS\r\nMAIL FROM:<injected@example.org>\r\nNOOP
        S: 220 2.0.0 ready to start TLS
        I: false
        c: RSET\r\n
        T:
        I: true
        C: MAIL FROM:<>
        S: 503 5.5.1 *
        C: HELO client.example
        S: 250 *
        C: STARTTLS
        S: 503 5.5.1 *
        C: EHLO client.example
        S: 250-mx*
        S: 250-PIPELINING
        S: 250-8BITMIME
        S: 250-SMTPUTF8
        S: 250-ENHANCEDSTATUSCODES
        S: 250-DSN
        S: 250 CHUNKING
        c: MAIL FROM:<> SMTPUTF8\r\nRCPT TO:<ü@example.net>\r\nDATA\r\n
        S: 250 *
        S: 250 *
        S: 354 *
        C: .
        S: 250 *
        Q: UTF8SMTPS from client.example <> to ü@example.net: ""
        "#,
    );
}

#[test]
fn authentication() {
    let extensions =
        Extensions { auth: AuthPolicy::Required, require_tls_for_auth: false, ..Extensions::default() };
    let config = ServerConfig { extensions, ..config() };
    check(
        config.clone(),
        r#"
        C: MAIL FROM:<>
        S: 530 5.7.0 *
        C: AUTH CRAM-MD5
        S: 504 5.5.4 *
        C: AUTH PLAIN
        S: 334*
        I: false
        C: *
        S: 501 5.7.0 *
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: YW5u
        S: 334 UGFzc3dvcmQ6
        C: c2VjcmV0
        A: 535 5.7.8 wrong
        S: 535 5.7.8 wrong
        Q: auth Login "" "ann" "secret"
        C: AUTH PLAIN !
        S: 501 5.5.2 *
        C: AUTH PLAIN YW5u
        S: 501 5.5.2 *
        C: AUTH LOGIN YW5u
        S: 334 UGFzc3dvcmQ6
        C: *
        S: 501 5.7.0 *
        C: AUTH PLAIN AGFubgBzZWNyZXQ=
        S: 235 2.7.0 *
        Q: auth Plain "" "ann" "secret"
        C: AUTH PLAIN
        S: 503 5.5.1 *
        C: MAIL FROM:<> AUTH=<>
        S: 250 2.1.0 Ok
        "#,
    );
    let fits = "A".repeat(12_288);
    check(
        config.clone(),
        &format!(
            "C: AUTH LOGIN\nS: 334 *\nC: {fits}\nS: 334 *\nC: {fits}A\nS: 500 5.5.6 *\nC: NOOP\nS: 250 *"
        ),
    );
    let with_tls = Extensions { require_tls_for_auth: true, starttls: true, ..config.extensions };
    let config = ServerConfig { extensions: with_tls, ..config };
    check(config, "C: AUTH PLAIN\nS: 538 5.7.11 *\nC: MAIL FROM:<>\nS: 530 5.7.0 *");
}

#[test]
fn shutdown_waits_for_the_open_question() {
    let mut session = ServerSession::new(Arc::new(config()), false);
    assert_eq!(session.poll(), Some(ServerOutput::Ask(Request::Connect)));
    session.handle(ServerInput::Timeout);
    session.handle(ServerInput::Shutdown);
    assert_eq!(session.poll(), None);
    session.handle(ServerInput::Answer(Answer::Accept));
    let last = b"220 mx.example.test ESMTP\r\n421 4.3.2 mx.example.test is shutting down\r\n";
    assert_eq!(session.poll(), Some(ServerOutput::Send(last.to_vec())));
    assert_eq!(session.poll(), Some(ServerOutput::Close));
    assert!(session.is_closed() && session.poll().is_none());
}

#[test]
fn unread_bytes_are_bounded_behind_an_open_question() {
    let mut session = ServerSession::new(Arc::new(config()), false);
    session.handle(ServerInput::Bytes(&vec![b'x'; Limits::BACKLOG - 1]));
    assert!(session.wants_bytes());
    session.handle(ServerInput::Bytes(b"x"));
    assert!(!session.wants_bytes());
    session.handle(ServerInput::Bytes(&vec![b'x'; Limits::BACKLOG_HARD - Limits::BACKLOG]));
    assert!(!session.is_closed());
    session.handle(ServerInput::Bytes(b"x"));
    assert!(session.is_closed());
    session.handle(ServerInput::Answer(Answer::Accept));
    assert_eq!(session.poll(), Some(ServerOutput::Ask(Request::Connect)));
    assert!(matches!(session.poll(), Some(ServerOutput::Send(reply)) if reply.starts_with(b"421 4.3.2 ")));
    assert_eq!((session.poll(), session.poll()), (Some(ServerOutput::Close), None));
}

#[test]
fn the_end_from_outside() {
    check(config(), "!: timeout\nS: 421 4.4.2 *\nX:");
    check_data(config(), "C: x\n!: timeout\nS: 421 4.4.2 *\nX:");
    check(config(), "!: shutdown\nS: 421 4.3.2 *\nX:");
    check_data(config(), "c: half\nI: false\n!: closed\nI: true\nC: .\n!: timeout");
}
