//! The commands that talk to a running system, in one story.

use serde_json::json;

use crate::support::{Server, lines, path};

const LIST: &str = "email,name\nann@gmail.test,Ann\nbounced@gmail.test,Bo\nsoftbounced@outlook.test,Cy\n\
                    ooo@yahoo.test,Di\n,Ed\nann@GMAIL.test,Ann\n";

#[test]
fn a_delivery_from_the_list_to_the_last_retry() {
    let server = Server::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("list.csv");
    std::fs::write(&list, LIST).unwrap();
    let text = folder.path().join("letter.txt");
    std::fs::write(&text, "Dear {{name}},\n\nspring is here.\n").unwrap();
    let emta = |args: &[&str]| server.emta(args);
    let json = |args: &[&str]| server.emta(&[args, &["--format", "json"]].concat()).json();

    let health = json(&["health"]);
    assert_eq!((&health["status"], &health["listen"]["smtp"]), (&json!("ok"), &server.ready["smtp"]));

    let create =
        ["delivery", "create", "--label", "spring", "--recipients", path(&list), "--validity", "24h"];
    let letter = ["--subject", "Hi {{name}}", "--text-file", path(&text), "--prepare"];
    let made = json(&[&create[..], &letter].concat());
    assert_eq!(
        (&made["delivery"], &made["state"], &made["validity"]),
        (&json!(1), &json!("ready"), &json!("1d"))
    );
    let shown = emta(&["delivery", "show", "1"]).ok();
    assert!(shown.contains("excluded    address_not_specified 1, double 1\n"), "{shown}");
    emta(&["delivery", "confirm", "1"]).ok();

    emta(&["clock", "settle"]).ok();
    assert_eq!(json(&["clock", "step"])["instants"], 1);
    let waiting = json(&["messages", "--status", "deferred"]);
    assert_eq!(waiting[0]["recipient"], "softbounced@outlook.test");
    let queue = emta(&["queue", "--by", "domain"]).ok();
    assert!(queue.lines().any(|line| line.starts_with("outlook.test ")), "{queue}");

    let advanced = json(&["clock", "advance", "84h"]);
    assert_eq!(advanced["from"], "2026-01-05T09:00:01.000Z");
    assert_eq!(advanced["to"], "2026-01-08T21:00:01.000Z");
    assert_eq!(json(&["clock", "to", "2026-01-09T00:00:00Z"])["to"], "2026-01-09T00:00:00.000Z");
    assert_eq!(json(&["clock", "status"])["virtual"], "2026-01-09T00:00:00.000Z");

    let kpis = emta(&["delivery", "kpis", "1"]).ok();
    let row = |title: &str| {
        let line = kpis.lines().find(|line| line.starts_with(title)).unwrap_or_default();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("Delivered"), "Delivered 2 (50.0 %) 2 (50.0 %) 2 (50.0 %)");
    assert_eq!(row("Bounces"), "Bounces + errors 2 (50.0 %) 2 (50.0 %) 2 (50.0 %)");
    assert_eq!(json(&["delivery", "logs", "1", "--limit", "2"]).as_array().unwrap().len(), 2);

    let id = waiting[0]["queue_id"].as_str().unwrap();
    let story = emta(&["message", id]).ok();
    assert!(story.contains("status        expired\n"), "{story}");
    assert!(story.lines().any(|line| line.contains("+1d ") && line.contains(" expired ")), "{story}");
    let raw = emta(&["message", id, "--raw"]).ok();
    assert!(raw.contains("Subject: Hi Cy\r\n") && raw.contains("Dear Cy,"), "{raw}");

    let events = lines(&emta(&["events"]).ok());
    let exported = lines(&emta(&["events", "--export"]).ok());
    assert_eq!(events.len(), exported.len());
    assert_eq!(events.iter().filter(|event| event["type"] == "message.accepted").count(), 4);
    let after = events[2]["sequence"].to_string();
    assert_eq!(lines(&emta(&["events", "--after", &after, "--limit", "1"]).ok()), [events[3].clone()]);

    assert_eq!(json(&["bounces"])[0]["kind"], "auto_reply");
    assert_eq!(json(&["addresses", "--status", "quarantine"])[0]["address"], "bounced@gmail.test");
    assert_eq!(json(&["addresses", "set", "bounced@gmail.test", "valid"])["status"], "valid");
    assert_eq!(json(&["addresses", "--status", "quarantine"]), json!([]));
    assert_eq!(json(&["providers"]).as_array().unwrap().len(), 9);
    assert_eq!(json(&["qualification"]), json!([]));
    let nobody = ["qualification", "edit", "0123456789abcdef0123456789abcdef", "--status", "keep"];
    assert_eq!(emta(&nobody).code, Some(1));
}
