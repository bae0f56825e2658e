//! What an import gives: rules, and what could not become one.

use std::fmt;

use crate::rule::RuleSpec;

/// What could not be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportProblem {
    /// The line of the source, from 1.
    pub line: usize,
    /// What is wrong and what was expected.
    pub problem: String,
}

impl fmt::Display for ImportProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

/// Imported rules. Something wrong in one line costs that line, not the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Import {
    /// The rules, in the order of the source.
    pub rules: Vec<RuleSpec>,
    /// What was left out, by line.
    pub problems: Vec<ImportProblem>,
}

impl Import {
    pub(super) fn problem(&mut self, line: usize, problem: impl Into<String>) {
        self.problems.push(ImportProblem { line, problem: problem.into() });
    }
}
