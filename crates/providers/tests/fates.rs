//! Fates belong to messages: their shares, their independence of order, what follows them, and what a restart keeps.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as the test does")]

use std::collections::BTreeMap;

use emta_mail::{Chance, EmailAddress, QueueId, ReversePath, Timestamp};
use emta_providers::{
    ChosenBy, Delivery, DomainPattern, Later, Outcome, ProviderSpec, Providers, ProvidersError,
    RecipientOutcome, RecipientPattern, Resolution, SandboxAddresses, WeightedOutcome,
};

fn weighted(weight: f64, name: &str, script: &str) -> WeightedOutcome {
    WeightedOutcome { weight, name: name.to_owned(), outcome: Outcome::parse_script(script).unwrap() }
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

fn spec() -> ProviderSpec {
    let mut spec =
        ProviderSpec::new("acme", vec!["acme.test".parse().unwrap(), "*.acme.test".parse().unwrap()]);
    spec.outcomes = vec![
        weighted(
            88.0,
            "accepted",
            "250; open after 1m..2d with 25%; click after 2m..2d with 3%; arf after 1h with 0.1%",
        ),
        weighted(8.0, "deferred", "450 4.2.1 wait x2, 250"),
        weighted(2.0, "unknown", "550 5.1.1 no such user here"),
        weighted(1.5, "busy", "greeting:421 4.3.2 busy, 250"),
        weighted(0.5, "late", "250; dsn=5.1.1 after 1m..8h"),
        weighted(0.0, "never", "554 5.7.1 never drawn"),
    ];
    spec
}

fn acme(seed: u64) -> Providers {
    Providers::try_new(Chance::new(seed), vec![spec()]).unwrap()
}

#[test]
fn outcomes_come_in_their_shares() {
    let providers = acme(3);
    let mut counts = BTreeMap::new();
    for n in 0..100_000 {
        let (_, chosen) = providers.outcome(QueueId::from_u64(n), &address("ann@acme.test"));
        let ChosenBy::Weight { name } = chosen else { panic!("{chosen:?}") };
        *counts.entry(name).or_insert(0) += 1;
    }
    for (name, expected, tolerance) in [
        ("accepted", 88_000, 400),
        ("deferred", 8_000, 350),
        ("unknown", 2_000, 180),
        ("busy", 1_500, 160),
        ("late", 500, 90),
    ] {
        let count: i32 = counts.remove(name).unwrap_or(0);
        assert!((count - expected).abs() < tolerance, "{name}: {count}");
    }
    assert!(counts.is_empty(), "{counts:?}");
}

/// Plays the first attempt of each message and everything that is due later, and writes it all down.
fn story(seed: u64, order: impl Iterator<Item = u64>) -> Vec<String> {
    let mut providers = acme(seed);
    let mut story = Vec::new();
    for n in order {
        let (message, recipient) = (QueueId::from_u64(n), address(&format!("user{n}@acme.test")));
        let resolution = providers.resolve(message, &recipient, 1);
        let step = providers.step(message, &recipient, 1, "mx");
        story.push(format!("{message} {resolution:?} {step:?}"));
        providers.delivered(&Delivery {
            message,
            sender: "b@news.example".parse().unwrap(),
            recipient,
            at: Timestamp::from_seconds(1_000),
        });
    }
    story.sort();
    story.extend(drain(&mut providers, Timestamp::MAX).iter().map(|later| format!("{later:?}")));
    story
}

fn drain(providers: &mut Providers, now: Timestamp) -> Vec<Later> {
    std::iter::from_fn(|| providers.poll(now)).collect()
}

#[test]
fn the_same_seed_tells_the_same_story_in_any_order() {
    let story_of = |seed| story(seed, 0..2_000);
    assert_eq!(story_of(7), story(7, (0..2_000).rev()));
    assert_eq!(story_of(7), story(7, (0..2_000).map(|n| (n * 37) % 2_000)));
    assert_ne!(story_of(7), story_of(8));
}

#[test]
fn what_follows_comes_in_order_and_on_whole_seconds() {
    let mut providers = acme(5);
    let at = Timestamp::from_millis(1_000_250);
    for n in 0..20_000 {
        providers.delivered(&Delivery {
            message: QueueId::from_u64(n),
            sender: "b@news.example".parse().unwrap(),
            recipient: address("ann@acme.test"),
            at,
        });
    }
    let waiting = providers.waiting();
    let first_half = drain(&mut providers, at + std::time::Duration::from_hours(24));
    assert!(providers.deadline().unwrap() > at + std::time::Duration::from_hours(24));
    let all = [first_half, drain(&mut providers, Timestamp::MAX)].concat();
    assert_eq!(all.len(), waiting);
    assert!(all.is_sorted_by_key(|later| (later.due, later.message, later.kind.rank())));
    assert!(all.iter().all(|later| later.due == later.due.ceil_to_second() && later.due > at));
    let count = |name| all.iter().filter(|later| later.kind.name() == name).count();
    // 88 % of 20,000, of which 25 %, 3 % and 0.1 %; 0.5 % of 20,000.
    assert!((4_250..4_550).contains(&count("open")), "{}", count("open"));
    assert!((460..600).contains(&count("click")), "{}", count("click"));
    assert!((5..35).contains(&count("arf")), "{}", count("arf"));
    assert!((70..130).contains(&count("dsn")), "{}", count("dsn"));
}

#[test]
fn a_restart_keeps_what_is_still_due() {
    let delivery = |n| Delivery {
        message: QueueId::from_u64(n),
        sender: "b@news.example".parse().unwrap(),
        recipient: address("ann@acme.test"),
        at: Timestamp::from_seconds(1_000 + n as i64),
    };
    let noon = Timestamp::from_seconds(1_000) + std::time::Duration::from_hours(12);
    let mut whole = acme(5);
    (0..5_000).for_each(|n| whole.delivered(&delivery(n)));
    let before = drain(&mut whole, noon - std::time::Duration::from_secs(1));
    let mut restarted = acme(5);
    (0..5_000).rev().for_each(|n| restarted.restore_delivered(&delivery(n), noon));
    assert!(!before.is_empty());
    assert_eq!(drain(&mut whole, Timestamp::MAX), drain(&mut restarted, Timestamp::MAX));
}

#[test]
fn a_null_sender_gets_no_mail() {
    let mut providers = acme(5);
    for n in 0..5_000 {
        let (message, recipient) = (QueueId::from_u64(n), address("ann@acme.test"));
        let at = Timestamp::from_seconds(0);
        providers.delivered(&Delivery { message, sender: ReversePath::Null, recipient, at });
    }
    let all = drain(&mut providers, Timestamp::MAX);
    assert!(!all.is_empty() && all.iter().all(|later| matches!(later.kind.name(), "open" | "click")));
}

#[test]
fn the_closest_choice_wins() {
    let mut spec = spec();
    let recipient =
        |recipient, script| RecipientOutcome { recipient, outcome: Outcome::parse_script(script).unwrap() };
    spec.recipients = vec![
        recipient(RecipientPattern::Glob("*+full@acme.test".parse().unwrap()), "552 pattern"),
        recipient(RecipientPattern::Exact(address("Ann+full@acme.test")), "552 exact"),
    ];
    let check = |spec: &ProviderSpec, to: &str, by: Option<ChosenBy>, reply: &str| {
        let providers = Providers::try_new(Chance::new(1), vec![spec.clone()]).unwrap();
        let (_, chosen) = providers.outcome(QueueId::from_u64(1), &address(to));
        if let Some(by) = by {
            assert_eq!(chosen, by, "{to}");
        }
        let step = format!("{:?}", providers.step(QueueId::from_u64(1), &address(to), 1, "mx"));
        assert!(step.contains(reply), "{to}: {step}");
    };
    check(&spec, "ann+FULL@acme.test", Some(ChosenBy::Recipient), "exact");
    check(&spec, "bob+full@sub.acme.test", Some(ChosenBy::SandboxAddress), "Mailbox full");
    check(&spec, "bob+full@acme.test", Some(ChosenBy::Pattern), "pattern");
    check(&spec, "unknown@acme.test", Some(ChosenBy::SandboxAddress), "no such user here");
    check(&spec, "never@acme.test", Some(ChosenBy::SandboxAddress), "never drawn");
    check(&spec, "bounced@elsewhere.example", Some(ChosenBy::SandboxAddress), "does not exist");
    check(&spec, "someone@elsewhere.example", Some(ChosenBy::Default), "Accept");
    spec.sandbox_addresses = SandboxAddresses::Off;
    check(&spec, "bounced@acme.test", Some(ChosenBy::Weight { name: "accepted".to_owned() }), "Accept");
}

#[test]
fn mail_goes_to_a_host_of_its_provider() {
    let mut spec = spec();
    spec.mx = vec!["mx1.acme.test".parse().unwrap(), "mx2.acme.test".parse().unwrap()];
    let mut providers = Providers::try_new(Chance::new(1), vec![spec]).unwrap();
    let hosts: Vec<&str> = providers.doors().iter().map(|door| door.host.as_str()).collect();
    assert_eq!(hosts, ["mx1.acme.test", "edge1.mx1.acme.test", "mx.default.test"]);
    let mut seen = BTreeMap::new();
    for n in 0..1_000 {
        let resolution = providers.resolve(QueueId::from_u64(n), &address("ann@acme.test"), 1);
        let Resolution::Mx { host, door } = resolution else { panic!("{resolution:?}") };
        assert_eq!(host.starts_with("edge"), door.index() == 1);
        *seen.entry(host).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
    assert!(seen["edge1.mx1.acme.test"] < 40, "{seen:?}");
}

#[test]
fn a_route_leads_to_a_foreign_server_on_this_machine() {
    let mut spec = spec();
    spec.route = Some("127.0.0.1:2626".parse().unwrap());
    let mut providers = Providers::try_new(Chance::new(1), vec![spec.clone()]).unwrap();
    let resolution = providers.resolve(QueueId::from_u64(1), &address("ann@acme.test"), 1);
    assert_eq!(resolution, Resolution::Foreign("127.0.0.1:2626".parse().unwrap()));
    spec.route = Some("192.0.2.1:25".parse().unwrap());
    let error = Providers::try_new(Chance::new(1), vec![spec]).unwrap_err();
    assert!(error.to_string().contains("expected a loopback address"), "{error}");
}

#[test]
fn providers_that_contradict_each_other_are_refused() {
    let check = |specs: Vec<ProviderSpec>, expected: &str| {
        let error = Providers::try_new(Chance::new(1), specs).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\nexpected {expected}");
    };
    let other = |name: &str, domain: &str| ProviderSpec::new(name, vec![domain.parse().unwrap()]);
    let with = |change: &dyn Fn(&mut ProviderSpec)| {
        let mut spec = spec();
        change(&mut spec);
        vec![spec]
    };
    check(vec![spec(), other("acme", "b.test")], "two providers are named `acme`");
    check(
        vec![spec(), other("b", "acme.test")],
        "`acme.test` belongs to provider `acme` and to provider `b`",
    );
    check(vec![spec(), other("b", "*.acme.test")], "`*.acme.test` belongs");
    check(with(&|spec| spec.domains.clear()), "has no domain");
    check(with(&|spec| spec.outcomes.iter_mut().for_each(|o| o.weight = 0.0)), "sum to `0`");
    for weight in [-1.0, f64::NAN, f64::INFINITY] {
        check(with(&|spec| spec.outcomes[0].weight = weight), "expected weights of 0 or more");
    }
    check(with(&|spec| spec.outcomes[0].name = "Un_known".to_owned()), "two outcomes named `unknown`");
    let elsewhere = RecipientOutcome {
        recipient: RecipientPattern::Exact(address("ann@b.test")),
        outcome: Outcome::accept(),
    };
    let mut wrong = spec();
    wrong.recipients.push(elsewhere);
    check(
        vec![wrong, other("b", "b.test")],
        "an entry for `ann@b.test`, whose domain belongs to provider `b`",
    );
}

#[test]
fn doors_are_limited() {
    let spec = |count: usize| {
        let mut spec = ProviderSpec::new("acme", vec![DomainPattern::Any]);
        spec.outcomes = (0..count)
            .map(|n| weighted(1.0, &format!("o{n}"), &format!("greeting:421 4.3.2 busy {n}")))
            .collect();
        Providers::try_new(Chance::new(1), vec![spec])
    };
    // The main door is one of them.
    assert_eq!(spec(Providers::MAX_DOORS - 1).unwrap().doors().len(), Providers::MAX_DOORS);
    let error = spec(Providers::MAX_DOORS).unwrap_err();
    assert_eq!(error, ProvidersError::TooManyDoors { provider: "acme".to_owned(), doors: 65 });
}
