//! Rules as the text of a rule file.
//!
//! Written by hand rather than by a library: what is on one line and the quotes around regexes are for people.

use std::fmt::{self, Write as _};

use emta_qualify::RuleSpec;
use serde_json::Value;

use super::json;

/// A rule file of these rules; what the rule parser reads back is the same.
pub(super) fn file<'a>(rules: impl IntoIterator<Item = &'a RuleSpec>) -> String {
    let rules: Vec<String> = rules.into_iter().map(rule).collect();
    if rules.is_empty() {
        return "rules: []\n".to_owned();
    }
    format!("rules:\n{}", rules.join("\n"))
}

/// One rule as an item of the list `rules`.
pub(super) fn rule(spec: &RuleSpec) -> String {
    let mut text = String::new();
    for (key, value) in json::rule(spec).as_object().into_iter().flatten() {
        let dash = if text.is_empty() { "    - " } else { "      " };
        // Writing to a String does not fail.
        let _ = match (key.as_str(), value) {
            ("match" | "literals", list) => block(&mut text, 6, key, list),
            ("tests", Value::Object(lists)) => {
                let _ = writeln!(text, "      tests:");
                lists.iter().try_for_each(|(key, list)| block(&mut text, 10, key, list))
            }
            (_, value) => writeln!(text, "{dash}{key}: {}", flow(key, value)),
        };
    }
    text
}

/// A list with a line for each item, below its key.
fn block(text: &mut String, indent: usize, key: &str, list: &Value) -> fmt::Result {
    writeln!(text, "{:indent$}{key}:", "")?;
    let mut items = list.as_array().into_iter().flatten();
    items.try_for_each(|item| writeln!(text, "{:indent$}    - {}", "", flow(key, item)))
}

/// A value on one line.
fn flow(key: &str, value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[{}]", items.iter().map(|item| flow(key, item)).collect::<Vec<_>>().join(", "))
        }
        Value::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{key}: {}", flow(key, value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Value::String(text) if matches!(key, "class" | "type" | "reason" | "kind") => text.clone(),
        Value::String(text) => quoted(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// A text in quotes: single ones, in which a backslash is a backslash, unless only double ones can hold it.
fn quoted(text: &str) -> String {
    let needs_escapes = |c: char| {
        c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    if !text.contains(needs_escapes) {
        return if text.contains(['\\', '"']) {
            format!("'{}'", text.replace('\'', "''"))
        } else {
            format!("\"{text}\"")
        };
    }
    let mut written = String::from('"');
    for c in text.chars() {
        let _ = match c {
            '"' | '\\' => write!(written, "\\{c}"),
            '\n' => write!(written, "\\n"),
            c if needs_escapes(c) => write!(written, "\\u{:04x}", u32::from(c)),
            c => write!(written, "{c}"),
        };
    }
    written.push('"');
    written
}

#[cfg(test)]
mod tests {
    use emta_mail::BounceClass;
    use emta_qualify::{Assignment, Pattern, RuleTests, Sample};
    use emta_sandbox::config::rules;

    use super::*;

    /// Whatever stands in a rule, the parser reads it back.
    #[test]
    fn texts_come_back_as_they_were() {
        for text in
            ["plain", "550", "null", "it's", r"\bdir\b", "say \"no\"", "'\"\\", "a: b # c", "é 群組 😀"]
        {
            check(text);
        }
        for text in
            ["one\ntwo", "a\tb", "\u{1b}[0m\u{7f}\u{85}\u{9f}", "\u{feff}\u{2028}\"\\'", " ends ", "{}"]
        {
            check(text);
        }
    }

    #[track_caller]
    fn check(text: &str) {
        let spec = RuleSpec {
            id: "Any".to_owned(),
            pattern: Some(Pattern { regexes: Vec::new(), literals: vec![text.to_owned()] }),
            set: Assignment { class: Some(BounceClass::MailboxFull), ..Assignment::default() },
            note: Some(text.to_owned()),
            tests: RuleTests {
                matches: vec![
                    Sample::line(text),
                    Sample { body: Some(text.to_owned()), ..Sample::default() },
                ],
                no_match: Vec::new(),
            },
            ..RuleSpec::default()
        };
        let set = rules::parse("written.yaml", &file([&spec])).unwrap();
        assert_eq!(set.rules().collect::<Vec<_>>(), [&spec]);
    }
}
