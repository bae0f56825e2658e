use super::*;
use crate::tune::testing::{case, compile, spec, tested};

fn known() -> RuleSet {
    compile(vec![
        tested(spec("full", "quota", "soft/mailbox_full"), &["552 5.2.2 mailbox over quota"], &[]),
        tested(
            spec("held", "mail is held back", "ignored/refused"),
            &["550 5.7.1 your mail is held back for review by staff"],
            &[],
        ),
        spec("any", "", "ignored/unreachable"),
    ])
}

#[track_caller]
fn check(cases: &[Case], expected: &[(usize, &str)]) -> Vec<Suggestion> {
    let set = known();
    let told = suggest(&set, cases);
    let regex = |s: &Suggestion| {
        let pattern = s.rule.as_ref().and_then(|rule| rule.pattern.as_ref());
        pattern.map_or("", |pattern| pattern.regexes[0].as_str()).to_owned()
    };
    let shown: Vec<(usize, String)> = told.iter().map(|s| (s.count, regex(s))).collect();
    let expected: Vec<(usize, String)> = expected.iter().map(|(n, r)| (*n, (*r).to_owned())).collect();
    assert_eq!(shown, expected);
    // Put before the rule that takes everything, the drafts pass their tests and take in their cases.
    let mut specs: Vec<RuleSpec> = set.rules().cloned().collect();
    let any = specs.pop().unwrap();
    specs.extend(told.iter().filter_map(|s| s.rule.clone()));
    specs.push(any);
    let whole = compile(specs);
    assert_eq!(whole.run_tests(), []);
    let drafted = told.iter().filter(|s| s.rule.is_some()).map(|s| s.count).sum::<usize>();
    let taken = cases
        .iter()
        .filter(|case| whole.qualify(&case.as_subject()).unwrap().rule.id.starts_with("Suggested_"));
    assert_eq!(taken.count(), drafted);
    told
}

#[test]
fn clusters_come_by_volume() {
    let cases = [
        case("1", "550 5.7.9 <ann@example.com>: policy engine 12 says no (4Fx9Qz12Tk8)", ""),
        case("2", "552 5.2.2 over quota", ""),
        case("3", "451 mx1.example.com is having a bad day", ""),
        case("4", "451 mx2.example.net is having a bad day", ""),
        case("5", "450 5.7.9 <bob@example.net>: policy engine 7 says no (9Zk2Lp77Qx1)", ""),
        case("6", "451 mx3.example.org is having a bad day", ""),
        case("7", "550 5.7.9 <cal@example.org>: policy engine 12 says no (1Qw2Er3Ty4)", ""),
    ];
    let told = check(
        &cases,
        &[
            (3, r"\bis\s+having\s+a\s+bad\s+day\b"),
            (2, r"\bpolicy\s+engine\s+\d+\s+says\s+no\b"),
            (1, r"\bpolicy\s+engine\s+\d+\s+says\s+no\b"),
        ],
    );
    let rule = told[0].rule.as_ref().unwrap();
    assert_eq!(rule.when.codes, ["4xx"]);
    assert_eq!(rule.tests.matches, [Sample::line("451 mx.example.com is having a bad day")]);
    assert_eq!(rule.tests.no_match.len(), 2);
    assert_eq!(rule.set.failure_type, Some(FailureType::Soft));
    assert!(rule.id.starts_with("Suggested_is_having_a_bad_"), "{}", rule.id);
}

#[test]
fn clusters_that_one_draft_takes_in_are_one() {
    let cases = [
        case("1", "550 only 30 seats left here", ""),
        case("2", "550 only 31 seats left here", ""),
        case("3", "550 only 31 seats left here", ""),
    ];
    check(&cases, &[(3, r"\bonly\s+\d+\s+seats\s+left\s+here\b")]);
}

#[test]
fn labels_then_the_nearest_rule_say_what_it_means() {
    let labelled = check(
        &[case("1", "550 the moon is full tonight", "hard/refused")],
        &[(1, r"\bthe\s+moon\s+is\s+full\s+tonight\b")],
    );
    let set = labelled[0].rule.as_ref().unwrap().set;
    assert_eq!((set.failure_type, set.reason), (Some(FailureType::Hard), Some(FailureReason::Refused)));
    assert_eq!(labelled[0].labels, [((FailureType::Hard, FailureReason::Refused), 1)]);

    let near = check(
        &[case("1", "550 5.7.1 your mail was held back for review by staff", "")],
        &[(1, r"\byour\s+mail\s+was\s+held\s+back\s+for\s+review\s+by\s+staff\b")],
    );
    assert_eq!(near[0].nearest.as_deref(), Some("held"));
    assert_eq!(near[0].rule.as_ref().unwrap().set.reason, Some(FailureReason::Refused));
}

#[test]
fn texts_of_codes_alone_are_known_by_their_status() {
    let told =
        check(&[case("1", "5.0.0", ""), case("2", "5.0.0", ""), case("3", "", "")], &[(2, ""), (1, "")]);
    assert_eq!(told[0].rule.as_ref().unwrap().when.statuses, ["5.0.0"]);
    assert_eq!(told[1].rule, None);
}

#[test]
fn suggestions_end_at_their_bound() {
    let name = |mut n: usize| {
        let mut name = String::from("word");
        while n > 0 {
            name.push(char::from(b'a' + (n % 26) as u8));
            n /= 26;
        }
        name
    };
    let cases: Vec<Case> =
        (0..=MAX_SUGGESTIONS).map(|n| case("x", &format!("550 {} happened", name(n)), "")).collect();
    assert_eq!(suggest(&known(), &cases).len(), MAX_SUGGESTIONS);
}
