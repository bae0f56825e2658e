//! What is tried on a subject, and in which order.

use std::collections::HashMap;

use crate::rule::Field;

/// Something that may make a rule match. Their order is that in which a rule set is read: rules, then where a rule
/// looks, then its patterns and their branches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Try {
    pub(super) rule: u32,
    /// Place in the rule's list of fields.
    pub(super) turn: u8,
    /// Number of the branch in the set, which follows the patterns; `None` where the conditions suffice.
    pub(super) branch: Option<u32>,
    /// The field of this turn.
    pub(super) field: Field,
}

impl Try {
    /// In their order: a number is compared at once. Rules are at most [`MAX_RULES`](super::MAX_RULES).
    pub(super) fn key(&self) -> u64 {
        let branch = self.branch.map_or(0, |branch| u64::from(branch) + 1);
        u64::from(self.rule) << 40 | u64::from(self.turn) << 36 | branch
    }
}

/// What is tried whatever the texts hold. A set for many providers has hundreds of rules that look at a status only;
/// those that are for providers by name are asked only about mail to these.
#[derive(Clone, Debug, Default)]
pub(super) struct Always {
    /// In order.
    for_all: Vec<Try>,
    /// By the provider's number.
    for_one: HashMap<u32, Vec<Try>>,
}

impl Always {
    /// From tries in order, each with the providers that its rule is for; none if that is for all.
    pub(super) fn of(tries: impl Iterator<Item = (Try, Vec<u32>)>) -> Self {
        let mut found = Self::default();
        for (next, providers) in tries {
            if providers.is_empty() {
                found.for_all.push(next);
            }
            for provider in providers {
                found.for_one.entry(provider).or_default().push(next);
            }
        }
        found
    }

    /// Those for the provider of this number.
    pub(super) fn of_provider(&self, number: u32) -> &[Try] {
        self.for_one.get(&number).map_or(&[], Vec::as_slice)
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
