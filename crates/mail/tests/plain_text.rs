//! Bounces in plain text, in the ways that programs write them; and the other mails of a bounce mailbox.

use emta_mail::inbound::{self, InboundMail, MAX_DIAGNOSTIC, MAX_MAIL, MAX_TEXT, MailKind};

const HEAD: &str =
    "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: news@shop.example\nSubject: returned\n";
const COPY: &str = "Return-Path: <news@shop.example>\nMessage-ID: <m1@shop.example>\nFrom: news@shop.example\n\
    To: someone@else.example\nSubject: Offers\n\nbounce@nobody.example failed to deliver\n";

fn read(raw: &str) -> InboundMail {
    inbound::read(raw.as_bytes())
}

/// Each recipient as `address action code status diagnostic`.
fn told(mail: &InboundMail) -> Vec<String> {
    let dash = || "-".to_owned();
    mail.recipients
        .iter()
        .map(|r| {
            let code = r.reply_code.map_or_else(dash, |code| code.to_string());
            let status = r.status.map_or_else(dash, |status| status.to_string());
            let address = r.final_recipient.as_deref().unwrap_or("-");
            format!("{address} {} {code} {status} {}", r.action, r.diagnostic)
        })
        .collect()
}

/// A bounce with this text before a copy of the message.
fn check(format: &str, text: &str, expected: &[&str]) {
    for copy in ["", COPY] {
        let mail = read(&format!("{HEAD}\n{text}\n{copy}"));
        assert_eq!(told(&mail), expected, "{text}");
        assert_eq!((mail.kind, mail.sender_format), (MailKind::DeliveryReport, format), "{text}");
        let original = mail.original.and_then(|original| original.message_id);
        assert_eq!(original.as_deref(), (!copy.is_empty()).then_some("m1@shop.example"), "{text}");
    }
}

#[test]
fn lists() {
    check(
        "qmail",
        "Hi. This is the qmail-send program at mx.example.\nSorry.\n\n<a@example.com>:\n192.0.2.1 does not like recipient.\n\
         Remote host said: 550 5.1.1 No such user\nGiving up on 192.0.2.1.\n\n<b@example.com>:\n\
         Sorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n",
        &[
            "a@example.com failed 550 5.1.1 550 5.1.1 No such user",
            "b@example.com failed - 5.1.1 Sorry, no mailbox here by that name. (#5.1.1)",
        ],
    );
    check(
        "exim",
        "This message was created automatically by mail delivery software.\n\nIt failed for:\n\n  a@example.com\n    \
         SMTP error from remote mail server after RCPT TO:<a@example.com>:\n    host mx.example.com [192.0.2.1]: 550 unknown\n  \
         b@example.com\n    Unrouteable address\n\n------ This is a copy of the message. ------\n",
        &["a@example.com failed 550 - 550 unknown", "b@example.com failed - - Unrouteable address"],
    );
    check(
        "postfix",
        "This is the mail system at host mx.example.\n\n<a@example.com>: host mx.example.com[192.0.2.1] said: 552 5.2.2\n    \
         Over quota (in reply to RCPT TO command)\n",
        &["a@example.com failed 552 5.2.2 552 5.2.2 Over quota (in reply to RCPT TO command)"],
    );
    check(
        "opensmtpd",
        "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this e-mail.\n\n    It failed for:\n\n\
         a@example.com: 550 5.1.1 no\n",
        &["a@example.com failed 550 5.1.1 550 5.1.1 no"],
    );
    check(
        "exchange",
        "Your message\n\n  To:      list@shop.example\n  Subject: x\n\ndid not reach the following recipient(s):\n\n\
         a@example.com on Mon, 5 Jan 2026 09:00:00 -0000\n    The recipient name is not recognized\n",
        &["a@example.com failed - - The recipient name is not recognized"],
    );
    check(
        "gmail",
        "Delivery to the following recipient failed permanently:\n\n     a@example.com\n\n\
         Technical details of permanent failure:\nThe other server said: 550 5.1.1 no such user\n",
        &["a@example.com failed 550 5.1.1 550 5.1.1 no such user"],
    );
    check(
        "generic",
        "The mail below is undeliverable:\n\n\"a@example.com\":\n5.2.1 disabled\n* b@example.com [no such user]\n",
        &["a@example.com failed - 5.2.1 5.2.1 disabled", "b@example.com failed - - [no such user]"],
    );
}

#[test]
fn transcripts() {
    check(
        "sendmail",
        "   ----- The following addresses had permanent fatal errors -----\n<a@example.com>\n    (reason: 550 5.1.1 unknown)\n\
         <b@example.com>\n\n   ----- Transcript of session follows -----\n... while talking to mx.example.com.:\n\
         >>> RCPT To:<b@example.com>\n<<< 552-5.2.2 over\n<<< 552 5.2.2 quota\n550 5.1.1 <a@example.com>... User unknown\n",
        &[
            "a@example.com failed 550 5.1.1 550 5.1.1 unknown",
            "b@example.com failed 552 5.2.2 552-5.2.2 over 552 5.2.2 quota",
        ],
    );
    // Without a list, the session itself names them; the sender is only mentioned.
    check(
        "sendmail",
        "   ----- Transcript of session follows -----\nWhile talking to mx.example.com:\n>>> MAIL From:<news@shop.example>\n\
         <<< 250 ok\n>>> RCPT To:<a@example.com>\n<<< 550 unknown\n554 <b@example.com>... Remote protocol error\n",
        &[
            "a@example.com failed 550 - 550 unknown",
            "b@example.com failed 554 - 554 <b@example.com>... Remote protocol error",
        ],
    );
}

#[test]
fn sentences() {
    check(
        "dragonfly",
        "This is the DragonFly Mail Agent at mx.example.\n\nThere was an error delivering your mail to <a@example.com>.\n\n\
         mx.example.com [192.0.2.1] did not like our RCPT TO:\n550 5.7.1 Blocked\n",
        &["a@example.com failed 550 5.7.1 550 5.7.1 Blocked"],
    );
    check(
        "generic",
        "We could not do it: the server rejected recipient <a@example.com>, saying [550 5.1.1 unknown].\nAsk help@mx.example.\n",
        &[
            "a@example.com failed 550 5.1.1 We could not do it: the server rejected recipient <a@example.com>, saying [550 5.1.1 unknown].",
        ],
    );
    check(
        "generic",
        "This is only a warning.\n\nTHIS IS A WARNING: a@example.com is not delivered yet.\n",
        &["a@example.com delayed - - THIS IS A WARNING: a@example.com is not delivered yet."],
    );
}

#[test]
fn the_header_names_who_failed() {
    let mail = read(&format!(
        "{HEAD}X-Failed-Recipients: a@example.com\n\nA message sent by\n\n  <list@shop.example>\n\nfailed:\n\n  a@example.com\n    no\n"
    ));
    assert_eq!(told(&mail), ["a@example.com failed - - no"]);
    let mail = read(&format!("{HEAD}X-Failed-Recipients: a@example.com, b@example.com\n\nIt is full.\n"));
    assert_eq!(mail.recipients.len(), 2);
}

#[test]
fn a_report_that_was_forwarded_or_lost_its_mime() {
    let status = "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1\n";
    let report = format!(
        "{HEAD}Content-Type: multipart/report; report-type=delivery-status; boundary=i\n\n--i\n\nNo.\n\n--i\n\
         Content-Type: message/delivery-status\n\n{status}\n--i\nContent-Type: message/rfc822\n\n{COPY}\n--i--\n"
    );
    let wrapped = format!(
        "From: filter@shop.example\nSubject: scanned\nContent-Type: multipart/mixed; boundary=o\n\n--o\n\nScanned.\n--o\n\
         Content-Type: message/rfc822\n\n{report}--o--\n"
    );
    for raw in [report, wrapped, format!("{HEAD}\nIt failed.\n\n{status}\n{COPY}")] {
        let mail = read(&raw);
        assert_eq!(told(&mail), ["a@example.com failed - 5.1.1 "], "{raw}");
        assert_eq!((mail.kind, mail.sender_format), (MailKind::DeliveryReport, "rfc3464"), "{raw}");
        assert_eq!(mail.reporting_mta.as_deref(), Some("mx.example"), "{raw}");
        assert_eq!(mail.original.and_then(|o| o.message_id).as_deref(), Some("m1@shop.example"), "{raw}");
    }
}

#[test]
fn a_report_about_a_message_that_had_passed_a_feedback_loop_is_no_complaint() {
    let mail = read(&format!(
        "{HEAD}Content-Type: multipart/report; boundary=i\n\n--i\nContent-Type: message/delivery-status\n\n\
         Final-Recipient: rfc822; a@example.com\n--i\nContent-Type: message/rfc822\n\n\
         X-HmXmrOriginalRecipient: b@example.com\n--i--\n"
    ));
    assert_eq!(mail.kind, MailKind::DeliveryReport);
}

#[test]
fn the_text_completes_a_report_without_diagnostic() {
    let mail = read(&format!(
        "{HEAD}Content-Type: multipart/report; boundary=i\n\n--i\n\nThis is the mail system at host mx.example.\n\n\
         <a@example.com>: 550 5.7.1 Blocked\n\n--i\nContent-Type: message/delivery-status\n\n\
         Final-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.0.0\n--i--\n"
    ));
    assert_eq!(told(&mail), ["a@example.com failed 550 5.7.1 550 5.7.1 Blocked"]);
}

#[test]
fn mail_that_is_no_bounce() {
    let check = |raw: &str, kind: MailKind, recipient: Option<&str>, original: Option<&str>| {
        let mail = read(raw);
        assert_eq!(mail.kind, kind, "{raw}");
        let found: Vec<_> = mail.recipients.iter().filter_map(|r| r.final_recipient.as_deref()).collect();
        assert_eq!(found, recipient.as_slice(), "{raw}");
        assert_eq!(mail.original.and_then(|o| o.message_id).as_deref(), original, "{raw}");
    };
    check(
        "From: a@example.com\nSubject: unsubscribe<NM60001E24000000929acme@mkt.example>\n\n",
        MailKind::Unsubscribe,
        Some("a@example.com"),
        Some("NM60001E24000000929acme@mkt.example"),
    );
    check(
        "From: a@example.com\nSubject: Away\nAuto-Submitted: auto-replied\nIn-Reply-To: <m1@shop.example>\n\nBack soon.\n",
        MailKind::AutoReply,
        Some("a@example.com"),
        Some("m1@shop.example"),
    );
    check(
        "From: a@example.com\nSubject: Please confirm your email to a@example.com\n\nClick.\n",
        MailKind::ChallengeResponse,
        Some("a@example.com"),
        None,
    );
    check(
        "From: staff@provider.example\nSubject: complaint\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\
         Content-Type: message/rfc822\n\nX-HmXmrOriginalRecipient: a@example.com\nMessage-ID: <m1@shop.example>\n\nHi\n--b--\n",
        MailKind::Complaint,
        Some("a@example.com"),
        Some("m1@shop.example"),
    );
    check(
        "From: a@example.com\nSubject: Hello\n\nI failed to deliver the cake to b@example.com.\n",
        MailKind::Other,
        None,
        None,
    );
    check("", MailKind::Other, None, None);
}

#[test]
fn limits_at_their_bounds() {
    let text = |n: usize| read(&format!("Subject: x\n\n{}", "é".repeat(n / 2))).text.len();
    assert_eq!(text(MAX_TEXT), MAX_TEXT);
    assert_eq!(text(MAX_TEXT + 2), MAX_TEXT);

    let diagnostic = |n: usize| {
        let mail = read(&format!("{HEAD}\n<a@example.com>: {}\n", "d".repeat(n)));
        mail.recipients[0].diagnostic.len()
    };
    assert_eq!(diagnostic(MAX_DIAGNOSTIC), MAX_DIAGNOSTIC);
    assert_eq!(diagnostic(MAX_DIAGNOSTIC + 1), MAX_DIAGNOSTIC);

    let body = |n: usize| {
        let head = format!("{HEAD}Content-Type: multipart/report; boundary=b\n\n");
        let tail = "--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822;a@example.com";
        let mail = read(&format!("{head}{}\n{tail}", "x".repeat(n - head.len() - 1 - tail.len())));
        mail.recipients.first().and_then(|r| r.final_recipient.clone())
    };
    assert_eq!(body(MAX_MAIL).as_deref(), Some("a@example.com"));
    // Half a line is not read: an address at its end would be another one.
    assert_eq!(body(MAX_MAIL + 1), None);
}

#[test]
fn deep_nesting_costs_neither_the_stack_nor_much_time() {
    let report = "Content-Type: multipart/report; boundary=b\n\n--b\n";
    for piece in [
        "Content-Type: message/rfc822\n\n",
        "--b\nContent-Type: message/rfc822\n\n",
        "--b\nContent-Type: multipart/mixed; boundary=missing\n\n",
        "Content-Type: multipart/report; boundary=b\n\n--b\n",
    ] {
        let mail = read(&format!("{report}{}", piece.repeat(100_000)));
        assert!(mail.recipients.is_empty());
    }
}
