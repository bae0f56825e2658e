//! Feedback by webhook: signed, in order, at least once, and never lost.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use emta_tests::api::{kinds, text};
use emta_tests::{Receiver, Setup, System};
use serde_json::Value;
use standardwebhooks::Webhook;

/// `whsec_` and the base64 of 32 octets.
const SECRET: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

/// A system that posts to the receiver.
fn posting_to(receiver: &Receiver, more: &str) -> Setup {
    let url = receiver.url();
    Setup::new().yaml(&format!("webhooks:\n  - {{ url: '{url}', secret: '{SECRET}', {more} }}\n"))
}

/// Sends mail whose fates take some time.
async fn send(system: &System) {
    for recipient in
        ["bounced@gmail.test", "deferred@yahoo.test", "oob@outlook.test", "complained@orange.test"]
    {
        system.send(recipient).await;
    }
}

/// Ids of events, in their order, by message.
fn by_message(events: &[Value]) -> BTreeMap<String, Vec<String>> {
    let mut messages: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in events {
        let data = &event["data"];
        messages
            .entry(text(data, "queue_id").to_owned())
            .or_default()
            .push(text(data, "event_id").to_owned());
    }
    messages
}

/// Everything of the log came, once, each message's events in their order.
async fn complete(system: &System, receiver: &Receiver) {
    let log = system.api.events().await;
    assert!(log.len() > 10, "a story: {log:?}");
    assert_eq!(by_message(&receiver.events()), by_message(&log));
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_are_signed_and_in_order() {
    let receiver = Receiver::up();
    let system = posting_to(&receiver, "batch: { max: 3 }").start().await;
    send(&system).await;
    system.api.advance("84h").await;
    complete(&system, &receiver).await;
    let oracle = Webhook::new(SECRET).unwrap();
    let other = Webhook::new("whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA=").unwrap();
    for post in receiver.posts() {
        oracle.verify(&post.body, &post.headers).unwrap();
        assert!(other.verify(&post.body, &post.headers).is_err(), "signed with this key");
        let mut changed = post.body.to_vec();
        changed[0] = b' ';
        assert!(oracle.verify(&changed, &post.headers).is_err(), "the body is signed");
        assert_eq!(post.header("content-type"), "application/json");
        assert!((1..=3).contains(&post.events().len()));
    }
    for event in receiver.events() {
        assert!(
            event["type"].is_string() && event["timestamp"].is_string() && event["data"].is_object(),
            "{event}"
        );
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_was_asked_for() {
    let receiver = Receiver::up();
    let system = posting_to(&receiver, "events: [message.bounced, message.complained], batch: { max: 1 }")
        .start()
        .await;
    send(&system).await;
    system.api.advance("84h").await;
    let mut seen: Vec<String> =
        receiver.events().iter().map(|event| text(event, "type").to_owned()).collect();
    seen.sort();
    assert_eq!(seen, ["message.bounced", "message.complained"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_efs_nothing_is_pushed_for_single_messages() {
    let receiver = Receiver::up();
    let system = posting_to(&receiver, "").set("campaign.mode", "without-efs").start().await;
    send(&system).await;
    system.api.advance("84h").await;
    let events = receiver.events();
    let mut seen = kinds(&events);
    seen.retain(|kind| !matches!(*kind, "opened" | "clicked" | "auto_replied"));
    seen.sort_unstable();
    // What came back by mail: the MTA's own bounce, the provider's, and a complaint.
    assert_eq!(seen, ["asynchronous_bounce", "asynchronous_bounce", "complained"]);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_is_down_for_a_day() {
    let mut receiver = Receiver::down();
    let system = posting_to(&receiver, "").start().await;
    send(&system).await;
    // The clock does not wait for it: everything else goes on.
    system.api.advance("23h").await;
    assert_eq!(system.api.message_to("deferred@yahoo.test").await["status"], "delivered");
    receiver.answer(StatusCode::SERVICE_UNAVAILABLE);
    receiver.open();
    system.api.advance("1h").await;
    let refused = receiver.posts();
    assert!(!refused.is_empty(), "it is asked once an hour");
    let attempts: Vec<u32> =
        refused.iter().map(|post| post.header("emta-attempt").parse().unwrap()).collect();
    assert!(attempts[0] > 20, "{attempts:?}");
    receiver.answer(StatusCode::OK);
    system.api.advance("1h").await;
    // What was refused comes again, with the id it had.
    let posts = receiver.posts();
    let taken = &posts[refused.len()..];
    assert_eq!(taken[0].header("webhook-id"), refused[0].header("webhook-id"));
    assert_eq!(taken[0].body, refused[0].body);
    let events: Vec<Value> = taken.iter().flat_map(emta_tests::Post::events).collect();
    assert_eq!(by_message(&events), by_message(&system.api.events().await));
    system.send("bounced@yahoo.test").await;
    system.api.advance("1s").await;
    let events = receiver.events();
    assert_eq!(kinds(&events[events.len() - 2..]), ["accepted", "bounced"], "and all is as before");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cursor_outlives_a_restart() {
    let receiver = Receiver::up();
    let setup = posting_to(&receiver, "").on_disk();
    let system = setup.start().await;
    send(&system).await;
    system.api.advance("10m").await;
    let before = receiver.events().len();
    assert!(before > 0);
    // From here on it takes nothing.
    receiver.answer(StatusCode::INTERNAL_SERVER_ERROR);
    system.api.advance("1h").await;
    let refused = receiver.events().len() - before;
    assert!(refused > 0);
    let first = receiver.posts();
    let now = system.api.now().await;
    system.stop().await;

    receiver.answer(StatusCode::OK);
    let system = setup.start().await;
    assert_eq!(system.api.now().await, now, "the clock goes on from where it was");
    system.api.advance("84h").await;
    let posts = receiver.posts();
    let taken: Vec<Value> = first
        .iter()
        .scan(0, |count, post| {
            *count += post.events().len();
            (*count <= before).then(|| post.events())
        })
        .flatten()
        .chain(posts[first.len()..].iter().flat_map(emta_tests::Post::events))
        .collect();
    assert_eq!(by_message(&taken), by_message(&system.api.events().await), "nothing twice and nothing lost");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_campaign_core_is_fed_by_the_same_webhook() {
    let system = System::start().await;
    let delivery = system.api.send_delivery(&["bounced@gmail.test"]).await;
    system.api.advance("1s").await;
    let log = &system.api.logs(delivery).await[0];
    assert_eq!((text(log, "status"), text(log, "reason")), ("failed", "user_unknown"));
    // It takes nothing that is not signed with its key.
    let forged = serde_json::json!({ "type": "batch", "timestamp": emta_tests::START, "data": [] });
    let (status, problem) = system.api.call(reqwest::Method::POST, "/campaign/feedback", Some(&forged)).await;
    assert_eq!(status, 401, "{problem}");
    system.stop().await;
}
