//! Rules held against texts and labels.

use emta_mail::compose::{BounceSpec, ReportFormat, bounce};
use emta_mail::inbound::Action;
use serde_json::{Value, json};

use super::{Files, RULES};
use crate::support::emta;

/// A bounce about this recipient, with this diagnostic.
pub(super) fn mail(recipient: &str, diagnostic: &str) -> String {
    let at = "2026-01-05T09:00:00Z".parse().unwrap();
    let mail = bounce(&BounceSpec {
        format: ReportFormat::Rfc3464,
        reporting_mta: "mx.example.net",
        remote_mta: None,
        from: "postmaster@example.net",
        to: "bounces@news.example",
        report_id: "report-1@example.net",
        final_recipient: recipient,
        original_recipient: None,
        action: Action::Failed,
        status: diagnostic[4..9].parse().unwrap(),
        diagnostic,
        arrival: at,
        at,
        will_retry_until: None,
        envelope_id: None,
        original: b"From: news@news.example\r\nMessage-ID: <spring-1@news.example>\r\n\r\nHello\r\n",
        return_full: false,
    });
    String::from_utf8(mail).unwrap()
}

/// A folder of mails, and labels for all of them but the last: the second one is wrong.
fn corpus(files: &Files) -> (String, String) {
    files.write("mails/1.eml", &mail("ann@example.com", "550 5.1.1 user unknown"));
    files.write("mails/2.eml", &mail("bo@example.com", "552 5.2.2 over quota"));
    let mbox: String = ["cy@example.com", "di@example.com"]
        .map(|recipient| {
            let mail = mail(recipient, "554 5.7.9 the moon is in the wrong house");
            format!("From MAILER-DAEMON Mon Jan  5 09:00:00 2026\r\n{mail}\r\n")
        })
        .concat();
    let third = files.write("mails/sub/3.mbox", &mbox);
    let labels = [
        json!({"file": "1.eml", "index": 1, "campaign": {"type": "Hard", "reason": "User unknown"}}),
        json!({"file": "2.eml", "index": 1, "campaign": {"type": "hard", "reason": "user_unknown"}}),
        json!({"file": "2.eml", "index": 9, "campaign": {"type": "hard", "reason": "user_unknown"}}),
        json!({"file": "3.mbox", "index": 2, "recipient": "cy@example.com",
               "campaign": {"type": "Soft", "reason": "Refused"}}),
        json!({"file": "1.eml", "index": 2, "campaign": null}),
    ];
    let labels = labels.map(|label| label.to_string()).join("\n");
    let folder = third.replace("/sub/3.mbox", "");
    (folder, files.write("labels.jsonl", &labels))
}

#[test]
fn eval_counts_what_is_right() {
    let files = Files::new();
    let rules = files.write("rules.yaml", RULES);
    let (folder, labels) = corpus(&files);
    let args = ["rules", "eval", &folder, "--labels", &labels, "--rules", &rules];
    let run = emta(&args);
    assert_eq!(run.code, Some(1), "{run:#?}");
    let told = run.stdout;
    assert!(
        told.starts_with("4 texts, 3 labelled, 1 right (33.3 %), 2 to qualify, 1 label without a finding\n"),
        "{told}"
    );
    let misses = told.split_once("\nMisses: 2\n").unwrap().1;
    let expected = "  should be hard\n    2.eml 1: hard / user_unknown, got soft / mailbox_full by Full\n      \
                    552 5.2.2 over quota\n";
    assert!(misses.starts_with(expected), "{misses}");
    assert!(
        misses.contains("    sub/3.mbox 2: soft / refused, got ignored / unreachable by (no rule)\n"),
        "{misses}"
    );
    assert!(misses.ends_with("  not found in its mail: 2.eml 9\n"), "{misses}");

    let told = emta(&[&args[..], &["--floor", "25", "--format", "json"]].concat()).json();
    assert_eq!((&told["right"], &told["to_qualify"]), (&json!(1), &json!(2)));
    assert_eq!(told["not_found"], json!(["2.eml 9"]));
    assert_eq!(emta(&[&args[..], &["--floor", "26"]].concat()).code, Some(1));
    assert_eq!(emta(&[&args[..], &["--floor", "101"]].concat()).code, Some(2));
}

#[test]
fn reply_lines_have_labels_too() {
    let files = Files::new();
    let rules = files.write("rules.yaml", RULES);
    let lines = files.write("lines.txt", "550 user unknown\n\n452 over quota\n");
    let labels = files.write(
        "labels.jsonl",
        "{\"line\": 1, \"campaign\": {\"type\": \"hard\", \"reason\": \"user_unknown\"}}\n\
         {\"line\": 3, \"campaign\": {\"type\": \"soft\", \"reason\": \"mailbox_full\"}}\n",
    );
    let eval = |corpus: &str, more: &[&str]| {
        emta(&[&["rules", "eval", corpus, "--rules", &rules, "--format", "json"], more].concat())
    };
    assert_eq!(eval(&lines, &["--labels", &labels]).json()["right"], 2);
    let rows = "{\"text\": \"over quota\", \"code\": 452, \"campaign\": {\"type\": \"soft\", \"reason\": \
                \"mailbox_full\"}}\n{\"what\": 1}\n";
    let run = eval(&files.write("lines.jsonl", rows), &[]);
    assert_eq!(run.code, Some(6), "{run:#?}");
    assert!(run.stderr.contains("`lines.jsonl:2` cannot be read: `text` is missing"), "{}", run.stderr);
    assert_eq!(serde_json::from_str::<Value>(&run.stdout).unwrap()["right"], 1);
    let bad = files.write("bad.jsonl", "{}\n{\"line\": 1, \"campaign\": {\"type\": \"odd\"}}\n");
    let run = eval(&lines, &["--labels", &bad]);
    assert_eq!(run.code, Some(3), "{run:#?}");
    assert!(
        run.stderr.contains("\"line\":2") && run.stderr.contains("is not a type and a reason"),
        "{}",
        run.stderr
    );
    assert_eq!(eval("/there/is/none", &[]).code, Some(4));
}

#[test]
fn a_regression_is_1() {
    let files = Files::new();
    let (folder, labels) = corpus(&files);
    let old = files.write("old.yaml", RULES);
    let diff = |new: &str, more: &[&str]| {
        let new = files.write("new.yaml", new);
        emta(&[&["rules", "diff", &old, &new, "--corpus", &folder], more].concat())
    };
    let said = diff(RULES, &["--labels", &labels]).ok();
    assert!(said.starts_with("0 of 4 texts change: 0 regressions"), "{said}");
    let worse = RULES.replace("type: hard", "type: soft");
    let run = diff(&worse, &["--labels", &labels]);
    assert_eq!(run.code, Some(1), "{run:#?}");
    let change = "\n1: hard / user_unknown by Unknown -> soft / user_unknown by Unknown (1 regression, 0 improvements)\n    \
                  1.eml 1: 550 5.1.1 user unknown\n";
    assert!(run.stdout.contains(change), "{}", run.stdout);
    let told = diff(&worse, &["--format", "json"]).json();
    assert_eq!((&told["changed"], &told["regressions"]), (&json!(1), &json!(0)), "no label, no regression");
}

#[test]
fn lint_finds_what_never_wins() {
    let files = Files::new();
    let good = files.write("good.yaml", RULES);
    let said = emta(&["rules", "lint", "--rules", &good]).ok();
    assert!(said.ends_with("good.yaml: 2 rules, nothing found\n"), "{said}");
    let more = "    - id: Late\n      match: [\"user unknown here\"]\n      set: { type: soft, reason: refused }\n      \
                tests:\n          match: [\"550 user unknown here\"]\n";
    let bad = files.write("bad.yaml", &format!("{RULES}{more}"));
    let run = emta(&["rules", "lint", "--rules", &bad, "--format", "json"]);
    assert_eq!(run.code, Some(1), "{run:#?}");
    let found: Vec<Value> = serde_json::from_str(&run.stdout).unwrap();
    let shadowed = found.iter().find(|finding| finding["problem"] == "shadowed").unwrap();
    assert_eq!((&shadowed["rule"], &shadowed["detail"]["by"]), (&json!("Late"), &json!("Unknown")));
}

/// Drafts are a rule file whose tests pass, and they know what nobody knew.
#[test]
fn suggestions_are_rules() {
    let files = Files::new();
    let (folder, labels) = corpus(&files);
    let rules = files.write("rules.yaml", RULES);
    let suggest = |more: &[&str]| {
        let args = ["rules", "suggest", "--rules", &rules, "--corpus", &folder, "--labels", &labels];
        emta(&[&args, more].concat())
    };
    let drafts = suggest(&[]).ok();
    assert!(drafts.contains("    # 2 times: 554 5.7.9 the moon is in the wrong house\n"), "{drafts}");
    assert!(drafts.contains("    # labelled soft / refused (1)\n"), "{drafts}");
    let drafts = files.write("drafts.yaml", &drafts);
    assert_eq!(emta(&["rules", "test", &drafts]).code, Some(0));
    let told =
        emta(&["rules", "explain", "--rules", &drafts, "554 5.7.9 the moon is in the wrong house"]).ok();
    assert!(told.contains("verdict     soft / refused"), "{told}");
    assert_eq!(suggest(&["--format", "json"]).json()[0]["count"], 2);
    let odd = files.write("odd.txt", "550 one\u{2028}more \u{85}odd \u{1b}[31m\u{feff}thing happened\n");
    let drafts = emta(&["rules", "suggest", "--rules", &rules, "--corpus", &odd]).ok();
    assert_eq!(emta(&["rules", "test", &files.write("odd.yaml", &drafts)]).code, Some(0), "{drafts}");
    let known = files.write("known.txt", "550 user unknown\n");
    let none = emta(&["rules", "suggest", "--rules", &rules, "--corpus", &known]).ok();
    assert!(none.ends_with("rules: []\n"), "{none}");
}
