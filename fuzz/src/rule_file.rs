//! A rule file: it is refused with a place that is in it, or its rules say what their patterns say.

use emta_qualify::{MAX_SUBJECT, RuleSet, Subject, When};
use emta_sandbox::config::ConfigError;
use emta_sandbox::config::rules::{self, MAX_PROBLEMS};
use regex::{Regex, RegexBuilder};

/// Lines of the file that its own rules are asked about.
const LINES: usize = 40;
/// Patterns that are looked for in the plain way as well.
const PATTERNS: usize = 20;

/// Replies as servers give them.
const TEXTS: [&str; 5] = [
    "",
    "550 5.1.1 <ann@example.com>: Recipient address rejected: User unknown",
    "452-4.2.2 The email account that you tried to reach is over quota\n452 4.2.2 try later",
    "421 4.4.1 [internal] connection timed out",
    "\u{17f}\u{212a}elvin İSTANBUL straße ΑΣ ſ",
];

/// Reads and compiles the file, and asks its rules about a few texts and its own lines.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match rules::parse("rules.yaml", &text) {
        Err(first) => {
            let problems = rules::check("rules.yaml", &text).err().unwrap_or_default();
            assert!(problems.len() <= MAX_PROBLEMS);
            assert!(
                problems.len() == MAX_PROBLEMS || problems.contains(&first),
                "{first} is lost: {problems:#?}"
            );
            problems.iter().chain([&first]).for_each(|error| place_is_in_the_file(error, &text));
        }
        Ok(set) => {
            let tests = set.run_tests();
            assert!(tests.len() <= text.len(), "more failures than samples");
            let plain = plain(&set);
            let lines = text.lines().take(LINES);
            TEXTS.into_iter().chain(lines).chain([&*text]).for_each(|text| qualify(&set, &plain, text));
        }
    }
}

fn place_is_in_the_file(error: &ConfigError, text: &str) {
    assert!(!error.message().is_empty() && error.origin() == "rules.yaml");
    let _ = error.to_string();
    let (Some(line), Some(column)) = (error.line(), error.column()) else { return };
    // The end of a file is a place as well, and libyaml has more line ends than `lines` has.
    let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count();
    assert!((1..=lines + 1).contains(&line), "line {line} of {lines}: {error}");
    let longest = text.split('\n').map(|line| line.chars().count()).max().unwrap_or_default();
    assert!((1..=longest + 2).contains(&column), "column {column} of {longest}: {error}");
}

fn qualify(set: &RuleSet, plain: &[Plain], text: &str) {
    let reply = Subject::from_reply_line(text, None);
    let subject = Subject { subject: Some(text), body: Some(text), ..reply };
    let explanation = set.explain(&subject);
    assert_eq!(set.qualify(&subject).as_ref(), explanation.winner(), "the first match wins: {text:?}");
    let places: Vec<usize> = explanation.matches.iter().map(|found| found.position).collect();
    assert!(places.is_sorted_by(|a, b| a < b), "matches are not in the set's order: {places:?}");
    for found in &explanation.matches {
        let Some(hit) = &found.found else { continue };
        let part = text.get(hit.span.clone());
        assert!(part.is_some_and(|part| !part.is_empty()), "{:?} is no place in {text:?}", hit.span);
        assert!(hit.pattern < found.rule.patterns().count());
    }
    if text.len() <= MAX_SUBJECT {
        for Plain { position, regex } in plain {
            let found = places.contains(position);
            assert!(found || !regex.is_match(text), "`{regex}` was not found in {text:?}");
        }
    }
}

/// A pattern of a rule without conditions, to be looked for without what makes many rules fast.
struct Plain {
    position: usize,
    regex: Regex,
}

fn plain(set: &RuleSet) -> Vec<Plain> {
    let rules = set.rules().enumerate().filter(|(_, rule)| rule.when == When::default());
    let patterns = rules.flat_map(|(position, rule)| {
        let pattern = rule.pattern.iter();
        pattern.flat_map(move |pattern| {
            let regexes = pattern.regexes.iter().map(|regex| (regex.clone(), true));
            let literals = pattern.literals.iter().map(|literal| (regex::escape(literal), false));
            regexes.chain(literals).map(move |(regex, unicode)| (position, regex, unicode))
        })
    });
    patterns
        .take(PATTERNS)
        .filter_map(|(position, regex, unicode)| compiled(position, &regex, unicode))
        .collect()
}

fn compiled(position: usize, regex: &str, unicode: bool) -> Option<Plain> {
    let regex = RegexBuilder::new(regex).case_insensitive(true).multi_line(true).unicode(unicode).build();
    regex.ok().map(|regex| Plain { position, regex })
}
