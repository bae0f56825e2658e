//! Synchronous classification: what the MTA's own rules make of a reply in the SMTP session.

use emta_mail::event::{Attempt, Verdict};
use emta_qualify::{Kind, RuleSet, Subject};

/// Classifies the reply that ended an attempt. A text that no rule knows is Unreachable / Soft (facts 2.4).
pub(crate) fn synchronous(rules: &RuleSet, attempt: &Attempt) -> Verdict {
    let text = attempt.reply.to_string();
    let subject = Subject {
        kind: Kind::Bounce,
        text: &text,
        code: Some(attempt.reply.code()),
        status: attempt.reply.enhanced(),
        phase: Some(attempt.phase),
        provider: Some(&attempt.provider),
        sender_format: None,
        subject: None,
        body: None,
    };
    rules.verdict(&subject, emta_qualify::unmatched_reply)
}
