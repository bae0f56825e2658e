//! What is wrong with a pattern by its looks, without any text.

use std::collections::HashMap;

use super::{MIN_LITERAL, Problem};
use crate::literals::{self, AnyOf};
use crate::rule::{RuleSpec, When};

/// Regexes beyond ASCII are left alone: what they demand is not known.
pub(super) fn unanchored(regex: &str) -> Option<Problem> {
    let has_anchor = ["\\b", "^", "$", "\\A", "\\z"].iter().any(|anchor| regex.contains(anchor));
    if has_anchor || !regex.is_ascii() {
        return None;
    }
    let letters = |text: &String| text.bytes().filter(u8::is_ascii_alphanumeric).count();
    let shortest = |AnyOf(texts): AnyOf| texts.into_iter().min_by_key(letters);
    let literal = literals::demands(regex).into_iter().filter_map(shortest).max_by_key(letters);
    let is_short = literal.as_ref().is_none_or(|literal| letters(literal) < MIN_LITERAL);
    is_short.then(|| Problem::Unanchored { pattern: regex.to_owned(), literal })
}

/// Patterns that stand before in a rule that is asked whenever this one is, by the place of the later rule.
pub(super) fn duplicates(specs: &[&RuleSpec]) -> HashMap<usize, Vec<Problem>> {
    let mut seen: HashMap<&str, Vec<&RuleSpec>> = HashMap::new();
    let mut found: HashMap<usize, Vec<Problem>> = HashMap::new();
    for (position, spec) in specs.iter().enumerate() {
        for pattern in spec.patterns() {
            let before = seen.entry(pattern).or_default();
            let covers = |earlier: &&&RuleSpec| {
                (earlier.when == spec.when || earlier.when == When::default())
                    && spec.fields().iter().all(|field| earlier.fields().contains(field))
            };
            if let Some(earlier) = before.iter().find(covers) {
                let with = earlier.id.clone();
                found
                    .entry(position)
                    .or_default()
                    .push(Problem::Duplicate { pattern: pattern.to_owned(), with });
            }
            before.push(spec);
        }
    }
    found
}
