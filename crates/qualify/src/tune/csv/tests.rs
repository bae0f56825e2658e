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
    check("a,,,,10,,", "`pattern` is empty; expected one, or conditions, or `everything` in `match_as`");
    check("a,x,,,10,5,", "`codes`: cannot read `5`");
    check("a,x,,,10,,glob", "`match_as`: `glob` is not `regex`, `literal` or `everything`");
    check("a,x,,,10,,everything", "expected neither a pattern nor conditions then");
    check("a,,,,10,5xx,everything", "expected neither a pattern nor conditions then");
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

/// What spreadsheets and people make of tables.
#[test]
fn tables_of_spreadsheets() {
    for table in [
        "\u{feff}id,pattern,class\r\nfull,\"mailbox, full\",22\r\n",
        "id;pattern;class\r\nfull;mailbox, full;22\r\n",
        "\"id\"\t\"pattern\"\t\"class\"\nfull\tmailbox, full\t22\n",
    ] {
        let import = import_csv(table);
        assert_eq!(import.problems, [], "{table}");
        assert_eq!(import.rules[0].patterns().collect::<Vec<_>>(), ["mailbox, full"], "{table}");
    }
}

#[test]
fn losses_are_told() {
    let check = |rule: RuleSpec, expected: &str| {
        let losses = export_csv([&rule]).losses;
        assert_eq!(losses.len(), 1, "{losses:?}");
        assert!(losses[0].loss.contains(expected), "{losses:?}");
    };
    let rule = |id: &str| spec(id, "x", "soft/mailbox_full");
    check(rule(" a"), "the space around its `id`");
    check(RuleSpec { note: Some(" ".to_owned()), ..rule("a") }, "its `note`");
    let provider = |name: &str| When { providers: vec![name.to_owned()], ..When::default() };
    check(
        RuleSpec { when: provider("a|b"), ..rule("a") },
        "`when.providers`: `a|b` is read back as other words",
    );
    check(RuleSpec { when: provider("a "), ..rule("a") }, "is read back as other words");
}

prop_compose! {
    /// A rule that compiles, with everything that a table may have trouble with.
    fn any_rule()(
        id in " ?[A-Z][a-z,;\"']{0,3} ?",
        regexes in prop::collection::vec("[ a-z,;|\n\r\"é]{1,20}", 0..4),
        literals in prop::collection::vec("[ -~\n\té]{1,20}", 0..3),
        note in proptest::option::of("[ -~\n\"]{1,20}"),
        look_at in prop::collection::vec(prop::sample::select(&Field::ALL[..]), 0..3),
        phases in prop::collection::vec(prop::sample::select(Phase::ALL.to_vec()), 0..3),
        (codes, statuses) in (
            prop::collection::vec(prop::sample::select(&["4xx", "550"][..]), 0..3),
            prop::collection::vec(prop::sample::select(&["5.1.*", "*.2.2"][..]), 0..2),
        ),
        providers in prop::collection::vec("[ a-z*|]{1,6}", 0..2),
        class in proptest::option::of(prop::sample::select(BounceClass::ALL)),
    ) -> RuleSpec {
        let texts = |words: Vec<&str>| words.into_iter().map(str::to_owned).collect();
        let regexes: Vec<String> = regexes.iter().map(|text| regex::escape(text)).collect();
        let pattern = Pattern { regexes, literals };
        RuleSpec {
            id,
            when: When { providers, phases, codes: texts(codes), statuses: texts(statuses), ..When::default() },
            look_at,
            pattern: (!pattern.regexes.is_empty() || !pattern.literals.is_empty()).then_some(pattern),
            set: Assignment { class, ..spec("a", "", "soft/mailbox_full").set },
            note,
            ..RuleSpec::default()
        }
    }
}

proptest! {
    /// Rules that nothing is told of come back as they were, those that take everything too.
    #[test]
    fn what_is_exported_is_imported(rules in prop::collection::vec(any_rule(), 0..5), has_last in any::<bool>()) {
        let mut rules = rules;
        rules.extend(has_last.then(|| spec("Other responses", "", "ignored/unreachable")));
        rules.retain(|rule| export_csv([rule]).losses.is_empty());
        rules.sort_by(|one, other| one.id.cmp(&other.id));
        rules.dedup_by(|one, other| one.id == other.id);
        prop_assert!(RuleSet::compile("generated", rules.clone()).is_ok());
        let import = import_csv(&export_csv(&rules).text);
        prop_assert_eq!(import.problems, vec![]);
        prop_assert_eq!(import.rules, rules);
    }

    #[test]
    fn nothing_panics(text in "(id,pattern,class\n)?[ -~\n\"]{0,200}") {
        import_csv(&text);
    }
}
