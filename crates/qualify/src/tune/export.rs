//! What an export gives: a text, and what it cannot say.

use std::fmt;

use crate::rule::RuleSpec;

/// Something of a rule that the other format cannot say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportLoss {
    /// The rule's id.
    pub rule: String,
    /// What is lost, or what becomes of it.
    pub loss: String,
}

impl fmt::Display for ExportLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule `{}`: {}", self.rule, self.loss)
    }
}

/// Rules in another format. A rule that no loss is about is read back as it was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Export {
    /// The text of the file.
    pub text: String,
    /// What it cannot say, in the order of the rules.
    pub losses: Vec<ExportLoss>,
}

impl Export {
    pub(super) fn lose(&mut self, spec: &RuleSpec, loss: impl Into<String>) {
        self.losses.push(ExportLoss { rule: spec.id.clone(), loss: loss.into() });
    }
}
