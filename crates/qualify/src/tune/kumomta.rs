//! The rule files of KumoMTA's bounce classifier.
//!
//! They are TOML: a table `rules` of class names, each with a list of regexes. What such files use of TOML is read
//! (comments, bare and quoted keys, the four kinds of strings, lists over many lines); anything else is told by its
//! line and left out. KumoMTA's regexes tell upper from lower case and may look around; ours do neither.

mod toml;

use emta_mail::{BounceClass, FailureReason, FailureType};

use self::toml::Entry;
use super::csv::shortened;
use super::import::Import;
use crate::rule::{Assignment, Pattern, RuleSpec};
use crate::set::{MAX_PATTERNS_PER_RULE, regex_problem};

/// Reads rules. A class with more than [`MAX_PATTERNS_PER_RULE`] regexes becomes several rules, `Class_2` and so on.
pub fn import_kumomta(text: &str) -> Import {
    let mut import = Import::default();
    let entries = toml::entries(text, &mut import);
    for entry in &entries {
        import_class(entry, &mut import);
    }
    import.problems.sort_by_key(|problem| problem.line);
    import
}

fn import_class(entry: &Entry, import: &mut Import) {
    let Some(set) = class_of(&entry.class) else {
        let problem = format!(
            "`{}` is not a class of KumoMTA; expected a name such as `InvalidRecipient`",
            shortened(&entry.class)
        );
        return import.problem(entry.line, problem);
    };
    let mut regexes = Vec::new();
    for (line, regex) in &entry.regexes {
        match regex_problem(regex) {
            Some(problem) => import.problem(*line, format!("`{}` {problem}", shortened(regex))),
            None => regexes.push(regex.clone()),
        }
    }
    for chunk in regexes.chunks(MAX_PATTERNS_PER_RULE) {
        let id = free_id(&entry.class, &import.rules);
        import.rules.push(RuleSpec {
            id,
            pattern: Some(Pattern { regexes: chunk.to_vec(), literals: Vec::new() }),
            set,
            note: Some("Imported from KumoMTA's bounce classifier.".to_owned()),
            ..RuleSpec::default()
        });
    }
}

/// The class, or with the first number from 2 on that no rule has.
fn free_id(class: &str, rules: &[RuleSpec]) -> String {
    let same = rules.iter().filter(|rule| {
        rule.id.strip_prefix(class).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    });
    match same.count() {
        0 => class.to_owned(),
        count => format!("{class}_{}", count + 1),
    }
}

/// What a class of KumoMTA means here; `None` if there is no such class.
pub fn class_of(name: &str) -> Option<Assignment> {
    use BounceClass as C;
    let disabled = (FailureType::Hard, FailureReason::AccountDisabled);
    let refused = (FailureType::Ignored, FailureReason::Refused);
    let (class, means) = match name {
        "InvalidRecipient" => (C::InvalidRecipient, None),
        "InactiveMailbox" => (C::RecipientRefused, Some(disabled)),
        "BadDomain" | "DNSFailure" => (C::DnsFailure, None),
        "QuotaIssues" => (C::MailboxFull, None),
        "NoAnswerFromHost" | "BadConnection" | "RoutingErrors" | "ProtocolErrors" | "BadConfiguration" => {
            (C::SoftBounce, None)
        }
        "RelayingIssues" | "RelayDenied" => (C::RelayingDenied, Some(refused)),
        "TransientFailure" | "TooManyRecipients" => (C::TransientFailure, None),
        "MessageExpired" => (C::Timeout, None),
        "InvalidSender" | "AuthenticationFailed" | "PolicyRelated" => (C::MailBlock, None),
        "SpamBlock" => (C::SpamBlock, None),
        "SpamContent" | "SpamRelated" | "ContentRelated" => (C::SpamContent, None),
        "VirusRelated" | "ProhibitedAttachment" => (C::ProhibitedAttachment, None),
        "AutoReply" => (C::AutoReply, None),
        "ChallengeResponse" => (C::ChallengeResponse, None),
        "Subscribe" => (C::Subscribe, None),
        "Unsubscribe" => (C::Unsubscribe, None),
        "Uncategorized" => (C::Undetermined, None),
        _ => return None,
    };
    Some(Assignment {
        class: Some(class),
        failure_type: means.map(|(failure_type, _)| failure_type),
        reason: means.map(|(_, reason)| reason),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::set::{RuleSet, unmatched_reply};
    use crate::subject::Subject;
    use proptest::prelude::*;

    const FILE: &str = r#"# rules of a test
[rules]
InvalidRecipient = [
  "^(451|550) [45]\\.1\\.[12] ", # a comment, with "quotes" and [brackets]
  'no such \w+',
]
"QuotaIssues" = ["quota", """
over limit"""]
BadDomain = "no mx"
Magic = ["x"]
SpamBlock = [
  "(?=look)",
  "listed",
]
"#;

    #[test]
    fn reads_a_file() {
        let import = import_kumomta(FILE);
        let told: Vec<String> = import.problems.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("line 10: `Magic` is not a class of KumoMTA"), "{told:?}");
        assert!(told[1].starts_with("line 12: `(?=look)` is not a regex: look-around"), "{told:?}");
        let ids: Vec<_> =
            import.rules.iter().map(|rule| (rule.id.as_str(), rule.patterns().count())).collect();
        assert_eq!(ids, [("InvalidRecipient", 2), ("QuotaIssues", 2), ("BadDomain", 1), ("SpamBlock", 1)]);
        let set = RuleSet::compile("imported", import.rules).unwrap();
        let check = |line: &str, rule: &str| {
            let verdict = set.verdict(&Subject::from_reply_line(line, None), unmatched_reply);
            assert_eq!(verdict.rule.as_deref(), Some(rule), "{line}");
        };
        check("550 5.1.1 who?", "InvalidRecipient");
        check("550 no such person", "InvalidRecipient");
        check("552 over limit", "QuotaIssues");
        check("550 no mx for example.com", "BadDomain");
    }

    #[test]
    fn large_classes_are_several_rules() {
        let file = |count: usize| format!("[rules]\nSpamBlock = [{}]", "'abcd',".repeat(count));
        let ids = |count: usize| {
            let rules = import_kumomta(&file(count)).rules;
            rules.into_iter().map(|rule| rule.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(MAX_PATTERNS_PER_RULE), ["SpamBlock"]);
        assert_eq!(ids(MAX_PATTERNS_PER_RULE + 1), ["SpamBlock", "SpamBlock_2"]);
    }

    proptest! {
        #[test]
        fn nothing_panics(text in "(\\[rules\\]\n)?([A-Za-z]{1,3}|[\\[\\]=\"'\\\\,#\n é]){0,60}") {
            import_kumomta(&text);
        }
    }
}
