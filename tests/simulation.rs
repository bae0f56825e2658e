//! A simulation tells the story that the running system tells over sockets, byte by byte, on whatever threads.

#![expect(clippy::unwrap_used, reason = "what is wrong is told by a panic")]

use std::fs;
use std::io;
use std::ops::ControlFlow;

use emta_campaign::Mode;
use emta_sandbox::config::scenario::{Changes, load, parse};
use emta_sandbox::config::{Override, TextFile};
use emta_sandbox::simulation::figures::{Figures, Indicator, Outcome};
use emta_sandbox::simulation::{Lines, Listener, Options, Progress, Told, run};
use emta_sandbox::wire::WireEvent;
use emta_tests::{START, Setup};
use serde_json::json;

/// Recipients of the story: enough that every provider has some of most outcomes.
const RECIPIENTS: usize = 1_500;

const DOMAINS: [&str; 12] = [
    "gmail.test",
    "outlook.test",
    "yahoo.test",
    "orange.test",
    "gmx.test",
    "icloud.test",
    "mailru.test",
    "some.corp.test",
    "other.corp.test",
    "nobody-knows.test",
    "bakery.test",
    "school.test",
];

/// The list: some without an address, some twice.
fn list() -> String {
    let row = |number: usize| match number % 97 {
        0 => ",Nobody\n".to_owned(),
        1 => format!("ann1@{},Ann\n", DOMAINS[number % 3]),
        _ => format!("ann{number}@{},Ann {number}\n", DOMAINS[number % DOMAINS.len()]),
    };
    format!("email,name\n{}", (0..RECIPIENTS).map(row).collect::<String>())
}

const SUBJECT: &str = "Spring is here";
const TEXT: &str = "Dear {{name}},\n\nspring is here.\n.\nhttps://shop.example/spring\n";

/// Everything that a simulation tells, as the API exports events.
#[derive(Default)]
struct Story(String);

impl Listener for Story {
    fn event(&mut self, event: Told<'_>) -> io::Result<()> {
        self.0 += std::str::from_utf8(event.line).unwrap();
        Ok(())
    }

    fn progress(&mut self, _: &Progress) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

fn simulate(scenario: &str, threads: usize, seed: u64) -> (String, Figures) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("list.csv"), list()).unwrap();
    let name = folder.path().join("story.yaml").display().to_string();
    let file = TextFile { name, text: scenario.to_owned() };
    let set = vec![Override::flag("--seed", "seed", seed.to_string())];
    let scenario = parse(&file, &Changes { recipients: None, set }).unwrap();
    let mut story = Story::default();
    let options = Options { threads, lines: Lines::Written, command: String::new() };
    let finished = run(scenario, &options, &mut story).unwrap();
    assert_eq!((finished.stopped, finished.unmatched), (false, 0));
    (story.0, finished.figures)
}

/// The same story with messages two octets larger: the running core relays with lettre, which ends the content of each
/// with a line end of its own. Nothing else differs.
fn as_lettre_sends(story: &str) -> String {
    let line = |line: &str| {
        let mut event: WireEvent = serde_json::from_str(line).unwrap();
        event.data.size = event.data.size.map(|size| size + 2);
        serde_json::to_string(&event).unwrap() + "\n"
    };
    story.lines().map(line).collect()
}

/// The first line in which two stories differ.
fn difference<'a>(one: &'a str, other: &'a str) -> Option<(&'a str, &'a str)> {
    let ends = (one.lines().count() != other.lines().count()).then_some(("one is longer", "than the other"));
    one.lines().zip(other.lines()).find(|(a, b)| a != b).or(ends)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_is_that_of_the_running_system() {
    let system = Setup::new().set("seed", "7").start().await;
    let body = json!({
        "label": "spring",
        "campaign": "spring",
        "subject": SUBJECT,
        "text": TEXT,
        "validity": "60h",
        "recipients_csv": list(),
    });
    let created = system.api.post("/api/v1/deliveries", body).await;
    let path = format!("/api/v1/deliveries/{}", created["delivery"]);
    for step in ["prepare", "confirm"] {
        system.api.post(&format!("{path}/{step}"), json!({})).await;
    }
    system.api.settle().await;
    system.api.advance("84h").await;
    system.api.advance("7d").await;
    let told = system.api.text("/api/v1/events/export").await;
    let kpis = system.api.get(&format!("{path}/kpis")).await;
    system.stop().await;

    let scenario = format!(
        "name: spring\nstart: {START}\ntail: 7d\nrecipients: {{ file: list.csv }}\n\
         delivery: {{ subject: {SUBJECT}, validity: 60h, text: {} }}\n",
        json!(TEXT)
    );
    let (simulated, figures) = simulate(&scenario, 2, 7);
    for kind in ["accepted", "deferred", "delivered", "bounced", "expired", "opened", "asynchronous_bounce"] {
        assert!(told.contains(&format!("\"type\":\"message.{kind}\"")), "the story has no `{kind}` in it");
    }
    assert_eq!(difference(&told, &as_lettre_sends(&simulated)), None);

    for mode in Mode::ALL {
        let row = figures.kpis(mode, figures.hours());
        for indicator in Indicator::ALL.into_iter().filter(|indicator| *indicator != Indicator::Excluded) {
            let shown = &kpis[mode.name()];
            let number = shown.get(indicator.name()).or(shown["by_type"].get(indicator.name()));
            assert_eq!(number, Some(&json!(row.of(indicator))), "{mode} {}", indicator.name());
        }
    }
}

/// All that a scenario can have: waves, outages, limits, a provider that takes its time, bounces that the MTA mails.
const EVERYTHING: &str = "
recipients: { count: 3000, mix: { gmail: 3, outlook: 3, yahoo: 2, smallbiz: 3, orange: 2, shop.test: 1 } }
delivery: { validity: 30h, waves: { count: 3, every: 4h } }
weights: { gmail: { unknown: 9 }, smallbiz: { slow: 20 } }
outages:
  - { provider: outlook, after: 0h, for: 3h }
  - { provider: yahoo, after: 4h, for: 40h, script: '421 4.3.2 not now' }
queue: { jitter: 10%, providers: { orange: { limits: { messages_per_hour: 20 } } } }
";

#[test]
fn threads_change_nothing() {
    for mode in ["efs", "without-efs"] {
        let scenario = format!("{EVERYTHING}campaign: {{ mode: {mode} }}\n");
        let (first, figures) = simulate(&scenario, 1, 3);
        for threads in [1, 2, 5] {
            let (again, same) = simulate(&scenario, threads, 3);
            assert_eq!(difference(&first, &again), None, "{threads} threads");
            assert!(figures == same, "{threads} threads");
        }
        let mut order: Vec<(String, String)> = Vec::new();
        for line in first.lines() {
            let event: WireEvent = serde_json::from_str(line).unwrap();
            order.push((event.timestamp, event.data.queue_id));
        }
        assert!(order.is_sorted(), "events come by instant, then message");
        assert_ne!(first, simulate(&scenario, 1, 4).0, "another seed tells another story");
        let own = first.lines().filter(|line| line.contains("\"from_this_mta\":true")).count();
        assert_eq!(own > 0, mode == "without-efs", "{own} reports of the MTA's own");
    }
}

/// What the scenario's file promises.
#[test]
fn an_everyday_campaign_has_everyday_rates() {
    let scenario = load("everyday", &Changes { recipients: Some(20_000), set: Vec::new() }).unwrap();
    let options = Options { threads: 2, lines: Lines::Omitted, command: String::new() };
    let figures = run(scenario, &options, &mut Story::default()).unwrap().figures;
    let total = figures.total();
    let check = |outcome: Outcome, expected: f64, off_by: f64| {
        let percent = total.of(outcome) as f64 / 200.0;
        assert!((percent - expected).abs() <= off_by, "{percent} % {outcome:?}, expected about {expected} %");
    };
    check(Outcome::Accepted, 100.0, 0.0);
    check(Outcome::HardBounced, 2.0, 0.2);
    check(Outcome::AsynchronousBounce, 0.5, 0.1);
    check(Outcome::Complaint, 0.1, 0.02);
    let (_, first) = figures.attempts().find(|(attempt, _)| *attempt == 1).unwrap();
    let deferred = first.of(Outcome::Deferred) as f64 / 200.0;
    assert!((deferred - 8.0).abs() <= 0.4, "{deferred} % deferred at first");
}
