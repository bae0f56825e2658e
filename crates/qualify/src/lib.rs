//! Delivery log qualification: why did it fail, according to ordered rules, and what do we know of such texts?
//!
//! Three things, each a plain value without files, YAML or clock:
//!
//! * a [`RuleSet`] is an ordered list of rules (conditions, regexes, literals) that turns a [`Subject`] (the reply of
//!   a server, or a mail that came back) into a verdict; the first rule that matches wins, and
//!   [`RuleSet::explain`] tells who else would have;
//! * [`normalise()`] takes what varies out of a text (addresses, hosts, ids), so that one cause is one text;
//! * the [`QualificationTable`] counts normalised texts and holds what an operator decided about them.
//!
//! The same machinery serves the MTA's synchronous classification and inMail's Inbound email rules (facts 2.1); they
//! differ in their rule files only. Regexes are those of the `regex` crate: linear time, no look-around.

mod condition;
mod digest;
mod error;
mod grams;
mod lists;
mod literals;
mod normalise;
mod pattern;
mod plain;
mod prefilter;
mod problems;
mod rule;
mod rule_tests;
mod set;
mod subject;
mod table;
pub mod tune;
mod words;

pub use condition::{CodePattern, Glob, StatusPattern};
pub use digest::{MessageDigest, MessageDigestError};
pub use error::{RuleError, RuleProblem};
pub use normalise::{MAX_NORMALISED, normalise};
pub use pattern::{MAX_PATTERN_LEN, MAX_PATTERNS_PER_RULE};
pub use rule::{Assignment, Field, Pattern, RuleSpec, RuleTests, Sample, When};
pub use rule_tests::{Expectation, TestFailure};
pub use set::{Explanation, Found, MAX_RULES, RuleMatch, RuleSet, Winner, unmatched_mail, unmatched_reply};
pub use subject::{Kind, MAX_BODY, MAX_SUBJECT, MAX_TEXT, Subject};
pub use table::{
    Decision, Edit, MAX_OCCURRENCES, MAX_ROWS, OVERFLOW_TEXT, Qualification, QualificationTable, Row,
    RowOutcome,
};
