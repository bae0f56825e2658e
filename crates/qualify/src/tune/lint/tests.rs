use emta_mail::BounceClass;

use super::*;
use crate::rule::RuleSpec;
use crate::tune::testing::{case, compile, spec, tested};
use crate::unmatched_mail;

/// Findings but for [`Problem::Untested`], as (rule, problem).
fn problems(specs: Vec<RuleSpec>, cases: &[Case]) -> Vec<(String, Problem)> {
    let findings = lint(&compile(specs), &unmatched_mail(), cases);
    let told = findings.into_iter().filter(|finding| finding.problem != Problem::Untested);
    told.map(|finding| (finding.rule, finding.problem)).collect()
}

#[track_caller]
fn check(specs: Vec<RuleSpec>, cases: &[Case], expected: &[&str]) {
    let told = problems(specs, cases);
    let names: Vec<String> =
        told.iter().map(|(rule, problem)| format!("{rule} {}", problem.name())).collect();
    assert_eq!(names, expected, "{told:?}");
}

#[test]
fn dead_and_shadowed() {
    let specs = || {
        vec![
            spec("quota", "quota", "soft/mailbox_full"),
            spec("over", "over quota", "soft/mailbox_full"),
            spec("never", "nirvana", "hard/user_unknown"),
        ]
    };
    let cases = [case("1", "552 quota", ""), case("2", "552 over quota", "")];
    check(specs(), &cases, &["over shadowed", "never dead"]);
    let (_, shadowed) = problems(specs(), &cases).remove(0);
    let evidence = Evidence { source: "2".to_owned(), text: "552 over quota".to_owned() };
    assert_eq!(shadowed, Problem::Shadowed { by: "quota".to_owned(), matched: 1, lost: 1, evidence });
}

#[test]
fn its_own_samples_are_texts_too() {
    let own = tested(spec("user", "no such user", "hard/user_unknown"), &["550 no such user"], &[]);
    check(vec![own], &[], &[]);
}

#[test]
fn redundant() {
    let specs = || {
        vec![
            spec("quota", "quota", "soft/mailbox_full"),
            spec("full", "quota|full", "soft/mailbox_full"),
            spec("other", "nonsense", "ignored/unreachable"),
        ]
    };
    let cases = [case("1", "552 quota", ""), case("2", "552 full", ""), case("3", "nonsense", "")];
    check(specs(), &cases, &["quota redundant", "other redundant"]);
    let told = problems(specs(), &cases);
    assert_eq!(told[0].1, Problem::Redundant { wins: 1, instead: Some("full".to_owned()) });
    assert_eq!(told[1].1, Problem::Redundant { wins: 1, instead: None });
    // Another class is another verdict.
    let mut specs = specs();
    specs[0].set.class = Some(BounceClass::MailboxFull);
    specs[2].set.class = Some(BounceClass::GenericBounce);
    check(specs, &cases, &[]);
}

#[test]
fn conflicting() {
    let specs = |first: &str| {
        vec![
            spec("spam", first, "ignored/refused"),
            spec("user", "unknown user", "hard/user_unknown"),
            spec("any", "", "ignored/unreachable"),
        ]
    };
    let both = "550 spam from unknown user";
    let texts =
        |label: &str| [case("1", both, label), case("2", "550 unknown user", ""), case("3", "spam", "")];
    check(specs("spam"), &texts(""), &["spam conflicting"]);
    check(specs("spam"), &texts("hard/user_unknown"), &["spam conflicting"]);
    // A label says that the order is right.
    check(specs("spam"), &texts("ignored/refused"), &[]);
    // What is found takes in more of the text.
    check(specs("spam( from unknown user)?"), &texts(""), &[]);
    // It asks for more.
    let mut narrow = specs("spam");
    narrow[0].when.codes = vec!["550".to_owned()];
    check(narrow, &[case("1", both, ""), case("2", "550 unknown user", ""), case("3", "550 spam", "")], &[]);
    // A sample says so.
    let mut decided = specs("spam");
    decided[0] = tested(decided[0].clone(), &[both], &[]);
    check(decided, &[case("2", "550 unknown user", "")], &[]);
}

#[test]
fn too_broad() {
    let specs = |foreign: usize| {
        let rule = |n: usize| {
            let sample = format!("55{n} word{n}word mail");
            tested(spec(&format!("r{n}"), &format!("word{n}word"), "soft/refused"), &[sample.as_str()], &[])
        };
        let broad = tested(spec("broad", "mail", "hard/user_unknown"), &["550 no mail"], &[]);
        (0..foreign).map(rule).chain([broad]).collect::<Vec<_>>()
    };
    check(specs(MIN_FOREIGN_RULES - 1), &[], &[]);
    check(specs(MIN_FOREIGN_RULES), &[], &["broad too_broad"]);
    // A twin with the same pattern is told apart by its conditions.
    let twins = (0..MIN_FOREIGN_RULES).map(|number| {
        let mut twin =
            tested(spec(&format!("twin_{number}"), "mail", "soft/mailbox_full"), &["450 no mail"], &[]);
        twin.when.codes = vec!["450".to_owned()];
        twin
    });
    let broad = tested(spec("broad", "mail", "hard/user_unknown"), &["550 no mail"], &[]);
    let told = problems(twins.chain([broad]).collect(), &[]);
    assert!(told.iter().all(|(_, problem)| problem.name() != "too_broad"), "{told:?}");
}

#[test]
fn unanchored() {
    let check_regex = |regex: &str, expected: &[&str]| {
        let specs = vec![spec("r", regex, "hard/refused")];
        check(specs, &[case("1", "552 abcd \u{e9}tls abc", "")], expected);
    };
    check_regex("abcd", &[]);
    check_regex("abc", &["r unanchored"]);
    check_regex("abcd|tls", &["r unanchored"]);
    check_regex(r"\btls\b|abcd", &[]);
    check_regex(r"\d\d\d", &["r unanchored"]);
    check_regex(r"abcd.*abc", &[]);
    check_regex("\u{e9}tls", &[]);
}

#[test]
fn duplicate_patterns() {
    let specs = |codes: [&str; 2]| {
        let rule = |id: &str, text: &str, code: &str| {
            let mut rule = spec(id, text, "hard/refused");
            rule.pattern.as_mut().unwrap().regexes.push("same words".to_owned());
            rule.when.codes = if code.is_empty() { vec![] } else { vec![code.to_owned()] };
            rule
        };
        vec![rule("one", "first", codes[0]), rule("two", "second", codes[1])]
    };
    let cases = [case("1", "550 first", ""), case("2", "450 second", "")];
    check(specs(["", ""]), &cases, &["two duplicate"]);
    check(specs(["", "4xx"]), &cases, &["two duplicate"]);
    check(specs(["5xx", "4xx"]), &cases, &[]);
    let mut twice = spec("one", "first", "hard/refused");
    twice.pattern.as_mut().unwrap().regexes.push("first".to_owned());
    check(vec![twice], &cases, &["one duplicate"]);
}

#[test]
fn findings_are_sentences() {
    let rule = spec("any", "", "ignored/unreachable");
    let told = lint(&compile(vec![spec("r", "nirvana", "hard/refused"), rule]), &unmatched_mail(), &[]);
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "rule `r`: matches none of the texts",
            "rule `r`: has no `match` sample",
            "rule `any`: has no `match` sample",
        ]
    );
}
