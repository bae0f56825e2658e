//! KumoMTA's classes and ours.

use emta_mail::{BounceClass, FailureReason, FailureType};

use crate::rule::{Assignment, RuleSpec};

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

/// The class that says most of what a rule says: the one that it is named after if that is exact, or else the one for
/// its bounce class, or for its reason.
pub(super) fn class_for(spec: &RuleSpec) -> &'static str {
    let named = NAMES.into_iter().find(|name| {
        let rest = spec.id.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_')) && class_of(name) == Some(spec.set)
    });
    named.unwrap_or_else(|| match spec.set.class {
        Some(class) => for_class(class),
        None => for_reason(spec.set.reason.unwrap_or(FailureReason::NotDefined)),
    })
}

/// The names that [`class_of`] knows.
pub(super) const NAMES: [&str; 29] = [
    "InvalidRecipient",
    "InactiveMailbox",
    "BadDomain",
    "DNSFailure",
    "QuotaIssues",
    "NoAnswerFromHost",
    "BadConnection",
    "RoutingErrors",
    "ProtocolErrors",
    "BadConfiguration",
    "RelayingIssues",
    "RelayDenied",
    "TransientFailure",
    "TooManyRecipients",
    "MessageExpired",
    "InvalidSender",
    "AuthenticationFailed",
    "PolicyRelated",
    "SpamBlock",
    "SpamContent",
    "SpamRelated",
    "ContentRelated",
    "VirusRelated",
    "ProhibitedAttachment",
    "AutoReply",
    "ChallengeResponse",
    "Subscribe",
    "Unsubscribe",
    "Uncategorized",
];

const fn for_class(class: BounceClass) -> &'static str {
    use BounceClass as C;
    match class {
        C::Undetermined | C::GenericBounce => "Uncategorized",
        C::InvalidRecipient | C::NoRcpt => "InvalidRecipient",
        C::RecipientRefused => "InactiveMailbox",
        C::SoftBounce => "BadConnection",
        C::DnsFailure => "DNSFailure",
        C::MailboxFull => "QuotaIssues",
        C::Timeout => "MessageExpired",
        C::TooLarge | C::AdminFailure | C::MailBlock => "PolicyRelated",
        C::SpamBlock => "SpamBlock",
        C::SpamContent => "SpamContent",
        C::ProhibitedAttachment => "ProhibitedAttachment",
        C::RelayingDenied => "RelayDenied",
        C::AutoReply => "AutoReply",
        C::TransientFailure => "TransientFailure",
        C::Subscribe => "Subscribe",
        C::Unsubscribe => "Unsubscribe",
        C::ChallengeResponse => "ChallengeResponse",
    }
}

const fn for_reason(reason: FailureReason) -> &'static str {
    use FailureReason as R;
    match reason {
        R::UserUnknown | R::AddressNotSpecified => "InvalidRecipient",
        R::InvalidDomain => "BadDomain",
        R::Unreachable => "TransientFailure",
        R::AccountDisabled => "InactiveMailbox",
        R::MailboxFull => "QuotaIssues",
        R::NotConnected => "NoAnswerFromHost",
        R::Denylisted => "Unsubscribe",
        R::Refused => "PolicyRelated",
        R::NotDefined
        | R::Quarantined
        | R::Double
        | R::TargetLimited
        | R::ErrorIgnored
        | R::ControlAddress => "Uncategorized",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_class_and_leads_back() {
        for name in NAMES {
            let spec = RuleSpec { id: name.to_owned(), set: class_of(name).unwrap(), ..RuleSpec::default() };
            assert_eq!(class_for(&spec), name);
        }
        for class in BounceClass::ALL {
            assert!(class_of(for_class(*class)).is_some(), "{class}");
        }
        for reason in FailureReason::ALL {
            assert!(class_of(for_reason(*reason)).is_some(), "{reason}");
        }
    }
}
