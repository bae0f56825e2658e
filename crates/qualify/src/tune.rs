//! Tuning: a rule set held against texts, with evidence for each change.
//!
//! * [`evaluate`]: what of the labelled texts is right, what each rule is worth, the costly mistakes first;
//! * [`diff()`]: every verdict that another rule set changes, grouped, and which of them are steps back;
//! * [`lint`]: rules that never win, contradict each other, change nothing, or match too much;
//! * [`coverage`]: what the samples of the rules exercise;
//! * [`suggest`]: drafted rules for what no rule knows;
//! * [`trace`]: every step of one decision;
//! * [`import_csv`], [`export_csv`], [`import_kumomta`], [`export_kumomta`]: from and to what people have.
//!
//! All of it is a pure function of rules and texts: the same input gives the same report in the same order, and the
//! time grows with the number of texts times the cost of one explanation. Nothing here knows files or YAML.

mod case;
mod coverage;
mod csv;
mod diff;
mod evaluate;
mod export;
mod import;
mod kumomta;
mod lint;
mod suggest;
#[cfg(test)]
mod testing;
mod trace;

pub use case::{Case, Meaning};
pub use coverage::{AlternativeCoverage, Coverage, PatternCoverage, RuleCoverage, coverage};
pub use csv::{COLUMNS, export_csv, import_csv};
pub use diff::{Change, Diff, MAX_EXAMPLES, Side, diff};
pub use evaluate::{Confusion, Evaluation, Miss, Mistake, RuleScore, evaluate};
pub use export::{Export, ExportLoss};
pub use import::{Import, ImportProblem};
pub use kumomta::{class_of, export_kumomta, import_kumomta};
pub use lint::{Evidence, Finding, MIN_FOREIGN_RULES, MIN_LITERAL, Problem, lint};
pub use suggest::{MAX_SUGGESTIONS, Suggestion, suggest};
pub use trace::{Step, StepOutcome, Trace, trace};
