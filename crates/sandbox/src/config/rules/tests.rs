use std::fmt::Write as _;

use emta_qualify::Subject;

use super::*;

const MTA: &str = include_str!("../../../../../config/rules/mta.yaml");
const INBOUND_EMAIL: &str = include_str!("../../../../../config/rules/inbound-email.yaml");

fn shipped(name: &str) -> RuleSet {
    parse(name, if name == "mta.yaml" { MTA } else { INBOUND_EMAIL }).unwrap()
}

#[test]
fn the_shipped_rules_pass_their_own_tests() {
    for name in ["mta.yaml", "inbound-email.yaml"] {
        let failures = shipped(name).run_tests();
        let told = failures.iter().fold(String::new(), |mut told, failure| {
            let _ = writeln!(told, "{failure}");
            told
        });
        assert!(failures.is_empty(), "{name}:\n{told}");
    }
}

/// On every sample of both sets: the winner is the first rule whose conditions hold and one of whose patterns is found
/// by the regex crate alone.
#[test]
fn the_shipped_rules_decide_as_if_every_pattern_were_tried() {
    struct Naive {
        /// The rule without its patterns: its conditions.
        conditions: RuleSet,
        patterns: Vec<regex::Regex>,
    }
    let regex = |source: &str, unicode: bool| {
        let mut builder = regex::RegexBuilder::new(source);
        builder.case_insensitive(true).multi_line(true).unicode(unicode).build().unwrap()
    };
    let naive = |spec: &RuleSpec| {
        let pattern = spec.pattern.clone().unwrap_or_default();
        let literals = pattern.literals.iter().map(|text| regex(&regex::escape(text), false));
        Naive {
            conditions: RuleSet::compile("x", vec![RuleSpec { pattern: None, ..spec.clone() }]).unwrap(),
            patterns: pattern.regexes.iter().map(|source| regex(source, true)).chain(literals).collect(),
        }
    };
    let sets = ["mta.yaml", "inbound-email.yaml"].map(shipped);
    let samples: Vec<Sample> = sets
        .iter()
        .flat_map(RuleSet::rules)
        .flat_map(|rule| rule.tests.matches.iter().chain(&rule.tests.no_match))
        .cloned()
        .collect();
    assert!(samples.len() > 1_000, "{}", samples.len());
    for set in &sets {
        let rules: Vec<(&RuleSpec, Naive)> = set.rules().map(|spec| (spec, naive(spec))).collect();
        for sample in &samples {
            let subject = sample.as_subject();
            let field = |field: &Field| match field {
                Field::Text => Some(subject.text),
                Field::Subject => subject.subject,
                Field::Body => subject.body,
            };
            let looked_at = |spec: &RuleSpec| match &spec.look_at[..] {
                [] => vec![Field::Text],
                fields => fields.to_vec(),
            };
            let is_match = |(spec, naive): &&(&RuleSpec, Naive)| {
                let is_found = |text: &str| naive.patterns.iter().any(|regex| regex.is_match(text));
                naive.conditions.qualify(&subject).is_some()
                    && (naive.patterns.is_empty() || looked_at(spec).iter().filter_map(field).any(is_found))
            };
            let expected = rules.iter().find(is_match).map(|(spec, _)| spec.id.as_str());
            let found = set.qualify(&subject).map(|found| found.rule.id.as_str());
            assert_eq!(found, expected, "{}: {sample:?}", set.name());
        }
    }
}

#[test]
fn every_shipped_rule_has_a_test() {
    for name in ["mta.yaml", "inbound-email.yaml"] {
        let rules = shipped(name);
        let untested = rules.rules().filter(|rule| rule.tests.matches.is_empty());
        assert_eq!(untested.map(|rule| rule.id.as_str()).collect::<Vec<_>>(), Vec::<&str>::new(), "{name}");
    }
}

/// Facts 2.3.
#[test]
fn the_names_that_campaign_ships_keep_their_order() {
    const NAMES: [&str; 8] = [
        "AOL_postmaster",
        "User_unknown",
        "Mailbox_full",
        "Unreachable",
        "Account_disabled",
        "Auto_replies",
        "Probably_unreachable",
        "Other_responses",
    ];
    let rules = shipped("inbound-email.yaml");
    let found: Vec<&str> =
        rules.rules().map(|rule| rule.id.as_str()).filter(|id| NAMES.contains(id)).collect();
    assert_eq!(found, NAMES);
    let last = rules.rules().last().unwrap();
    assert_eq!((last.id.as_str(), &last.pattern, &last.when), ("Other_responses", &None, &When::default()));
}

#[test]
fn reads_every_key() {
    let text = r#"
rules:
    - id: all
      when: { providers: [gm*], phases: [rcpt, data], codes: 550, statuses: ["5.1.*"], kinds: [bounce], sender_formats: rfc3464 }
      look_at: [text, body]
      match: ["no such", user]
      literals: "(gone)"
      set: { class: invalid_recipient, type: soft, reason: refused }
      note: why
      tests:
          match: { text: 550 5.1.1 no such, phase: rcpt, provider: gmail, sender_format: rfc3464, kind: bounce }
          no_match: [550 no such, { text: x, subject: y, body: z }]
"#;
    let set = parse("rules.yaml", text).unwrap();
    assert_eq!(set.run_tests(), []);
    let rule = set.rules().next().unwrap();
    assert_eq!(rule.when.codes, ["550"]);
    assert_eq!(rule.when.phases, [Phase::Rcpt, Phase::Data]);
    assert_eq!(rule.look_at, [Field::Text, Field::Body]);
    assert_eq!(rule.pattern.as_ref().unwrap().literals, ["(gone)"]);
    assert_eq!(rule.set.reason, Some(FailureReason::Refused));
    assert_eq!(rule.tests.no_match[1].body.as_deref(), Some("z"));
}

/// Providers wrap what they mean in codes that mean something else; both shipped sets go by what is said.
#[test]
fn a_specific_text_beats_a_generic_code() {
    use {FailureReason as R, FailureType as T};
    let check = |line: &str, means: (FailureType, FailureReason)| {
        for name in ["mta.yaml", "inbound-email.yaml"] {
            let rules = shipped(name);
            let found = rules
                .qualify(&Subject::from_reply_line(line, None))
                .map(|found| (found.rule.id.clone(), (found.verdict().failure_type, found.verdict().reason)));
            assert_eq!(found.as_ref().map(|found| found.1), Some(means), "{name}: {line}: {found:?}");
        }
    };
    check("550 5.1.1 <ann@example.com>: mailbox is over quota", (T::Soft, R::MailboxFull));
    check("550 5.7.1 <ann@example.com>: quota exceeded", (T::Soft, R::MailboxFull));
    check("550 5.7.1 <ann@example.com>: user unknown", (T::Hard, R::UserUnknown));
    check("550 5.2.2 <ann@example.com>: no such user here", (T::Hard, R::UserUnknown));
    check("552 5.2.2 message rejected as spam", (T::Ignored, R::Refused));
    check("550 5.1.1 your host [192.0.2.1] is blacklisted by bl.example.net", (T::Ignored, R::Refused));
    check("550 5.2.1 the user is receiving mail too quickly", (T::Ignored, R::Unreachable));
    check("554 5.7.1 the account has been disabled", (T::Hard, R::AccountDisabled));
    check("550 5.1.1 host unknown: nowhere.example", (T::Soft, R::InvalidDomain));
    check("450 4.1.1 <ann@example.com>: user unknown", (T::Soft, R::Unreachable));
    check("550 5.1.1 message too large", (T::Ignored, R::Refused));
}

#[track_caller]
fn check_error(rule: &str, line: usize, column: usize, expected: &str) {
    let error = parse("rules.yaml", &format!("rules:\n    - id: r\n{rule}\n")).unwrap_err();
    assert_eq!((error.line(), error.column()), (Some(line), Some(column)), "{error}");
    assert!(error.to_string().contains(expected), "{error}");
}

#[test]
fn errors_lead_to_the_place() {
    check_error(
        "      match: a(b\n      set: { class: mail_block }",
        3,
        14,
        "`a(b` is not a regex: unclosed group",
    );
    check_error("      match: [fine, a(b]\n      set: { class: mail_block }", 3, 21, "(at character 1)");
    check_error("      set: { class: mailblock }", 3, 21, "did you mean `mail_block`?");
    check_error("      set: { type: hard }", 3, 12, "neither a bounce class nor both type and reason");
    check_error(
        "      when: { codes: [5] }\n      set: { class: mail_block }",
        3,
        23,
        "`5` is not a reply code",
    );
    check_error("      mtach: x\n      set: { class: mail_block }", 3, 7, "did you mean `match`?");
}

/// Everything that is wrong, in the order of the text, and nothing twice.
#[track_caller]
fn check_all(text: &str, expected: &[(usize, usize, &str)]) {
    let problems = check("rules.yaml", text).map(drop).unwrap_err();
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, (line, column, message)) in problems.iter().zip(expected) {
        assert_eq!((problem.line(), problem.column()), (Some(*line), Some(*column)), "{problem}");
        assert!(problem.message().contains(message), "{problem}");
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let text = r#"rules:
    - id: full
      match: ["(", "full", "["]
      when: { codes: [9xx], phases: [rcptt], kinds: [bunce] }
      set: { class: mailbox_ful }
    - id: full
      mtach: x
      sett: { class: mailbox_full }
      match: "a*"
    - match: user unknown
      set: { type: hard, reason: user_unknwon, class: no, colour: red }
      tests: { match: ["550 user unknown"], nomatch: [x] }
    - id: 123
      match: [x, [y]]
      set: { type: hard }
    - just a text
    - id: good
      match: good
      set: { class: mailbox_full }
"#;
    check_all(
        text,
        &[
            (3, 15, "`match`: `(` is not a regex"),
            (3, 28, "`match`: `[` is not a regex"),
            (4, 23, "`when.codes`: `9xx` is not a reply code"),
            (4, 38, "`rcptt` is not a step of a session"),
            (4, 54, "`bunce` is not a kind of report"),
            (5, 21, "`mailbox_ful` is not a bounce class"),
            (6, 7, "missing field `set`"),
            (6, 11, "another rule has the same `id`"),
            (7, 7, "unknown field `mtach`"),
            (8, 7, "unknown field `sett`"),
            (9, 14, "matches even an empty text"),
            (10, 7, "missing field `id`"),
            (11, 34, "`user_unknwon` is not a failure reason"),
            (11, 55, "`no` is not a bounce class"),
            (11, 59, "unknown field `colour`, expected one of `class`, `type`, `reason`"),
            (12, 45, "unknown field `nomatch`, expected `match` or `no_match`"),
            (14, 18, "invalid type: sequence, expected a string"),
            (15, 12, "neither a bounce class nor both type and reason"),
            (16, 7, "invalid type: string"),
        ],
    );
    check_all("rules: [\n", &[(2, 1, "did not find expected node content")]);
    check_all("rules: {}\n", &[(1, 8, "expected a sequence")]);
    check_all("rule: []\n", &[(1, 1, "unknown field `rule`")]);
}

/// The reader of YAML and the list of known keys say the same of an unknown one: it is told once.
#[test]
fn known_keys_are_those_that_are_read() {
    let rule = |mistake: &str| format!("rules:\n    - {{ id: r, match: x, {mistake} }}\n");
    for (mistake, column) in [
        ("set: { class: mailbox_full }, x: 1", 56),
        ("set: { class: mailbox_full, x: 1 }", 54),
        ("set: { class: mailbox_full }, when: { x: 1 }", 64),
        ("set: { class: mailbox_full }, tests: { x: 1 }", 65),
    ] {
        check_all(&rule(mistake), &[(2, column, "unknown field `x`, expected ")]);
    }
}

#[test]
fn problems_have_a_limit() {
    let rule = |number: usize, class: &str| {
        format!("    - {{ id: r{number}, match: '(', set: {{ class: {class} }} }}\n")
    };
    for class in ["mailbox_full", "mailbox_ful"] {
        let file = |count: usize| (0..count).map(|number| rule(number, class)).collect::<String>();
        let told =
            |count| check("rules.yaml", &format!("rules:\n{}", file(count))).map(drop).unwrap_err().len();
        let each = if class == "mailbox_full" { 1 } else { 2 };
        assert_eq!(told(10), 10 * each);
        assert_eq!(told(MAX_PROBLEMS), MAX_PROBLEMS);
        assert_eq!(told(MAX_PROBLEMS + 1), MAX_PROBLEMS);
    }
    assert_eq!(
        check("rules.yaml", "rules:\n    - { id: r, match: x, set: { class: mailbox_full } }\n")
            .unwrap()
            .rules()
            .len(),
        1
    );
}
