//! The fast way gives what trying every pattern of every rule in order gives: the prefilter, the places that it tells
//! and the order of tries change speed and nothing else.

use std::ops::Range;

use emta_mail::BounceClass;
use proptest::prelude::*;
use regex::{Regex, RegexBuilder};

use super::*;
use crate::condition::Condition;
use crate::rule::{Assignment, Pattern, When};
use crate::subject::Kind;

/// A match as [`naive`] and [`fast`] tell it.
type Told = (usize, Option<(Field, Range<usize>, usize)>);

/// Every rule, every field, every pattern, with the regex crate alone.
fn naive(specs: &[RuleSpec], subject: &Subject<'_>) -> Vec<Told> {
    let regex = |source: &str, unicode| -> Regex {
        RegexBuilder::new(source).case_insensitive(true).multi_line(true).unicode(unicode).build().unwrap()
    };
    let matched = |(position, spec): (usize, &RuleSpec)| {
        if !Condition::compile(&spec.when).unwrap().holds(subject) {
            return None;
        }
        let Some(pattern) = &spec.pattern else { return Some((position, None)) };
        let regexes = pattern.regexes.iter().map(|source| regex(source, true));
        let literals = pattern.literals.iter().map(|text| regex(&regex::escape(text), false));
        let patterns: Vec<Regex> = regexes.chain(literals).collect();
        spec.fields().iter().find_map(|field| {
            let text = subject.field(*field)?;
            let found = |(n, regex): (usize, &Regex)| regex.find(text).map(|hit| (*field, hit.range(), n));
            patterns.iter().enumerate().find_map(found).map(|found| (position, Some(found)))
        })
    };
    specs.iter().enumerate().filter_map(matched).collect()
}

fn fast(matches: &[RuleMatch<'_>]) -> Vec<Told> {
    let told = |matched: &RuleMatch<'_>| {
        let found = matched.found.clone().map(|found| (found.field, found.span, found.pattern));
        (matched.position, found)
    };
    matches.iter().map(told).collect()
}

/// Words that rules and texts have in common, some of them part of others or odd.
const WORDS: [&str; 20] = [
    "user",
    "users",
    "unknown",
    "mailbox",
    "box",
    "full",
    "over quota",
    "quota",
    "is",
    "blocked",
    "black",
    "list",
    "k",
    "ſpam",
    "\u{212a}elvin",
    "é",
    "550",
    "5.1.1",
    "<a@b.example>",
    "(x)",
];

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned)
}

/// Regexes of the kind that rules have.
fn regex() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        6 => word().prop_map(|word| regex::escape(&word)),
        1 => prop::sample::select(vec![".*", r"\b", r"\d", r"\S+", " ", ".{0,9}", "[bx]", "^", "$", "(?-i:USER)", r"\W"])
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.concat()),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.join(" ?")),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("({})", parts.join("|"))),
            (inner, prop::sample::select(vec!["?", "*", "+", "{2}", "{1,3}", "??"]))
                .prop_map(|(part, times)| format!("(?:{part}){times}")),
        ]
    })
    .prop_filter("no regex of a rule matches the empty text", |regex| {
        crate::pattern::regex_problem(regex).is_none()
    })
}

fn spec() -> impl Strategy<Value = RuleSpec> {
    let pattern = (prop::collection::vec(regex(), 0..3), prop::collection::vec(word(), 0..2));
    let codes = prop::sample::select(vec![vec![], vec![], vec!["5xx"], vec!["450", "55x"]]);
    let statuses = prop::sample::select(vec![vec![], vec![], vec!["5.1.*"]]);
    let fields = prop::sample::subsequence(Field::ALL.to_vec(), 0..=3).prop_shuffle();
    let kinds = prop::sample::select(vec![vec![], vec![], vec![Kind::AutoReply]]);
    let providers = prop::sample::select(vec![
        vec![],
        vec![],
        vec!["Gmail"],
        vec!["yahoo", "gm*"],
        vec!["yahoo", "gmail"],
    ]);
    let conditions = (codes, statuses, kinds, providers);
    (pattern, conditions, fields).prop_map(
        |((regexes, literals), (codes, statuses, kinds, providers), look_at)| {
            let owned = |list: Vec<&str>| list.into_iter().map(str::to_owned).collect();
            let has_pattern = !(regexes.is_empty() && literals.is_empty());
            RuleSpec {
                when: When {
                    codes: owned(codes),
                    statuses: owned(statuses),
                    kinds,
                    providers: owned(providers),
                    ..When::default()
                },
                look_at,
                pattern: has_pattern.then_some(Pattern { regexes, literals }),
                set: Assignment { class: Some(BounceClass::MailBlock), ..Assignment::default() },
                ..RuleSpec::default()
            }
        },
    )
}

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => word(),
        2 => word().prop_map(|word| word.to_uppercase()),
        4 => Just(" ".to_owned()),
        1 => prop::sample::select(vec!["\n", "x", ".", "\u{1f600}"]).prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn as_if_every_pattern_were_tried(
        specs in prop::collection::vec(spec(), 1..12),
        texts in prop::collection::vec((text(), prop::option::of(text()), prop::option::of(text())), 1..6),
        kind in prop::sample::select(Kind::ALL.to_vec()),
        provider in prop::sample::select(vec![None, Some("gmail"), Some("Yahoo"), Some("x")]),
    ) {
        let named = |(n, spec): (usize, RuleSpec)| RuleSpec { id: n.to_string(), ..spec };
        let specs: Vec<RuleSpec> = specs.into_iter().enumerate().map(named).collect();
        let set = RuleSet::compile("x", specs.clone()).unwrap();
        for (text, subject, body) in &texts {
            let subject = Subject {
                kind,
                provider,
                subject: subject.as_deref(),
                body: body.as_deref(),
                ..Subject::from_reply_line(text, None)
            };
            let expected = naive(&specs, &subject);
            prop_assert_eq!(fast(&set.explain(&subject).matches), expected.clone());
            let decided = set.winner(&subject);
            let position = expected.first().map(|(position, _)| *position);
            prop_assert_eq!(decided.map(|winner| winner.position), position);
            let winner = set.qualify(&subject);
            prop_assert_eq!(fast(winner.as_slice()), expected.get(..1).unwrap_or_default());
        }
    }
}
