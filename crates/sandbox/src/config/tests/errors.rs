//! Every kind of bad input, with the text that a person reads.

use super::*;

#[track_caller]
fn check(main: &str, expected: &str) {
    let error = load(Some(main), &[], &[]).expect_err("an error");
    assert_eq!(error, expected.trim_matches('\n'), "for {main}");
}

#[track_caller]
fn check_flag(flag: &str, expected: &str) {
    assert_eq!(load(None, &[flag], &[]).expect_err("an error"), expected, "for {flag}");
}

#[test]
fn unknown_names() {
    check(
        "queue:\n    limits:\n        conections: 5\n",
        "
emta.yaml:3:9: unknown field `conections`, expected one of `connections`, `messages_per_connection`, `messages_per_hour`
  |
3 |         conections: 5
  |         ^
hint: did you mean `connections`?",
    );
    check(
        "providers: [providers]\nqueue:\n  providers:\n    gmial: {}\n",
        "
emta.yaml:4:5: unknown provider `gmial`, expected `gmail` or `yahoo`
  |
4 |     gmial: {}
  |     ^
hint: did you mean `gmail`?",
    );
    check(
        "campaign: { mode: efs-v9 }",
        "
emta.yaml:1:19: `efs-v9` is not a mode, expected `without-efs`, `efs` or `efs-v8`; did you mean `efs-v8`?
  |
1 | campaign: { mode: efs-v9 }
  |                   ^",
    );
    check(
        "storage: { durability: sometimes }",
        "
emta.yaml:1:24: `sometimes` is not a durability, expected `group` or `none`
  |
1 | storage: { durability: sometimes }
  |                        ^",
    );
    let error = load(Some("queue: { classes: { mailbox_ful: { retry: [1m] } } }"), &[], &[]).unwrap_err();
    assert!(
        error.starts_with("emta.yaml:1:21: unknown bounce class `mailbox_ful`, expected `undetermined`, `invalid_recipient`,"),
        "{error}"
    );
    assert!(error.ends_with("hint: did you mean `mailbox_full`?"), "{error}");
    let error = load(Some("webhooks: [{ url: 'http://127.0.0.1/', events: [message.bounce] }]"), &[], &[]);
    let error = error.unwrap_err();
    assert!(
        error.starts_with("emta.yaml:1:49: unknown event `message.bounce`, expected `message.*`,"),
        "{error}"
    );
    assert!(error.ends_with("hint: did you mean `message.bounced`?"), "{error}");
}

#[test]
fn values_of_the_wrong_kind() {
    for (main, column, message) in [
        ("seed: -1", 7, "invalid type: integer `-1`, expected a whole number"),
        ("seed: x", 7, "invalid type: string \"x\", expected a whole number"),
        ("seed: null", 7, "invalid type: null, expected a whole number"),
        ("relay: 5", 8, "invalid type: integer `5`, expected a mapping"),
        (
            "queue: { validity: 84 }",
            20,
            "`84` is not a duration; expected number and unit, such as `20m`, `84h`, `3d12h` (units: ms, s, m, h, d)",
        ),
        (
            "relay: { size: 20 XB }",
            16,
            "`20 XB` is not a size; expected a number of octets, or a number and unit, such as `20MiB` (units: B, KB, KiB, MB, MiB, GB, GiB)",
        ),
        (
            "listen: { smtp: 1025 }",
            17,
            "`1025` is not a socket address; expected address and port, such as `127.0.0.1:1025` or `[::1]:0`",
        ),
        (
            "hostname: a b",
            11,
            "`a b` is not a domain; expected a name such as `news.example` or a literal such as `[192.0.2.1]`",
        ),
        (
            "clock: { mode: fast }",
            16,
            "`fast` is not a clock mode; expected `real`, `frozen`, `auto`, or a factor such as `x60` (up to x1000000)",
        ),
        (
            "clock: { start: soon }",
            17,
            "`soon` is not a start; expected a date such as `2026-01-05T09:00:00Z`, or how long before now, such as `-4d`",
        ),
        (
            "queue: { retry: 20m }",
            17,
            "invalid type: string \"20m\", expected `{ first: 20m, factor: 2, cap: 12h }` or a list such as `[20m, 40m]`",
        ),
        (
            "queue: { retry: [20m, 40] }",
            23,
            "`40` is not a duration; expected number and unit, such as `20m`, `84h`, `3d12h` (units: ms, s, m, h, d)",
        ),
        ("queue: { jitter: some }", 18, "`some` is not a share; expected whole percent, such as `10%`"),
        ("campaign: { sender: ann }", 21, "`ann` is not an address; expected `local-part@domain`"),
        ("webhooks: [{ secret: x }]", 12, "missing field `url`"),
        (
            "webhooks: [{ url: x }]",
            19,
            "`x` is not an address of a webhook, expected a URL such as `http://127.0.0.1:9000/hooks`",
        ),
        (
            "webhooks: [{ url: 'ftp://127.0.0.1/' }]",
            19,
            "`ftp://127.0.0.1/` is not an address of a webhook, expected a URL such as `http://127.0.0.1:9000/hooks`",
        ),
        (
            "webhooks: [{ url: 'http://127.0.0.1/', secret: whsec_x }]",
            48,
            "not a secret, expected `whsec_` and the base64 of 24 to 64 octets",
        ),
        ("token: ''", 8, "a secret of 0 octets, expected 1 to 1000 octets without control characters"),
        ("data: ''", 7, "an empty name, expected a folder or `:memory:`"),
        (
            "bounce_mailbox: { user: 'a b' }",
            25,
            "`a b` is not a user name, expected the local part of an address, such as `bounce`",
        ),
    ] {
        let error = load(Some(main), &[], &[]).expect_err(main);
        let expected = format!("emta.yaml:1:{column}: {message}\n  |\n1 | ");
        assert!(error.starts_with(&expected), "for {main}: {error}\nexpected: {expected}");
    }
}

#[test]
fn values_at_their_bounds() {
    let year = "365d";
    let bounds = [
        ("relay.size", "1KiB", "1023", "1GiB", "1073741825"),
        ("relay.recipients", "1", "0", "100000", "100001"),
        ("relay.command_line", "512", "511", "65536", "65537"),
        ("relay.text_line", "1000", "999", "1048576", "1048577"),
        ("relay.sessions", "1", "0", "10000", "10001"),
        ("relay.errors", "1", "0", "1000", "1001"),
        ("relay.timeout", "100ms", "99ms", "1h", "3600001ms"),
        ("bounce_mailbox.timeout", "100ms", "99ms", "1h", "3600001ms"),
        ("queue.validity", "1s", "999ms", "84h", "302400001ms"),
        ("queue.limits.connections", "1", "0", "1000", "1001"),
        ("queue.limits.messages_per_connection", "1", "0", "1000000", "1000001"),
        ("queue.limits.messages_per_hour", "1", "0", "100000000", "100000001"),
        ("queue.retry.factor", "1", "0.99", "10", "10.01"),
        ("queue.retry.first", "1s", "999ms", "12h", "43200001ms"),
        ("campaign.quarantine.threshold", "1", "0", "1000", "1001"),
        ("campaign.relay_retry", "1s", "999ms", "84h", "302400001ms"),
    ];
    let upper_bounds = [
        ("clock.quiet", "1m", "60001ms"),
        ("queue.jitter", "50%", "51%"),
        ("storage.keep_bodies", year, "366d"),
        ("campaign.quarantine.significant_delay", year, "366d"),
        ("campaign.quarantine.reset_after", year, "366d"),
        ("campaign.quarantine.mailbox_full_reset", year, "366d"),
    ];
    // All at their least, then all at their most.
    let mut least: Vec<String> = bounds.iter().map(|(path, least, ..)| format!("{path}={least}")).collect();
    let mut most: Vec<String> = bounds.iter().map(|(path, _, _, most, _)| format!("{path}={most}")).collect();
    least.extend(upper_bounds.iter().map(|(path, ..)| format!("{path}=0")));
    most.extend(upper_bounds.iter().map(|(path, most, _)| format!("{path}={most}")));
    for flags in [least, most] {
        load(None, &flags.iter().map(String::as_str).collect::<Vec<_>>(), &[]).unwrap();
    }
    let beyond = bounds.iter().flat_map(|(path, _, below, _, above)| [(path, below), (path, above)]);
    for (path, value) in beyond.chain(upper_bounds.iter().map(|(path, _, above)| (path, above))) {
        let error = load(None, &[&format!("{path}={value}")], &[]).expect_err(path);
        assert!(error.starts_with(&format!("--set {path}: ")), "{error}");
        assert!(error.contains("expected"), "{error}");
    }
    check_flag("queue.validity=85h", "--set queue.validity: `3d13h` is out of range, expected 1s to 3d12h");
    check(
        "queue:\n  retry: { first: 20m, cap: 10m }\n",
        "
emta.yaml:2:29: waits start at `20m` but are capped at `10m`; expected a cap not below the start
  |
2 |   retry: { first: 20m, cap: 10m }
  |                             ^",
    );
    check(
        "queue:\n  retry: [20m, 0s]\n",
        "
emta.yaml:2:16: a wait of `0s` between attempts; expected `1s` to `3d12h`
  |
2 |   retry: [20m, 0s]
  |                ^",
    );
    check(
        "queue:\n  retry: []\n",
        "
emta.yaml:2:3: a list of `0` waits; expected 1 to `2000`
  |
2 |   retry: []
  |   ^",
    );
}

#[test]
fn what_could_be_reached_from_outside() {
    check(
        "listen:\n  smtp: 0.0.0.0:25\n",
        "
emta.yaml:2:9: `0.0.0.0:25` can be reached from other machines, expected a loopback address such as `127.0.0.1` or a `token`
  |
2 |   smtp: 0.0.0.0:25
  |         ^
hint: set `token` to a secret, and give it to the clients of the HTTP API",
    );
    load(Some("listen: { smtp: 0.0.0.0:25 }\ntoken: abc"), &[], &[]).unwrap();
    check(
        "webhooks:\n  - url: http://hooks.example/a\n",
        "
emta.yaml:2:10: `hooks.example` is not on this machine, expected a loopback address such as `127.0.0.1`
  |
2 |   - url: http://hooks.example/a
  |          ^
hint: to post there nevertheless, write `webhooks_allow: [\"hooks.example\"]`",
    );
    for url in ["http://127.9.9.9/", "http://localhost:1/", "https://[::1]/"] {
        load(Some(&format!("webhooks: [{{ url: '{url}' }}]")), &[], &[]).unwrap();
    }
    // Names that only look like this machine.
    for url in ["http://localhost.example/", "http://127.0.0.1.example/", "http://a@192.0.2.1/"] {
        load(Some(&format!("webhooks: [{{ url: '{url}' }}]")), &[], &[]).expect_err(url);
    }
}

#[test]
fn values_that_do_not_fit_together() {
    check(
        "relay: { auth: { required: true } }",
        "
emta.yaml:1:28: nobody could relay, expected at least one of `users`
  |
1 | relay: { auth: { required: true } }
  |                            ^
hint: write `users: { name: password }` beside it",
    );
    check(
        "relay: { key: k.pem }",
        "
emta.yaml:1:15: a key without its `certificate`, expected both or none
  |
1 | relay: { key: k.pem }
  |               ^",
    );
}

#[test]
fn files_that_are_not_there() {
    let missing = Config::load(Some(Path::new("missing/emta.yaml")), &[], std::iter::empty()).unwrap_err();
    assert_eq!(missing.to_string(), "missing/emta.yaml: cannot be read: there is no such file or folder");
    check(
        "providers:\n  - providers\n  - more.yaml\n",
        "
emta.yaml:3:5: there is no file or folder `more.yaml`, expected YAML files of providers
  |
3 |   - more.yaml
  |     ^",
    );
    check(
        "rules: { mta: rules.yaml }",
        "
emta.yaml:1:15: there is no file `rules.yaml`, expected a YAML file of rules
  |
1 | rules: { mta: rules.yaml }
  |               ^",
    );
    check(
        "relay: { certificate: c.pem, key: k.pem }",
        "
emta.yaml:1:23: there is no file `c.pem`, expected a PEM file
  |
1 | relay: { certificate: c.pem, key: k.pem }
  |                       ^",
    );
    // A folder without providers, and a flag that names a folder that is not there.
    let folder = folder(Some("providers: [.]"));
    fs::rename(folder.path().join("emta.yaml"), folder.path().join("main.conf")).unwrap();
    let error = Config::load(Some(&folder.path().join("main.conf")), &[], std::iter::empty()).unwrap_err();
    assert!(error.message().contains("no `*.yaml` file in"), "{error}");
    check_flag(
        "providers=[nowhere]",
        "--set providers: there is no file or folder `nowhere`, expected YAML files of providers",
    );
}

#[test]
fn an_error_in_a_file_that_is_named_is_shown_there() {
    let folder = folder(Some("providers: [providers]"));
    fs::write(folder.path().join("providers/b.yaml"), "name: yahoo\ndomainz: [yahoo.test]\n").unwrap();
    let error = Config::load(Some(&folder.path().join("emta.yaml")), &[], std::iter::empty()).unwrap_err();
    assert!(error.origin().ends_with("providers/b.yaml"), "{error}");
    assert_eq!((error.line(), error.column()), (Some(2), Some(1)));
    assert_eq!(error.hint(), Some("did you mean `domains`?"));
}

#[test]
fn files_that_are_not_text() {
    let folder = folder(None);
    let path = folder.path().join("emta.yaml");
    let load = || Config::load(Some(&path), &[], std::iter::empty()).unwrap_err();
    fs::write(&path, b"seed: 1\nhostname: \xff.example\n").unwrap();
    let error = load();
    assert_eq!((error.line(), error.column()), (Some(2), Some(11)));
    assert_eq!(error.message(), "not UTF-8, expected text in UTF-8");
    fs::write(&path, vec![b'#'; yaml::MAX_FILE + 1]).unwrap();
    assert_eq!(load().message(), "the file has 4194305 octets, expected at most 4194304");
}

#[test]
fn flags_and_variables_name_themselves() {
    check_flag("seed=x", "--set seed: invalid type: string \"x\", expected a whole number");
    check_flag("seed=[", "--set seed: did not find expected node content, while parsing a flow node");
    check_flag(
        "queue.validty=1h",
        "--set queue.validty: unknown field `validty`, expected one of `validity`, `retry`, `jitter`, `limits`, `classes`, `providers`\nhint: did you mean `validity`?",
    );
    check_flag("seed.x=1", "--set seed.x: invalid type: map, expected a whole number");
    check_flag("hostname=", "--set hostname: invalid type: null, expected one word");
    let long = format!("token={}", "x".repeat(64 * 1024 + 1));
    check_flag(&long, "--set token: the value has 65537 octets, expected at most 65536");
    assert_eq!(
        Override::parse("seed").unwrap_err().to_string(),
        "--set: `seed` is not an assignment, expected `path=value` such as `queue.validity=24h`"
    );
    let variable = |name, value| load(None, &[], &[(name, value)]).unwrap_err();
    assert_eq!(
        variable("EMTA_LISTEN_SMPT", "x"),
        "EMTA_LISTEN_SMPT: unknown variable, expected the name of an option, such as `EMTA_QUEUE_VALIDITY`\nhint: did you mean `EMTA_LISTEN_SMTP`?"
    );
    assert_eq!(
        variable("EMTA_LISTEN_SMTP", "0.0.0.0:25").lines().next().unwrap(),
        "EMTA_LISTEN_SMTP: `0.0.0.0:25` can be reached from other machines, expected a loopback address such as `127.0.0.1` or a `token`"
    );
    load(None, &[], &[("EMTA_LOG", "debug"), ("EMTAX", "1"), ("EMTA_PORT_1025_TCP", "x")]).unwrap();
}
