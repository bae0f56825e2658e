//! Delays belong to attempts: whose they are, how they are drawn, and that the seed decides.

#![expect(clippy::unwrap_used, reason = "a test's helpers fail as the test does")]

use std::time::Duration;

use emta_mail::{Chance, EmailAddress, QueueId};
use emta_providers::{DomainPattern, Latency, Outcome, ProviderSpec, Providers, WeightedOutcome};

fn ann() -> EmailAddress {
    EmailAddress::parse("ann@acme.test").unwrap()
}

/// A provider whose mail meets this script.
fn spec(script: &str, latency: &str) -> ProviderSpec {
    let mut spec = ProviderSpec::new("acme", vec![DomainPattern::Any]);
    let outcome = Outcome::parse_script(script).unwrap();
    spec.outcomes = vec![WeightedOutcome { weight: 1.0, name: "only".to_owned(), outcome }];
    spec.latency = latency.parse().unwrap();
    spec
}

fn providers(seed: u64, script: &str, latency: &str) -> Providers {
    Providers::try_new(Chance::new(seed), vec![spec(script, latency)]).unwrap()
}

/// The delays of the first attempts of a message, in seconds.
fn check(script: &str, latency: &str, expected: [u64; 4]) {
    let providers = providers(1, script, latency);
    let delays = [0, 1, 2, 3].map(|attempt| providers.delay(QueueId::from_u64(7), &ann(), attempt));
    assert_eq!(delays, expected.map(Duration::from_secs), "{script} at a provider of {latency}");
}

#[test]
fn an_attempt_takes_what_it_says_or_what_its_provider_does() {
    check("250", "0", [0, 0, 0, 0]);
    check("250", "2s", [2, 2, 2, 2]);
    check("450 in 30s, timeout, 250 in 1h", "0", [30, 30, 0, 3_600]);
    check("450 in 30s, timeout, 250 in 0s", "2s", [30, 30, 2, 0]);
    check("421x2 in 2m, 250", "0", [120, 120, 120, 0]);
}

#[test]
fn addresses_that_choose_their_fate_take_its_time() {
    let mut spec = spec("250", "2s");
    let outcome = Outcome::parse_script("250 in 45s").unwrap();
    spec.outcomes.push(WeightedOutcome { weight: 0.0, name: "slow".to_owned(), outcome });
    let providers = Providers::try_new(Chance::new(1), vec![spec]).unwrap();
    for (to, expected) in [("slow", 45), ("ann+slow", 45), ("ann", 2), ("bounced", 2)] {
        let recipient = EmailAddress::parse(&format!("{to}@acme.test")).unwrap();
        let delay = providers.delay(QueueId::from_u64(7), &recipient, 1);
        assert_eq!(delay, Duration::from_secs(expected), "{to}");
    }
}

#[test]
fn a_foreign_server_has_no_outcomes_that_could_delay_it() {
    let mut spec = spec("250 in 30s", "2s");
    spec.route = Some("127.0.0.1:2626".parse().unwrap());
    let providers = Providers::try_new(Chance::new(1), vec![spec]).unwrap();
    assert_eq!(providers.delay(QueueId::from_u64(7), &ann(), 1), Duration::from_secs(2));
}

#[test]
fn the_same_seed_takes_the_same_time_in_any_order() {
    let delays = |seed, order: &mut dyn Iterator<Item = u64>| {
        let providers = providers(seed, "450 in 5s..40s x2, 250", "200ms..2s");
        let attempts = order.flat_map(|n| [1, 2, 3].map(|attempt| (n, attempt)));
        let delay = |(n, attempt)| (n, attempt, providers.delay(QueueId::from_u64(n), &ann(), attempt));
        let mut delays: Vec<_> = attempts.map(delay).collect();
        delays.sort_unstable();
        delays
    };
    assert_eq!(delays(7, &mut (0..1_000)), delays(7, &mut (0..1_000).rev()));
    assert_ne!(delays(7, &mut (0..1_000)), delays(8, &mut (0..1_000)));
    // Each attempt of a message draws for itself.
    let all = delays(7, &mut (0..1_000));
    assert!(all.chunks(3).filter(|attempts| attempts[0].2 == attempts[1].2).count() < 5);
}

#[test]
fn all_of_a_range_is_used_evenly() {
    let providers = providers(3, "250", "10s..20s");
    let mut tenths = [0; 10];
    for n in 0..100_000 {
        let delay = providers.delay(QueueId::from_u64(n), &ann(), 1);
        assert!((10_000..20_000).contains(&delay.as_millis()) && delay <= Latency::MAX, "{delay:?}");
        tenths[(delay.as_millis() / 1_000 - 10) as usize] += 1;
    }
    // Four standard deviations of a tenth of 100,000.
    assert!(tenths.iter().all(|count: &i32| (count - 10_000).abs() < 380), "{tenths:?}");
}
