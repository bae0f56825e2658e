//! Transcripts of the client.

use emta_smtp::{ClientConfig, TlsPolicy};

use crate::script::{check_client, ehlo_reply};

fn config() -> ClientConfig {
    ClientConfig::new("mta.example")
}

fn lockstep() -> ClientConfig {
    ClientConfig { pipelining: false, ..config() }
}

/// A script after EHLO, against a server with these keywords.
fn check(config: ClientConfig, keywords: &[&str], script: &str) {
    let hello = ehlo_reply(keywords);
    check_client(config, &format!("S: 220 mx.example.test ESMTP\nC: EHLO mta.example\n{hello}{script}"));
}

#[test]
fn in_lock_step() {
    check(
        lockstep(),
        &["PIPELINING", "SIZE 1000"],
        "
        D: 1 b@example.net body=.x\\r\\n
        C: MAIL FROM:<news@example.com> SIZE=4
        S: 250 2.1.0 Ok
        C: RCPT TO:<b@example.net>
        S: 250 2.1.5 Ok
        C: DATA
        S: 354 go
        C: ..x
        C: .
        S: 250 2.0.0 Ok
        F: 1 message 250 2.0.0 Ok
        D: 2 c@example.net
        C: MAIL FROM:<news@example.com> SIZE=7
        S: 250 Ok
        C: RCPT TO:<c@example.net>
        S: 550 5.1.1 no
        F: 2 rcpt 550 5.1.1 no
        D: 3 d@example.net
        C: RSET
        S: 250 Ok
        C: MAIL FROM:<news@example.com> SIZE=7
        S: 451 4.7.1 later
        F: 3 mail 451 4.7.1 later
        D: 4 e@example.net
        C: MAIL FROM:<news@example.com> SIZE=7
        !: quit
        S: 250 Ok
        C: RCPT TO:<e@example.net>
        S: 250 Ok
        C: DATA
        S: 451 4.3.0 no
        F: 4 data 451 4.3.0 no
        C: QUIT
        S: 221 bye
        X:
        D: 5 f@example.net
        F: 5 connect 421 4.4.2 [internal] connection closed before the message was sent
        ",
    );
}

#[test]
fn pipelined() {
    check(
        config(),
        &["PIPELINING"],
        "
        D: 1 b@example.net
        C: MAIL FROM:<news@example.com>
        C: RCPT TO:<b@example.net>
        C: DATA
        D: 2 c@example.net
        D: 3 d@example.net
        S: 250 a
        S: 250 b
        S: 354 c
        C: Hello
        C: .
        C: MAIL FROM:<news@example.com>
        C: RCPT TO:<c@example.net>
        C: DATA
        S: 452 4.2.2 full
        F: 1 message 452 4.2.2 full
        S: 250 a
        S: 550 5.1.1 no
        S: 554 5.5.1 no valid recipients
        F: 2 rcpt 550 5.1.1 no
        C: RSET
        C: MAIL FROM:<news@example.com>
        C: RCPT TO:<d@example.net>
        C: DATA
        S: 250 reset
        S: 250 a
        S: 250 b
        S: 354 c
        C: Hello
        C: .
        D: 4 e@example.net
        C: MAIL FROM:<news@example.com>
        C: RCPT TO:<e@example.net>
        C: DATA
        s: 250 2.0.0 one\\r\\n250 a\\r\\n550 5.1.1 no\\r\\n354 c\\r\\n
        F: 3 message 250 2.0.0 one
        C: .
        D: 5 f@example.net
        C: MAIL FROM:<news@example.com>
        C: RCPT TO:<f@example.net>
        C: DATA
        S: 554 5.5.1 no valid recipients
        F: 4 rcpt 550 5.1.1 no
        S: 550 5.7.1 blocked
        S: 503 no
        S: 503 no
        F: 5 mail 550 5.7.1 blocked
        D: 6 g@example.net
        C: MAIL FROM:<news@example.com>
        C: RCPT TO:<g@example.net>
        C: DATA
        ",
    );
}

#[test]
fn chunked() {
    let config = ClientConfig { chunking: true, ..config() };
    check(
        config.clone(),
        &["PIPELINING", "CHUNKING"],
        "
        D: 1 b@example.net body=.\\n.x
        D: 2 c@example.net
        C: MAIL FROM:<news@example.com>
        C: RCPT TO:<b@example.net>
        C: BDAT 7 LAST
        C: .
        C: .x
        S: 250 a
        S: 250 b
        S: 250 2.0.0 Ok
        F: 1 message 250 2.0.0 Ok
        C: MAIL FROM:<news@example.com>
        C: RCPT TO:<c@example.net>
        C: BDAT 7 LAST
        C: Hello
        D: 3 d@example.net
        S: 250 a
        S: 550 5.1.1 no
        S: 554 5.5.1 no valid recipients
        F: 2 rcpt 550 5.1.1 no
        C: RSET
        C: MAIL FROM:<news@example.com>
        C: RCPT TO:<d@example.net>
        C: BDAT 7 LAST
        C: Hello
        ",
    );
    check(
        ClientConfig { pipelining: false, ..config },
        &["CHUNKING"],
        "
        D: 1 b@example.net
        C: MAIL FROM:<news@example.com>
        S: 250 a
        C: RCPT TO:<b@example.net>
        S: 250 b
        C: BDAT 7 LAST
        C: Hello
        S: 552 5.3.4 too large
        F: 1 message 552 5.3.4 too large
        D: 2 b@example.net
        C: RSET
        ",
    );
}

#[test]
fn parameters_only_where_offered() {
    let job = "D: 1 b@example.net hdrs envid=a+b success orcpt=o@example.net 8bit";
    check(
        config(),
        &["DSN", "8BITMIME", "SIZE"],
        &format!(
            "{job}
            C: MAIL FROM:<news@example.com> SIZE=7 BODY=8BITMIME RET=HDRS ENVID=a+2Bb
            S: 250 Ok
            C: RCPT TO:<b@example.net> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;o@example.net
            "
        ),
    );
    check(
        config(),
        &["8BITMIME"],
        &format!(
            "{job}\nC: MAIL FROM:<news@example.com> BODY=8BITMIME\nS: 250 Ok\nC: RCPT TO:<b@example.net>"
        ),
    );
    check(
        config(),
        &["DSN", "SMTPUTF8"],
        "
        D: 1 ü@example.net null never orcpt=ü@example.net full
        C: MAIL FROM:<> SMTPUTF8 RET=FULL
        S: 250 Ok
        C: RCPT TO:<ü@example.net> NOTIFY=NEVER ORCPT=utf-8;\\x{FC}@example.net
        ",
    );
}

#[test]
fn what_the_server_cannot_take_is_not_sent() {
    check(
        config(),
        &["SIZE 6"],
        "
        D: 1 b@example.net 8bit
        F: 1 mail 554 5.6.3 [internal] *
        D: 2 ü@example.net
        F: 2 mail 553 5.6.7 [internal] *
        D: 3 b@example.net utf8
        F: 3 mail 553 5.6.7 [internal] *
        D: 4 b@example.net
        F: 4 mail 552 5.3.4 [internal] the message has 7 octets, the server takes 6
        D: 5 b@example.net body=1234\\r\\n
        C: MAIL FROM:<news@example.com> SIZE=6
        ",
    );
}

#[test]
fn refused_before_the_first_message() {
    let jobs = "D: 1 b@example.net\nD: 2 c@example.net";
    let later = "X:\nD: 3 d@example.net";
    check_client(
        config(),
        &format!(
            "{jobs}
            S: 554 5.7.1 blocked
            C: QUIT
            F: 1 greeting 554 5.7.1 blocked
            F: 2 greeting 554 5.7.1 blocked
            {later}
            F: 3 greeting 554 5.7.1 blocked
            "
        ),
    );
    let refusals = [
        ("S: 421 4.7.0 busy", "greeting 421 4.7.0 busy"),
        ("S: 250 what", "greeting 451 4.5.0 [internal] malformed reply from the server"),
        ("S: hello", "greeting 451 4.5.0 [internal] malformed reply from the server"),
        ("!: closed", "greeting 421 4.4.2 [internal] connection to the server lost"),
        ("!: timeout", "greeting 421 4.4.1 [internal] timed out while waiting for the server"),
        ("S: 220 a\nC: EHLO mta.example\nS: 450 4.7.1 no\nC: QUIT", "ehlo 450 4.7.1 no"),
        ("S: 220 a\nC: EHLO mta.example\nS: 502 ?\nC: HELO mta.example\nS: 550 no\nC: QUIT", "ehlo 550 no"),
    ];
    for (dialogue, end) in refusals {
        check_client(config(), &format!("{jobs}\n{dialogue}\nF: 1 {end}\nF: 2 {end}\n{later}\nF: 3 {end}"));
    }
    check_client(
        config(),
        "S: 220 a\nC: EHLO mta.example\nS: 500 ?\nC: HELO mta.example\nS: 250 PIPELINING
         D: 1 b@example.net\nC: MAIL FROM:<news@example.com>",
    );
    check_client(config(), "!: quit\nX:");
}

#[test]
fn lost_in_the_middle() {
    let start = "
        D: 1 b@example.net
        D: 2 c@example.net
        D: 3 d@example.net
        C: MAIL FROM:<news@example.com>
        C: RCPT TO:<b@example.net>
        C: DATA
        S: 250 a
    ";
    let content = "S: 250 b\nS: 354 c\nC: Hello\nC: .\nC: MAIL*\nC: RCPT*\nC: DATA\n";
    let not_sent = "connect 421 4.4.2 [internal] connection closed before the message was sent";
    for (dialogue, end) in [
        ("S: 421 4.7.0 stop", "rcpt 421 4.7.0 stop"),
        ("!: closed", "rcpt 421 4.4.2 [internal] connection to the server lost"),
        ("S: 350 go on", "rcpt 451 4.5.0 [internal] malformed reply from the server"),
        ("S: 550 5.1.1 no\nS: 421 4.7.0 stop", "rcpt 550 5.1.1 no"),
        ("S: 550 5.1.1 no\n!: closed", "rcpt 550 5.1.1 no"),
        ("S: 250 b\n!: timeout", "data 421 4.4.1 [internal] timed out while waiting for the server"),
        ("S: 250 b\nS: 250 c", "data 451 4.5.0 [internal] malformed reply from the server"),
        ("{content}!: closed", "message 421 4.4.2 [internal] connection to the server lost"),
        ("{content}S: 421 4.3.2 down", "message 421 4.3.2 down"),
        ("{content}S: 354 what", "message 451 4.5.0 [internal] malformed reply from the server"),
    ] {
        let dialogue = dialogue.replace("{content}", content);
        let script =
            format!("{start}{dialogue}\nF: 1 {end}\nF: 2 {not_sent}\nF: 3 {not_sent}\nX:\n!: closed");
        check(config(), &["PIPELINING"], &script);
    }
    check(config(), &[], "S: 421 4.4.2 idle for too long\nX:");
    check(config(), &[], "S: 250 unasked\nX:");
    check(config(), &[], "!: timeout\nX:");
    check(config(), &[], "!: quit\nC: QUIT\n!: timeout\nX:");
}

#[test]
fn tls() {
    let job = "D: 1 b@example.net\n";
    let mail = "C: MAIL FROM:<news@example.com>";
    let required = ClientConfig { tls: TlsPolicy::Required, ..config() };
    let never = ClientConfig { tls: TlsPolicy::Never, ..config() };
    let offered = &["STARTTLS", "SIZE"];
    for config in [config(), required.clone()] {
        let script = format!(
            "{job}
            C: STARTTLS
            s: 220 go\\r\\n250 injected\\r\\n
            s: 250 injected\\r\\n
            T:
            C: EHLO mta.example
            S: 250-mx
            S: 250 STARTTLS
            {mail}"
        );
        check(config.clone(), offered, &script);
        let failed = "F: 1 starttls 454 4.7.5 [internal] TLS handshake failed: bad certificate";
        check(config, offered, &format!("{job}C: STARTTLS\nS: 220 go\nt: bad certificate\n{failed}\nX:"));
    }
    check(config(), offered, &format!("{job}C: STARTTLS\nS: 454 4.7.0 no\n{mail} SIZE=7"));
    check(never, offered, &format!("{job}{mail} SIZE=7"));
    let refused =
        "F: 1 starttls 454 4.7.5 [internal] TLS is required, but the server refused it: 454 4.7.0 no";
    check(required.clone(), offered, &format!("{job}C: STARTTLS\nS: 454 4.7.0 no\nC: QUIT\n{refused}\nX:"));
    let absent = "F: 1 starttls 454 4.7.4 [internal] TLS is required, but the server does not offer it";
    check(required, &["SIZE"], &format!("C: QUIT\nX:\n{job}{absent}"));
}
