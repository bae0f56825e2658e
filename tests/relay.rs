//! Campaign systems of all kinds relay their mail: Python's smtplib, swaks, lettre, and octets by hand.

#![expect(clippy::unwrap_used, reason = "what is wrong is told by a panic")]

use std::fs;

use emta_tests::api::{kinds, text};
use emta_tests::{START, Setup, System, mail, tool};
use lettre::message::header::ContentType;
use lettre::transport::smtp::PoolConfig;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// The sender that bounces come back to.
const SENDER: &str = "bounce@mta.emta.test";

async fn accepts(system: &System, recipients: &[&str]) {
    system.api.settle().await;
    let mut found: Vec<_> =
        system.api.messages().await.iter().map(|message| text(message, "recipient").to_owned()).collect();
    let mut expected: Vec<_> = recipients.iter().map(|recipient| (*recipient).to_owned()).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

const SMTPLIB: &str = r#"
import smtplib, ssl, sys
from email.message import EmailMessage

host, port, sender = sys.argv[1], int(sys.argv[2]), sys.argv[3]

def message(to):
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "news@brand.example", to, "news"
    made.set_content("Hello.\n.a line that begins with a dot\n")
    return made

with smtplib.SMTP(host, port) as smtp:
    smtp.ehlo()
    for extension in ["pipelining", "8bitmime", "smtputf8", "size", "enhancedstatuscodes", "dsn", "chunking", "starttls"]:
        assert smtp.has_extn(extension), extension
    smtp.send_message(message("plain@gmail.test"), sender, "plain@gmail.test")

with smtplib.SMTP(host, port) as smtp:
    smtp.starttls(context=ssl._create_unverified_context())
    smtp.login("core", "sesame")
    smtp.send_message(message("tls@gmail.test"), sender, "tls@gmail.test")

with smtplib.SMTP(host, port) as smtp:
    many = ["one@gmail.test", "two@yahoo.test", "three@outlook.test"]
    refused = smtp.sendmail(sender, many, message("all@brand.example").as_string(), rcpt_options=["NOTIFY=NEVER"])
    assert refused == {}, refused

with smtplib.SMTP(host, port) as smtp:
    beyond = "jörg@gmail.test"
    smtp.send_message(message(beyond), sender, beyond)

with smtplib.SMTP(host, port) as smtp:
    try:
        smtp.login("core", "guess")
    except smtplib.SMTPAuthenticationError as error:
        assert error.smtp_code == 535, error
    else:
        raise AssertionError("a wrong password was taken")
"#;

/// A relay that knows one user.
fn with_user() -> Setup {
    Setup::new().yaml("relay: { auth: { users: { core: sesame } } }\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn python_relays() {
    let system = with_user().start().await;
    let smtp = system.sandbox.addresses().smtp;
    let arguments = [&*smtp.ip().to_string(), &smtp.port().to_string(), SENDER];
    if tool::python(SMTPLIB, &arguments).is_none() {
        return;
    }
    let expected = [
        "plain@gmail.test",
        "tls@gmail.test",
        "one@gmail.test",
        "two@yahoo.test",
        "three@outlook.test",
        "jörg@gmail.test",
    ];
    accepts(&system, &expected).await;
    let raw = system.api.raw_message_to("tls@gmail.test").await;
    assert!(raw.contains("with ESMTPSA"), "{raw}");
    assert!(raw.contains("\r\n.a line that begins with a dot\r\n"), "{raw}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_was_given() {
    let setup = Setup::new();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (chain, key) = (setup.folder().join("chain.pem"), setup.folder().join("key.pem"));
    fs::write(&chain, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let yaml = "relay: { certificate: chain.pem, key: key.pem }\n";
    let system = setup.yaml(yaml).start().await;
    let script = r#"
import smtplib, ssl, sys
with smtplib.SMTP(sys.argv[1], int(sys.argv[2])) as smtp:
    smtp.starttls(context=ssl.create_default_context(cafile=sys.argv[3]))
    smtp.sendmail("bounce@mta.emta.test", "tls@gmail.test", "Subject: news\r\n\r\nHello.\r\n")
"#;
    let smtp = system.sandbox.addresses().smtp;
    let arguments = [&*smtp.ip().to_string(), &smtp.port().to_string(), chain.to_str().unwrap()];
    if tool::python(script, &arguments).is_some() {
        accepts(&system, &["tls@gmail.test"]).await;
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn swaks_relays() {
    let system = with_user().start().await;
    let server = system.sandbox.addresses().smtp.to_string();
    let common = ["--server", &server, "--from", SENDER, "--header", "X-Emta-Campaign: spring"];
    let runs: [&[&str]; 4] = [
        &["--to", "plain@gmail.test"],
        &["--to", "pipelined@gmail.test,other@yahoo.test", "--pipeline"],
        &["--to", "tls@gmail.test", "--tls"],
        &["--to", "login@gmail.test", "--auth", "LOGIN", "--auth-user", "core", "--auth-password", "sesame"],
    ];
    for run in runs {
        let Some(said) = tool::swaks(&[&common, run].concat()) else { return };
        assert!(said.contains("250 2.0.0 Ok: queued as "), "{said}");
    }
    let expected = [
        "plain@gmail.test",
        "pipelined@gmail.test",
        "other@yahoo.test",
        "tls@gmail.test",
        "login@gmail.test",
    ];
    accepts(&system, &expected).await;
    for message in system.api.messages().await {
        assert_eq!(message["campaign"], "spring");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lettre_relays_over_a_pool() {
    let system = System::start().await;
    let smtp = system.sandbox.addresses().smtp;
    let pool = PoolConfig::new().max_size(4);
    let host = smtp.ip().to_string();
    let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host);
    let transport = builder.port(smtp.port()).pool_config(pool).build();
    let mut tasks = JoinSet::new();
    for number in 0..40 {
        let transport = transport.clone();
        tasks.spawn(async move {
            let message = Message::builder()
                .from("news@brand.example".parse().unwrap())
                .to(format!("delivered+{number}@gmail.test").parse().unwrap())
                .subject("news")
                .header(ContentType::TEXT_PLAIN)
                .body("Grüße aus Köln".to_owned())
                .unwrap();
            let reply = transport.send(message).await.unwrap();
            assert!(reply.is_positive());
        });
    }
    while let Some(sent) = tasks.join_next().await {
        sent.unwrap();
    }
    system.api.settle().await;
    assert_eq!(system.api.statuses().await.values().sum::<usize>(), 40);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_session_in_one_packet() {
    let system = System::start().await;
    let mut smtp = system.relay().await;
    let content = mail("piped@gmail.test", "news");
    let dialogue = format!(
        "MAIL FROM:<{SENDER}>\r\nRCPT TO:<piped@gmail.test>\r\nRCPT TO:<>\r\nRCPT TO:<other@gmail.test>\r\nDATA\r\n"
    );
    smtp.send(dialogue.as_bytes()).await;
    for code in ["250", "250", "501", "250", "354"] {
        let reply = smtp.reply().await;
        assert!(reply.starts_with(code), "{reply}");
    }
    smtp.send(format!("{content}.\r\nMAIL FROM:<>\r\nRCPT TO:<next@gmail.test>\r\nQUIT\r\n").as_bytes())
        .await;
    for code in ["250", "250", "250", "221"] {
        let reply = smtp.reply().await;
        assert!(reply.starts_with(code), "{reply}");
    }
    accepts(&system, &["piped@gmail.test", "other@gmail.test"]).await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_are_put_together() {
    let system = System::start().await;
    let mut smtp = system.relay().await;
    let content = mail("chunked@gmail.test", "news");
    // A lone dot ends nothing here.
    let content = format!("{content}.\r\nmore\r\n");
    let (first, last) = content.split_at(content.len() / 2);
    smtp.expect(&format!("MAIL FROM:<{SENDER}> BODY=8BITMIME SIZE={}", content.len()), 250).await;
    smtp.expect("RCPT TO:<chunked@gmail.test>", 250).await;
    smtp.send(format!("BDAT {}\r\n{first}BDAT {} LAST\r\n{last}", first.len(), last.len()).as_bytes()).await;
    for _ in 0..2 {
        let reply = smtp.reply().await;
        assert!(reply.starts_with("250"), "{reply}");
    }
    accepts(&system, &["chunked@gmail.test"]).await;
    let raw = system.api.raw_message_to("chunked@gmail.test").await;
    assert!(raw.ends_with(".\r\nmore\r\n"), "{raw}");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_recipients_become_several_messages() {
    let system = System::start().await;
    let mut smtp = system.relay().await;
    let recipients = ["delivered@gmail.test", "bounced@gmail.test", "deferred@yahoo.test"];
    let content = mail("all@brand.example", "news");
    smtp.send_mail(SENDER, &recipients, &content).await;
    system.api.advance("1s").await;
    let mut ids: Vec<String> = Vec::new();
    for (recipient, status) in recipients.into_iter().zip(["delivered", "bounced", "deferred"]) {
        let message = system.api.message_to(recipient).await;
        assert_eq!(message["status"], status, "{recipient}");
        let events = message["events"].as_array().unwrap();
        assert_eq!(kinds(events)[0], "accepted");
        ids.push(text(&message, "queue_id").to_owned());
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3, "each has an id of its own");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_header_says_where_a_message_comes_from() {
    let system = System::start().await;
    let cases: [(&str, Value); 4] = [
        (
            "X-Emta-Campaign: spring\r\nX-Emta-Delivery: 12\r\nX-Emta-Log: 34\r\nX-Emta-Validity: 1d\r\nX-Emta-Meta-Tier: gold\r\n",
            json!({ "campaign": "spring", "delivery": "12", "log": "34", "metadata": { "tier": "gold" },
                "expires_at": "2026-01-06T09:00:00.000Z" }),
        ),
        (
            "X-MSYS-API: {\"campaign_id\": \"summer\",\r\n \"metadata\": {\"m\": 77, \"d\": \"88\", \"tier\": \"silver\"}}\r\n",
            json!({ "campaign": "summer", "delivery": "88", "log": "77",
                "metadata": { "d": "88", "m": "77", "tier": "silver" } }),
        ),
        (
            "Message-ID: <NM60001E24000000929acme_mid_prod3@mkt.example>\r\n",
            json!({ "campaign": null, "delivery": "2345", "log": "123456", "metadata": { "instance": "acme_mid_prod3" },
                "message_id": "NM60001E24000000929acme_mid_prod3@mkt.example" }),
        ),
        (
            "Message-ID: <AC70000000000000F4200000929acme@mkt.example>\r\n",
            json!({ "delivery": "2345", "log": "3906", "metadata": { "instance": "acme" } }),
        ),
    ];
    for (number, (fields, expected)) in cases.iter().enumerate() {
        let recipient = format!("delivered+{number}@gmail.test");
        system.send_with(&recipient, fields).await;
        let message = system.api.message_to(&recipient).await;
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(message[key], *value, "{key} after {fields}");
        }
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_cannot_be_understood_is_refused() {
    let system = System::start().await;
    let mut smtp = system.relay().await;
    for (field, expected) in [
        ("X-MSYS-API: {\"campaign_id\": oops}", "550 5.6.0 JSON parsing error in X-MSYS-API"),
        ("X-Emta-Validity: soon", "550 5.6.0 X-Emta-Validity: `soon` is not a duration"),
    ] {
        let content = format!("{field}\r\n{}", mail("a@gmail.test", "news"));
        let reply = smtp.try_mail(SENDER, &["a@gmail.test"], &content).await;
        assert!(reply.starts_with(expected), "{reply}");
    }
    accepts(&system, &[]).await;
    system.stop().await;
}

/// Values of a field of the header.
fn fields<'a>(raw: &'a str, name: &str) -> Vec<&'a str> {
    let header = raw.split("\r\n\r\n").next().unwrap();
    let value = |line: &'a str| line.strip_prefix(name)?.strip_prefix(": ");
    header.split("\r\n").filter_map(value).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_relay_adds_what_is_missing() {
    let system = System::start().await;
    assert_eq!(system.api.now().await, START);
    system.send("bare@gmail.test").await;
    let raw = system.api.raw_message_to("bare@gmail.test").await;
    let received = fields(&raw, "Received");
    assert_eq!(received.len(), 1, "{raw}");
    assert!(received[0].starts_with("from core.example ([127.0.0.1])"), "{raw}");
    assert!(raw.contains("Mon, 5 Jan 2026 09:00:00 +0000"), "{raw}");
    assert_eq!(fields(&raw, "Date"), ["Mon, 5 Jan 2026 09:00:00 +0000"]);
    let message = system.api.message_to("bare@gmail.test").await;
    let message_id = text(&message, "message_id");
    assert!(message_id.ends_with("@mta.emta.test"), "{message_id}");
    assert_eq!(fields(&raw, "Message-ID"), [format!("<{message_id}>")]);
    assert!(raw.ends_with(&mail("bare@gmail.test", "news")), "the rest is as it came: {raw}");

    let own = "Date: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <1@brand.example>\r\n";
    system.send_with("whole@gmail.test", own).await;
    let raw = system.api.raw_message_to("whole@gmail.test").await;
    assert_eq!(fields(&raw, "Date"), ["Thu, 1 Jan 2026 00:00:00 +0000"]);
    assert_eq!(fields(&raw, "Message-ID"), ["<1@brand.example>"]);
    assert_eq!(fields(&raw, "Received").len(), 1);
    system.stop().await;
}
