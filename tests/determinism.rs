//! Same seed, same input: the same story, byte by byte, whoever comes first.

#![expect(clippy::unwrap_used, reason = "what is wrong is told by a panic")]

use emta_mail::chance::Hasher;
use emta_tests::{Setup, mail};
use tokio::task::JoinSet;

/// Recipients of one story; a few hundred of the shipped providers' domains.
const RECIPIENTS: usize = 320;
/// SMTP sessions at the same time.
const SESSIONS: usize = 8;

const DOMAINS: [&str; 8] = [
    "gmail.test",
    "outlook.test",
    "yahoo.test",
    "orange.test",
    "gmx.test",
    "icloud.test",
    "some.corp.test",
    "nobody-knows.test",
];

/// The input: recipient and content.
fn input() -> Vec<(String, String)> {
    (0..RECIPIENTS)
        .map(|number| {
            let recipient = format!("user{number}@{}", DOMAINS[number % DOMAINS.len()]);
            let content =
                format!("X-Emta-Campaign: spring\r\nX-Emta-Log: {number}\r\n{}", mail(&recipient, "news"));
            (recipient, content)
        })
        .collect()
}

/// Tells the story with this seed; the messages come in an order of their own for each `shuffle`. What came of it.
async fn tell(seed: u64, shuffle: u64) -> String {
    let system = Setup::new().set("seed", &seed.to_string()).start().await;
    let mut input = input();
    input.sort_by_key(|(recipient, _)| Hasher::new().u64(shuffle).bytes(recipient.as_bytes()).finish());
    let mut sessions = JoinSet::new();
    for share in input.chunks(RECIPIENTS.div_ceil(SESSIONS)) {
        let mut smtp = system.relay().await;
        let share = share.to_vec();
        sessions.spawn(async move {
            for (recipient, content) in share {
                smtp.send_mail("bounce@mta.emta.test", &[&recipient], &content).await;
            }
            smtp.expect("QUIT", 221).await;
        });
    }
    while let Some(session) = sessions.join_next().await {
        session.unwrap();
    }
    system.api.advance("84h").await;
    // Providers report days later, too.
    system.api.advance("7d").await;
    let export = system.api.text("/api/v1/events/export").await;
    assert_eq!(system.api.statuses().await.values().sum::<usize>(), RECIPIENTS);
    system.stop().await;
    export
}

/// The first line in which two stories differ.
fn difference<'a>(one: &'a str, other: &'a str) -> Option<(&'a str, &'a str)> {
    let ends = (one.lines().count() != other.lines().count()).then_some(("one is longer", "than the other"));
    one.lines().zip(other.lines()).find(|(a, b)| a != b).or(ends)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_tells_the_same_story() {
    let first = tell(7, 1).await;
    for kind in ["accepted", "deferred", "delivered", "bounced", "opened", "asynchronous_bounce"] {
        assert!(first.contains(&format!("\"type\":\"message.{kind}\"")), "the story has no `{kind}` in it");
    }
    for shuffle in 2..4 {
        let again = tell(7, shuffle).await;
        assert_eq!(difference(&first, &again), None);
        assert!(first == again, "byte by byte");
    }
    let other = tell(8, 1).await;
    assert_ne!(first, other, "another seed tells another story");
}
