//! `kill -9` in the middle of things: nothing that was answered with 250 is missing, and everything goes on.

#![expect(clippy::unwrap_used, reason = "what is wrong is told by a panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use emta_tests::api::{kinds, text};
use emta_tests::{Api, Program, START, Setup, Smtp, mail};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Connections that relay at the same time.
const CONNECTIONS: usize = 4;

/// Slow: one connection, so that there is always something on its way; and what it takes, it takes at the second attempt.
const SLOW: &str = "
name: slow
domains: [slow.test]
limits: { connections: 1, messages_per_connection: 5 }
outcomes: [{ weight: 1, name: grey, script: '450 4.7.1 greylisted, 250' }]
";

/// Relays message after message until the connection is cut; the recipients whose message was answered with 250.
async fn relay_until_cut(mut smtp: Smtp, connection: usize, answered: Arc<AtomicUsize>) -> Vec<String> {
    let mut taken = Vec::new();
    for number in 0.. {
        let recipient = format!("user{connection}.{number}@slow.test");
        let dialogue = format!("MAIL FROM:<bounce@mta.emta.test>\r\nRCPT TO:<{recipient}>\r\nDATA\r\n");
        let content = format!("{}.\r\n", mail(&recipient, "news"));
        for (octets, replies) in [(dialogue, 3), (content, 1)] {
            if smtp.try_send(octets.as_bytes()).await.is_err() {
                return taken;
            }
            for _ in 0..replies {
                match smtp.try_reply().await {
                    Ok(reply) if reply.starts_with('2') || reply.starts_with("354") => {}
                    Ok(reply) if reply.is_empty() => return taken,
                    Ok(reply) => panic!("{reply}"),
                    Err(_) => return taken,
                }
            }
        }
        taken.push(recipient);
        answered.fetch_add(1, Ordering::Relaxed);
    }
    taken
}

/// Waits, by asking, until there are this many events.
async fn until_events(api: &Api, count: u64) {
    loop {
        let page = api.get(&format!("/api/v1/events?after={}&limit=1", count - 1)).await;
        if !page["items"].as_array().unwrap().is_empty() {
            return;
        }
    }
}

/// Each message has one end, and no attempt is told twice unless it says so.
fn each_story_is_sound(events: &[Value]) {
    let mut ends: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut attempts = BTreeSet::new();
    for (event, kind) in events.iter().zip(kinds(events)) {
        let message = text(&event["data"], "queue_id");
        if matches!(kind, "delivered" | "bounced" | "expired") {
            ends.entry(message).or_default().push(kind);
        }
        if matches!(kind, "deferred" | "delivered" | "bounced") {
            let number = event["data"]["attempt"]["number"].as_u64().unwrap();
            assert!(attempts.insert((message, number)), "attempt {number} of {message} twice");
        }
    }
    for (message, ends) in ends {
        assert_eq!(ends.len(), 1, "{message}: {ends:?}");
    }
}

fn after_crash(events: &[Value]) -> usize {
    events.iter().filter(|event| event["data"]["attempt"]["after_crash"] == true).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_mail_is_relayed() {
    let setup = Setup::new().provider("slow", SLOW).on_disk();
    let program = Program::up(&setup);
    let answered = Arc::new(AtomicUsize::new(0));
    let mut sessions = JoinSet::new();
    for connection in 0..CONNECTIONS {
        let mut smtp = Smtp::connect(program.smtp).await;
        smtp.expect("EHLO core.example", 250).await;
        sessions.spawn(relay_until_cut(smtp, connection, answered.clone()));
    }
    // Some are attempted by now, and many wait for their turn.
    while answered.load(Ordering::Relaxed) < 400 {
        tokio::task::yield_now().await;
    }
    program.kill();
    let mut taken = BTreeSet::new();
    while let Some(session) = sessions.join_next().await {
        taken.extend(session.unwrap());
    }
    assert!(taken.len() >= 400);

    let program = Program::up(&setup);
    program.api.settle().await;
    assert_eq!(program.api.now().await, START, "the clock is where it was");
    let kept: BTreeSet<String> =
        program.api.messages().await.iter().map(|message| text(message, "recipient").to_owned()).collect();
    let missing: Vec<_> = taken.difference(&kept).collect();
    assert!(missing.is_empty(), "answered with 250 and gone: {missing:?}");
    // What was not answered may be there too, once for each connection at most.
    assert!(kept.len() <= taken.len() + CONNECTIONS, "{} and {}", kept.len(), taken.len());

    program.api.advance("84h").await;
    assert_eq!(program.api.statuses().await, [("delivered".to_owned(), kept.len())].into());
    let events = program.api.events().await;
    each_story_is_sound(&events);
    assert!(after_crash(&events) > 0, "those that waited may have been on their way");
    program.api.advance("84h").await;
    assert_eq!(program.api.events().await.len(), events.len(), "nothing is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_time_passes() {
    let setup = Setup::new().on_disk();
    let mut program = Program::up(&setup);
    let recipients: Vec<String> = (0..300)
        .map(|number| match number % 3 {
            0 => format!("softbounced+{number}@yahoo.test"),
            1 => format!("user{number}@outlook.test"),
            _ => format!("oob+{number}@gmail.test"),
        })
        .collect();
    let mut smtp = Smtp::connect(program.smtp).await;
    smtp.expect("EHLO core.example", 250).await;
    for recipient in &recipients {
        smtp.send_mail("bounce@mta.emta.test", &[recipient], &mail(recipient, "news")).await;
    }
    program.api.settle().await;
    let mut reached = program.api.now().await;
    // Twice, each time somewhat further on.
    for events in [700, 1_300] {
        let api = program.api.clone();
        let mut advance = JoinSet::new();
        advance.spawn(async move { api.try_call("/api/v1/clock/advance", &json!({ "by": "80h" })).await });
        until_events(&program.api, events).await;
        program.kill();
        assert!(advance.join_next().await.unwrap().unwrap().is_none(), "it was in the middle of it");
        program = Program::up(&setup);
        program.api.settle().await;
        let now = program.api.now().await;
        let log = program.api.events().await;
        assert!(log.len() as u64 >= events, "{} events of {events}", log.len());
        let last = log.iter().map(|event| text(event, "timestamp")).max().unwrap();
        assert!(*now >= *last && now > reached, "{now}, after {last} and {reached}");
        reached = now;
    }
    program.api.advance("84h").await;
    program.api.advance("1d").await;
    let statuses = program.api.statuses().await;
    assert_eq!(statuses.values().sum::<usize>(), recipients.len(), "{statuses:?}");
    assert!(!statuses.contains_key("queued") && !statuses.contains_key("deferred"), "{statuses:?}");
    let events = program.api.events().await;
    each_story_is_sound(&events);
    // Whoever failed all the time was tried for 84 hours, whatever happened meanwhile.
    let message = program.api.message_to("softbounced+0@yahoo.test").await;
    let told = message["events"].as_array().unwrap();
    let last = told.last().unwrap();
    assert_eq!(
        (text(last, "type"), text(last, "timestamp")),
        ("message.expired", "2026-01-08T21:00:00.000Z")
    );
    // What a provider had promised to send back came, too.
    let oob = kinds(&events).into_iter().filter(|kind| *kind == "asynchronous_bounce").count();
    assert!(oob >= 100, "{oob}");
}
