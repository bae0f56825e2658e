//! CHUNKING, STARTTLS and AUTH.

use emta_smtp::{AuthPolicy, Extensions, Limits, ServerConfig};

use super::{check, config};

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
