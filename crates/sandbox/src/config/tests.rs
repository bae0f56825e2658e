//! The main file, flags and environment: defaults, precedence, and every error as a person reads it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use emta_campaign::Mode;
use emta_mail::{BounceClass, Timestamp};
use emta_store::Durability;

use super::*;
use crate::clock::ClockMode;

mod errors;
mod precedence;

/// A folder with providers, and with `main` as the main file if it is given.
fn folder(main: Option<&str>) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let providers = folder.path().join("providers");
    fs::create_dir(&providers).unwrap();
    fs::write(providers.join("a.yaml"), "name: gmail\ndomains: [gmail.test]\n").unwrap();
    fs::write(providers.join("b.yaml"), "name: yahoo\ndomains: [yahoo.test]\n").unwrap();
    fs::write(providers.join("notes.txt"), "not a provider").unwrap();
    if let Some(main) = main {
        fs::write(folder.path().join("emta.yaml"), main).unwrap();
    }
    folder
}

/// Loads a main file with flags (`path=value`) and variables; the folder's name in errors is cut.
fn load(main: Option<&str>, flags: &[&str], variables: &[(&str, &str)]) -> Result<Config, String> {
    let folder = folder(main);
    let file = main.map(|_| folder.path().join("emta.yaml"));
    let flags: Vec<Override> = flags.iter().map(|flag| Override::parse(flag).unwrap()).collect();
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let config = Config::load(file.as_deref(), &flags, variables);
    config.map_err(|error| error.to_string().replace(&format!("{}/", folder.path().display()), ""))
}

#[track_caller]
fn read(main: &str) -> Config {
    load(Some(main), &[], &[]).unwrap()
}

#[test]
fn the_shipped_main_file_says_the_defaults() {
    let shipped = shipped::main();
    let main: Main = yaml::parse(&shipped.name, &shipped.text).unwrap();
    assert_eq!(main, Main::default());
    // And it says all of them.
    let defaults = Tree::of(&Main::default());
    for path in defaults.paths() {
        let keys: Vec<&str> = path.split('.').collect();
        let (line, _) = yaml::locate(&shipped.text, &keys, yaml::Spot::Key).unwrap();
        let shown = shipped.text.lines().nth(line - 1).unwrap();
        let last = keys.last().unwrap();
        assert!(shown.trim_start().starts_with(&format!("{last}:")), "`{path}` is not in the shipped file");
    }
}

#[test]
fn without_anything_the_defaults_hold() {
    let config = load(None, &[], &[]).unwrap();
    assert_eq!(config.seed, 1);
    assert_eq!(config.data, Data::Folder("data".into()));
    assert_eq!(config.listen.smtp.to_string(), "127.0.0.1:1025");
    assert_eq!(config.clock, Clock { mode: ClockMode::Real, start: None, quiet: Duration::ZERO });
    assert_eq!((config.relay.size, config.relay.sessions), (20 << 20, 200));
    assert_eq!(config.queue.validity, Duration::from_hours(84));
    assert_eq!(config.queue.policy.schedule, emta_queue::RetrySchedule::default());
    assert_eq!(config.queue.policy.limits, emta_queue::Limits::default());
    assert_eq!(config.campaign.core, emta_campaign::CampaignConfig::new(Mode::Efs));
    assert_eq!(config.campaign.sender.as_str(), "bounce@mta.emta.test");
    assert_eq!(config.storage, Options::default());
    assert!(config.webhooks.is_empty() && config.token.is_none());
}

#[test]
fn every_part_can_be_set() {
    let config = read(
        r#"
seed: 7
data: ":memory:"
hostname: out.example
listen: { smtp: "127.0.0.1:0", http: "[::1]:0" }
clock: { mode: x60, start: -4d, quiet: 5ms }
relay:
  size: 1MB
  auth: { required: true, users: { ann: 1234 } }
queue:
  validity: 24h
  retry: [5m, 30m]
  jitter: 10%
  limits: { connections: 3 }
  classes: { mailbox_full: { retry: { first: 2h } } }
  providers:
    gmail: { limits: { messages_per_hour: 600 }, classes: { spam_block: { retry: [6h] } } }
    yahoo: { retry: { first: 1m, factor: 1.5, cap: 1h } }
providers: [providers/]
bounce_mailbox: { user: bounces, password: secret }
campaign: { mode: efs-v8, complaint_fails: false, quarantine: { threshold: 6 } }
webhooks:
  - { url: "http://127.0.0.1:9000/hooks", secret: "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz" }
  - { url: "https://hooks.example/a", events: [message.bounced], batch: { max: 1 }, timeout: 1s }
webhooks_allow: [hooks.example]
storage: { durability: none, keep_bodies: 1d }
"#,
    );
    assert_eq!((config.seed, &config.data), (7, &Data::Memory));
    assert_eq!(config.hostname.as_str(), "out.example");
    assert_eq!(config.listen.http.to_string(), "[::1]:0");
    assert_eq!(config.clock.mode, ClockMode::Scaled(60.0));
    assert_eq!(config.clock.start, Some(ClockStart::Before(Duration::from_hours(96))));
    assert_eq!(config.relay.size, 1_000_000);
    // A password of digits is a text.
    assert_eq!(config.relay.auth.users["ann"], "1234");

    let policy = &config.queue.policy;
    let wait = |provider: &str, class, attempt| policy.schedule(provider, class).wait_after(attempt);
    let minutes = Duration::from_mins;
    assert_eq!(config.queue.validity, Duration::from_hours(24));
    assert_eq!(wait("gmail", BounceClass::SoftBounce, 9), minutes(30));
    assert_eq!(wait("gmail", BounceClass::SpamBlock, 1), minutes(360));
    assert_eq!(wait("gmail", BounceClass::MailboxFull, 1), minutes(120));
    assert_eq!(wait("yahoo", BounceClass::SoftBounce, 2), Duration::from_secs(90));
    assert_eq!(policy.limits("gmail").connections(), 3);
    assert_eq!(policy.limits("gmail").messages_per_hour(), Some(600));
    assert_eq!(policy.limits("yahoo").messages_per_hour(), None);

    let names: Vec<&str> = config.providers.iter().map(|spec| spec.name.as_str()).collect();
    assert_eq!(names, ["gmail", "yahoo"]);
    assert_eq!(config.bounce_mailbox.address.as_str(), "bounces@out.example");
    assert_eq!(config.campaign.core.mode, Mode::EfsV8);
    assert_eq!(config.campaign.core.quarantine.error_threshold, 6);
    assert_eq!(config.webhooks[0].key.as_deref(), Some(&b"012345678901234567890123"[..]));
    assert_eq!(config.webhooks[0].events, ["message.*"]);
    assert_eq!(config.webhooks[1].batch_max, 1);
    assert_eq!(config.storage.durability, Durability::None);
}

#[test]
fn a_start_is_a_date_or_a_span_before_now() {
    let start = |written: &str| read(&format!("clock: {{ start: {written} }}")).clock.start;
    let date = Timestamp::parse_rfc3339("2026-01-05T09:00:00Z").unwrap();
    assert_eq!(start("2026-01-05T09:00:00Z"), Some(ClockStart::At(date)));
    assert_eq!(start("-3d12h"), Some(ClockStart::Before(Duration::from_hours(84))));
    assert_eq!(start("null"), None);
}

#[test]
fn files_are_found_from_the_main_file() {
    let folder = folder(Some("providers: [providers/b.yaml]\nrelay: { certificate: c.pem, key: k.pem }\n"));
    fs::write(folder.path().join("c.pem"), "").unwrap();
    fs::write(folder.path().join("k.pem"), "").unwrap();
    let config = Config::load(Some(&folder.path().join("emta.yaml")), &[], std::iter::empty()).unwrap();
    assert_eq!(config.provider_files[0].name, folder.path().join("providers/b.yaml").display().to_string());
    assert_eq!(config.relay.certificate.unwrap().key, folder.path().join("k.pem"));
    // Nothing else is needed: the rest is part of the program.
    assert!(config.rules.mta_file.name.starts_with("(shipped) "));
    assert!(!Path::new(&config.rules.mta_file.name).exists());
}
