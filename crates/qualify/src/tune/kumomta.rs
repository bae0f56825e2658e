//! The rule files of KumoMTA's bounce classifier.
//!
//! They are TOML: a table `rules` of class names, each with a list of regexes. What such files use of TOML is read
//! (comments, bare and quoted keys, the four kinds of strings, lists over many lines); anything else is told by its
//! line and left out. KumoMTA's regexes tell upper from lower case and may look around; ours do neither: flags that say
//! what holds here anyway are taken away when a file is read, and put in front when one is written.

mod class;
mod export;
mod toml;

pub use self::class::class_of;
pub use self::export::export_kumomta;

use self::toml::Entry;
use super::csv::shortened;
use super::import::Import;
use crate::rule::{Pattern, RuleSpec};
use crate::set::{MAX_PATTERNS_PER_RULE, regex_problem};

/// Flags in front of a regex that say what holds for all regexes here: upper and lower case are the same, `^` and `$`
/// are ends of lines. The first is the one that is written.
const FLAGS: [&str; 3] = ["(?im)", "(?mi)", "(?i)"];

/// Reads rules. A class with more than [`MAX_PATTERNS_PER_RULE`] regexes becomes several rules, `Class_2` and so on.
pub fn import_kumomta(text: &str) -> Import {
    let mut import = Import::default();
    let entries = toml::entries(text, &mut import);
    for entry in &entries {
        import_class(entry, &mut import);
    }
    import.problems.sort_by_key(|problem| problem.line);
    import
}

fn import_class(entry: &Entry, import: &mut Import) {
    let Some(set) = class_of(&entry.class) else {
        let problem = format!(
            "`{}` is not a class of KumoMTA; expected a name such as `InvalidRecipient`",
            shortened(&entry.class)
        );
        return import.problem(entry.line, problem);
    };
    let mut regexes = Vec::new();
    for (line, regex) in &entry.regexes {
        let regex = FLAGS.iter().find_map(|flags| regex.strip_prefix(flags)).unwrap_or(regex);
        match regex_problem(regex) {
            Some(problem) => import.problem(*line, format!("`{}` {problem}", shortened(regex))),
            None => regexes.push(regex.to_owned()),
        }
    }
    for chunk in regexes.chunks(MAX_PATTERNS_PER_RULE) {
        let id = free_id(&entry.class, &import.rules);
        import.rules.push(RuleSpec {
            id,
            pattern: Some(Pattern { regexes: chunk.to_vec(), literals: Vec::new() }),
            set,
            ..RuleSpec::default()
        });
    }
}

/// The class, or with the first number from 2 on that no rule has.
fn free_id(class: &str, rules: &[RuleSpec]) -> String {
    let same = rules.iter().filter(|rule| {
        rule.id.strip_prefix(class).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    });
    match same.count() {
        0 => class.to_owned(),
        count => format!("{class}_{}", count + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::set::{RuleSet, unmatched_reply};
    use crate::subject::Subject;
    use proptest::prelude::*;

    const FILE: &str = r#"# rules of a test
[rules]
InvalidRecipient = [
  "^(451|550) [45]\\.1\\.[12] ", # a comment, with "quotes" and [brackets]
  'no such \w+',
]
"QuotaIssues" = ["quota", """
over limit"""]
BadDomain = "no mx"
Magic = ["x"]
SpamBlock = [
  "(?=look)",
  "listed",
]
"#;

    #[test]
    fn reads_a_file() {
        let import = import_kumomta(FILE);
        let told: Vec<String> = import.problems.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("line 10: `Magic` is not a class of KumoMTA"), "{told:?}");
        assert!(told[1].starts_with("line 12: `(?=look)` is not a regex: look-around"), "{told:?}");
        let ids: Vec<_> =
            import.rules.iter().map(|rule| (rule.id.as_str(), rule.patterns().count())).collect();
        assert_eq!(ids, [("InvalidRecipient", 2), ("QuotaIssues", 2), ("BadDomain", 1), ("SpamBlock", 1)]);
        let set = RuleSet::compile("imported", import.rules).unwrap();
        let check = |line: &str, rule: &str| {
            let verdict = set.verdict(&Subject::from_reply_line(line, None), unmatched_reply);
            assert_eq!(verdict.rule.as_deref(), Some(rule), "{line}");
        };
        check("550 5.1.1 who?", "InvalidRecipient");
        check("550 no such person", "InvalidRecipient");
        check("552 over limit", "QuotaIssues");
        check("550 no mx for example.com", "BadDomain");
    }

    #[test]
    fn large_classes_are_several_rules() {
        let file = |count: usize| format!("[rules]\nSpamBlock = [{}]", "'abcd',".repeat(count));
        let ids = |count: usize| {
            let rules = import_kumomta(&file(count)).rules;
            rules.into_iter().map(|rule| rule.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(MAX_PATTERNS_PER_RULE), ["SpamBlock"]);
        assert_eq!(ids(MAX_PATTERNS_PER_RULE + 1), ["SpamBlock", "SpamBlock_2"]);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(\\[rules\\]\n)?([A-Za-z]{1,3}|[\\[\\]=\"'\\\\,#\n é]){0,60}") {
            import_kumomta(&text);
        }
    }
}
