//! What a scenario says, and what is told of one that is wrong.

use emta_providers::Outcome;

use super::*;
use crate::config::shipped;

fn read(text: &str) -> Result<Scenario, ConfigError> {
    let file = TextFile { name: "spring.yaml".to_owned(), text: text.to_owned() };
    parse(&file, &Changes::default())
}

/// The error leads to the place and says what was found and expected.
fn check(text: &str, line: usize, column: usize, message: &str) {
    let error = read(text).map(drop).unwrap_err();
    assert_eq!((error.line(), error.column()), (Some(line), Some(column)), "{error}");
    assert!(error.message().contains(message), "{error}");
}

#[test]
fn every_line_may_be_left_out() {
    let scenario = read("{}").unwrap();
    assert_eq!((scenario.name.as_str(), scenario.config.seed), ("spring", 1));
    assert_eq!(scenario.plan.recipients(), 100_000);
    assert_eq!(scenario.plan.waves, Waves::ONE);
    let hours = scenario.plan.end().since(scenario.plan.start).as_secs() / 3600;
    assert_eq!(hours, 84 + 7 * 24);
    assert_eq!(scenario.content.campaign.as_deref(), Some("spring"));
}

#[test]
fn shipped_scenarios_are_read() {
    let names: Vec<&str> = shipped::scenarios().collect();
    assert_eq!(names, ["everyday", "list-hygiene", "provider-outage", "throttled", "warm-up"]);
    for name in names {
        let scenario = load(name, &Changes::default()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(scenario.name, name);
    }
    let error = load("everydy", &Changes::default()).map(drop).unwrap_err();
    assert_eq!(error.hint(), Some("did you mean `everyday`?"));
}

#[test]
fn the_command_line_beats_the_file() {
    let set = vec![Override::flag("--seed", "seed", "9"), Override::flag("--set", "queue.validity", "24h")];
    let file =
        TextFile { name: "x.yaml".to_owned(), text: "{ seed: 3, recipients: { count: 5 } }".to_owned() };
    let scenario = parse(&file, &Changes { recipients: Some(7), set }).unwrap();
    assert_eq!((scenario.config.seed, scenario.plan.recipients()), (9, 7));
    assert_eq!(scenario.config.queue.validity, Duration::from_hours(24));
}

#[test]
fn a_mix_names_providers_and_domains() {
    let scenario =
        read("recipients: { count: 10, mix: { gmail: 3, exchange: 1, shop.test: 2, gmx: 0 } }").unwrap();
    let Audience::MadeUp { domains, .. } = scenario.plan.audience else { panic!("made up") };
    let sum = |ending: &str| -> f64 {
        domains.iter().filter(|share| share.domain.ends_with(ending)).map(|share| share.weight).sum()
    };
    assert_eq!((sum("gmail.test"), sum("shop.test"), sum("gmx.test")), (1.5, 2.0, 0.0));
    let total: f64 = domains.iter().map(|share| share.weight).sum();
    assert!((total - 6.0).abs() < 1e-9, "{total}");
    let below = domains.iter().filter(|share| share.domain.ends_with(".corp.test")).count();
    assert_eq!(below, 50, "hosts are made up for a pattern");
}

#[test]
fn weights_and_outages_change_providers() {
    let text = "weights: { gmail: { unknown: 50 } }\n\
                outages: [{ provider: yahoo, after: 1h, for: 2h, script: '421 later' }]\n";
    let scenario = read(text).unwrap();
    let gmail = scenario.config.providers.iter().find(|spec| spec.name == "gmail").unwrap();
    let unknown = gmail.outcomes.iter().find(|outcome| outcome.name == "unknown").unwrap();
    assert!((unknown.weight - 50.0).abs() < f64::EPSILON);
    let [outage] = &scenario.outages[..] else { panic!("one outage") };
    assert_eq!((outage.after, outage.lasts), (Duration::from_hours(1), Duration::from_hours(2)));
    assert_eq!(outage.outcome, Outcome::parse_script("421 later").unwrap());
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    check("recipients: { count: 1 }\nrecipents: {}\n", 2, 1, "unknown field `recipents`");
    check("recipients:\n  count: 0\n", 2, 10, "`0` is out of range, expected 1 to 10000000");
    check("recipients:\n  count: 10000001\n", 2, 10, "out of range");
    check("recipients:\n  mix: { gmial: 1 }\n", 2, 10, "unknown provider `gmial`");
    check("recipients:\n  mix: { gmail: -1 }\n", 2, 17, "a share of `-1`");
    check("recipients:\n  mix: { gmail: 0 }\n", 2, 8, "the shares of the mix sum to `0`");
    check("recipients:\n  mix: { gmail: 1e308, yahoo: 1e308 }\n", 2, 8, "the shares of the mix sum to `inf`");
    check("recipients: { file: none.csv }\n", 1, 21, "no such file");
    check("recipients:\n  file: none.csv\n  count: 4\n", 3, 3, "`count` beside `file`");
    check("delivery:\n  waves: { count: 1001 }\n", 2, 19, "out of range, expected 1 to 1000");
    check("delivery:\n  waves: { every: 1500ms }\n", 2, 19, "expected whole seconds");
    check("delivery:\n  validity: 85h\n", 2, 13, "out of range");
    check("weights:\n  gmail:\n    unknwon: 1\n", 3, 5, "no outcome `unknwon`");
    check(
        "weights:\n  gmail: { unknown: 1e308, full: 1e308 }\n",
        2,
        10,
        "the weights of `gmail` sum to `inf`",
    );
    check(
        "outages:\n  - { provider: yahoo, after: 0s, for: 1h, script: '250' }\n",
        2,
        52,
        "mail is accepted",
    );
    check("outages:\n  - { provider: yahu, after: 0s, for: 1h }\n", 2, 17, "unknown provider `yahu`");
    check("queue:\n  retry: [0s]\n", 2, 11, "a wait of `0s`");
    check(
        "start: 9000-01-01T00:00:01Z\n",
        1,
        8,
        "out of range, expected 1970-01-01T00:00:00.000Z to 9000-01-01T",
    );
    assert!(read("start: 9000-01-01T00:00:00Z\n").is_ok());
    check("start: yesterday\n", 1, 8, "`yesterday` is not a point in time");
}
