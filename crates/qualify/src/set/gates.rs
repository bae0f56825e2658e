//! The conditions of a set's rules: each is looked at once a subject at most, however many rules have it.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::condition::Condition;
use crate::subject::Subject;

/// The conditions that rules have, and the providers that are the only one of some.
#[derive(Clone, Debug, Default)]
pub(super) struct Gates {
    /// Each once, but for providers that a [`Gate`] names.
    conditions: Vec<Condition>,
    numbers: HashMap<Condition, u32>,
    /// Numbers by names in lower case.
    providers: HashMap<String, u32>,
}

/// When a rule applies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate {
    condition: u32,
    /// Only for mail to this one. Sets for many providers have hundreds of rules that are for one each.
    provider: Option<u32>,
}

/// What holds for a subject.
pub(super) struct Answers<'a> {
    gates: &'a Gates,
    subject: &'a Subject<'a>,
    /// The number of its provider, if any rule names it.
    pub(super) provider: Option<u32>,
    /// By condition, as far as asked.
    known: &'a mut Vec<Option<bool>>,
}

impl Gates {
    /// The gate of a rule with this condition.
    pub(super) fn add(&mut self, condition: &Condition) -> Gate {
        let names = condition.only_providers().unwrap_or_default();
        let numbers: Vec<u32> = names.iter().map(|name| self.number_of(name)).collect();
        let (provider, rest) = match numbers[..] {
            [one] => (Some(one), condition.for_any_provider()),
            _ => (None, condition.clone()),
        };
        let condition = *self.numbers.entry(rest).or_insert_with_key(|rest| {
            self.conditions.push(rest.clone());
            self.conditions.len() as u32 - 1
        });
        Gate { condition, provider }
    }

    fn number_of(&mut self, name: &str) -> u32 {
        let next = self.providers.len() as u32;
        *self.providers.entry(name.to_owned()).or_insert(next)
    }

    /// The number of a provider by its name, in upper or lower case; `None` if no rule names it.
    pub(super) fn provider(&self, name: &str) -> Option<u32> {
        if self.providers.is_empty() {
            return None;
        }
        let has_capitals = name.bytes().any(|b| b.is_ascii_uppercase());
        let name = if has_capitals { Cow::Owned(name.to_ascii_lowercase()) } else { Cow::Borrowed(name) };
        self.providers.get(name.as_ref()).copied()
    }

    /// To ask about a subject, with memory that may be of another.
    pub(super) fn ask<'a>(
        &'a self,
        subject: &'a Subject<'a>,
        known: &'a mut Vec<Option<bool>>,
    ) -> Answers<'a> {
        known.clear();
        known.resize(self.conditions.len(), None);
        let provider = subject.provider.and_then(|name| self.provider(name));
        Answers { gates: self, subject, provider, known }
    }
}

impl Answers<'_> {
    /// Whether rules with this gate apply to the subject.
    pub(super) fn pass(&mut self, gate: Gate) -> bool {
        if gate.provider.is_some() && gate.provider != self.provider {
            return false;
        }
        let number = gate.condition as usize;
        match (self.known.get_mut(number), self.gates.conditions.get(number)) {
            (Some(known), Some(condition)) => *known.get_or_insert_with(|| condition.holds(self.subject)),
            (None, _) | (_, None) => false,
        }
    }
}
