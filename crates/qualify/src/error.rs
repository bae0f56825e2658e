//! Why a rule set does not compile.

/// Why a rule set does not compile: names set and rule, and leads to the place in the rule's source.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("rule `{rule}` of set `{set}`: {problem}")]
pub struct RuleError {
    /// The rule set.
    pub set: String,
    /// The rule's id; may be empty if that is what is wrong.
    pub rule: String,
    /// The rule's place in the set, from 0.
    pub position: usize,
    /// What is wrong with it.
    pub problem: Box<RuleProblem>,
}

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleProblem {
    /// The first rule that is over the limit.
    #[error("the set has {count} rules; expected at most {limit}")]
    TooManyRules {
        /// Rules found.
        count: usize,
        /// Rules allowed.
        limit: usize,
    },
    /// It has no name.
    #[error("`id` is empty; expected a name such as `User_unknown`")]
    NoId,
    /// A rule before it has the same name.
    #[error("another rule has the same `id`; expected different names")]
    DuplicateId,
    /// It says nothing about a match.
    #[error(
        "`set` has neither a bounce class nor both type and reason; expected `class: ...`, or `type: ...` and `reason: ...`"
    )]
    NothingSet,
    /// It has a pattern of no regex and no literal and could never match.
    #[error(
        "the pattern is empty and could never match; expected a regex or a literal, or no pattern if `when` suffices"
    )]
    NoPattern,
    /// It has more patterns than a rule may have.
    #[error("the rule has {count} patterns; expected at most {limit}")]
    TooManyPatterns {
        /// Patterns found.
        count: usize,
        /// Patterns allowed.
        limit: usize,
    },
    /// A condition cannot be read.
    #[error("`when.{field}`: `{value}` is not {expected}")]
    BadCondition {
        /// The condition's name in a rule file.
        field: &'static str,
        /// Its place in the list, from 0.
        index: usize,
        /// What was found, cut to 80 characters.
        value: String,
        /// What it should have been.
        expected: &'static str,
    },
    /// A regex or literal cannot be used.
    #[error("`{list}`: `{pattern}` {problem}{}", at_character(*.offset))]
    BadPattern {
        /// The list's name in a rule file: `match` or `literals`.
        list: &'static str,
        /// Its place in the list, from 0.
        index: usize,
        /// The pattern, cut to 80 characters.
        pattern: String,
        /// What is wrong with it.
        problem: String,
        /// Where in the pattern, in characters from 0, if that is known.
        offset: Option<usize>,
    },
}

impl RuleError {
    /// The keys that lead to the place in a rule file, from the list of rules on: `["3", "match", "0"]`.
    pub fn path(&self) -> Vec<String> {
        let keys: &[String] = match &*self.problem {
            RuleProblem::TooManyRules { .. } => &[],
            RuleProblem::NoId | RuleProblem::DuplicateId => &["id".to_owned()],
            RuleProblem::NothingSet => &["set".to_owned()],
            RuleProblem::NoPattern | RuleProblem::TooManyPatterns { .. } => &["match".to_owned()],
            RuleProblem::BadCondition { field, index, .. } => {
                &["when".to_owned(), (*field).to_owned(), index.to_string()]
            }
            RuleProblem::BadPattern { list, index, .. } => &[(*list).to_owned(), index.to_string()],
        };
        std::iter::once(self.position.to_string()).chain(keys.iter().cloned()).collect()
    }
}

fn at_character(offset: Option<usize>) -> String {
    offset.map_or(String::new(), |offset| format!(" (at character {offset})"))
}
