//! The two tables of the Email Feedback Service, row by row, over the whole system: relay, queue, providers, inMail,
//! webhook and campaign core.

#![expect(clippy::unwrap_used, reason = "what is wrong is told by a panic")]

use emta_tests::api::{kinds, text};
use emta_tests::{Setup, System};
use serde_json::Value;

const MODES: [&str; 3] = ["without-efs", "efs", "efs-v8"];

/// What a step of a row shows: Delivered in percent, Bounces and errors in percent, and the delivery log's status.
type Shown = (u64, u64, &'static str);

const SENT: &str = "sent";
const FAILED: &str = "failed";
const PENDING: &str = "pending";
const TAKEN: &str = "taken_into_account";

/// One row of the table: what happens to a message, and what each mode shows at each of these times.
struct Row {
    name: &'static str,
    script: &'static str,
    /// Time to advance, and what is shown then, by mode.
    steps: &'static [(&'static str, [Shown; 3])],
    /// Reason at the end, by mode.
    reasons: [&'static str; 3],
}

/// The first step is that the MTA has the message. Its first attempt follows one second later, because the provider has
/// a limit by the hour.
const RELAYED: (&str, [Shown; 3]) = ("0s", [(100, 0, SENT), (0, 0, PENDING), (0, 0, TAKEN)]);
const DELIVERED: (&str, [Shown; 3]) = ("1s", [(100, 0, SENT); 3]);
const SOFT: (&str, [Shown; 3]) = ("1s", [(100, 0, SENT), (0, 100, FAILED), (0, 0, TAKEN)]);

const ROWS: [Row; 8] = [
    Row { name: "delivered", script: "250", steps: &[RELAYED, DELIVERED], reasons: ["not_defined"; 3] },
    Row {
        name: "hard bounce",
        script: "550 5.1.1 User unknown",
        steps: &[RELAYED, ("1s", [(0, 100, FAILED); 3])],
        reasons: ["user_unknown"; 3],
    },
    Row {
        name: "soft bounce",
        script: "452 4.2.2 mailbox full",
        steps: &[RELAYED, SOFT, ("20m", SOFT.1)],
        reasons: ["not_defined", "mailbox_full", "mailbox_full"],
    },
    Row {
        name: "soft bounce, the retry is delivered",
        script: "452 4.2.2 mailbox full, 250",
        steps: &[RELAYED, SOFT, ("20m", [(100, 0, SENT); 3])],
        reasons: ["not_defined"; 3],
    },
    Row {
        name: "soft bounce, the retries fail until the end",
        script: "452 4.2.2 mailbox full",
        steps: &[RELAYED, SOFT, ("83h59m58s", SOFT.1), ("1s", [(0, 100, FAILED); 3])],
        reasons: ["mailbox_full"; 3],
    },
    Row {
        name: "asynchronous hard bounce",
        script: "250; dsn=5.1.1 after 6h",
        steps: &[RELAYED, DELIVERED, ("5h59m59s", [(100, 0, SENT); 3]), ("1s", [(0, 100, FAILED); 3])],
        reasons: ["user_unknown"; 3],
    },
    Row {
        name: "asynchronous soft bounce",
        script: "250; dsn=5.2.2 after 6h",
        steps: &[RELAYED, DELIVERED, ("6h", [(0, 100, FAILED); 3])],
        reasons: ["mailbox_full"; 3],
    },
    Row {
        name: "auto-reply",
        script: "250; ooo after 5m",
        steps: &[RELAYED, DELIVERED, ("5m", [(100, 0, SENT); 3])],
        reasons: ["unreachable"; 3],
    },
];

fn setup(mode: &str, script: &str) -> Setup {
    let provider = format!(
        "name: acme\ndomains: [acme.test]\nlimits: {{ messages_per_hour: 3600 }}\n\
         outcomes: [{{ weight: 1, name: fate, script: '{script}' }}]\n"
    );
    Setup::new().provider("acme", &provider).set("campaign.mode", mode)
}

async fn shown(system: &System, delivery: u64) -> (u64, u64, String, Value) {
    let kpis = system.api.get(&format!("/api/v1/deliveries/{delivery}")).await["kpis"].clone();
    let percent = |key: &str| kpis[key].as_f64().unwrap() as u64;
    let logs = system.api.logs(delivery).await;
    assert_eq!(logs.len(), 1);
    let status = text(&logs[0], "status").to_owned();
    (percent("delivered_percent"), percent("bounces_percent"), status, logs[0].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_in_every_mode() {
    for row in &ROWS {
        for (index, mode) in MODES.iter().enumerate() {
            let place = format!("{} in mode {mode}", row.name);
            let system = setup(mode, row.script).start().await;
            let delivery = system.api.send_delivery(&["ann@acme.test"]).await;
            for (number, (span, expected)) in row.steps.iter().enumerate() {
                if *span == "0s" {
                    system.api.settle().await;
                } else {
                    system.api.advance(span).await;
                }
                let (delivered, bounces, status, _) = shown(&system, delivery).await;
                assert_eq!((delivered, bounces, &*status), expected[index], "{place}, step {number}");
            }
            let (_, _, _, log) = shown(&system, delivery).await;
            assert_eq!(log["reason"], row.reasons[index], "{place}: {log}");
            system.stop().await;
        }
    }
}

/// What the modes say at the end of all things, of recipients with all kinds of fates.
#[tokio::test(flavor = "multi_thread")]
async fn the_modes_agree_at_the_end() {
    let recipients: Vec<String> = (0..60)
        .map(|number| format!("user{number}@{}", ["gmail.test", "outlook.test", "orange.test"][number % 3]))
        .chain(
            ["bounced", "softbounced", "deferred", "oob", "complained", "ooo"]
                .map(|name| format!("{name}@yahoo.test")),
        )
        .collect();
    let recipients: Vec<&str> = recipients.iter().map(String::as_str).collect();
    let mut stories = Vec::new();
    for mode in MODES {
        let system = Setup::new().set("campaign.mode", mode).start().await;
        let delivery = system.api.send_delivery(&recipients).await;
        system.api.advance("84h").await;
        system.api.advance("7d").await;
        let logs = system.api.logs(delivery).await;
        let story: Vec<_> = logs
            .iter()
            .map(|log| {
                (
                    text(log, "address").to_owned(),
                    text(log, "status").to_owned(),
                    text(log, "reason").to_owned(),
                )
            })
            .collect();
        let kpis = system.api.get(&format!("/api/v1/deliveries/{delivery}/kpis")).await;
        assert_eq!(kpis["efs"]["delivered"], kpis["efs-v8"]["delivered"], "{mode}");
        stories.push(story);
        system.stop().await;
    }
    let statuses = |story: &[(String, String, String)]| -> Vec<_> {
        story.iter().map(|(address, status, _)| (address.clone(), status.clone())).collect()
    };
    assert_eq!(statuses(&stories[0]), statuses(&stories[1]));
    assert_eq!(stories[1], stories[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_complaint_puts_the_address_on_the_denylist() {
    for (complaint_fails, expected) in [("true", FAILED), ("false", SENT)] {
        for mode in MODES {
            let setup = setup(mode, "250; arf after 1h").set("campaign.complaint_fails", complaint_fails);
            let system = setup.start().await;
            let delivery = system.api.send_delivery(&["ann@acme.test"]).await;
            system.api.advance("2h").await;
            let (_, _, status, log) = shown(&system, delivery).await;
            assert_eq!(status, expected, "complaint_fails: {complaint_fails}, {mode}");
            assert_eq!(log["complained"], true, "{mode}");
            let address = system.api.get("/api/v1/addresses/ann@acme.test").await;
            assert_eq!(address["status"], "denylisted", "{mode}");
            // Who is on the denylist is left out of the next delivery, and the log says why.
            let next = system.api.send_delivery(&["ann@acme.test", "bob@acme.test"]).await;
            let logs = system.api.logs(next).await;
            assert_eq!(
                (&logs[0]["status"], &logs[0]["reason"]),
                (&"ignored".into(), &"denylisted".into()),
                "{mode}"
            );
            system.stop().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_efs_the_mta_mails_its_bounces() {
    let system = Setup::new().set("campaign.mode", "without-efs").start().await;
    for recipient in ["bounced@gmail.test", "softbounced@yahoo.test", "delivered@gmail.test"] {
        system.send(recipient).await;
    }
    system.api.advance("84h").await;
    for (recipient, end) in [("bounced@gmail.test", "bounced"), ("softbounced@yahoo.test", "expired")] {
        let message = system.api.message_to(recipient).await;
        let events = message["events"].as_array().unwrap();
        let kinds = kinds(events);
        assert_eq!(kinds[kinds.len() - 2..], [end, "asynchronous_bounce"], "{recipient}");
        let report = &events.last().unwrap()["data"]["report"];
        assert_eq!(report["from_this_mta"], true, "{recipient}: {report}");
        assert_eq!(report["matched_by"], "message_id", "{recipient}");
    }
    let bounces = system.api.get("/api/v1/bounces").await;
    assert_eq!(bounces["mailbox"], 2, "{bounces}");
    assert_eq!(
        kinds(system.api.message_to("delivered@gmail.test").await["events"].as_array().unwrap()),
        ["accepted", "delivered"]
    );
    for mail in bounces["items"].as_array().unwrap() {
        let raw = system.api.text(&format!("/api/v1/bounces/{}/raw", text(mail, "id"))).await;
        assert!(
            raw.contains("report-type=delivery-status") || raw.contains("report-type=\"delivery-status\""),
            "{raw}"
        );
        assert!(raw.contains("Reporting-MTA: dns; mta.emta.test"), "{raw}");
        assert!(raw.contains("Action: failed"), "{raw}");
    }
    // The texts that came back by mail are in the qualification table.
    let table = system.api.get("/api/v1/qualification").await;
    assert!(!table["items"].as_array().unwrap().is_empty());
    system.stop().await;

    // With the service, nothing is mailed.
    let system = Setup::new().set("campaign.mode", "efs").start().await;
    system.send("bounced@gmail.test").await;
    system.api.advance("84h").await;
    assert_eq!(system.api.get("/api/v1/bounces").await["kept"], 0);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_from_its_recipients_to_its_statistics() {
    let system = System::start().await;
    let csv = "email,name\nbounced@gmail.test,Ann\ndelivered@gmail.test,Bob\n,Nobody\ndelivered@gmail.test,Bob again\nnot an address,Eve\n";
    let body = serde_json::json!({
        "label": "spring", "campaign": "2026", "from": "news@brand.example", "subject": "Dear {{name}}",
        "text": "Hello {{name}}!", "recipients_csv": csv,
    });
    let made = system.api.post("/api/v1/deliveries", body).await;
    assert_eq!((&made["state"], &made["recipients"]), (&"edition".into(), &5.into()), "{made}");
    let path = "/api/v1/deliveries/1";
    let (status, _) =
        system.api.call(reqwest::Method::POST, &format!("{path}/confirm"), Some(&Value::Null)).await;
    assert_eq!(status, 409, "not before it is prepared");
    let prepared = system.api.post(&format!("{path}/prepare"), Value::Null).await;
    assert_eq!(prepared["kpis"]["to_deliver"], 2, "{prepared}");
    assert!(system.api.messages().await.is_empty(), "nothing is sent before it is confirmed");
    system.api.post(&format!("{path}/confirm"), Value::Null).await;
    system.api.advance("1h").await;
    let logs = system.api.logs(1).await;
    let shown: Vec<_> =
        logs.iter().map(|log| format!("{} {}", text(log, "status"), text(log, "reason"))).collect();
    assert_eq!(
        shown,
        [
            "failed user_unknown",
            "sent not_defined",
            "ignored address_not_specified",
            "ignored double",
            "ignored address_not_specified",
        ]
    );
    let raw = system.api.raw_message_to("delivered@gmail.test").await;
    assert!(raw.contains("Subject: Dear Bob\r\n") && raw.contains("Hello Bob!"), "{raw}");
    let address = system.api.get("/api/v1/addresses/bounced@gmail.test").await;
    assert_eq!(address["status"], "quarantine");
    let kpis = system.api.get(&format!("{path}/kpis")).await;
    let again = system.api.post(&format!("{path}/compute-stats"), Value::Null).await;
    for mode in MODES {
        for key in ["delivered", "bounces", "by_reason", "excluded", "to_deliver"] {
            assert_eq!(kpis[mode][key], again[mode][key], "{mode} {key}");
        }
    }
    // Who is in quarantine is left out of the next one.
    let next = system.api.send_delivery(&["bounced@gmail.test"]).await;
    assert_eq!(text(&system.api.logs(next).await[0], "reason"), "quarantined");
    system.stop().await;
}
