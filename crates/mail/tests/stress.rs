//! Mails that break other readers: huge, deep, or of one thing only. Each is read in time that grows with its size
//! alone. In debug builds they are smaller and nobody looks at the clock.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use emta_mail::inbound::{self, InboundMail, MAX_MAIL, MailKind};
use proptest::prelude::*;

const HEAD: &str =
    "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\nTo: news@shop.example\nSubject: Undelivered Mail\n";
const REPORT: &str = "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n";

/// Sizes are for release; debug builds take this part of them.
const PART: usize = if cfg!(debug_assertions) { 16 } else { 1 };
const LIMIT: Duration = if cfg!(debug_assertions) { Duration::from_mins(1) } else { Duration::from_secs(1) };

#[expect(clippy::disallowed_methods, reason = "what is measured is real time")]
fn check(what: &str, raw: &str) -> InboundMail {
    let start = Instant::now();
    let mail = inbound::read(raw.as_bytes());
    let took = start.elapsed();
    println!("{what}: {} octets in {took:?}, {} recipients", raw.len(), mail.recipients.len());
    assert!(took < LIMIT, "{what}: {took:?}");
    mail
}

fn repeat(piece: &str, octets: usize) -> String {
    piece.repeat(octets / PART / piece.len())
}

#[test]
fn ordinary_mail_of_15_megabytes() {
    let body =
        repeat("An ordinary line of text with an address a@example.com, and 550 of something.\n", 15_000_000);
    let mail =
        check("ordinary mail", &format!("From: a@example.com\nTo: b@example.com\nSubject: Hello\n\n{body}"));
    assert_eq!((mail.kind, mail.recipients.len()), (MailKind::Other, 0));
    let attachment = repeat(
        "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NTY3\n",
        15_000_000,
    );
    let mail = check(
        "an attachment",
        &format!(
            "From: a@example.com\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nHello\n--b\n\
             Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n{attachment}\n--b--\n"
        ),
    );
    assert_eq!(mail.kind, MailKind::Other);
}

#[test]
fn the_largest_mail_that_is_read() {
    let tail = "\n--b\nContent-Type: message/delivery-status\n\nFinal-Recipient: rfc822;a@example.com";
    let size = MAX_MAIL / PART;
    let mail =
        check("the largest mail", &format!("{HEAD}{REPORT}\n{}{tail}", "x\n".repeat((size - 400) / 2)));
    assert_eq!(mail.recipients.len(), 1);
}

#[test]
fn lines_of_one_thing() {
    for (what, piece, octets) in [
        ("one line", "x", 5_000_000),
        ("one line of words", "deliver failed ", 5_000_000),
        ("one line of addresses", "failed a@example.com ", 5_000_000),
        ("one line of new addresses", "<a@", 1_000_000),
        ("spaces", " ", 2_000_000),
        ("empty lines", "\n", 2_000_000),
        ("carriage returns", "\r", 2_000_000),
        ("less than", "<", 1_000_000),
        ("greater than", ">", 1_000_000),
        ("at signs", "@", 1_000_000),
        ("quotes", "\"", 1_000_000),
        ("dashes", "--", 1_000_000),
        ("boundaries", "\n--b\n", 1_000_000),
        ("codes", "550 5.1.1 ", 1_000_000),
        ("replies of many lines", "550-5.1.1 no\n", 1_000_000),
        ("commands", ">>> RCPT To:<a@example.com>\n<<< 550 no\n", 1_000_000),
        ("failed recipients", "Final-Recipient: rfc822;\n\n", 1_000_000),
        ("hosts", "host mx.example said: ", 1_000_000),
        ("escapes", "=3D=", 1_000_000),
        ("encoded words", "=?utf-8?Q?x?= ", 1_000_000),
        ("braces", "{\"notificationType\":", 1_000_000),
        ("cyrillic", "не доставлено ", 2_000_000),
    ] {
        let run = repeat(piece, octets);
        for head in [
            format!("{HEAD}\n"),
            "From: a@example.com\nSubject: hello\n\n".to_owned(),
            format!("{HEAD}Content-Type: text/html\n\n"),
            format!("{HEAD}Content-Transfer-Encoding: quoted-printable\n\n"),
            format!("{HEAD}Content-Transfer-Encoding: base64\n\n"),
            format!("{HEAD}{REPORT}Content-Type: message/delivery-status\n\n"),
            format!("{HEAD}X-Failed-Recipients: "),
            "Subject: ".to_owned(),
            String::new(),
        ] {
            check(what, &format!("{head}{run}"));
        }
    }
}

#[test]
fn broken_html() {
    for piece in [
        "<p <b",
        "<!-- ",
        "</",
        "<script>",
        "<head>",
        "&amp",
        "<td><",
        "<a href='",
        "<style>x</style",
        "<pre>",
    ] {
        let body = repeat(piece, 1_000_000);
        check("broken HTML", &format!("{HEAD}Content-Type: text/html\n\n{body}"));
        check("broken HTML in a part", &format!("{HEAD}{REPORT}Content-Type: text/html\n\n{body}\n--b--"));
    }
}

#[test]
fn five_thousand_recipients() {
    let (mut report, mut list, mut session) = (String::new(), String::new(), String::new());
    for n in 0..5_000 {
        let _ = write!(
            report,
            "Final-Recipient: rfc822; r{n}@example.com\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such user {n}\n\n"
        );
        let _ = write!(list, "<r{n}@example.com>: host mx.example said: 550 5.1.1 no such user {n}\n\n");
        let _ = write!(session, ">>> RCPT To:<r{n}@example.com>\n<<< 550 5.1.1 no such user {n}\n");
    }
    for (what, body) in [
        ("a report", format!("{REPORT}Content-Type: message/delivery-status\n\n{report}--b--\n")),
        ("a list", format!("\nThis is the mail system at host mx.example.\n\n{list}")),
        ("a transcript", format!("\n   ----- Transcript of session follows -----\n{session}")),
    ] {
        let mail = check(what, &format!("{HEAD}{body}"));
        assert_eq!(mail.recipients.len(), 5_000, "{what}");
        let last = mail.recipients.last().map(|r| (r.address().unwrap_or_default(), r.diagnostic.as_str()));
        assert_eq!(last, Some(("r4999@example.com", "550 5.1.1 no such user 4999")), "{what}");
    }
    // All share what follows the list: memory must not grow with the product of the two.
    let mut names = String::new();
    for n in 0..5_000 {
        let _ = writeln!(names, "r{n}@example.com");
    }
    let mail = check(
        "a shared reason",
        &format!(
            "{HEAD}\nThis is the mail system at host mx.example.\n\n{names}\n550 {}\n",
            "x".repeat(100_000)
        ),
    );
    let octets: usize = mail.recipients.iter().map(|r| r.diagnostic.len()).sum();
    assert!(mail.recipients.len() == 5_000 && octets < 4_000_000, "{octets}");
}

#[test]
fn twenty_thousand_header_fields() {
    for field in
        ["X-Field: value\n", "Received: from a by b\n", "To: a@example.com\n", "X: \n a\n b\n", "no field\n"]
    {
        check("header fields", &format!("{HEAD}{}\nbody", field.repeat(20_000)));
        check(
            "fields of the message",
            &format!("{HEAD}{REPORT}Content-Type: message/rfc822\n\n{}", field.repeat(20_000)),
        );
    }
}

#[test]
fn three_hundred_nested_parts() {
    let mut nested = format!("{HEAD}Content-Type: multipart/mixed; boundary=b0\n\n");
    for level in 1..300 {
        let _ = write!(nested, "--b{}\nContent-Type: multipart/mixed; boundary=b{level}\n\n", level - 1);
    }
    check("nested parts", &format!("{nested}--b299\n\n<a@example.com>: 550 5.1.1 no\n"));
    let messages = format!("{HEAD}Content-Type: message/rfc822\n\n").repeat(300);
    check("nested messages", &messages);
}

proptest! {
    #[test]
    fn any_repetition_is_read(head in "(From: MAILER-DAEMON@x\n|Content-Type: (text/html|multipart/report; boundary=b)\n){0,2}", piece in "(\\PC|\n|\r|<|>|@|--b|=|\\{|\"|:| |550|5\\.1\\.1|Final-Recipient:){1,6}", times in 1usize..2_000) {
        let _ = inbound::read(format!("{head}\n{}", piece.repeat(times)).as_bytes());
    }
}
