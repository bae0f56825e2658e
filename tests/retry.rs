//! The retry schedule, attempt by attempt at exact virtual times, and where it ends.

#![expect(clippy::unwrap_used, reason = "what is wrong is told by a panic")]

use std::time::Duration;

use emta_mail::Timestamp;
use emta_tests::api::{kinds, text};
use emta_tests::{Setup, System};
use serde_json::Value;

/// A provider that never takes anything: each attempt fails with another reply.
const GREY: &str = r#"
name: grey
domains: [grey.test]
outcomes:
  - name: grey
    weight: 1
    script: "450 4.2.1 first, 451 4.3.0 second, 452 4.2.2 mailbox full"
"#;

/// The attempts of facts 3.3, for a message that arrives at the start of the story.
const SCHEDULE: [&str; 12] = [
    "2026-01-05T09:00:00.000Z",
    "2026-01-05T09:20:00.000Z",
    "2026-01-05T10:00:00.000Z",
    "2026-01-05T11:20:00.000Z",
    "2026-01-05T14:00:00.000Z",
    "2026-01-05T19:20:00.000Z",
    "2026-01-06T06:00:00.000Z",
    "2026-01-06T18:00:00.000Z",
    "2026-01-07T06:00:00.000Z",
    "2026-01-07T18:00:00.000Z",
    "2026-01-08T06:00:00.000Z",
    "2026-01-08T18:00:00.000Z",
];

/// Events of the message: kind and time.
fn story(message: &Value) -> Vec<(String, String)> {
    let events = message["events"].as_array().unwrap();
    let times = events.iter().map(|event| text(event, "timestamp").to_owned());
    kinds(events).into_iter().map(str::to_owned).zip(times).collect()
}

fn expected(attempts: &[&str], end: &str) -> Vec<(String, String)> {
    let accepted = ("accepted", "2026-01-05T09:00:00.000Z");
    let deferred = attempts.iter().map(|at| ("deferred", *at));
    let all = std::iter::once(accepted).chain(deferred).chain([("expired", end)]);
    all.map(|(kind, at)| (kind.to_owned(), at.to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn twelve_attempts_in_84_hours() {
    let system = Setup::new().provider("grey", GREY).start().await;
    system.send("ann@grey.test").await;
    for (number, at) in SCHEDULE.iter().enumerate() {
        if number > 0 {
            let before = system.api.events().await;
            let due: Timestamp = at.parse().unwrap();
            system.api.advance_to(&(due - Duration::from_secs(1)).to_string()).await;
            assert_eq!(system.api.events().await, before, "too early: attempt {}", number + 1);
            system.api.advance("1s").await;
        }
        let message = system.api.message_to("ann@grey.test").await;
        assert_eq!(message["attempts"], number + 1);
        assert_eq!(message["status"], "deferred");
        let last = message["events"].as_array().unwrap().last().unwrap();
        assert_eq!(last["timestamp"], *at);
        assert_eq!(last["data"]["attempt"]["number"], number + 1);
        let next = SCHEDULE.get(number + 1).copied().unwrap_or("2026-01-08T21:00:00.000Z");
        assert_eq!(last["data"]["next_attempt"], next, "the event says when it is tried again");
    }
    system.api.advance_to("2026-01-08T20:59:59Z").await;
    assert_eq!(system.api.message_to("ann@grey.test").await["status"], "deferred");
    system.api.advance("1s").await;
    let message = system.api.message_to("ann@grey.test").await;
    assert_eq!(message["status"], "expired");
    assert_eq!(story(&message), expected(&SCHEDULE, "2026-01-08T21:00:00.000Z"));
    let expired = message["events"].as_array().unwrap().last().unwrap();
    let attempt = &expired["data"]["attempt"];
    assert_eq!(attempt["code"], 554);
    assert_eq!(attempt["enhanced"], "5.4.7");
    assert_eq!(attempt["text"], "[internal] message timeout (last transfail: 452 4.2.2 mailbox full)");
    assert_eq!(
        expired["data"]["failure"]["class_name"], "mailbox_full",
        "the class is that of the last failure"
    );
    assert_eq!(expired["data"]["failure"]["reason"], "mailbox_full");
    let done = system.api.events().await;
    system.api.advance("30d").await;
    assert_eq!(system.api.events().await, done, "and nothing follows");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn validity_is_what_was_asked_and_84_hours_at_most() {
    let system = Setup::new().provider("grey", GREY).start().await;
    let cases = [
        ("5d", "2026-01-08T21:00:00.000Z", 12),
        ("84h", "2026-01-08T21:00:00.000Z", 12),
        ("1d", "2026-01-06T09:00:00.000Z", 7),
        ("20m", "2026-01-05T09:20:00.000Z", 1),
        ("21m", "2026-01-05T09:21:00.000Z", 2),
    ];
    for (asked, _, _) in cases {
        let field = format!("X-Emta-Validity: {asked}\r\n");
        system.send_with(&format!("{asked}@grey.test"), &field).await;
    }
    system.api.advance("84h").await;
    for (asked, end, attempts) in cases {
        let message = system.api.message_to(&format!("{asked}@grey.test")).await;
        assert_eq!(message["expires_at"], end, "{asked}");
        assert_eq!(story(&message), expected(&SCHEDULE[..attempts], end), "{asked}");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_of_the_configuration() {
    let yaml = "
queue:
  retry: [5m, 10m]
  providers: { slow: { retry: { first: 2h, factor: 3, cap: 8h } } }
  classes: { mailbox_full: { retry: [1d] } }
";
    let slow = GREY.replace("grey", "slow");
    let full = "name: full\ndomains: [full.test]\noutcomes: [{ weight: 1, name: full, script: \"452 4.2.2 mailbox full\" }]\n";
    let setup = Setup::new().yaml(yaml);
    let system = setup.provider("grey", GREY).provider("slow", &slow).provider("full", full).start().await;
    for recipient in ["ann@full.test", "ann@slow.test"] {
        system.send(recipient).await;
    }
    system.send_with("ann@grey.test", "X-Emta-Validity: 50m\r\n").await;
    system.api.advance("84h").await;
    let check = async |recipient: &str, times: &[&str], end: &str| {
        let times: Vec<_> = times.iter().map(|time| format!("2026-01-{time}:00.000Z")).collect();
        let times: Vec<&str> = times.iter().map(String::as_str).collect();
        let message = system.api.message_to(recipient).await;
        assert_eq!(story(&message), expected(&times, end), "{recipient}");
    };
    // After the third attempt the mailbox is full, which waits for a day.
    check("ann@grey.test", &["05T09:00", "05T09:05", "05T09:15"], "2026-01-05T09:50:00.000Z").await;
    let times = ["05T09:00", "06T09:00", "07T09:00", "08T09:00"];
    check("ann@full.test", &times, "2026-01-08T21:00:00.000Z").await;
    // A class goes before a provider's own schedule.
    let times = ["05T09:00", "05T11:00", "05T17:00", "06T17:00", "07T17:00", "08T17:00"];
    check("ann@slow.test", &times, "2026-01-08T21:00:00.000Z").await;
    system.stop().await;
}

/// Deliveries by hour of virtual time since the start.
async fn by_hour(system: &System) -> Vec<usize> {
    let mut hours = Vec::new();
    for event in system.api.events().await {
        if event["data"]["attempt"].is_object() {
            let at = text(&event, "timestamp");
            let hour: usize = at[11..13].parse().unwrap();
            let hour = hour - 9;
            if hours.len() <= hour {
                hours.resize(hour + 1, 0);
            }
            hours[hour] += 1;
        }
    }
    hours
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_per_hour_hold() {
    let slow = "
name: slow
domains: [slow.test]
limits: { connections: 4, messages_per_connection: 5, messages_per_hour: 120 }
outcomes: [{ weight: 1, name: accepted, script: '250' }]
";
    let system = Setup::new().provider("slow", slow).start().await;
    let mut smtp = system.relay().await;
    for number in 0..300 {
        let recipient = format!("user{number}@slow.test");
        smtp.send_mail("bounce@mta.emta.test", &[&recipient], &emta_tests::mail(&recipient, "news")).await;
    }
    system.api.advance("59m").await;
    let in_the_first_hour = by_hour(&system).await;
    assert_eq!(in_the_first_hour, [120], "in twelve slices of ten (facts 2.3)");
    let queue = system.api.get("/api/v1/queue").await;
    assert!(queue["domains"]["slow.test"]["throttled_until"].is_string(), "{queue}");
    system.api.advance("4h").await;
    assert_eq!(by_hour(&system).await, [120, 120, 60]);
    assert_eq!(system.api.statuses().await, [("delivered".to_owned(), 300)].into());
    system.stop().await;
}
