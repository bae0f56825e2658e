//! What goes over a limit gets the reply that SMTP has for it, and nothing that was taken is lost.

use emta_tests::{Setup, Smtp, System, mail};

const SENDER: &str = "bounce@mta.emta.test";

/// A relay with narrow limits.
async fn narrow() -> System {
    let relay =
        "relay: { size: 4KiB, recipients: 3, command_line: 600, text_line: 1200, sessions: 2, errors: 5 }\n";
    Setup::new().yaml(relay).start().await
}

async fn count(system: &System) -> usize {
    system.api.settle().await;
    system.api.messages().await.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_line_that_is_too_long() {
    let system = narrow().await;
    let mut smtp = system.relay().await;
    let reply = smtp.say(&format!("NOOP {}", "x".repeat(600))).await;
    assert!(reply.starts_with("500 5.5.2 line is longer than 600 octets"), "{reply}");
    smtp.send_mail(SENDER, &["a@gmail.test"], &mail("a@gmail.test", "news")).await;
    assert_eq!(count(&system).await, 1, "the session goes on");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_the_message_that_is_too_long() {
    let system = narrow().await;
    let mut smtp = system.relay().await;
    for (octets, code) in [(1_200, "250 2.0.0"), (1_201, "554 5.6.0")] {
        let content = format!("{}{}\r\n", mail("a@gmail.test", "news"), "x".repeat(octets - 2));
        let reply = smtp.try_mail(SENDER, &["a@gmail.test"], &content).await;
        assert!(reply.starts_with(code), "{octets}: {reply}");
    }
    assert_eq!(count(&system).await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_message_cannot_be_smuggled_in() {
    // What some servers take for the end of a message, and others do not.
    for end in ["\n.\r\n", "\r\n.\n", "\n.\n", "\r.\r\n", "\r\n.\r", "\r.\r"] {
        let system = narrow().await;
        let mut smtp = system.relay().await;
        smtp.expect(&format!("MAIL FROM:<{SENDER}>"), 250).await;
        smtp.expect("RCPT TO:<a@gmail.test>", 250).await;
        smtp.expect("DATA", 354).await;
        let smuggled = format!("MAIL FROM:<{SENDER}>\r\nRCPT TO:<victim@gmail.test>\r\nDATA\r\n");
        let rest = mail("victim@gmail.test", "smuggled");
        let octets = format!("{}{end}{smuggled}{rest}.\r\n", mail("a@gmail.test", "news"));
        smtp.send(octets.as_bytes()).await;
        let reply = smtp.try_reply().await.unwrap_or_default();
        assert!(reply.starts_with("550 5.5.2 bare CR or LF"), "{end:?}: {reply}");
        let after = smtp.try_reply().await.unwrap_or_default();
        assert!(!after.starts_with('2') && !after.starts_with('3'), "{end:?}: {after}");
        assert_eq!(count(&system).await, 0, "{end:?}");
        system.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_over_size() {
    let system = narrow().await;
    let mut smtp = system.relay().await;
    let reply = smtp.say(&format!("MAIL FROM:<{SENDER}> SIZE=4097")).await;
    assert!(reply.starts_with("552 5.3.4"), "declared: {reply}");
    // Not declared: it is found out, and the next message is not harmed.
    let large = format!("{}{}", mail("a@gmail.test", "news"), "0123456789\r\n".repeat(400));
    let reply = smtp.try_mail(SENDER, &["a@gmail.test"], &large).await;
    assert!(reply.starts_with("552 5.3.4"), "sent: {reply}");
    smtp.expect(&format!("MAIL FROM:<{SENDER}>"), 250).await;
    smtp.expect("RCPT TO:<a@gmail.test>", 250).await;
    smtp.send(format!("BDAT {} LAST\r\n{large}", large.len()).as_bytes()).await;
    let reply = smtp.reply().await;
    assert!(reply.starts_with("552 5.3.4"), "in a chunk: {reply}");
    smtp.say("RSET").await;
    smtp.send_mail(SENDER, &["b@gmail.test"], &mail("b@gmail.test", "news")).await;
    assert_eq!(count(&system).await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_recipients() {
    let system = narrow().await;
    let mut smtp = system.relay().await;
    smtp.expect(&format!("MAIL FROM:<{SENDER}>"), 250).await;
    for (recipient, code) in [("a", 250), ("b", 250), ("c", 250), ("d", 452)] {
        smtp.expect(&format!("RCPT TO:<{recipient}@gmail.test>"), code).await;
    }
    smtp.expect("DATA", 354).await;
    smtp.send(mail("all@brand.example", "news").as_bytes()).await;
    smtp.expect(".", 250).await;
    assert_eq!(count(&system).await, 3, "those that were taken get it");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_sessions_and_errors() {
    let system = narrow().await;
    let mut first = system.relay().await;
    let second = system.relay().await;
    let address = system.sandbox.addresses().smtp;
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let mut refusal = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut stream, &mut refusal).await.expect("a word before the end");
    assert!(refusal.starts_with("421 4.3.2"), "{refusal}");
    for _ in 0..5 {
        first.expect("HUH", 500).await;
    }
    first.expect("HUH", 421).await;
    assert_eq!(first.reply().await, "", "closed");
    drop(second);
    system.stop().await;
}

/// A port check, or a client that was killed: what it held is free again.
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_leave_without_a_word() {
    let system = narrow().await;
    drop(system.relay().await);
    let mut in_the_middle = system.relay().await;
    in_the_middle.expect(&format!("MAIL FROM:<{SENDER}>"), 250).await;
    drop(in_the_middle);
    let address = system.sandbox.addresses().smtp;
    let mut refused = 0;
    loop {
        let mut stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
        let mut code = [0; 3];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut code).await.expect("a greeting");
        if &code == b"220" {
            break;
        }
        refused += 1;
        assert!(refused < 10_000, "the sessions of clients that are gone go on");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_who_do_not_say_who_they_are() {
    let relay = "relay: { auth: { required: true, users: { core: sesame } } }\n";
    let system = Setup::new().yaml(relay).start().await;
    let mut smtp = system.relay().await;
    smtp.expect(&format!("MAIL FROM:<{SENDER}>"), 530).await;
    // "\0core\0sesame"
    smtp.expect("AUTH PLAIN AGNvcmUAc2VzYW1l", 235).await;
    smtp.send_mail(SENDER, &["a@gmail.test"], &mail("a@gmail.test", "news")).await;
    assert_eq!(count(&system).await, 1);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_falls_silent() {
    let system = Setup::new().set("relay.timeout", "200ms").start().await;
    let mut smtp = Smtp::connect(system.sandbox.addresses().smtp).await;
    let reply = smtp.reply().await;
    assert!(reply.starts_with("421 4.4.2"), "{reply}");
    system.stop().await;
}
