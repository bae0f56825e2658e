//! Everything that is wrong with a rule file, in one go: whoever mends a long file wants to know all of it.

use std::collections::HashSet;

use emta_qualify::{RuleError, RuleSet, RuleSpec};
use serde::de::DeserializeOwned;

use super::{Conditions, Meaning, Rule, Tests, located};
use crate::config::ConfigError;
use crate::config::error::did_you_mean;
use crate::config::yaml::{self, Tree};

/// Most problems of one file that are told. After as many rules that cannot be read, the rest of the file is not looked
/// at: each key of such a rule is looked for in the text again.
pub const MAX_PROBLEMS: usize = 100;

/// As [`super::parse`], with all problems that can be told apart, in the order of the text: where a rule cannot be read,
/// each of its keys is read by itself. What is no YAML, or has no list of rules, has one problem.
///
/// # Errors
/// The problems, at least one and at most [`MAX_PROBLEMS`].
pub fn check(file: &str, text: &str) -> Result<RuleSet, Vec<ConfigError>> {
    super::parse(file, text).map_err(|first| {
        let mut problems = Problems { file, text, found: vec![first], closer: 0, unread: HashSet::new() };
        if let Ok(tree) = Tree::parse(file, text) {
            problems.of_rules(&tree);
        }
        let mut found = problems.found;
        found.sort_by_key(|problem| (problem.line(), problem.column()));
        found.truncate(MAX_PROBLEMS);
        found
    })
}

/// Keys that a mapping of a rule knows, after the keys that lead to it.
const KNOWN: [(&[&str], &[&str]); 4] = [
    (&[], &["id", "when", "look_at", "match", "literals", "set", "note", "tests"]),
    (&["when"], &["providers", "phases", "codes", "statuses", "kinds", "sender_formats"]),
    (&["set"], &["class", "type", "reason"]),
    (&["tests"], &["match", "no_match"]),
];

struct Problems<'a> {
    file: &'a str,
    text: &'a str,
    found: Vec<ConfigError>,
    /// Rules that were read key by key.
    closer: usize,
    /// Keys that could not be read, after the rule's place: what compiling says of their absence is no news.
    unread: HashSet<[String; 2]>,
}

impl Problems<'_> {
    fn of_rules(&mut self, tree: &Tree) {
        let mut specs = Vec::new();
        for (position, tree) in tree.get(&["rules"]).iter().flat_map(Tree::items).enumerate() {
            let rule = match tree.shaped::<Rule>(self.file) {
                Ok(rule) => rule,
                Err(_) if self.closer == MAX_PROBLEMS => break,
                Err(_) => OneRule { place: &position.to_string(), all: self }.read_by_key(&tree),
            };
            specs.push(RuleSpec::from(rule));
        }
        let is_news = |error: &RuleError| {
            <[String; 2]>::try_from(error.path()).map_or(true, |place| !self.unread.contains(&place))
        };
        let errors = RuleSet::problems(self.file, &specs);
        for error in errors.into_iter().filter(is_news).collect::<Vec<_>>() {
            if self.found.len() >= MAX_PROBLEMS {
                return;
            }
            self.tell(located(self.file, self.text, &error));
        }
    }

    /// What is wrong with a whole is wrong with a part of it, too; it is told once.
    fn tell(&mut self, problem: ConfigError) {
        if !self.found.contains(&problem) {
            self.found.push(problem);
        }
    }
}

/// A rule that cannot be read as a whole.
struct OneRule<'a, 'b> {
    /// Its place in the list, as the key of a path.
    place: &'a str,
    all: &'a mut Problems<'b>,
}

impl OneRule<'_, '_> {
    /// What of it can be read; what cannot is told.
    fn read_by_key(mut self, tree: &Tree) -> Rule {
        self.all.closer += 1;
        // What is text where text is wanted may be a number in a tree: then nothing is wrong.
        if let Some(rule) = self.part(&[]) {
            return rule;
        }
        self.part::<Conditions>(&["when"]);
        self.part::<Meaning>(&["set"]);
        self.part::<Tests>(&["tests"]);
        for (path, known) in KNOWN {
            self.unknown_keys(tree, path, known);
        }
        self.missing_keys(tree);
        Rule {
            id: self.read(&["id"]),
            when: Conditions {
                providers: self.read(&["when", "providers"]),
                phases: self.read(&["when", "phases"]),
                codes: self.read(&["when", "codes"]),
                statuses: self.read(&["when", "statuses"]),
                kinds: self.read(&["when", "kinds"]),
                sender_formats: self.read(&["when", "sender_formats"]),
            },
            look_at: self.read(&["look_at"]),
            regexes: self.part(&["match"]),
            literals: self.part(&["literals"]),
            set: Meaning {
                class: self.part(&["set", "class"]),
                failure_type: self.part(&["set", "type"]),
                reason: self.part(&["set", "reason"]),
            },
            note: self.part(&["note"]),
            tests: Tests {
                matches: self.read(&["tests", "match"]),
                no_match: self.read(&["tests", "no_match"]),
            },
        }
    }

    fn read<T: DeserializeOwned + Default>(&mut self, keys: &[&str]) -> T {
        self.part(keys).unwrap_or_default()
    }

    /// The value at these keys; `None` where there is none, and where it cannot be read, which is told.
    fn part<T: DeserializeOwned>(&mut self, keys: &[&str]) -> Option<T> {
        let part = yaml::part(self.all.file, self.all.text, &self.path(keys));
        part.unwrap_or_else(|problem| {
            self.all.tell(problem);
            self.is_unread(keys.first().copied());
            None
        })
    }

    fn unknown_keys(&mut self, tree: &Tree, keys: &[&str], known: &[&str]) {
        let Some(mapping) = tree.get(keys) else { return };
        for (key, _) in mapping.entries().iter().filter(|(key, _)| !known.contains(&key.as_str())) {
            let expected: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
            let expected = expected.join(if known.len() == 2 { " or " } else { ", " });
            let some = if known.len() == 2 { "" } else { "one of " };
            // In the words of the reader of YAML, which tells the first of them.
            let message = format!("unknown field `{key}`, expected {some}{expected}");
            let mut path = self.path(keys);
            path.push(key);
            let hint = did_you_mean(key, known.iter().copied());
            self.all.tell(ConfigError::at(self.all.file, self.all.text, &path, message, hint));
        }
    }

    fn missing_keys(&mut self, tree: &Tree) {
        let is_mapping = !tree.entries().is_empty();
        for key in ["id", "set"].into_iter().filter(|key| tree.get(&[*key]).is_none()) {
            self.is_unread(Some(key));
            if is_mapping {
                let message = format!("missing field `{key}`");
                let path = self.path(&[]);
                let problem = ConfigError::at_value(self.all.file, self.all.text, &path, message, None);
                self.all.tell(problem);
            }
        }
    }

    fn is_unread(&mut self, key: Option<&str>) {
        self.all.unread.extend(key.map(|key| [self.place.to_owned(), key.to_owned()]));
    }

    fn path<'a>(&'a self, keys: &[&'a str]) -> Vec<&'a str> {
        ["rules", self.place].into_iter().chain(keys.iter().copied()).collect()
    }
}
