//! The clock, moved by hand and by itself.

#![expect(clippy::unwrap_used, reason = "what is wrong is told by a panic")]

use emta_mail::Timestamp;
use emta_tests::api::text;
use emta_tests::{Api, Program, Setup, System, program};
use serde_json::{Value, json};

/// What a command of the program prints about a running system.
fn ask(api: &Api, arguments: &[&str]) -> Value {
    let output = program::run(&[arguments, &["--format", "json", "--server", api.url()]].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {}\n{errors}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn moved_by_the_command_line() {
    let program = Program::up(&Setup::new());
    let mut smtp = emta_tests::Smtp::connect(program.smtp).await;
    smtp.expect("EHLO core.example", 250).await;
    let to = "softbounced@yahoo.test";
    smtp.send_mail("bounce@mta.emta.test", &[to], &emta_tests::mail(to, "news")).await;
    let attempts = async || program.api.message_to(to).await["attempts"].clone();

    let settled = ask(&program.api, &["clock", "settle"]);
    assert_eq!((&settled["from"], &settled["to"]), (&emta_tests::START.into(), &emta_tests::START.into()));
    let status = ask(&program.api, &["clock", "status"]);
    assert_eq!((text(&status, "mode"), text(&status, "virtual")), ("frozen", emta_tests::START));
    // Each step goes to the next instant at which something is due.
    let mut made = attempts().await.as_u64().unwrap();
    while made < 3 {
        let stepped = ask(&program.api, &["clock", "step"]);
        assert_eq!(stepped["instants"], 1);
        made += 1;
        assert_eq!(attempts().await, made, "{stepped}");
    }
    let next = text(&ask(&program.api, &["clock", "status"])["next_due"], "at").to_owned();
    let moved = ask(&program.api, &["clock", "to", &next]);
    assert_eq!(moved["to"], *next);
    assert_eq!(attempts().await, 4);
    let advanced = ask(&program.api, &["clock", "advance", "84h"]);
    let span = |key: &str| text(&advanced, key).parse::<Timestamp>().unwrap();
    assert_eq!(span("to").since(span("from")).as_secs(), 84 * 3600);
    assert_eq!(advanced["settled"], true);
    assert_eq!(program.api.message_to(to).await["status"], "expired");
}

/// Asks until the message has come to its end.
async fn until_expired(system: &System) -> Value {
    loop {
        let message = system.api.message_to("softbounced@yahoo.test").await;
        if message["status"] == "expired" {
            return message;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_runs_by_itself() {
    for mode in ["auto", "x1000000"] {
        let system = Setup::new().set("clock.mode", mode).start().await;
        system.hand_over("softbounced@yahoo.test", "").await;
        let message = until_expired(&system).await;
        let time = |value: &Value, key: &str| text(value, key).parse::<Timestamp>().unwrap();
        let end = time(message["events"].as_array().unwrap().last().unwrap(), "timestamp");
        let lived = end.since(time(&message, "accepted_at"));
        assert!(lived.as_secs() >= 84 * 3600, "{mode}: {lived:?}");
        if mode == "auto" {
            assert_eq!(lived.as_secs(), 84 * 3600, "it stops at every instant that is due");
            assert_eq!(message["attempts"], 12);
        }
        let (status, problem) = system
            .api
            .call(reqwest::Method::POST, "/api/v1/clock/advance", Some(&json!({ "by": "1h" })))
            .await;
        assert_eq!(status, 409, "{mode}: {problem}");
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_clock_that_is_set_free() {
    let system = System::start().await;
    system.send("softbounced@yahoo.test").await;
    assert_eq!(system.api.now().await, emta_tests::START);
    let mode = json!({ "mode": "auto" });
    let (status, _) = system.api.call(reqwest::Method::PUT, "/api/v1/clock/mode", Some(&mode)).await;
    assert!(status.is_success());
    until_expired(&system).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_clock_shows_the_date_and_cannot_be_moved() {
    let system = Setup::new().set("clock.mode", "real").set("clock.start", "null").start().await;
    let clock = system.api.get("/api/v1/clock").await;
    let time = |key: &str| text(&clock, key).parse::<Timestamp>().unwrap();
    assert!(time("wall").since(time("virtual")).as_secs() < 5, "{clock}");
    let (status, problem) =
        system.api.call(reqwest::Method::POST, "/api/v1/clock/advance", Some(&json!({ "by": "1h" }))).await;
    assert_eq!(status, 409, "{problem}");
    system.hand_over("bounced@outlook.test", "").await;
    loop {
        let message = system.api.message_to("bounced@outlook.test").await;
        if message["status"] == "bounced" {
            break;
        }
    }
    system.stop().await;
}
