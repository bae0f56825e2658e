//! Flag, environment, file, default; and what `effective` says about it.

use super::*;

#[test]
fn a_flag_beats_a_variable_beats_the_file_beats_the_default() {
    let file = "queue: { validity: 10h }\nseed: 10\nhostname: file.example\n";
    let variables = [("EMTA_QUEUE_VALIDITY", "20h"), ("EMTA_SEED", "20"), ("HOME", "/root")];
    let config = load(Some(file), &["queue.validity=30h"], &variables).unwrap();
    assert_eq!(config.queue.validity, Duration::from_hours(30));
    assert_eq!(config.seed, 20);
    assert_eq!(config.hostname.as_str(), "file.example");
    assert_eq!(config.relay.recipients, 1000);
    // The last flag wins.
    let config = load(Some(file), &["seed=1", "seed=2"], &[]).unwrap();
    assert_eq!(config.seed, 2);
}

#[test]
fn values_of_every_kind_can_be_set() {
    let set = |flag: &str| load(None, &[flag], &[]).unwrap();
    assert_eq!(set("token=1234").token.as_deref(), Some("1234"));
    assert_eq!(set("token=@[not yaml").token.as_deref(), Some("@[not yaml"));
    assert_eq!(set("token=a: b").token.as_deref(), Some("a: b"));
    assert_eq!(set("token=null").token, None);
    assert!(!set("relay.starttls=false").relay.starttls);
    assert_eq!(set("listen.bounce_smtp=127.0.0.1:0").listen.bounce_smtp.port(), 0);
    assert_eq!(set("data=:memory:").data, Data::Memory);
    assert_eq!(set("clock.start=-4d").clock.start, Some(ClockStart::Before(Duration::from_hours(96))));
    let waits = |config: &Config, attempt| config.queue.policy.schedule.wait_after(attempt);
    assert_eq!(waits(&set("queue.retry=[1m, 2m]"), 2), Duration::from_mins(2));
    assert_eq!(waits(&set("queue.retry.first=1m"), 2), Duration::from_mins(2));
    assert_eq!(set("webhooks=[{url: 'http://[::1]:1/'}]").webhooks[0].timeout, Duration::from_secs(6));
}

#[test]
fn a_flag_changes_one_value_of_what_the_file_says() {
    let file = "
providers: [providers]
queue: { providers: { gmail: { retry: [1m], limits: { connections: 2 } } } }
";
    let config = load(Some(file), &["queue.providers.gmail.limits.messages_per_connection=7"], &[]).unwrap();
    let limits = config.queue.policy.limits("gmail");
    assert_eq!((limits.connections(), limits.messages_per_connection()), (2, 7));
    assert_eq!(
        config.queue.policy.schedule("gmail", BounceClass::SoftBounce).wait_after(1),
        Duration::from_mins(1)
    );
}

#[test]
fn every_default_has_a_variable_of_its_own() {
    let mut names: Vec<String> =
        Tree::of(&Main::default()).paths().iter().map(|path| path.replace('.', "_")).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "two paths have the same variable");
    let config = load(None, &[], &[("EMTA_LISTEN_BOUNCE_SMTP", "127.0.0.1:0")]).unwrap();
    assert_eq!(config.listen.bounce_smtp.port(), 0);
    // The whole of a part first, then its values, in whatever order the environment has them.
    let variables = [("EMTA_QUEUE_RETRY_FIRST", "1m"), ("EMTA_QUEUE_RETRY", "{ first: 5m, cap: 1h }")];
    let config = load(None, &[], &variables).unwrap();
    assert_eq!(config.queue.policy.schedule.wait_after(1), Duration::from_mins(1));
    assert_eq!(config.queue.policy.schedule.wait_after(99), Duration::from_hours(1));
}

#[test]
fn effective_shows_origins_and_hides_secrets() {
    let file = "
seed: 3
relay:
  auth:
    users: { ann: hidden1 }
queue:
  retry: [5m, 30m]
webhooks:
  - url: http://127.0.0.1:9000/hooks
    secret: whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz
";
    let folder = folder(Some(file));
    let path = folder.path().join("emta.yaml");
    let flags = [Override::flag("--token", "token", "hidden2"), Override::flag("--seed", "seed", "4")];
    let variables = [("EMTA_HOSTNAME".to_owned(), "out.example".to_owned())];
    let config = Config::load(Some(&path), &flags, variables.into_iter()).unwrap();
    let text = config.effective().replace(&path.display().to_string(), "emta.yaml");
    for expected in [
        "seed: 4  # --seed\n",
        "data: data\n",
        "hostname: out.example  # EMTA_HOSTNAME\n",
        "  smtp: 127.0.0.1:1025\n",
        "token: (hidden)  # --token\n",
        "    users: (hidden)  # emta.yaml:5\n",
        "  retry: [5m, 30m]  # emta.yaml:7\n",
        "  validity: 3d12h\n",
        "    connections: 20\n",
        "webhooks: [{ url: http://127.0.0.1:9000/hooks, secret: (hidden), events: [message.*], batch: { max: 500, linger: 0s }, timeout: 6s }]  # emta.yaml:9\n",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in\n{text}");
    }
    assert!(!text.contains("hidden1") && !text.contains("hidden2") && !text.contains("whsec"));

    // It is a configuration itself, but for the secrets.
    let defaults = load(None, &[], &[]).unwrap().effective();
    let again = load(Some(&defaults.replace("(hidden)", "bounce")), &[], &[]).unwrap();
    assert_eq!(again.effective(), defaults);
    assert!(!defaults.contains('#'), "{defaults}");
}
