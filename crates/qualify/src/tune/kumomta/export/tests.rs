use proptest::prelude::*;

use super::super::class::NAMES;
use super::super::import_kumomta;
use super::*;
use crate::rule::Pattern;
use crate::tune::testing::spec;

#[track_caller]
fn check(rule: &RuleSpec, expected: &[&str]) {
    let told: Vec<String> = export_kumomta([rule]).losses.into_iter().map(|loss| loss.loss).collect();
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.contains(expected), "`{told}`, expected `{expected}`");
    }
}

/// A rule that says exactly what a class says.
fn exact(class: &str, regexes: &[&str]) -> RuleSpec {
    RuleSpec {
        id: class.to_owned(),
        pattern: Some(Pattern {
            regexes: regexes.iter().map(|regex| (*regex).to_owned()).collect(),
            literals: Vec::new(),
        }),
        set: class_of(class).unwrap(),
        ..RuleSpec::default()
    }
}

#[test]
fn losses_are_told() {
    let rule = || exact("QuotaIssues", &["over quota"]);
    check(&rule(), &[]);
    check(&RuleSpec { note: Some("why".to_owned()), ..rule() }, &["its note is lost"]);
    check(&RuleSpec { id: "Full".to_owned(), ..rule() }, &["is called `QuotaIssues`"]);
    check(&RuleSpec { look_at: vec![Field::Text, Field::Body], ..rule() }, &["`look_at` is lost"]);
    check(&RuleSpec { look_at: vec![Field::Body], ..rule() }, &["left out: it does not look at the reply"]);
    let when = |when: When| RuleSpec { when, ..rule() };
    check(&when(When { kinds: vec![Kind::Bounce], ..When::default() }), &["`when.kinds` is lost"]);
    check(
        &when(When { kinds: vec![Kind::AutoReply], ..When::default() }),
        &["left out: it has `when.kinds`"],
    );
    let both = When { codes: vec!["5xx".to_owned()], statuses: vec!["5.1.1".to_owned()], ..When::default() };
    check(&when(both), &["left out: it has `when.codes` and `when.statuses`"]);
    check(&spec("any", "", "soft/refused"), &["left out: it takes everything"]);
    check(&spec("QuotaIssues", "full", "soft/mailbox_full"), &["and means the same"]);
    let other = spec("BadDomain", "no mx", "hard/invalid_domain");
    check(
        &other,
        &["`BadDomain` means soft / invalid_domain when it is read back, not hard / invalid_domain"],
    );
    let mut literal = rule();
    literal.pattern.as_mut().unwrap().literals.push("(full)".to_owned());
    check(&literal, &["its literals are regexes"]);
    let twice = [rule(), RuleSpec { id: "QuotaIssues_2".to_owned(), ..rule() }];
    let told = export_kumomta(&twice).losses;
    assert!(
        told[0].to_string().starts_with("rule `QuotaIssues_2`: joins the rules of `QuotaIssues`"),
        "{told:?}"
    );
}

#[test]
fn the_file_is_for_people() {
    let rules = [exact("SpamBlock", &[r"\blisted\b", "it's\tspam"]), exact("BadDomain", &["no mx"])];
    let expected = "[rules]\nSpamBlock = [\n  '(?im)\\blisted\\b',\n  \"(?im)it's\\u0009spam\",\n]\nBadDomain = [\n  \
                    '(?im)no mx',\n]\n";
    assert_eq!(export_kumomta(&rules).text, expected);
}

proptest! {
    /// Sets of which nothing is lost come back as they were.
    #[test]
    fn what_is_exported_is_imported(
        texts in prop::collection::vec(prop::collection::vec("[a-z][ -~é\n\t'\"\\\\]{1,20}[a-z]", 1..4), 1..NAMES.len()),
        turn in 0..NAMES.len(),
    ) {
        let names = NAMES.iter().cycle().skip(turn);
        let rules: Vec<RuleSpec> = names.zip(&texts).map(|(name, texts)| {
            let regexes: Vec<String> = texts.iter().map(|text| regex::escape(text)).collect();
            exact(name, &regexes.iter().map(String::as_str).collect::<Vec<_>>())
        }).collect();
        let export = export_kumomta(&rules);
        prop_assert_eq!(export.losses, vec![]);
        let import = import_kumomta(&export.text);
        prop_assert_eq!(import.problems, vec![]);
        prop_assert_eq!(import.rules, rules);
    }

    /// Any rule that nothing is told of comes back as it was, and all that is written can be read.
    #[test]
    fn what_is_lost_is_told(
        (id, class) in (prop::sample::select(&NAMES[..]), prop::sample::select(&NAMES[..])),
        regexes in prop::collection::vec("[a-z]{1,9}", 0..3),
        literals in prop::collection::vec("[!-~]{1,9}", 0..2),
        has_note in any::<bool>(),
        is_of_bounces in any::<bool>(),
        look_at in prop::collection::vec(prop::sample::select(&Field::ALL[..]), 0..2),
    ) {
        let pattern = Pattern { regexes, literals };
        let has_pattern = !pattern.regexes.is_empty() || !pattern.literals.is_empty();
        let rule = RuleSpec {
            id: id.to_owned(),
            when: When { kinds: if is_of_bounces { vec![Kind::Bounce] } else { vec![] }, ..When::default() },
            look_at,
            pattern: has_pattern.then_some(pattern),
            set: class_of(class).unwrap(),
            note: has_note.then(|| "why".to_owned()),
            ..RuleSpec::default()
        };
        let export = export_kumomta([&rule]);
        let import = import_kumomta(&export.text);
        prop_assert_eq!(import.problems, vec![]);
        prop_assert_eq!(export.losses.is_empty(), import.rules == vec![rule]);
    }
}
