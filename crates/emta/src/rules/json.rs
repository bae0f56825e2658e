//! Rules as JSON: the keys of a rule file in the order in which people write them, so that it is one (YAML reads JSON).

use emta_mail::{BounceClass, FailureReason, FailureType, Phase};
use emta_qualify::{Field, Kind, RuleSpec, Sample};
use serde_json::{Map, Value};

/// A rule; what it does not have is left out.
pub(super) fn rule(spec: &RuleSpec) -> Value {
    let when = &spec.when;
    let mut conditions = Map::new();
    list(&mut conditions, "providers", when.providers.iter().cloned());
    list(&mut conditions, "phases", when.phases.iter().map(|phase| phase.name()));
    list(&mut conditions, "codes", when.codes.iter().cloned());
    list(&mut conditions, "statuses", when.statuses.iter().cloned());
    list(&mut conditions, "kinds", when.kinds.iter().map(|kind| kind.name()));
    list(&mut conditions, "sender_formats", when.sender_formats.iter().cloned());
    let mut set = Map::new();
    text(&mut set, "class", spec.set.class.map(BounceClass::name));
    text(&mut set, "type", spec.set.failure_type.map(FailureType::name));
    text(&mut set, "reason", spec.set.reason.map(FailureReason::name));
    let mut tests = Map::new();
    list(&mut tests, "match", spec.tests.matches.iter().map(sample));
    list(&mut tests, "no_match", spec.tests.no_match.iter().map(sample));

    let mut rule = Map::new();
    text(&mut rule, "id", Some(&spec.id));
    object(&mut rule, "when", conditions);
    list(&mut rule, "look_at", spec.look_at.iter().copied().map(Field::name));
    if let Some(pattern) = &spec.pattern {
        list(&mut rule, "match", pattern.regexes.iter().cloned());
        list(&mut rule, "literals", pattern.literals.iter().cloned());
    }
    object(&mut rule, "set", set);
    text(&mut rule, "note", spec.note.as_deref());
    object(&mut rule, "tests", tests);
    rule.into()
}

fn sample(sample: &Sample) -> Value {
    if *sample == Sample::line(sample.text.as_str()) {
        return sample.text.as_str().into();
    }
    let mut entries = Map::new();
    text(&mut entries, "text", Some(&sample.text));
    text(&mut entries, "kind", (sample.kind != Kind::Bounce).then(|| sample.kind.name()));
    text(&mut entries, "phase", sample.phase.map(Phase::name));
    text(&mut entries, "provider", sample.provider.as_deref());
    text(&mut entries, "sender_format", sample.sender_format.as_deref());
    text(&mut entries, "subject", sample.subject.as_deref());
    text(&mut entries, "body", sample.body.as_deref());
    entries.into()
}

fn text(entries: &mut Map<String, Value>, key: &str, value: Option<&str>) {
    entries.extend(value.map(|value| (key.to_owned(), value.into())));
}

fn list<T: Into<Value>>(entries: &mut Map<String, Value>, key: &str, items: impl IntoIterator<Item = T>) {
    let items: Vec<Value> = items.into_iter().map(Into::into).collect();
    if !items.is_empty() {
        entries.insert(key.to_owned(), items.into());
    }
}

fn object(entries: &mut Map<String, Value>, key: &str, value: Map<String, Value>) {
    if !value.is_empty() {
        entries.insert(key.to_owned(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use emta_sandbox::config::{Config, rules};
    use serde_json::json;

    use super::*;

    /// The rule parser reads it back.
    #[test]
    fn it_is_a_rule_file() {
        let shipped = Config::load(None, &[], std::iter::empty()).unwrap().rules;
        for set in [shipped.mta, shipped.inbound_email] {
            let written = json!({ "rules": set.rules().map(rule).collect::<Vec<_>>() }).to_string();
            let again = rules::parse("rules.json", &written).unwrap();
            assert_eq!(again.rules().collect::<Vec<_>>(), set.rules().collect::<Vec<_>>());
        }
    }
}
