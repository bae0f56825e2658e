//! What is demanded, of which regexes.

use super::*;
use proptest::prelude::*;

/// Demands are separated by spaces in the table, their literals by `|`; `_` is a space.
#[track_caller]
fn check(regex: &str, expected: &str) {
    let told: Vec<String> =
        demands(regex).iter().map(|AnyOf(words)| words.join("|").replace(' ', "_")).collect();
    assert_eq!(told.join(" "), expected, "{regex}");
}

#[test]
fn multiplies_out_and_cuts_at_what_is_open() {
    check("User unknown", "user_unknown");
    check(r"5\.1\.1\b.*user (is )?unknown", "5.1.1 user_is_unknown|user_unknown");
    check("(?:over|exceeded) quota", "exceeded_quota|over_quota");
    check("(?:over quota|mailbox full)", "mailbox_full|over_quota");
    check("mailbox (?P<why>is full|full)", "mailbox_full|mailbox_is_full");
    check("(one two.*three|four)", "four|one_two");
    check("quotas? exceeded", "quota_exceeded|quotas_exceeded");
    check("users?", "user");
    check("abc+def", "abc def");
    check("(?i)spam", "spam");
    check("[]abc]xyz[^]0-9[:alpha:]]*", "]xyz|axyz|bxyz|cxyz");
    check(r"\[(TSS?|RLY?|BL)\d\d\]", "[bl|[rl|[ts");
    check("abc{2,3}defg", "abc defg");
    check("boîte pleine", "boÎte_pleine|boîte_pleine");
    check("(?x)a b c", "abc");
    check(r"\x41bcd", "abcd");
    check(r"kiss \pL", "kiss_");
    check("abc*x", "abc|abx");
}

#[test]
fn is_silent_about_the_rest() {
    for regex in [
        "",
        ".*",
        "ab",
        "(?:abc)?",
        "abc|",
        "abc|d",
        "(?:abc){0,2}",
        r"\bab\b",
        "abc|[def]",
        "[a-z]+",
        "abc)",
        "(abc",
        "[abc",
        r"abc\",
        r"\pX",
    ] {
        check(regex, "");
    }
}

#[test]
fn limits_at_the_bounds() {
    let words = |count: usize| (0..count).map(|n| format!("w{n:03}")).collect::<Vec<_>>();
    let many = |count| demands(&words(count).join("|"));
    assert_eq!(many(MAX_ALTERNATIVES), [AnyOf(words(MAX_ALTERNATIVES))]);
    assert_eq!(many(MAX_ALTERNATIVES + 1), []);
    let apart = |count| demands(&words(count).join(r"\d")).len();
    assert_eq!(apart(MAX_DEMANDS), MAX_DEMANDS);
    assert_eq!(apart(MAX_DEMANDS + 1), MAX_DEMANDS);
    let cut = |letter: &str| demands(&letter.repeat(MAX_LEN));
    assert_eq!(cut("%"), [AnyOf(vec!["%".repeat(MAX_LEN)])]);
    assert_eq!(cut("%%"), cut("%"));
    assert_eq!(cut("€"), [AnyOf(vec!["€".repeat(MAX_LEN / 3)])]);
    // `%` and the eleven characters from `0` to `:`.
    check("[%0-:]", "");
    assert_eq!(demands("[%0-:]xyz").first().map(|AnyOf(words)| words.len()), Some(MAX_CLASS));
    check("[%&0-:]xyz", "xyz");
    let nested = format!("{}abc{}", "(".repeat(200), ")".repeat(200));
    check(&nested, "abc");
}

#[test]
fn tells_how_matches_begin() {
    let check = |regex: &str, expected: bool| {
        let hir = ParserBuilder::new().case_insensitive(true).build().parse(regex).unwrap();
        assert_eq!(demands_of(&hir).starts_with_first, expected, "{regex}");
    };
    check(r"\bmailbox.*full", true);
    check("(over|exceeded) .*quota", true);
    check("(abc.*|def).*ghi", true);
    check(".*mailbox", false);
    check("(my )?.*mailbox", false);
    check(r"(my |the )*mailbox \d", true);
    check(r"ip( \S+)? (is|was) blocked", true);
    check(r"( \S+)?ip", false);
    check("[ab] .*mailbox", false);
}

/// Regexes of the kind that rules have.
fn regexes() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[a-z ]{1,6}",
        Just(r"\d".to_owned()),
        Just(r"\.".to_owned()),
        Just("[^a-c]".to_owned()),
        Just("[]x]".to_owned()),
        Just(r"\s".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|p| format!("(?:{})", p.join("|"))),
            (inner, prop::sample::select(vec!["?", "*", "+", "{2}", "{0,2}", "{1,}?", "??"]))
                .prop_map(|(part, times)| format!("({part}){times}")),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_matches_meets_all(
        (regex, text) in regexes().prop_flat_map(|regex| {
            let text = proptest::string::string_regex(&regex).unwrap();
            (Just(regex), text)
        })
    ) {
        let text = text.to_lowercase();
        for AnyOf(literals) in demands(&regex) {
            prop_assert!(literals.iter().any(|l| text.contains(l)), "{literals:?}");
        }
        let hir = ParserBuilder::new().case_insensitive(true).build().parse(&regex).unwrap();
        let told = demands_of(&hir);
        if told.starts_with_first {
            prop_assert!(told.all[0].0.iter().any(|l| text.starts_with(l)), "{told:?}");
        }
    }

    #[test]
    fn never_panics(regex in any::<String>()) {
        demands(&regex);
    }
}
