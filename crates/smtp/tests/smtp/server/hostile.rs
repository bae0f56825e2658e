//! Limits, smuggling, and ends from outside.

use std::sync::Arc;

use emta_smtp::{
    Answer, Extensions, Limits, Request, ServerConfig, ServerInput, ServerOutput, ServerSession,
};

use super::{check, check_data, config};
use crate::script::check_server;

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
fn the_end_from_outside() {
    check(config(), "!: timeout\nS: 421 4.4.2 *\nX:");
    check_data(config(), "C: x\n!: timeout\nS: 421 4.4.2 *\nX:");
    check(config(), "!: shutdown\nS: 421 4.3.2 *\nX:");
    check_data(config(), "c: half\nI: false\n!: closed\nI: true\nC: .\n!: timeout");
}
