//! `emta bounce`: what it writes is what was asked for, and `emta inmail` reads it back.

use serde_json::{Value, json};

use crate::support::{emta, fed, path};

const PARTIES: [&str; 6] =
    ["bounce", "make", "--to", "bounces@news.example", "--recipient", "ann@example.com"];

fn make(args: &[&str]) -> String {
    emta(&[&PARTIES[..], args].concat()).ok()
}

fn read(mail: &str) -> Value {
    fed(&["inmail", "-"], mail.as_bytes()).json()
}

fn format_names() -> Vec<String> {
    let listed = emta(&["bounce", "formats", "--format", "json"]).json();
    listed.as_array().unwrap().iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_listed_format_is_written_and_read_back() {
    let names = format_names();
    assert!(names.len() >= 25, "{names:?}");
    for name in names {
        let mail = make(&["--format", &name, "--diagnostic", "552 5.2.2 Mailbox full", "--seed", "3"]);
        let line = read(&mail);
        let expected = json!(["delivery_report", "ann@example.com", "5.2.2", 552, "soft", "mailbox_full"]);
        let found = ["kind", "recipient", "status", "reply_code", "type", "reason"].map(|key| &line[key]);
        assert_eq!(json!(found), expected, "{name}: {line:#}\n{mail}");
    }
}

#[test]
fn the_table_of_formats_is_for_people() {
    let table = emta(&["bounce", "formats"]).ok();
    assert!(table.starts_with("FORMAT"), "{table}");
    assert!(
        table.lines().any(|line| line.starts_with("postfix ") && line.contains("status_part")),
        "{table}"
    );
}

#[test]
fn the_same_arguments_give_the_same_bytes() {
    for kind in ["dsn", "arf", "auto-reply"] {
        let one = make(&["--kind", kind, "--seed", "7"]);
        assert_eq!(one, make(&["--kind", kind, "--seed", "7"]));
        assert_ne!(one, make(&["--kind", kind, "--seed", "8"]));
        assert!(one.ends_with("\r\n"), "{one}");
    }
}

#[test]
fn every_field_is_the_caller_s() {
    let folder = tempfile::tempdir().unwrap();
    let original = folder.path().join("sent.eml");
    std::fs::write(&original, "Message-ID: <spring@news.example>\r\nSubject: Spring\r\n\r\nThe body\r\n")
        .unwrap();
    let fields = [
        ("--from", "postmaster@mx1.example.net", "From: "),
        ("--date", "2026-03-04T05:06:07Z", "Date: Wed, 4 Mar 2026 05:06:07 +0000"),
        ("--arrival", "2026-03-04T04:00:00Z", "Arrival-Date: Wed, 4 Mar 2026 04:00:00 +0000"),
        ("--report-id", "r1@mx1.example.net", "Message-ID: <r1@mx1.example.net>"),
        ("--original-recipient", "ann@news.example", "Original-Recipient: rfc822; ann@news.example"),
        ("--status", "4.2.2", "Status: 4.2.2"),
        ("--diagnostic", "452 4.2.2 Over quota", "Diagnostic-Code: smtp; 452 4.2.2 Over quota"),
        ("--action", "delayed", "Action: delayed"),
        ("--retry-until", "2026-03-08T05:06:07Z", "Will-Retry-Until: Sun, 8 Mar 2026 05:06:07 +0000"),
        ("--reporting-mta", "mx1.example.net", "Reporting-MTA: dns; mx1.example.net"),
        ("--remote-mta", "mx2.example.com", "Remote-MTA: dns; mx2.example.com"),
        ("--envelope-id", "e17", "Original-Envelope-Id: e17"),
        ("--original", path(&original), "Message-ID: <spring@news.example>"),
    ];
    let args: Vec<&str> = fields.iter().flat_map(|(flag, value, _)| [*flag, *value]).collect();
    let mail = make(&args);
    for (flag, _, line) in fields {
        assert!(mail.lines().any(|found| found.starts_with(line)), "{flag}: no `{line}`:\n{mail}");
    }
    assert!(!mail.contains("The body"), "{mail}");
    assert!(make(&[&args[..], &["--full"]].concat()).contains("The body"));
    let line = read(&mail);
    assert_eq!(
        (&line["meaning"], &line["original_message_id"]),
        (&json!("delayed"), &json!("spring@news.example"))
    );
}

#[test]
fn complaints_and_answers() {
    let line = read(&make(&["--kind", "arf", "--feedback-type", "fraud", "--source-ip", "192.0.2.7"]));
    let found = (&line["kind"], &line["feedback_type"], &line["recipient"]);
    assert_eq!(found, (&json!("complaint"), &json!("fraud"), &json!("ann@example.com")));
    let redacted = make(&[
        "--kind",
        "arf",
        "--redact",
        "--from",
        "fbl@example.net",
        "--reporting-mta",
        "mx.example.net",
    ]);
    assert!(!redacted.contains("ann@example.com"), "{redacted}");
    for (language, words) in [("de", "Ich bin nicht"), ("ja", "ただいま")] {
        let mail = make(&["--kind", "auto-reply", "--language", language]);
        assert!(mail.contains(words), "{mail}");
        assert_eq!(read(&mail)["meaning"], "auto_reply");
    }
    assert!(make(&["--kind", "auto-reply", "--text", "Back on Monday"]).contains("Back on Monday"));
}

#[test]
fn what_a_format_cannot_say_is_said_in_another_and_told() {
    let args = [&PARTIES[..], &["--format", "qmail", "--action", "expanded"]].concat();
    let run = emta(&args);
    assert!(run.stderr.starts_with("warning: `qmail`"), "{run:#?}");
    assert_eq!(read(&run.ok())["meaning"], "delivered");
}

#[test]
fn wrong_arguments_are_named() {
    let check = |args: &[&str], code: i32, message: &str| {
        let run = emta(&[&PARTIES[..], args].concat());
        assert_eq!(run.code, Some(code), "{run:#?}");
        assert!(run.stderr.contains(message), "{run:#?}");
        assert_eq!(run.stdout, "");
    };
    check(&["--format", "postfx"], 2, "postfx");
    check(&["--status", "9.9"], 2, "9.9");
    for flag in [&["--language", "de"][..], &["--text", "Away"]] {
        check(flag, 2, &format!("`{}` belongs to `--kind auto-reply`; this is `--kind dsn`", flag[0]));
    }
    for flag in [&["--redact"][..], &["--feedback-type", "fraud"], &["--source-ip", "192.0.2.1"]] {
        check(flag, 2, &format!("`{}` belongs to `--kind arf`; this is `--kind dsn`", flag[0]));
    }
    let of_bounces = [
        &["--format", "exim"][..],
        &["--action", "failed"],
        &["--status", "5.1.1"],
        &["--diagnostic", "550 no"],
        &["--original-recipient", "bo@example.com"],
        &["--remote-mta", "mx.example.com"],
        &["--envelope-id", "e1"],
        &["--retry-until", "2026-03-08T05:06:07Z"],
        &["--full"],
    ];
    for flag in of_bounces {
        for kind in ["arf", "auto-reply"] {
            let said = format!("`{}` belongs to `--kind dsn`; this is `--kind {kind}`", flag[0]);
            check(&[flag, &["--kind", kind]].concat(), 2, &said);
        }
    }
    check(&["--redact", "--text", "x"], 2, "`--redact` belongs to `--kind arf`, `--text` belongs to");
    check(&["--from", "nobody"], 2, "nobody");
    check(&["--date", "yesterday"], 2, "yesterday");
    check(&["--original", "/nowhere/sent.eml"], 4, "`/nowhere/sent.eml` cannot be read");
}
