use super::*;
use crate::pattern::MAX_PATTERN_LEN;
use crate::rule::{Assignment, Pattern, RuleTests, Sample, When};
use crate::subject::Kind;

fn rule(id: &str, regexes: &[&str], class: BounceClass) -> RuleSpec {
    let regexes = regexes.iter().map(|r| (*r).to_owned()).collect();
    RuleSpec {
        id: id.to_owned(),
        pattern: Some(Pattern { regexes, literals: Vec::new() }),
        set: Assignment { class: Some(class), ..Assignment::default() },
        ..RuleSpec::default()
    }
}

fn rules() -> RuleSet {
    let full = rule("full", &["over quota", r"mailbox (is )?full"], BounceClass::MailboxFull);
    let mut unknown = rule("unknown", &[], BounceClass::InvalidRecipient);
    unknown.pattern = Some(Pattern {
        regexes: vec![r"\bunknown\b".to_owned()],
        literals: vec!["no such (user)".to_owned()],
    });
    let mut status = rule("status", &[], BounceClass::InvalidRecipient);
    status.pattern = None;
    status.when.statuses = vec!["5.1.1".to_owned()];
    let mut out_of_office = rule("auto", &["out of office"], BounceClass::AutoReply);
    out_of_office.look_at = vec![Field::Subject, Field::Body];
    out_of_office.when.kinds = vec![Kind::AutoReply];
    RuleSet::compile("mta", vec![full, unknown, status, out_of_office]).unwrap()
}

fn check(line: &str, winner: &str, shadowed: &[&str]) {
    let rules = rules();
    let subject = Subject::from_reply_line(line, None);
    let id = |m: &RuleMatch<'_>| m.rule.id.clone();
    assert_eq!(rules.qualify(&subject).as_ref().map_or(String::new(), id), winner, "{line}");
    let explanation = rules.explain(&subject);
    assert_eq!(explanation.winner().map_or(String::new(), id), winner, "{line}");
    assert_eq!(explanation.shadowed().iter().map(id).collect::<Vec<_>>(), shadowed, "{line}");
}

#[test]
fn the_first_rule_that_matches_wins() {
    check("550 5.1.1 Mailbox FULL or user unknown", "full", &["unknown", "status"]);
    check("550 No Such (User) here", "unknown", &[]);
    check("550 5.1.1 go away", "status", &[]);
    check("550 unknownish, out of office", "", &[]);
    check("", "", &[]);
}

#[test]
fn a_match_tells_where_it_is() {
    let rules = rules();
    let found = |line| rules.qualify(&Subject::from_reply_line(line, None)).unwrap().found;
    let text = |span: Range<usize>, pattern| Some(Found { field: Field::Text, span, pattern });
    assert_eq!(found("550 é mailbox is full!"), text(7..22, 1));
    assert_eq!(found("550 no such (user)"), text(4..18, 1));
    assert_eq!(found("550 5.1.1"), None);
    let subject = Subject {
        kind: Kind::AutoReply,
        subject: Some("Re: hello"),
        body: Some("I am\nOut of office"),
        ..Subject::default()
    };
    let body = rules.qualify(&subject).unwrap().found;
    assert_eq!(body, Some(Found { field: Field::Body, span: 5..18, pattern: 0 }));
    assert_eq!(rules.qualify(&Subject { kind: Kind::Bounce, ..subject }), None);
}

#[test]
fn verdicts_come_from_class_and_rule() {
    let rules = rules();
    let verdict = |line| rules.verdict(&Subject::from_reply_line(line, None), unmatched_reply);
    let full = verdict("452 4.2.2 over quota");
    assert_eq!((full.class, full.failure_type), (Some(BounceClass::MailboxFull), FailureType::Soft));
    assert_eq!((full.reason, full.rule.as_deref()), (FailureReason::MailboxFull, Some("full")));
    let none = verdict("550 hm");
    assert_eq!((none.failure_type, none.reason), (FailureType::Soft, FailureReason::Unreachable));
    assert_eq!((none.class, none.rule), (Some(BounceClass::Undetermined), None));
    assert_eq!(unmatched_mail().failure_type, FailureType::Ignored);

    let mut inactive = rule("inactive", &["inactive"], BounceClass::RecipientRefused);
    inactive.set.reason = Some(FailureReason::AccountDisabled);
    let rules = RuleSet::compile("x", vec![inactive]).unwrap();
    let verdict = rules.verdict(&Subject::from_reply_line("550 Inactive", None), unmatched_reply);
    assert_eq!((verdict.failure_type, verdict.reason), (FailureType::Hard, FailureReason::AccountDisabled));
}

#[test]
fn conditions_must_all_hold() {
    let mut only = rule("only", &["no"], BounceClass::MailBlock);
    only.when = When {
        providers: vec!["gm*".to_owned()],
        phases: vec![emta_mail::Phase::Rcpt],
        codes: vec!["5xx".to_owned()],
        statuses: vec!["5.7.*".to_owned()],
        kinds: vec![Kind::Bounce],
        sender_formats: vec!["postfix".to_owned()],
    };
    let rules = RuleSet::compile("x", vec![only]).unwrap();
    let full = Subject {
        provider: Some("gmail"),
        sender_format: Some("Postfix"),
        ..Subject::from_reply_line("550 5.7.1 no", Some(emta_mail::Phase::Rcpt))
    };
    assert!(rules.qualify(&full).is_some());
    for lacking in [
        Subject { provider: None, ..full },
        Subject { provider: Some("yahoo"), ..full },
        Subject { phase: None, ..full },
        Subject { code: Some(450), ..full },
        Subject { status: None, ..full },
        Subject { kind: Kind::Complaint, ..full },
        Subject { sender_format: None, ..full },
        Subject { text: "yes", ..full },
    ] {
        assert_eq!(rules.qualify(&lacking), None, "{lacking:?}");
    }
}

#[track_caller]
fn check_error(rules: Vec<RuleSpec>, path: &[&str], expected: &str) {
    let error = RuleSet::compile("mta", rules).unwrap_err();
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(error.path(), path);
}

#[test]
fn errors_name_rule_and_place() {
    let one = |regex: &str| vec![rule("r", &["fine", regex], BounceClass::MailBlock)];
    let place = ["0", "match", "1"];
    check_error(
        one("a(b"),
        &place,
        "rule `r` of set `mta`: `match`: `a(b` is not a regex: unclosed group (at character 1)",
    );
    check_error(one("(?=x)"), &place, "look-ahead");
    check_error(one(".*"), &place, "matches even an empty text");
    check_error(one(r"\pL{1000}"), &place, "too big");
    let mut spec = rule("r", &["x"], BounceClass::MailBlock);
    spec.when.codes = vec!["550".to_owned(), "5".to_owned()];
    check_error(vec![spec.clone()], &["0", "when", "codes", "1"], "`when.codes`: `5` is not a reply code");
    spec.when = When { statuses: vec!["5.1".to_owned()], ..When::default() };
    check_error(vec![spec.clone()], &["0", "when", "statuses", "0"], "`5.1` is not an enhanced status");
    spec.when = When { providers: vec![String::new()], ..When::default() };
    check_error(vec![spec.clone()], &["0", "when", "providers", "0"], "`when.providers`");
    spec.when = When::default();
    check_error(vec![spec.clone(), spec.clone()], &["1", "id"], "another rule has the same `id`");
    spec.set = Assignment { failure_type: Some(FailureType::Soft), ..Assignment::default() };
    check_error(vec![spec.clone()], &["0", "set"], "neither a bounce class nor both");
    spec.pattern = Some(Pattern { regexes: Vec::new(), literals: vec![String::new()] });
    spec.set.class = Some(BounceClass::MailBlock);
    check_error(vec![spec.clone()], &["0", "literals", "0"], "matches even an empty text");
    spec.pattern = Some(Pattern::default());
    check_error(vec![spec.clone()], &["0", "match"], "could never match");
    spec.id = " ".to_owned();
    check_error(vec![spec], &["0", "id"], "`id` is empty");
}

#[test]
fn limits_at_the_bounds() {
    let problem = |rules| RuleSet::compile("x", rules).map(|_| ()).map_err(|error| *error.problem);
    let many = |count: usize| {
        let one = |n: usize| RuleSpec { pattern: None, ..rule(&n.to_string(), &[], BounceClass::MailBlock) };
        problem((0..count).map(one).collect())
    };
    assert!(many(MAX_RULES).is_ok());
    assert!(matches!(many(MAX_RULES + 1), Err(RuleProblem::TooManyRules { .. })));

    let patterns = |count| problem(vec![rule("r", &vec!["abc"; count], BounceClass::MailBlock)]);
    assert!(patterns(MAX_PATTERNS_PER_RULE).is_ok());
    assert!(matches!(patterns(MAX_PATTERNS_PER_RULE + 1), Err(RuleProblem::TooManyPatterns { .. })));

    let long = |length| problem(vec![rule("r", &[&"a".repeat(length)], BounceClass::MailBlock)]);
    assert!(long(MAX_PATTERN_LEN).is_ok());
    assert!(matches!(long(MAX_PATTERN_LEN + 1), Err(RuleProblem::BadPattern { .. })));
}

/// Regexes that share words; whatever the size of the set, a text tries the few that can match it.
#[test]
fn two_thousand_rules_are_told_apart() {
    let words = ["mailbox", "quota", "unknown", "rejected", "blocked", "policy", "relay", "sender"];
    let word = |n: usize| words[n % words.len()];
    let regex = |n: usize| format!(r"\b{} .{{0,20}}{} (code|error) ?{n:04}\b", word(n), word(n / 8));
    let specs = (0..2_000).map(|n| rule(&n.to_string(), &[&regex(n)], BounceClass::MailBlock)).collect();
    let set = RuleSet::compile("large", specs).unwrap();
    let subject = Subject::from_reply_line("550 rejected, as the sender of code 0379 said", None);
    assert_eq!(set.qualify(&subject), None);
    let line = format!("550 {} by the {} code 1234", word(1234), word(1234 / 8));
    let explanation = set.explain(&Subject::from_reply_line(&line, None));
    assert_eq!(explanation.matches.iter().map(|found| found.position).collect::<Vec<_>>(), [1234]);
    let mut tried = Vec::new();
    set.prefilter.scan(&Text::new(&line), &mut Hits::default()).candidates(|pattern| tried.push(pattern));
    assert_eq!(tried, [1234]);
}

#[test]
fn text_beyond_the_bound_is_not_looked_at() {
    let rules = rules();
    let at = |offset: usize| format!("{}over quota", " ".repeat(offset));
    let matches = |text: &str| rules.qualify(&Subject { text, ..Subject::default() }).is_some();
    assert!(matches(&at(crate::MAX_TEXT - "over quota".len())));
    assert!(!matches(&at(crate::MAX_TEXT - "over quota".len() + 1)));
}

#[test]
fn samples_hold_rules_to_their_purpose() {
    let mut first = rule("first", &["quota"], BounceClass::MailboxFull);
    first.tests = RuleTests {
        matches: vec![Sample::line("452 over quota"), Sample::line("452 full")],
        no_match: vec![Sample::line("550 user unknown"), Sample::line("421 quota of connections")],
    };
    let mut second = rule("second", &["over quota"], BounceClass::MailboxFull);
    second.tests.matches = vec![Sample::line("452 over quota")];
    let failures = RuleSet::compile("x", vec![first, second]).unwrap().run_tests();
    let told: Vec<String> = failures.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "rule `first`, tests.match[1]: expected to win `452 full`; no rule does",
            "rule `first`, tests.no_match[1]: expected not to match `421 quota of connections`",
            "rule `second`, tests.match[0]: expected to win `452 over quota`; rule `first` does",
        ]
    );
}

#[test]
fn many_rules_keep_their_order() {
    let rules = |wrong: &[usize]| {
        let numbered = |number: usize| {
            let regex = if wrong.contains(&number) { "(".to_owned() } else { format!("word{number}[ab]") };
            rule(&format!("r{number}"), &[regex.as_str()], BounceClass::MailBlock)
        };
        (0..500).map(numbered).collect::<Vec<_>>()
    };
    let set = RuleSet::compile("many", rules(&[])).unwrap();
    for number in [0, 1, 249, 499] {
        let text = format!("550 word{number}b, word499a");
        let winner = set.winner(&Subject::from_reply_line(&text, None)).unwrap();
        assert_eq!((winner.position, &*winner.rule.id), (number, &*format!("r{number}")), "{text}");
    }
    for wrong in [[3, 1], [400, 77], [499, 498]] {
        let first = wrong[0].min(wrong[1]);
        let error = RuleSet::compile("many", rules(&wrong)).unwrap_err();
        assert_eq!((error.position, error.rule), (first, format!("r{first}")));
    }
}
