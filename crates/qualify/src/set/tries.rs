//! What is tried on a subject, and in which order.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::condition::Condition;
use crate::pattern::MAX_PATTERNS_PER_RULE;

/// Something that may make a rule match. Their order is that in which a rule set is read: rules, then where a rule
/// looks, then its patterns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Try {
    pub(super) rule: u32,
    /// Place in the rule's list of fields.
    pub(super) turn: u8,
    /// Number of the pattern in the rule; [`NO_PATTERN`] where the conditions suffice.
    pub(super) pattern: u8,
}

/// A rule has fewer patterns.
pub(super) const NO_PATTERN: u8 = u8::MAX;
const _: () = assert!(MAX_PATTERNS_PER_RULE < NO_PATTERN as usize);

/// What is tried whatever the texts hold. A set for many providers has hundreds of rules that look at a status only;
/// those that are for providers by name are asked only about mail to these.
#[derive(Clone, Debug, Default)]
pub(super) struct Always {
    /// In order.
    for_all: Vec<Try>,
    /// By the provider's name in lower case.
    for_one: HashMap<String, Vec<Try>>,
}

impl Always {
    /// From tries in order, each with its rule's condition.
    pub(super) fn of<'a>(tries: impl Iterator<Item = (Try, &'a Condition)>) -> Self {
        let mut found = Self::default();
        for (next, condition) in tries {
            match condition.only_providers() {
                None => found.for_all.push(next),
                Some(names) => {
                    for name in names {
                        found.for_one.entry(name.to_owned()).or_default().push(next);
                    }
                }
            }
        }
        found
    }

    /// Those for the provider of this name.
    pub(super) fn of_provider(&self, name: &str) -> &[Try] {
        if self.for_one.is_empty() {
            return &[];
        }
        let has_capitals = name.bytes().any(|b| b.is_ascii_uppercase());
        let name = if has_capitals { Cow::Owned(name.to_ascii_lowercase()) } else { Cow::Borrowed(name) };
        self.for_one.get(name.as_ref()).map_or(&[], Vec::as_slice)
    }

    /// Those for all providers among others, which are in order.
    pub(super) fn among<'a>(&'a self, others: &'a [Try]) -> impl Iterator<Item = Try> + 'a {
        in_order(others, &self.for_all)
    }
}

/// Two ordered lists as one.
fn in_order<'a>(first: &'a [Try], second: &'a [Try]) -> impl Iterator<Item = Try> + 'a {
    let (mut first, mut second) = (first.iter().copied().peekable(), second.iter().copied().peekable());
    std::iter::from_fn(move || match (first.peek(), second.peek()) {
        (Some(a), Some(b)) if b < a => second.next(),
        (Some(_), _) => first.next(),
        (None, _) => second.next(),
    })
}
