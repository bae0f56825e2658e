//! What mailbox providers can do to a message, in the session and later.

#![expect(clippy::unwrap_used, reason = "what is wrong is told by a panic")]

use emta_tests::api::{items, kinds, text};
use emta_tests::{Setup, System};
use serde_json::Value;

/// A provider with one recipient for each of these scripts: `0@acme.test`, `1@acme.test` and so on.
fn acme(scripts: &[&str]) -> String {
    let one = |(number, script): (usize, &&str)| {
        format!("  - {{ address: {number}@acme.test, script: '{script}' }}\n")
    };
    let recipients: String = scripts.iter().enumerate().map(one).collect();
    format!(
        "name: acme\ndomains: [acme.test]\nrecipients:\n{recipients}\
         outcomes: [{{ weight: 1, name: accepted, script: '250' }}]\n"
    )
}

async fn system(scripts: &[&str]) -> System {
    let system = Setup::new().provider("acme", &acme(scripts)).start().await;
    for number in 0..scripts.len() {
        system.send(&format!("{number}@acme.test")).await;
    }
    system
}

/// Events of the message after its acceptance: kind and time since the start of the story.
async fn story(system: &System, number: usize) -> Vec<(String, String)> {
    let message = system.api.message_to(&format!("{number}@acme.test")).await;
    let events = message["events"].as_array().unwrap();
    let start = emta_tests::START.parse().unwrap();
    let since = |event: &Value| {
        let at: emta_mail::Timestamp = text(event, "timestamp").parse().unwrap();
        emta_mail::duration::format(at.since(start))
    };
    let all = kinds(events).into_iter().zip(events).skip(1);
    all.map(|(kind, event)| (kind.to_owned(), since(event))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_at_every_step_and_none_at_all() {
    let cases = [
        // Script, event, phase, reply.
        ("greeting:554 5.3.2 no service", "bounced", "greeting", "554 5.3.2 no service"),
        ("ehlo:550 5.7.1 who are you", "bounced", "ehlo", "550 5.7.1 who are you"),
        ("mail:553 5.1.8 bad sender", "bounced", "mail", "553 5.1.8 bad sender"),
        ("rcpt:550 5.1.1 no such user", "bounced", "rcpt", "550 5.1.1 no such user"),
        ("550 5.1.1 no such user", "bounced", "rcpt", "550 5.1.1 no such user"),
        ("data:554 5.7.0 no data", "bounced", "data", "554 5.7.0 no data"),
        ("message:554 5.7.1 spam", "bounced", "message", "554 5.7.1 spam"),
        ("message:451 4.3.0 later", "deferred", "message", "451 4.3.0 later"),
        ("greeting:421 4.7.0 busy", "deferred", "greeting", "421 4.7.0 busy"),
        ("mail:452 4.3.1 full then disconnect", "deferred", "mail", "452 4.3.1 full"),
        ("250 2.0.0 taken", "delivered", "message", "250 2.0.0 taken"),
        ("dns", "deferred", "dns", "454 4.4.4 [internal] no MX or A for domain"),
        ("refused", "deferred", "connect", "421 4.4.1 [internal] connection refused"),
        ("timeout", "deferred", "connect", "421 4.4.1 [internal] connection timed out"),
    ];
    let scripts: Vec<&str> = cases.iter().map(|case| case.0).collect();
    let system = system(&scripts).await;
    for (number, (script, kind, phase, reply)) in cases.into_iter().enumerate() {
        let message = system.api.message_to(&format!("{number}@acme.test")).await;
        let events = message["events"].as_array().unwrap();
        assert_eq!(kinds(events), ["accepted", kind], "{script}");
        let attempt = &events[1]["data"]["attempt"];
        assert_eq!(attempt["phase"], phase, "{script}");
        let said = [
            attempt["code"].to_string(),
            text(attempt, "enhanced").to_owned(),
            text(attempt, "text").to_owned(),
        ];
        assert_eq!(said.join(" "), reply, "{script}");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_hangs_up() {
    let steps = ["greeting", "ehlo", "mail", "rcpt", "data", "message"];
    let scripts: Vec<String> = steps.iter().map(|step| format!("disconnect@{step}, 250")).collect();
    let scripts: Vec<&str> =
        scripts.iter().map(String::as_str).chain(["tls", "nxdomain", "nullmx"]).collect();
    let system = system(&scripts).await;
    for (number, step) in steps.iter().enumerate() {
        let message = system.api.message_to(&format!("{number}@acme.test")).await;
        let events = message["events"].as_array().unwrap();
        assert_eq!(kinds(events), ["accepted", "deferred"], "{step}");
        assert_eq!(events[1]["data"]["attempt"]["phase"], *step);
        let said = text(&events[1]["data"]["attempt"], "text");
        assert!(said.starts_with("[internal]"), "{step}: {said}");
    }
    system.api.advance("20m").await;
    for number in 0..steps.len() {
        let expected =
            [("deferred", "0s"), ("delivered", "20m")].map(|(kind, at)| (kind.to_owned(), at.to_owned()));
        assert_eq!(story(&system, number).await, expected, "a lost connection is tried again");
    }
    let last = async |number: usize| {
        let message = system.api.message_to(&format!("{number}@acme.test")).await;
        message["events"].as_array().unwrap().last().unwrap().clone()
    };
    // A failed handshake is tried again, in plain text or not; a domain that takes no mail is not.
    assert_ne!(last(6).await["type"], "message.bounced");
    assert_eq!(last(8).await["type"], "message.bounced");
    assert_eq!(last(8).await["data"]["attempt"]["phase"], "dns");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_takes_its_time() {
    let system = system(&["250 in 45s", "450 in 2m, 250 in 30s", "250 in 10m, 250"]).await;
    // Nobody waits in real time, and the clock stands where it stood.
    assert_eq!(kinds(system.api.message_to("0@acme.test").await["events"].as_array().unwrap()), ["accepted"]);
    system.api.advance("1h").await;
    let expected = |story: &[(&str, &str)]| -> Vec<(String, String)> {
        story.iter().map(|(kind, at)| ((*kind).to_owned(), (*at).to_owned())).collect()
    };
    assert_eq!(story(&system, 0).await, expected(&[("delivered", "45s")]));
    assert_eq!(story(&system, 1).await, expected(&[("deferred", "2m"), ("delivered", "22m30s")]));
    // Five minutes are all that the MTA waits (RFC 5321 section 4.5.3.2).
    assert_eq!(story(&system, 2).await, expected(&[("deferred", "5m"), ("delivered", "25m")]));
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn three_times_no_then_yes_then_a_bounce() {
    let system = system(&["421x3, 250; dsn=5.1.1 after 6h"]).await;
    system.api.advance("12h").await;
    let expected = [
        ("deferred", "0s"),
        ("deferred", "20m"),
        ("deferred", "1h"),
        ("delivered", "2h20m"),
        ("asynchronous_bounce", "8h20m"),
    ];
    let expected: Vec<_> = expected.iter().map(|(kind, at)| ((*kind).to_owned(), (*at).to_owned())).collect();
    assert_eq!(story(&system, 0).await, expected);
    let message = system.api.message_to("0@acme.test").await;
    let bounce = &message["events"].as_array().unwrap()[5]["data"];
    assert_eq!(bounce["report"]["matched_by"], "message_id");
    assert_eq!(bounce["report"]["status"], "5.1.1");
    assert!(bounce["failure"]["rule"].as_str().unwrap().starts_with("User_unknown"), "{bounce:#}");
    assert_eq!(
        (&bounce["failure"]["type"], &bounce["failure"]["reason"]),
        (&"hard".into(), &"user_unknown".into())
    );
    assert!(bounce["report"]["from_this_mta"].is_null(), "the provider wrote it: {bounce}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_later_comes_at_its_time() {
    let scripts = [
        "250; dsn=552 5.2.2 mailbox full as exim after 90m",
        "250; arf after 1d",
        "250; ooo=fr after 5m",
        "250; open after 10m; click=https://www.brand.example/ after 12m",
        "250; delayed=4.4.1 after 4h",
    ];
    let system = system(&scripts).await;
    let expected: [&[(&str, &str)]; 5] = [
        &[("delivered", "0s"), ("asynchronous_bounce", "1h30m")],
        &[("delivered", "0s"), ("complained", "1d")],
        &[("delivered", "0s"), ("auto_replied", "5m")],
        &[("delivered", "0s"), ("opened", "10m"), ("clicked", "12m")],
        &[("delivered", "0s")],
    ];
    // Not a second early: each instant is visited by itself.
    for span in ["4m59s", "1s", "4m59s", "1s", "1m59s", "1s", "1h17m59s", "1s"] {
        let before = system.api.events().await.len();
        system.api.advance(span).await;
        let news = system.api.events().await.len() - before;
        assert_eq!(news, usize::from(span == "1s"), "after {span}");
    }
    system.api.advance("22h30m").await;
    for (number, expected) in expected.iter().enumerate() {
        let expected: Vec<_> =
            expected.iter().map(|(kind, at)| ((*kind).to_owned(), (*at).to_owned())).collect();
        assert_eq!(story(&system, number).await, expected, "{}", scripts[number]);
    }
    let bounces = items(&system.api.get("/api/v1/bounces").await);
    let mut seen: Vec<_> = bounces.iter().map(|mail| text(mail, "kind")).collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        ["auto_reply", "complaint", "delivery_report", "delivery_report"],
        "a delay report is kept too"
    );
    let clicked = system.api.message_to("3@acme.test").await;
    assert_eq!(clicked["events"].as_array().unwrap()[3]["data"]["url"], "https://www.brand.example/");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn patterns_addresses_and_weights_choose_the_outcome() {
    let yaml = "
name: acme
domains: [acme.test, '*.acme.test']
recipients:
  - { address: boss@acme.test, script: '250 2.0.0 of course' }
  - { pattern: 'b*@acme.test', script: '550 5.1.1 nobody begins with b' }
outcomes:
  - { weight: 1, name: yes, script: '250' }
  - { weight: 3, name: no, script: '550 5.7.1 no' }
";
    let system = Setup::new().provider("acme", yaml).start().await;
    let check = async |recipient: &str, status: &str| {
        system.send(recipient).await;
        assert_eq!(system.api.message_to(recipient).await["status"], status, "{recipient}");
    };
    check("boss@acme.test", "delivered").await;
    check("bill@acme.test", "bounced").await;
    check("delivered@mail.acme.test", "delivered").await;
    check("bounce+552+5.2.2+over+quota@acme.test", "bounced").await;
    let mut smtp = system.relay().await;
    for number in 0..200 {
        let to = format!("user{number}@sub.acme.test");
        smtp.send_mail("bounce@mta.emta.test", &[&to], &emta_tests::mail(&to, "news")).await;
    }
    system.api.settle().await;
    let delivered = system.api.statuses().await["delivered"] - 2;
    assert!((30..=70).contains(&delivered), "{delivered} of 200 at a weight of 1 in 4");
    system.stop().await;
}
