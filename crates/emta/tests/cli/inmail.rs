//! `emta inmail`: every mail of every input, whatever it is, and the shape of what is printed.

use emta_mail::Timestamp;
use emta_mail::compose::{
    AutoReplySpec, BounceSpec, ComplaintSpec, Language, ReportFormat, auto_reply, bounce, complaint,
};
use emta_mail::inbound::Action;
use serde_json::{Value, json};

use crate::support::{emta, fed, lines, path};

const ORIGINAL: &[u8] =
    b"From: news@news.example\r\nTo: ann@gmail.test\r\nMessage-ID: <spring-1@news.example>\r\nX-Campaign: spring\r\n\
      Subject: Spring\r\n\r\nHello\r\n";

fn at() -> Timestamp {
    "2026-01-05T09:00:00Z".parse().unwrap()
}

fn composed_bounce(format: ReportFormat, recipient: &str) -> Vec<u8> {
    bounce(&BounceSpec {
        format,
        reporting_mta: "mx.gmail.test",
        remote_mta: None,
        from: "postmaster@gmail.test",
        to: "bounces@news.example",
        report_id: "report-1@gmail.test",
        final_recipient: recipient,
        original_recipient: None,
        action: Action::Failed,
        status: "5.1.1".parse().unwrap(),
        diagnostic: "550 5.1.1 The email account that you tried to reach does not exist",
        arrival: at(),
        at: at(),
        will_retry_until: None,
        envelope_id: None,
        original: ORIGINAL,
        return_full: true,
    })
}

fn composed_complaint() -> Vec<u8> {
    complaint(&ComplaintSpec {
        from: "fbl@yahoo.test",
        to: "bounces@news.example",
        report_id: "fbl-1@yahoo.test",
        feedback_type: "abuse",
        user_agent: "ExampleFBL/1.0",
        original_sender: "bounces@news.example",
        original_recipient: Some("ann@gmail.test"),
        arrival: at(),
        at: at(),
        reporting_mta: "mx.yahoo.test",
        source_ip: Some("192.0.2.1"),
        original: ORIGINAL,
    })
}

fn composed_answer() -> Vec<u8> {
    auto_reply(&AutoReplySpec {
        from: "ann@gmail.test",
        to: "bounces@news.example",
        report_id: "away-1@gmail.test",
        subject: "Spring",
        in_reply_to: Some("spring-1@news.example"),
        at: at(),
        language: Language::English,
        text: None,
    })
}

#[test]
fn a_bounce_is_one_line() {
    let run = fed(&["inmail", "-"], &composed_bounce(ReportFormat::Rfc3464, "ann@gmail.test"));
    assert!(run.stderr.contains("        1 delivery_report\n"), "{}", run.stderr);
    let line = run.json();
    let keys: Vec<_> = line.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "file",
        "index",
        "kind",
        "recipient",
        "alias",
        "final_recipient",
        "original_recipient",
        "found_in",
        "meaning",
        "action",
        "status",
        "reply_code",
        "smtp_command",
        "type",
        "reason",
        "rule",
        "to_qualify",
        "text",
        "remote_mta",
        "reporting_mta",
        "last_attempt",
        "will_retry_until",
        "sender_format",
        "program",
        "report_date",
        "report_message_id",
        "original_message_id",
        "original_headers",
        "feedback_type",
    ];
    assert_eq!(keys, expected);
    let expected = json!({
        "file": "-", "index": 0, "kind": "delivery_report", "recipient": "ann@gmail.test", "alias": null,
        "final_recipient": "ann@gmail.test", "original_recipient": null,
        "found_in": "status_part", "meaning": "bounce", "action": "failed", "status": "5.1.1", "reply_code": 550, "smtp_command": null,
        "type": "hard", "reason": "user_unknown",
        "rule": line["rule"], "to_qualify": false,
        "text": "550 5.1.1 The email account that you tried to reach does not exist",
        "remote_mta": null, "reporting_mta": "mx.gmail.test", "last_attempt": "2026-01-05T09:00:00.000Z", "will_retry_until": null,
        "sender_format": "rfc3464", "program": null,
        "report_date": "2026-01-05T09:00:00.000Z", "report_message_id": "report-1@gmail.test", "original_message_id": "spring-1@news.example",
        "original_headers": { "X-Campaign": "spring" }, "feedback_type": null,
    });
    assert_eq!(line, expected);
    // Which of the shipped rules for unknown users it is, is theirs to say.
    assert!(line["rule"].as_str().unwrap().starts_with("User_unknown"), "{line:#}");
}

#[test]
fn folders_are_read_in_name_order_whatever_is_in_them() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &[u8]| {
        let file = folder.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, content).unwrap();
    };
    write("1-complaint.eml", &composed_complaint());
    write("2-away/answer.eml", &composed_answer());
    let mut mbox = Vec::new();
    for format in [ReportFormat::Postfix, ReportFormat::Exchange] {
        mbox.extend_from_slice(b"From MAILER-DAEMON Mon Jan  5 09:00:00 2026\r\n");
        mbox.extend_from_slice(&composed_bounce(format, "bo@gmail.test"));
        mbox.extend_from_slice(b"\r\n");
    }
    write("3.mbox", &mbox);
    write("4-empty", b"");
    write("5-noise", &[0xff, 0x00, b'\r', b'\n', 0x1b, b'[', 0xc3]);
    write("6-cut.eml", &composed_bounce(ReportFormat::Gmail, "cy@gmail.test")[..700]);

    let run = emta(&["inmail", path(folder.path())]);
    let said = &run.stderr;
    for line in ["6 files", "7 mails", "0 unreadable", "2 not a report"] {
        assert!(said.lines().any(|found| found.trim() == line), "{line}: {said}");
    }
    let found = lines(&run.ok());
    let short = |line: &Value| {
        let file = line["file"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        (file, line["index"].as_u64().unwrap(), line["kind"].as_str().unwrap().to_owned())
    };
    let told: Vec<_> = found.iter().take(6).map(short).collect();
    let expected = [
        ("1-complaint.eml", 0, "complaint"),
        ("answer.eml", 0, "auto_reply"),
        ("3.mbox", 0, "delivery_report"),
        ("3.mbox", 1, "delivery_report"),
        ("4-empty", 0, "other"),
        ("5-noise", 0, "other"),
    ];
    assert_eq!(told, expected.map(|(file, index, kind)| (file.to_owned(), index, kind.to_owned())));
    assert_eq!(found.len(), 7);
    assert_eq!((&found[0]["feedback_type"], &found[0]["meaning"]), (&json!("abuse"), &json!("complaint")));
    assert_eq!((&found[1]["reason"], &found[1]["rule"]), (&json!("unreachable"), &json!("Auto_replies")));
    assert_eq!((&found[4]["recipient"], &found[4]["type"]), (&Value::Null, &Value::Null));
}

#[test]
fn one_bad_input_does_not_stop_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good.eml");
    std::fs::write(&good, composed_bounce(ReportFormat::Exim, "ann@gmail.test")).unwrap();
    let missing = folder.path().join("missing.eml");
    let run = emta(&["inmail", path(&missing), path(&good)]);
    assert_eq!(run.code, Some(6));
    assert!(run.stderr.contains("missing.eml` cannot be read: "), "{}", run.stderr);
    assert!(run.stderr.contains("        1 unreadable\n"), "{}", run.stderr);
    assert_eq!(lines(&run.stdout)[0]["recipient"], "ann@gmail.test");
}

#[test]
fn other_rules_give_other_verdicts() {
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.yaml");
    std::fs::write(
        &rules,
        "rules:\n  - id: Mine\n    match: does not exist\n    set: { type: soft, reason: mailbox_full }\n",
    )
    .unwrap();
    let mail = composed_bounce(ReportFormat::Rfc3464, "ann@gmail.test");
    let line = fed(&["inmail", "--rules", path(&rules), "-"], &mail).json();
    assert_eq!(
        (&line["rule"], &line["type"], &line["reason"]),
        (&json!("Mine"), &json!("soft"), &json!("mailbox_full"))
    );
}

/// Who reads a table of failures wants to know how sure each row is.
#[test]
fn program_and_place_are_told() {
    let check = |mail: &[u8], program: Value, found_in: Value| {
        let line = fed(&["inmail", "-"], mail).json();
        assert_eq!((&line["program"], &line["found_in"]), (&program, &found_in), "{line:#}");
    };
    check(&composed_bounce(ReportFormat::Postfix, "ann@gmail.test"), json!("postfix"), json!("status_part"));
    check(&composed_bounce(ReportFormat::AmazonSns, "ann@gmail.test"), json!("amazon_ses"), json!("json"));
    check(&composed_complaint(), Value::Null, json!("feedback_part"));
    check(&composed_answer(), Value::Null, json!("sender"));
    check(b"From: ann@gmail.test\r\nSubject: Hello\r\n\r\nHello\r\n", Value::Null, Value::Null);
}
