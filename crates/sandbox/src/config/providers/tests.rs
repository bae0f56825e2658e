use emta_mail::{EmailAddress, QueueId, Timestamp};
use emta_providers::{AttemptStep, Delivery, Outcome, Step};

use super::*;

const HEAD: &str = "name: acme\ndomains: [acme.test]\n";

/// The outcome written under `fate` is the same as this script.
#[track_caller]
fn check(fate: &str, script: &str) {
    let text = format!("{HEAD}outcomes:\n    - weight: 1\n      name: only\n{fate}\n");
    let spec = parse("acme.yaml", &text).unwrap();
    assert_eq!(spec.outcomes[0].outcome, Outcome::parse_script(script).unwrap());
}

/// The error begins like this.
#[track_caller]
fn check_error(text: &str, expected: &str) {
    let error = parse("acme.yaml", text).unwrap_err().to_string();
    assert!(error.starts_with(expected), "{error}\nexpected {expected}");
}

#[test]
fn a_fate_in_one_line_or_piece_by_piece() {
    check("      script: 421x3, 250; dsn=5.1.1 after 6h", "421x3, 250; dsn=5.1.1 after 6h");
    check("      script: 250", "250");
    check("      attempts: [250]", "250");
    check(
        "      attempts: ['421x3', { reply: '450 4.7.1 wait, please', at: mail, times: 2 }, '250']",
        "421x3, mail:450 4.7.1 \"wait, please\" x2, 250",
    );
    check(
        "      attempts: [{ reply: '450 wait in 5m', times: 2, delay: 5s..40s }, { disconnect: data, delay: 10s }, 250 in 30s]",
        "450 \"wait in 5m\" in 5s..40s x2, disconnect@data in 10s, 250 in 30s",
    );
    check("      attempts: [{ disconnect: data }, dns]", "disconnect@data, dns");
    check(
        "      attempts: [{ reply: '550 no', at: ehlo, then_disconnect: true }]",
        "ehlo:550 no then disconnect",
    );
    check(
        "      attempts:\n          - reply: |-\n              550-5.1.1 no such\n              550 5.1.1 account",
        "550-5.1.1 no such\n550 5.1.1 account",
    );
    check(
        "      after:\n          - dsn: { reply: '550 5.1.1 gone', format: exim, after: 1h..8h, with: 10% }\n          - \
         delayed: { reply: '451 4.4.1 slow', after: 4h }\n          - arf: { type: fraud, redacted: true, after: 1h }\n          \
         - ooo: { language: fr, with: 0.5 }\n          - open: { after: 1m }\n          - click: { url: 'https://a.test/' }\n          \
         - open after 2m with 1%",
        "dsn=550 5.1.1 gone as exim after 1h..8h with 10%; delayed=451 4.4.1 slow after 4h; \
         arf=fraud redacted after 1h; ooo=fr with 50%; open after 1m; click=https://a.test/; open after 2m with 1%",
    );
}

#[test]
fn what_follows_by_default_follows_what_is_accepted() {
    let text = format!(
        "{HEAD}after: [open after 1m]\noutcomes:\n    - {{ weight: 1, name: a, script: '250' }}\n    - {{ weight: 1, name: b, \
         script: '550' }}\n    - {{ weight: 1, name: c, script: '250; click' }}\n    - {{ weight: 1, name: d, attempts: ['250'], after: [] }}\n"
    );
    let spec = parse("acme.yaml", &text).unwrap();
    let after: Vec<Vec<&str>> = spec
        .outcomes
        .iter()
        .map(|weighted| weighted.outcome.after().iter().map(|action| action.kind.name()).collect())
        .collect();
    assert_eq!(after, [vec!["open"], vec![], vec!["click"], vec![]]);
}

#[test]
fn everything_can_be_set() {
    let text = "name: acme\ndomains: ['*.acme.test', acme.test]\nmx: [mx1.acme.test]\ngreeting: '{host} ready'\n\
                extensions: { starttls: true, size: 1MiB, pipelining: false }\nlimits: { connections: 3, messages_per_hour: 10 }\n\
                latency: 200ms..2s\n\
                sandbox_addresses: false\nroute: 127.0.0.1:2626\nrecipients:\n    - { address: ann@acme.test, script: '550' }\n    \
                - { pattern: '*+x@acme.test', attempts: ['450'] }\n";
    let spec = parse("acme.yaml", text).unwrap();
    assert_eq!(spec.domains.len(), 2);
    assert_eq!((spec.offers.size, spec.offers.starttls, spec.offers.pipelining), (1 << 20, true, false));
    assert_eq!(
        (spec.limits.connections, spec.limits.messages_per_hour),
        (NonZeroU32::new(3), NonZeroU32::new(10))
    );
    assert_eq!(spec.sandbox_addresses, SandboxAddresses::Off);
    assert_eq!(spec.route, Some(SocketAddr::from(([127, 0, 0, 1], 2626))));
    assert_eq!(spec.recipients.len(), 2);
    assert_eq!(spec.latency, "200ms..2s".parse().unwrap());
}

#[test]
fn mistakes_are_shown_where_they_are() {
    check_error("name: acme\n", "acme.yaml:1:1: missing field `domains`");
    check_error(&format!("{HEAD}domain: x\n"), "acme.yaml:3:1: unknown field `domain`, expected one of");
    check_error(
        "name: acme\ndomains: [a.*.test]\n",
        "acme.yaml:2:11: `a.*.test` is not a domain; expected `gmail.test`",
    );
    let outcome = |fate: &str| format!("{HEAD}outcomes:\n    - weight: 1\n      name: only\n      {fate}\n");
    check_error(
        &outcome("script: 421x3, 2500"),
        "acme.yaml:6:15: at character 8 of the script: found `2500`, expected an attempt",
    );
    check_error(&outcome("attempts: ['421y']"), "acme.yaml:6:18: at character 1 of the script: found `421y`");
    check_error(&outcome("after: [{ dns: {} }]"), "acme.yaml:6:1");
    check_error(
        &outcome("attempts: [{ reply: '550 no', disconnect: data }]"),
        "acme.yaml:6:18: an attempt needs",
    );
    check_error(
        &outcome("attempts: [{ reply: '250 ok', at: rcpt }]"),
        "acme.yaml:6:18: `250 ok` at `rcpt`: only",
    );
    check_error(
        &outcome("attempts: [{ reply: '550', times: 0 }]"),
        "acme.yaml:6:18: `times` is `0`, expected 1 to",
    );
    check_error(
        &outcome("attempts: [{ reply: '550', at: helo }]"),
        "acme.yaml:6:38: `helo` is not a step; expected",
    );
    check_error(
        &outcome("attempts: [{ reply: '550', delay: soon }]"),
        "acme.yaml:6:41: `soon` is not a delay; expected",
    );
    check_error(
        &outcome("attempts: [{ reply: '550', delay: 2h }]"),
        "acme.yaml:6:41: `2h` is too long for an answer; expected at most `1h`",
    );
    check_error(
        &outcome("script: 250 in 2h"),
        "acme.yaml:6:15: at character 8 of the script: found `2h`, expected one delay of at most 1h",
    );
    check_error(&format!("{HEAD}latency: 2s..1s\n"), "acme.yaml:3:10: `2s..1s` is not a delay; expected");
    check_error(
        &format!("{HEAD}latency: 1s..61m\n"),
        "acme.yaml:3:10: `1s..1h1m` is too long for an answer; expected at most `1h`",
    );
    check_error(
        &outcome("attempts: ['550']\n      script: '250'"),
        "acme.yaml:4:5: an outcome has `script`, or",
    );
    check_error(&outcome(""), "acme.yaml:4:5: an outcome needs `script`");
    check_error(
        &format!("{HEAD}outcomes:\n    - {{ weight: 0, name: a, script: '250' }}\n"),
        "acme.yaml:3:1: the weights of provider `acme` sum to `0`",
    );
    check_error(
        &format!("{HEAD}route: 192.0.2.1:25\n"),
        "acme.yaml:3:1: provider `acme` has the route `192.0.2.1:25`",
    );
}

/// The profiles that the program ships.
fn shipped() -> Vec<ProviderSpec> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../config/providers");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 7, "{files:?}");
    let read = |file: std::path::PathBuf| {
        let text = std::fs::read_to_string(&file).unwrap();
        parse(&file.display().to_string(), &text).unwrap()
    };
    files.into_iter().map(read).collect()
}

#[test]
fn the_shipped_profiles_work_together_and_are_realistic() {
    let specs = shipped();
    let mut providers = Providers::try_new(Chance::new(1), specs.clone()).unwrap();
    let mut at_once = 0.0;
    for spec in &specs {
        let total: f64 = spec.outcomes.iter().map(|outcome| outcome.weight).sum();
        assert!((total - 100.0).abs() < 1e-6, "the weights of `{}` sum to {total}", spec.name);
        let share = |of: &dyn Fn(&AttemptStep) -> bool| -> f64 {
            spec.outcomes
                .iter()
                .filter(|outcome| of(outcome.outcome.step(1)))
                .map(|outcome| outcome.weight)
                .sum()
        };
        let accepted = share(&|step| matches!(step, AttemptStep::Accept { .. }));
        let refused = share(&|step| match step {
            AttemptStep::Refuse { reply, .. } | AttemptStep::DnsFailure { reply } => reply.is_permanent(),
            AttemptStep::Accept { .. }
            | AttemptStep::Disconnect { .. }
            | AttemptStep::ConnectRefused
            | AttemptStep::ConnectTimeout
            | AttemptStep::TlsFailure => false,
        });
        assert!((88.0..=91.0).contains(&accepted), "`{}` accepts {accepted} % at once", spec.name);
        assert!((1.5..=3.5).contains(&refused), "`{}` refuses {refused} %", spec.name);
        assert!(
            (5.0..=10.0).contains(&(100.0 - accepted - refused)),
            "`{}` defers too much or too little",
            spec.name
        );
        at_once += accepted / specs.len() as f64;

        // Every message can be delivered to its provider's own address.
        let domain = spec.domains[0].to_string().replace('*', "any");
        for n in 0..1_000 {
            let recipient = EmailAddress::parse(&format!("user{n}@{domain}")).unwrap();
            let message = QueueId::from_u64(n);
            providers.resolve(message, &recipient, 1);
            let sender = "bounce@news.example".parse().unwrap();
            providers.delivered(&Delivery { message, sender, recipient, at: Timestamp::from_seconds(0) });
        }
    }
    assert!((88.0..=90.5).contains(&at_once), "{at_once} % accepted at once");
    let mut counts = std::collections::BTreeMap::new();
    while let Some(later) = providers.poll(Timestamp::MAX) {
        let original = b"Message-ID: <1@news.example>\r\nSubject: Hi\r\n\r\nHi\r\n";
        assert_eq!(later.compose(original).is_some(), later.kind.is_mail());
        *counts.entry(later.kind.name()).or_insert(0) += 1;
    }
    assert_eq!(counts.into_keys().collect::<Vec<_>>(), ["arf", "click", "delayed", "dsn", "ooo", "open"]);
}

/// Only mail that asks for it is slow.
#[test]
fn the_shipped_profiles_answer_at_once() {
    let specs = shipped();
    let mut slow = Vec::new();
    for spec in &specs {
        assert_eq!(spec.latency, Latency::NONE, "`{}`", spec.name);
        for WeightedOutcome { weight, name, outcome } in &spec.outcomes {
            let attempts = (1..).zip(outcome.attempts());
            if attempts.into_iter().any(|(number, _)| outcome.latency(number).is_some()) {
                assert!(*weight <= 0.0, "`{name}` of `{}` is drawn", spec.name);
                slow.push(name.as_str());
            }
        }
    }
    assert_eq!(slow, ["slow"]);
    let providers = Providers::try_new(Chance::new(1), specs).unwrap();
    for (to, expected) in [("slow", 45), ("ann+slow", 45), ("ann", 0)] {
        let recipient = EmailAddress::parse(&format!("{to}@nobody.example")).unwrap();
        let delay = providers.delay(QueueId::from_u64(1), &recipient, 1);
        assert_eq!(delay, std::time::Duration::from_secs(expected), "{to}");
    }
}

#[test]
fn every_special_fate_is_shipped() {
    let specs = shipped();
    let steps =
        || specs.iter().flat_map(|spec| &spec.outcomes).flat_map(|weighted| weighted.outcome.attempts());
    for step in Step::ALL {
        assert!(
            steps().any(|s| matches!(s, AttemptStep::Refuse { step: at, .. } if *at == step)),
            "{step:?}"
        );
    }
    for step in [AttemptStep::ConnectRefused, AttemptStep::ConnectTimeout, AttemptStep::TlsFailure] {
        assert!(steps().any(|s| *s == step), "{step:?}");
    }
    assert!(steps().any(|s| matches!(s, AttemptStep::DnsFailure { .. })));
    assert!(steps().any(|s| matches!(s, AttemptStep::Disconnect { .. })));
}
