//! The dialogue as it should be, and what is refused in it.

use emta_smtp::{Extensions, ServerConfig};

use super::{check, check_data, config};
use crate::script::check_server;

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
