//! Rules as the text of a rule file.
//!
//! Written by hand rather than by a library: the order of the keys and the quotes around regexes are for people.

use std::fmt::Write as _;

use emta_mail::{BounceClass, FailureReason, FailureType};
use emta_qualify::{Field, Kind, RuleSpec, Sample};

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
    let mut text = format!("    - id: {}\n", quoted(&spec.id));
    let line = |text: &mut String, key: &str, value: &str| {
        // Writing to a String does not fail.
        let _ = writeln!(text, "      {key}: {value}");
    };
    let when = &spec.when;
    let conditions = [
        ("providers", list(when.providers.iter().map(String::as_str))),
        ("phases", list(when.phases.iter().map(|phase| phase.name()))),
        ("codes", list(when.codes.iter().map(String::as_str))),
        ("statuses", list(when.statuses.iter().map(String::as_str))),
        ("kinds", list(when.kinds.iter().map(|kind| kind.name()))),
        ("sender_formats", list(when.sender_formats.iter().map(String::as_str))),
    ];
    let conditions: Vec<String> =
        conditions.iter().filter_map(|(key, list)| Some(format!("{key}: {}", list.as_ref()?))).collect();
    if !conditions.is_empty() {
        line(&mut text, "when", &format!("{{ {} }}", conditions.join(", ")));
    }
    if let Some(fields) = list(spec.look_at.iter().copied().map(Field::name)) {
        line(&mut text, "look_at", &fields);
    }
    let pattern = spec.pattern.as_ref();
    block(
        &mut text,
        6,
        "match",
        pattern.iter().flat_map(|pattern| &pattern.regexes).map(|regex| quoted(regex)),
    );
    block(
        &mut text,
        6,
        "literals",
        pattern.iter().flat_map(|pattern| &pattern.literals).map(|text| quoted(text)),
    );
    let set = [
        ("class", spec.set.class.map(BounceClass::name)),
        ("type", spec.set.failure_type.map(FailureType::name)),
        ("reason", spec.set.reason.map(FailureReason::name)),
    ];
    let set: Vec<String> =
        set.iter().filter_map(|(key, name)| Some(format!("{key}: {}", (*name)?))).collect();
    line(&mut text, "set", &format!("{{ {} }}", set.join(", ")));
    if let Some(note) = &spec.note {
        line(&mut text, "note", &quoted(note));
    }
    if !spec.tests.matches.is_empty() || !spec.tests.no_match.is_empty() {
        text.push_str("      tests:\n");
        block(&mut text, 10, "match", spec.tests.matches.iter().map(sample));
        block(&mut text, 10, "no_match", spec.tests.no_match.iter().map(sample));
    }
    text
}

fn block(text: &mut String, indent: usize, key: &str, items: impl Iterator<Item = String>) {
    let mut items = items.peekable();
    if items.peek().is_some() {
        let _ = writeln!(text, "{:indent$}{key}:", "");
    }
    for item in items {
        let _ = writeln!(text, "{:indent$}    - {item}", "");
    }
}

fn list<'a>(items: impl Iterator<Item = &'a str>) -> Option<String> {
    let items: Vec<String> = items.map(quoted).collect();
    (!items.is_empty()).then(|| format!("[{}]", items.join(", ")))
}

fn sample(sample: &Sample) -> String {
    if *sample == Sample::line(sample.text.as_str()) {
        return quoted(&sample.text);
    }
    let mut entries = vec![format!("text: {}", quoted(&sample.text))];
    if sample.kind != Kind::Bounce {
        entries.push(format!("kind: {}", sample.kind.name()));
    }
    let phase = sample.phase.map(emta_mail::Phase::name);
    let others = [
        ("phase", phase),
        ("provider", sample.provider.as_deref()),
        ("sender_format", sample.sender_format.as_deref()),
        ("subject", sample.subject.as_deref()),
        ("body", sample.body.as_deref()),
    ];
    entries.extend(others.iter().filter_map(|(key, value)| Some(format!("{key}: {}", quoted((*value)?)))));
    format!("{{ {} }}", entries.join(", "))
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
    use emta_qualify::{Assignment, Pattern, RuleTests};
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
