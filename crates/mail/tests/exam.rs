//! An exam: for each program and service, mails as its documentation and its sources let one expect them, with what
//! is to be read in them. The cases stand in `exam/*.txt`; all text in them is written for this exam.
//!
//! A case is a line `=== name`, what is expected, a line `---`, and the mail. What is expected:
//!
//! ```text
//! kind auto_reply            default: delivery_report
//! program exim               default: none; `any`: not looked at
//! format rfc3464             default: not looked at
//! plain                      only as it stands; else other forms of the same mail must tell the same
//! a@example.com failed 550 5.1.1 | 550 5.1.1 unknown      recipient, action, code, status, diagnostic
//! b@example.com failed - - ~ quota                         the diagnostic has this in it
//! ```
//!
//! In a mail, `@daemon SUBJECT` stands for the header that mail systems write, `@copy` for the returned message.

#![expect(clippy::unwrap_used, reason = "a broken case is told by a panic")]

use std::fs;
use std::path::Path;

use base64::Engine as _;
use emta_mail::inbound::{self, InboundMail, MailKind};

const DAEMON: &str = "Return-Path: <>\nFrom: Mail Delivery System <MAILER-DAEMON@mx.example>\nTo: news@shop.example\n\
    Date: Mon, 5 Jan 2026 09:00:00 +0000\nSubject: ";
const COPY: &str = "Received: from shop.example ([192.0.2.7]) by mx.example; Mon, 5 Jan 2026 09:00:00 +0000\n\
    Message-ID: <m1@shop.example>\nFrom: Shop <news@shop.example>\nTo: customer@else.example\nSubject: Offers\n\n\
    Write to help@shop.example if delivery failed.\n";

struct Case<'a> {
    name: &'a str,
    kind: MailKind,
    program: Option<&'a str>,
    format: Option<&'a str>,
    plain: bool,
    recipients: Vec<&'a str>,
    mail: String,
    has_copy: bool,
}

fn cases(text: &str) -> Vec<Case<'_>> {
    text.split("\n=== ")
        .skip(1)
        .map(|case| {
            let (name, rest) = case.split_once('\n').unwrap();
            let (expected, mail) = rest.split_once("---\n").unwrap_or_else(|| panic!("{name}: no mail"));
            let mut out = Case {
                name,
                kind: MailKind::DeliveryReport,
                program: None,
                format: None,
                plain: false,
                recipients: Vec::new(),
                mail: String::new(),
                has_copy: false,
            };
            for line in expected.lines() {
                match line.split_once(' ') {
                    Some(("kind", kind)) => out.kind = MailKind::from_name(kind).unwrap(),
                    Some(("program", program)) => out.program = Some(program),
                    Some(("format", format)) => out.format = Some(format),
                    None if line == "plain" => out.plain = true,
                    Some(_) | None => out.recipients.push(line),
                }
            }
            for line in mail.lines() {
                let line = match line.strip_prefix("@daemon ") {
                    Some(subject) => format!("{DAEMON}{subject}"),
                    None if line == "@copy" => {
                        out.has_copy = true;
                        COPY.trim_end().to_owned()
                    }
                    None => line.to_owned(),
                };
                out.mail.push_str(&line);
                out.mail.push('\n');
            }
            out
        })
        .collect()
}

/// What a mail tells, in the notation of the cases.
fn told(mail: &InboundMail) -> Vec<String> {
    let dash = || "-".to_owned();
    let tell = |r: &inbound::RecipientReport| {
        let code = r.reply_code.map_or_else(dash, |code| code.to_string());
        let status = r.status.map_or_else(dash, |status| status.to_string());
        let line = format!("{} {} {code} {status} | {}", r.address().unwrap_or("-"), r.action, r.diagnostic);
        line.trim_end().trim_end_matches(" |").to_owned()
    };
    mail.recipients.iter().map(tell).collect()
}

fn same(expected: &str, told: &str) -> bool {
    match expected.split_once(" ~ ") {
        Some((codes, word)) => {
            told.split_once(" | ").is_some_and(|(found, said)| found == codes && said.contains(word))
        }
        None => expected == told,
    }
}

/// What is wrong with the reading of a mail; `None` if nothing is.
fn wrong(case: &Case<'_>, form: &str, raw: &[u8]) -> Option<String> {
    let mail = inbound::read(raw);
    let told = told(&mail);
    let right = case.recipients.len() == told.len()
        && case.recipients.iter().zip(&told).all(|(expected, told)| same(expected, told));
    let original = mail.original.as_ref().and_then(|o| o.message_id.as_deref());
    let ok = right
        && mail.kind == case.kind
        && (case.program == Some("any") || mail.program == case.program)
        && case.format.is_none_or(|format| mail.sender_format == format)
        && (!case.has_copy || original == Some("m1@shop.example") || case.kind == MailKind::Other);
    (!ok).then(|| {
        format!(
            "{} ({form}): {} [{}] {:?} original {original:?}\n    expected {:#?}\n    told {told:#?}",
            case.name, mail.kind, mail.sender_format, mail.program, case.recipients
        )
    })
}

/// The same mail as others might have sent or passed it on: with CRLF, in other transfer encodings, as HTML.
fn forms(case: &Case<'_>) -> Vec<(&'static str, String)> {
    let mail = case.mail.as_str();
    let mut forms = vec![("as it is", mail.to_owned()), ("CRLF", mail.replace('\n', "\r\n"))];
    let (head, body) = mail.split_once("\n\n").unwrap_or((mail, ""));
    if head.contains("Content-") {
        return forms;
    }
    let base64 = base64::engine::general_purpose::STANDARD.encode(body);
    let lines: Vec<&str> = base64.as_bytes().chunks(76).map(|l| std::str::from_utf8(l).unwrap()).collect();
    let text = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding";
    forms.push(("base64", format!("{head}\n{text}: base64\n\n{}\n", lines.join("\n"))));
    forms.push((
        "quoted-printable",
        format!("{head}\n{text}: quoted-printable\n\n{}", quoted_printable(body)),
    ));
    let html = body.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\n', "<br>\n");
    forms.push((
        "HTML",
        format!("{head}\nContent-Type: text/html; charset=utf-8\n\n<html><body>{html}</body></html>\n"),
    ));
    if case.kind != MailKind::DeliveryReport {
        return forms;
    }
    let quoted: String = mail.lines().flat_map(|line| ["> ", line, "\n"]).collect();
    forms.push((
        "passed on by quoting",
        format!("From: Staff <staff@shop.example>\nTo: news@shop.example\nSubject: Fwd: returned\n\nLook at this:\n\n{quoted}"),
    ));
    forms.push((
        "attached",
        format!(
            "From: Staff <staff@shop.example>\nTo: news@shop.example\nSubject: returned\n\
             Content-Type: multipart/mixed; boundary=outer\n\n--outer\n\nSee below.\n--outer\nContent-Type: message/rfc822\n\n{mail}\n--outer--\n"
        ),
    ));
    forms
}

fn quoted_printable(body: &str) -> String {
    let mut out = String::new();
    for line in body.split_inclusive('\n') {
        let mut width = 0;
        for byte in line.bytes() {
            let piece = match byte {
                b'\n' => "\n".to_owned(),
                b'=' | 0x80.. => format!("={byte:02X}"),
                b' ' if width > 60 => "=20".to_owned(),
                _ => char::from(byte).to_string(),
            };
            if width + piece.len() > 74 && byte != b'\n' {
                out.push_str("=\n");
                width = 0;
            }
            width += piece.len();
            out.push_str(&piece);
        }
    }
    out
}

/// Reads all cases of a file in all forms.
fn check(file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exam").join(file);
    let text = format!("\n{}", fs::read_to_string(path).unwrap());
    let (mut all, mut count, mut misses) = (0, 0, Vec::new());
    for case in cases(&text) {
        let forms = if case.plain { vec![("as it is", case.mail.clone())] } else { forms(&case) };
        all += forms.len();
        let found = forms.iter().filter_map(|(form, raw)| wrong(&case, form, raw.as_bytes()));
        // What is misread as it is will be so in the other forms.
        let found: Vec<_> = found.collect();
        count += found.len();
        misses.extend(found.into_iter().take(FORMS_SHOWN));
    }
    println!("{file}: {} of {all}", all - count);
    assert!(misses.is_empty(), "{count} of {all} are misread:\n{}", misses.join("\n"));
}

/// Misread forms of one mail that are shown.
const FORMS_SHOWN: usize = 1;

#[test]
fn servers_of_unix() {
    check("unix.txt");
}

#[test]
fn microsoft() {
    check("microsoft.txt");
}

#[test]
fn portals() {
    check("portals.txt");
}

#[test]
fn servers_of_desktops() {
    check("desktop.txt");
}

#[test]
fn filters() {
    check("filters.txt");
}

#[test]
fn services_and_mobile_networks() {
    check("services.txt");
}

#[test]
fn lists_and_people_who_pass_on() {
    check("lists.txt");
}

#[test]
fn reports_as_they_come() {
    check("reports.txt");
}

#[test]
fn complaints() {
    check("complaints.txt");
}

#[test]
fn answers() {
    check("answers.txt");
}

#[test]
fn what_is_none_of_it() {
    check("others.txt");
}

#[test]
fn other_dress() {
    check("odd.txt");
}

#[test]
fn further_programs() {
    check("more.txt");
}

#[test]
fn a_fresh_round() {
    check("fresh.txt");
}

#[test]
fn another_fresh_round() {
    check("fresh_again.txt");
}

#[test]
fn bounces_in_nobodys_format() {
    check("homemade.txt");
}

#[test]
fn old_and_odd_senders_again() {
    check("odd_again.txt");
}

#[test]
fn kinds_of_mail() {
    check("kinds.txt");
}

#[test]
fn imperfect_reports() {
    check("imperfect.txt");
}

#[test]
fn kinds_of_mail_again() {
    check("kinds_again.txt");
}

#[test]
fn a_bounce_mailbox() {
    check("mailbox.txt");
}

#[test]
fn a_bounce_mailbox_again() {
    check("mailbox_again.txt");
}
