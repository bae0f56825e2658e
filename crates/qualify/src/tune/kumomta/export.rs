//! Rules as a file of KumoMTA.

use std::fmt::Write as _;

use emta_mail::{BounceClass, FailureReason, FailureType};

use super::class::class_for;
use super::{FLAGS, class_of};
use crate::rule::{Assignment, Field, RuleSpec, When};
use crate::subject::Kind;
use crate::tune::export::Export;

/// Writes the rules, those of one class together. Rules that KumoMTA has no words for (conditions, parts of a mail
/// beside the reply, everything) are left out; what [`import_kumomta`](super::import_kumomta) reads back is the same
/// but for the samples and what is told to be lost.
pub fn export_kumomta<'a>(rules: impl IntoIterator<Item = &'a RuleSpec>) -> Export {
    let mut export = Export::default();
    let mut classes: Vec<(&'static str, Vec<String>)> = Vec::new();
    for spec in rules {
        if let Some(why) = left_out(spec) {
            export.lose(spec, format!("left out: {why}"));
            continue;
        }
        let class = class_for(spec);
        let pattern = spec.pattern.iter();
        let regexes = pattern.clone().flat_map(|pattern| pattern.regexes.iter().cloned());
        let literals = pattern.flat_map(|pattern| pattern.literals.iter().map(|text| regex::escape(text)));
        let regexes = regexes.chain(literals);
        let place = classes.iter().position(|(name, _)| *name == class);
        for loss in losses(spec, class, place.is_some()) {
            export.lose(spec, loss);
        }
        match place.and_then(|place| classes.get_mut(place)) {
            Some((_, all)) => all.extend(regexes),
            None => classes.push((class, regexes.collect())),
        }
    }
    export.text = file(&classes);
    export
}

/// Why KumoMTA cannot say it at all.
fn left_out(spec: &RuleSpec) -> Option<String> {
    if spec.takes_everything() {
        return Some("it takes everything, and KumoMTA calls that `Uncategorized` by itself".to_owned());
    }
    let When { providers, phases, codes, statuses, kinds, sender_formats } = &spec.when;
    let conditions = [
        ("providers", providers.is_empty()),
        ("phases", phases.is_empty()),
        ("codes", codes.is_empty()),
        ("statuses", statuses.is_empty()),
        // Nothing but bounces is classified there.
        ("kinds", kinds.is_empty() || kinds.contains(&Kind::Bounce)),
        ("sender_formats", sender_formats.is_empty()),
    ];
    let there = conditions.iter().filter(|(_, holds_always)| !holds_always);
    let there: Vec<String> = there.map(|(name, _)| format!("`when.{name}`")).collect();
    if !there.is_empty() {
        return Some(format!("it has {}, and KumoMTA's rules have no conditions", there.join(" and ")));
    }
    if !spec.fields().contains(&Field::Text) {
        return Some("it does not look at the reply, and KumoMTA looks at nothing else".to_owned());
    }
    // Only conditions that hold always there.
    spec.pattern.is_none().then(|| "it has no pattern".to_owned())
}

/// What is lost of a rule that is written as this class.
fn losses(spec: &RuleSpec, class: &str, is_joined: bool) -> Vec<String> {
    let mut losses = Vec::new();
    let kept = class_of(class).unwrap_or_default();
    if meaning(kept) != meaning(spec.set) {
        let (there, here) = (words(kept), words(spec.set));
        losses.push(format!("`{class}` means {there} when it is read back, not {here}"));
    } else if kept != spec.set {
        losses.push(format!("`set` is that of `{class}` when it is read back, and means the same"));
    }
    if is_joined {
        losses.push(format!("joins the rules of `{class}` before it; its place in the order is lost"));
    } else if spec.id != class {
        losses.push(format!("is called `{class}` when it is read back"));
    }
    if spec.pattern.as_ref().is_some_and(|pattern| !pattern.literals.is_empty()) {
        losses.push("its literals are regexes when they are read back".to_owned());
    }
    if !spec.when.kinds.is_empty() {
        losses.push("`when.kinds` is lost; KumoMTA classifies bounces only".to_owned());
    }
    if !spec.look_at.is_empty() {
        losses.push("`look_at` is lost; KumoMTA looks at the reply only".to_owned());
    }
    if spec.note.is_some() {
        losses.push("its note is lost".to_owned());
    }
    losses
}

fn meaning(set: Assignment) -> (Option<FailureType>, Option<FailureReason>) {
    let default = set.class.map(BounceClass::default_verdict);
    (set.failure_type.or(default.map(|(kind, _)| kind)), set.reason.or(default.map(|(_, reason)| reason)))
}

fn words(set: Assignment) -> String {
    let (failure_type, reason) = meaning(set);
    format!(
        "{} / {}",
        failure_type.unwrap_or(FailureType::NotDefined).name(),
        reason.unwrap_or(FailureReason::NotDefined).name()
    )
}

fn file(classes: &[(&str, Vec<String>)]) -> String {
    let mut text = String::from("[rules]\n");
    for (class, regexes) in classes {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{class} = [");
        for regex in regexes {
            let _ = writeln!(text, "  {},", quoted(&format!("{}{regex}", FLAGS[0])));
        }
        text.push_str("]\n");
    }
    text
}

/// A string of TOML: one in which a backslash is a backslash, unless only the other kind can hold the text.
fn quoted(text: &str) -> String {
    if !text.contains(|c: char| c == '\'' || c.is_control()) {
        return format!("'{text}'");
    }
    let mut written = String::from('"');
    for c in text.chars() {
        // Writing to a String does not fail.
        let _ = match c {
            '"' | '\\' => write!(written, "\\{c}"),
            c if c.is_control() => write!(written, "\\u{:04x}", u32::from(c)),
            c => write!(written, "{c}"),
        };
    }
    written.push('"');
    written
}

#[cfg(test)]
mod tests;
