//! What goes wrong is said, with what to do about it, and harms nothing else.

use std::net::TcpListener;

use emta_sandbox::{Sandbox, StartError};
use emta_tests::{Setup, System, mail, program};

const SENDER: &str = "bounce@mta.emta.test";

#[test]
fn a_broken_main_file_is_told_by_line_and_column() {
    let cases = [
        // Text, line, column, words of the message.
        ("relay:\n  recipients: [1\n", 3, 1, &["expected"][..]),
        (
            "queue:\n  limits:\n    conections: 5\n",
            3,
            5,
            &["unknown field `conections`", "expected one of", "did you mean `connections`?"],
        ),
        ("relay:\n  recipients: many\n", 2, 15, &["\"many\"", "expected a whole number"]),
        ("relay:\n  recipients: 0\n", 2, 15, &["`0` is out of range, expected 1 to 100000"]),
        ("queue:\n  validity: 5d\n", 2, 13, &["`5d` is out of range, expected 1s to 3d12h"]),
        ("clock:\n  mode: sideways\n", 2, 9, &["`sideways` is not a clock mode", "expected"]),
        ("seed: 1\nseed: 2\n", 2, 1, &["seed"]),
        (
            "webhooks:\n  - url: http://hooks.example/\n",
            2,
            10,
            &["`hooks.example` is not on this machine", "webhooks_allow"],
        ),
        (
            "queue:\n  providers:\n    gmial: { retry: [5m] }\n",
            3,
            5,
            &["gmial", "expected", "did you mean `gmail`?"],
        ),
        ("providers: [nowhere.yaml]\n", 1, 13, &["there is no file or folder", "nowhere.yaml", "expected"]),
    ];
    for (text, line, column, words) in cases {
        let setup = Setup::new().yaml(text);
        let Err(error) = setup.config() else { panic!("taken: {text}") };
        let shown = error.to_string();
        let place = format!("{}/emta.yaml:{line}:{column}: ", setup.folder().display());
        assert!(shown.starts_with(&place), "expected {line}:{column} in {text}\n{shown}");
        for word in words {
            assert!(shown.contains(word), "expected {word:?}:\n{shown}");
        }
    }
}

#[test]
fn a_broken_provider_file_is_told_by_line_and_column() {
    let cases = [
        (
            "name: acme\ndomains: [acme.test]\noutcomes:\n  - { weight: 1, name: x, script: '999 huh' }\n",
            4,
            &["999"][..],
        ),
        (
            "name: acme\ndomains: [acme.test]\noutcomes:\n  - { weigth: 1, name: x, script: '250' }\n",
            4,
            &["weigth", "expected"],
        ),
        ("name: acme\ndomains: [not a domain]\n", 2, &["not a domain", "expected"]),
        ("domains: [acme.test]\n", 1, &["name"]),
    ];
    for (text, line, words) in cases {
        let setup = Setup::new().provider("acme", text);
        let Err(error) = setup.config() else { panic!("taken: {text}") };
        let shown = error.to_string();
        let place = format!("{}/providers/acme.yaml:{line}:", setup.folder().display());
        assert!(shown.starts_with(&place), "expected line {line} in {text}\n{shown}");
        for word in words {
            assert!(shown.contains(word), "expected {word:?}:\n{shown}");
        }
    }
}

#[test]
fn the_program_ends_with_3_for_a_wrong_configuration() {
    let setup = Setup::new().yaml("queue:\n  validity: soon\n");
    let arguments = setup.arguments();
    let arguments: Vec<&str> = std::iter::once("up").chain(arguments.iter().map(String::as_str)).collect();
    let output = program::run(&arguments);
    let shown = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{shown}");
    assert!(shown.contains("emta.yaml:2:13: `soon` is not a duration"), "{shown}");
    assert!(output.stdout.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for listener in ["smtp", "http", "pop3", "bounce_smtp"] {
        let setup = Setup::new().set(&format!("listen.{listener}"), &address);
        let started = Sandbox::start(setup.config().unwrap()).await;
        let Err(StartError::Bind(error)) = started else {
            panic!("{listener}: it started, or failed otherwise")
        };
        let shown = error.to_string();
        assert!(shown.starts_with(&format!("cannot listen on `{address}` for {listener}: ")), "{shown}");
        assert!(
            shown.contains(&format!(
                "hint: another program may use the port; choose another with `listen.{listener}`"
            )),
            "{shown}"
        );
    }
    let setup = Setup::new().set("listen.smtp", &address);
    let arguments = setup.arguments();
    let arguments: Vec<&str> = std::iter::once("up").chain(arguments.iter().map(String::as_str)).collect();
    let output = program::run(&arguments);
    let shown = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{shown}");
    assert!(shown.contains(&format!("cannot listen on `{address}` for smtp")), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full() {
    for setup in [Setup::new(), Setup::new().on_disk()] {
        let system = setup.start().await;
        let mut smtp = system.relay().await;
        smtp.send_mail(SENDER, &["deferred@yahoo.test"], &mail("deferred@yahoo.test", "before")).await;
        system.api.settle().await;
        let before = system.api.events().await;

        system.sandbox.store().faults().set_full(true);
        for _ in 0..3 {
            let reply = smtp.try_mail(SENDER, &["a@gmail.test"], &mail("a@gmail.test", "meanwhile")).await;
            assert!(reply.starts_with("452 4.3.1"), "{reply}");
        }
        assert_eq!(system.api.events().await, before, "what was there can be read, and nothing was added");
        assert_eq!(system.api.messages().await.len(), 1);

        system.sandbox.store().faults().set_full(false);
        smtp.send_mail(SENDER, &["bounced@gmail.test"], &mail("bounced@gmail.test", "after")).await;
        system.api.advance("84h").await;
        assert_eq!(
            system.api.message_to("deferred@yahoo.test").await["status"],
            "delivered",
            "it was not forgotten"
        );
        assert_eq!(system.api.message_to("bounced@gmail.test").await["status"], "bounced");
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bounce_mailbox_whose_disk_is_full() {
    let system = System::start().await;
    let mut smtp = emta_tests::Smtp::connect(system.sandbox.addresses().bounce_smtp).await;
    smtp.expect("EHLO mx.provider.test", 250).await;
    system.sandbox.store().faults().set_full(true);
    let reply = smtp.try_mail("", &[SENDER], &mail(SENDER, "Undelivered")).await;
    assert!(reply.starts_with("452 4.3.1"), "{reply}");
    system.sandbox.store().faults().set_full(false);
    smtp.send_mail("", &[SENDER], &mail(SENDER, "Undelivered")).await;
    assert_eq!(system.api.get("/api/v1/bounces").await["mailbox"], 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_that_no_provider_has() {
    let system = System::start().await;
    system.send("ann@nobody-knows.test").await;
    system.api.advance("84h").await;
    let message = system.api.message_to("ann@nobody-knows.test").await;
    let events = message["events"].as_array().unwrap();
    assert!(events.len() >= 2, "it has a story, too: {message}");
    assert_ne!(message["status"], "deferred", "which ends");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_make_no_sense() {
    let system = System::start().await;
    let check = async |method: reqwest::Method,
                       path: &str,
                       body: Option<serde_json::Value>,
                       status: u16,
                       words: &str| {
        let (found, problem) = system.api.call(method.clone(), path, body.as_ref()).await;
        assert_eq!(found.as_u16(), status, "{method} {path}: {problem}");
        assert_eq!(problem["status"], status, "{method} {path}: {problem}");
        let detail = problem["detail"].as_str().unwrap_or_default();
        assert!(detail.contains(words), "{method} {path}: {problem}");
    };
    use reqwest::Method;
    let by = |by: &str| Some(serde_json::json!({ "by": by }));
    check(Method::POST, "/api/v1/clock/advance", by("soon"), 400, "`soon` is not a duration").await;
    check(
        Method::POST,
        "/api/v1/clock/advance",
        Some(serde_json::json!({ "to": "2020-01-01T00:00:00Z" })),
        400,
        "only goes forward",
    )
    .await;
    check(Method::GET, "/api/v1/messages/xyz", None, 400, "`xyz` is not a queue id").await;
    check(Method::GET, "/api/v1/messages/0123456789abcdef", None, 404, "there is no message").await;
    check(Method::GET, "/api/v1/messages?status=lost", None, 400, "`lost` is not a status; expected one of")
        .await;
    check(Method::GET, "/api/v1/deliveries/7", None, 404, "there is no delivery `7`").await;
    check(Method::GET, "/api/v2/anything", None, 404, "there is nothing here").await;
    system.stop().await;
}
