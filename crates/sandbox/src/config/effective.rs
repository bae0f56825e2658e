//! The effective configuration as YAML, with the origin of each value that is not the default.

use std::fmt::Write;

use super::shape::Main;
use super::source::Source;
use super::yaml::Tree;

/// Names of values that are not shown.
const SECRETS: [&str; 4] = ["token", "password", "secret", "users"];

/// What stands for a secret.
const HIDDEN: &str = "(hidden)";

/// The text; secrets are hidden in it.
pub(super) fn text(main: &Main, source: &Source) -> String {
    let mut out = String::new();
    write(&mut out, &Tree::of(main), Some(&Tree::of(&Main::default())), &mut Vec::new(), source);
    out
}

fn write(out: &mut String, tree: &Tree, default: Option<&Tree>, path: &mut Vec<String>, source: &Source) {
    for (key, part) in tree.entries() {
        let default = default.and_then(|default| default.get(&[&key]));
        let changed = default.as_ref() != Some(&part);
        let indentation = "  ".repeat(path.len());
        path.push(key.clone());
        if part.entries().is_empty() || SECRETS.contains(&key.as_str()) {
            let place: Vec<&str> = path.iter().map(String::as_str).collect();
            let origin = source.origin(&place).filter(|_| changed);
            let origin = origin.map(|origin| format!("  # {origin}")).unwrap_or_default();
            let _ = writeln!(out, "{indentation}{}: {}{origin}", word(&key), flow(&key, &part));
        } else {
            let _ = writeln!(out, "{indentation}{}:", word(&key));
            write(out, &part, default.as_ref(), path, source);
        }
        path.pop();
    }
}

/// A value on one line.
fn flow(key: &str, part: &Tree) -> String {
    if part.is_null() {
        return "null".to_owned();
    }
    let empty_users = key == "users" && part.entries().is_empty();
    if SECRETS.contains(&key) && !empty_users {
        return HIDDEN.to_owned();
    }
    let (entries, items) = (part.entries(), part.items());
    if !entries.is_empty() {
        let pair = |(key, part): &(String, Tree)| format!("{}: {}", word(key), flow(key, part));
        return format!("{{ {} }}", entries.iter().map(pair).collect::<Vec<_>>().join(", "));
    }
    if !items.is_empty() {
        return format!("[{}]", items.iter().map(|item| flow("", item)).collect::<Vec<_>>().join(", "));
    }
    part.line()
}

/// A text as YAML, with quotes only where it needs them, in flow style too.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let quoted = || serde_json::Value::from(text).to_string();
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { quoted() }
}
