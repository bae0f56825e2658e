use proptest::prelude::*;

use super::*;
use crate::set::RuleSet;
use crate::tune::testing::spec;

#[track_caller]
fn problem(text: &str, line: usize, expected: &str) {
    let import = import_csv(text);
    let told = import.problems.first().unwrap_or_else(|| panic!("no problem: {:?}", import.rules));
    assert_eq!(told.line, line, "{told}");
    assert!(told.problem.contains(expected), "{told}");
}

#[test]
fn reads_what_people_have() {
    let import = import_csv(concat!(
        "ID,Type,reason,pattern,class\n",
        "full,Soft,Mailbox full,over quota,\n",
        "full,soft,mailbox_full,\"mailbox, full\",\n",
        "gone,,,no such user,10\n",
        "spam,,,\"the \"\"spam\"\" trap\",Spam Block\n",
    ));
    assert_eq!(import.problems, []);
    let told: Vec<_> =
        import.rules.iter().map(|r| (r.id.as_str(), r.patterns().count(), r.set.class)).collect();
    assert_eq!(
        told,
        [
            ("full", 2, None),
            ("gone", 1, Some(BounceClass::InvalidRecipient)),
            ("spam", 1, Some(BounceClass::SpamBlock))
        ]
    );
    assert_eq!(import.rules[0].set.reason, Some(FailureReason::MailboxFull));
    assert!(RuleSet::compile("imported", import.rules).is_ok());
}

#[test]
fn problems_cost_their_line() {
    let rows = |row: &str| format!("id,pattern,type,reason,class,codes,match_as\n{row}\nok,fine,,,10,,\n");
    let check = |row: &str, expected: &str| {
        problem(&rows(row), 2, expected);
        assert_eq!(import_csv(&rows(row)).rules.len(), 1, "{row}");
    };
    check(",x,,,10,,", "`id` is empty");
    check("a,x,,,,,", "expected a `class`, or `type` and `reason`");
    check("a,x,hard,,,,", "expected a `class`, or `type` and `reason`");
    check("a,x,harder,refused,,,", "`harder` is not a failure type; expected one of `not_defined`, `soft`");
    check("a,x,hard,refuse,,,", "`refuse` is not a failure reason");
    check("a,x,,,11,,", "`11` is not a bounce class");
    check("a,(x,,,10,,", "`pattern`: `(x` is not a regex");
    check("a,,,,10,,", "`pattern` is empty; expected one, or conditions");
    check("a,x,,,10,5,", "`codes`: cannot read `5`");
    check("a,x,,,10,,glob", "`match_as`: `glob` is not `regex` or `literal`");
    problem("id,pattern,reson\n", 1, "`reson` is not a column");
    problem("id,type\n", 1, "column `pattern` is missing");
    problem("id,pattern,class\na,x,10\nb,y,10\na,z,10\n", 4, "expected its rows to follow each other");
    problem("id,pattern,class\na,x,10\na,y,22\n", 3, "says otherwise");
    problem("id,pattern,class,codes\na,,10,5xx\na,y,10,5xx\n", 3, "row without a pattern");
    assert_eq!(import_csv("").problems.len(), 2);
}

#[test]
fn patterns_end_at_their_bound() {
    let rows = |count: usize| format!("id,pattern,class\n{}", "a,x,10\n".repeat(count));
    assert_eq!(import_csv(&rows(MAX_PATTERNS_PER_RULE)).problems, []);
    problem(&rows(MAX_PATTERNS_PER_RULE + 1), MAX_PATTERNS_PER_RULE + 2, "more than");
}

proptest! {
    #[test]
    fn what_is_exported_is_imported(
        texts in prop::collection::vec("[a-z][ -~é]{1,20}[a-z]", 0..4),
        note in proptest::option::of("[a-z][ -~\n\"]{0,20}[a-z]"),
        when in any::<bool>(),
    ) {
        let mut rule = spec("a", "", "soft/mailbox_full");
        let regexes: Vec<String> = texts.iter().map(|text| regex::escape(text)).collect();
        rule.pattern = (!texts.is_empty()).then_some(Pattern { regexes, literals: texts });
        rule.note = note;
        rule.look_at = vec![Field::Subject, Field::Body];
        if when || rule.pattern.is_none() {
            rule.when = When {
                providers: vec!["gm*".to_owned()],
                phases: vec![Phase::Rcpt, Phase::Data],
                codes: vec!["4xx".to_owned(), "550".to_owned()],
                statuses: vec!["5.1.*".to_owned()],
                kinds: vec![Kind::Bounce],
                sender_formats: vec!["exim".to_owned()],
            };
        }
        let rules = vec![rule, spec("b", "x", "hard/refused")];
        let import = import_csv(&export_csv(&rules));
        prop_assert_eq!(import.problems, vec![]);
        prop_assert_eq!(import.rules, rules);
    }

    #[test]
    fn nothing_panics(text in "(id,pattern,class\n)?[ -~\n\"]{0,200}") {
        import_csv(&text);
    }
}
