//! Small words that all reports share.

use emta_qualify::tune::Meaning;
use serde_json::{Value, json};

/// Type and reason for programs.
pub(super) fn meaning((failure_type, reason): Meaning) -> Value {
    json!({ "type": failure_type.name(), "reason": reason.name() })
}

/// Type and reason for people.
pub(super) fn words((failure_type, reason): Meaning) -> String {
    format!("{} / {}", failure_type.name(), reason.name())
}

/// A text on one line, for people and for comments in YAML, to which U+2028 and U+2029 end a line; what came by mail
/// may hold control characters that a terminal would obey.
pub(super) fn plain(text: &str) -> String {
    text.replace(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'), " ")
}

/// `1 text`, `2 texts`.
pub(super) fn count(number: usize, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

/// A share for people: `96.9 %`.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1} %", share * 100.0))
}

/// A rule's name, or that there is none.
pub(super) fn rule(rule: Option<&str>) -> &str {
    rule.unwrap_or("(no rule)")
}
