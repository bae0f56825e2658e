use super::*;
use proptest::prelude::*;

/// Each recipient as `address action status diagnostic`.
fn check(content: &str, expected: &[&str]) {
    let found: Vec<_> = read(content.as_bytes())
        .recipients
        .iter()
        .map(|r| {
            let status = r.status.map_or("-".to_owned(), |s| s.to_string());
            format!("{} {} {status} {}", r.address().unwrap_or("-"), r.action, r.diagnostic)
                .trim_end()
                .to_owned()
        })
        .collect();
    assert_eq!(found, expected, "{content}");
}

#[test]
fn reads_groups_however_they_are_torn() {
    check(
        "Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1\n\
         Diagnostic-Code: smtp; 550 5.1.1\n  unknown\n\nFinal-Recipient: rfc822; b@example.com\nAction: delayed\nStatus: 4.4.1\n",
        &["a@example.com failed 5.1.1 550 5.1.1 unknown", "b@example.com delayed 4.4.1"],
    );
    // Fields without a value begin nothing.
    check(
        "Final-Recipient: a@example.com\n\nFinal-Recipient: b@example.com\nAction: delayed\n\nAction: \n",
        &["a@example.com failed -", "b@example.com delayed -"],
    );
    check(
        "Final-Recipient: a@example.com\nOriginal-Recipient: o@example.com\nOriginal-Recipient: \n",
        &["o@example.com failed -"],
    );
    // Everything in one group.
    check(
        "Final-Recipient: a@example.com\nStatus: 5.1.1\nFinal-Recipient: b@example.com\nStatus: 5.2.2\n",
        &["a@example.com failed 5.1.1", "b@example.com failed 5.2.2"],
    );
    // Several recipients of whom the same is said.
    check(
        "Final-Recipient: a@example.com\nOriginal-Recipient: o@example.com\nFinal-Recipient: b@example.com\n\
         Final-Recipient: c@example.com\nStatus: 5.1.1\n\nFinal-Recipient: d@example.com\nStatus: 5.2.2\n",
        &[
            "o@example.com failed 5.1.1",
            "b@example.com failed 5.1.1",
            "c@example.com failed 5.1.1",
            "d@example.com failed 5.2.2",
        ],
    );
    // One group torn apart by an empty line.
    check(
        "Final-Recipient: rfc822;a@example.com\n\nAction: failed\nStatus: 5.0.0 (no)\nDiagnostic-Code: x-unix; 552 5.2.2 full\n",
        &["a@example.com failed 5.2.2 552 5.2.2 full"],
    );
    // A reason among the fields of the message is each recipient's only where it has none of its own.
    check(
        "Action: delayed\nStatus: 4.4.1\nDiagnostic-Code: of the message\n\nFinal-Recipient: a@example.com\nAction: failed\n\
         Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 unknown\n",
        &["a@example.com failed 5.1.1 550 5.1.1 unknown"],
    );
    check(
        "Status: 5.2.2\nDiagnostic-Code: smtp; 552 5.2.2 full\n\nFinal-Recipient: a@example.com\nAction: failed\n",
        &["a@example.com failed 5.2.2 552 5.2.2 full"],
    );
    // Quoted by indenting; several in a field; the original recipient as the SMTP command had it.
    check(
        "  Reporting-MTA: dns; mx.example\n\n  Final-Recipient: a@example.com, b@example.com\n  Status: 5.1.1\n",
        &["a@example.com failed 5.1.1", "b@example.com failed 5.1.1"],
    );
    check(
        "Original-Recipient: rfc822;a+2Bb@example.com\nFinal-Recipient: rfc822;a+b@example.com\nAction: failed\n",
        &["a+b@example.com failed -"],
    );
    // The original recipient first, or after.
    check(
        "Original-Recipient: rfc822;o@example.com\nFinal-Recipient: rfc822;f@example.com\nAction: failed\n\n\
         Final-Recipient: rfc822;g@example.com\nOriginal-Recipient: rfc822;p@example.com\nAction: failed\n",
        &["o@example.com failed -", "p@example.com failed -"],
    );
}

#[test]
fn missing_and_odd_fields() {
    check("Final-Recipient: rfc822; a@example.com\n", &["a@example.com failed -"]);
    check("Final-Recipient: a@example.com\nStatus: 4.2.2\n", &["a@example.com delayed 4.2.2"]);
    check(
        "Final-Recipient: a@example.com\nAction: FAILURE (expired)\nLast-Attempt-Date: never\n",
        &["a@example.com failed -"],
    );
    check("X-Actual-Recipient: rfc822; a@example.com\nAction: failed\n", &["a@example.com failed -"]);
    check("Action: failed\nStatus: 5.1.1\n", &[]);
    check("Final-Recipient: rfc822;\nAction: failed\n", &[]);
    check("", &[]);
}

#[test]
fn what_is_said_of_nobody_is_kept() {
    let unnamed = read(b"Reporting-MTA: dns; mx.example\n\nAction: failed\nStatus: 5.1.1\n").unnamed.unwrap();
    assert_eq!(unnamed.status.unwrap().to_string(), "5.1.1");
    assert_eq!(read(b"Reporting-MTA: dns; mx.example\n").unnamed, None);
    assert_eq!(read(b"Final-Recipient: a@example.com\nStatus: 5.1.1\n").unnamed, None);
}

#[test]
fn fields_of_the_message() {
    let status = read(
        b"Original-Envelope-Id: a+2Bb+zz\nReporting-MTA: dns;mx.example\nArrival-Date: Mon, 5 Jan 2026 09:00:00 +0000\n",
    );
    assert_eq!(status.envelope_id.as_deref(), Some("a+b+zz"));
    assert_eq!(status.reporting_mta.as_deref(), Some("mx.example"));
    assert_eq!(status.arrival_date.unwrap().as_seconds(), 1_767_603_600);
}

#[test]
fn what_many_share_does_not_grow_with_them() {
    let long = "x".repeat(MAX_DIAGNOSTIC);
    let content =
        format!("{}Diagnostic-Code: 550 {long}\n", "Final-Recipient: a@example.com\n".repeat(1_000));
    let all: usize = read(content.as_bytes()).recipients.iter().map(|report| report.diagnostic.len()).sum();
    assert!(all <= ALL_SHARED + MAX_DIAGNOSTIC, "{all}");
}

#[test]
fn recipients_are_limited() {
    let count = |n: usize| read("Final-Recipient: a@example.com\n\n".repeat(n).as_bytes()).recipients.len();
    assert_eq!(count(MAX_RECIPIENTS), MAX_RECIPIENTS);
    assert_eq!(count(MAX_RECIPIENTS + 1), MAX_RECIPIENTS);
    // In one block, the fields of a header are.
    let together = |n: usize| read("Final-Recipient: a@example.com\n".repeat(n).as_bytes()).recipients.len();
    assert_eq!(together(header::MAX_FIELDS + 1), header::MAX_FIELDS);
}

proptest! {
    #[test]
    fn any_bytes_are_read(content in "((Final-Recipient|Action|Status|Diagnostic-Code|Original-Envelope-Id)?[:;+ 5.1a@é<>]{0,9}\r?\n?){0,12}") {
        let _ = read(content.as_bytes());
    }
}
