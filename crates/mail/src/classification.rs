//! Why a message failed, in Campaign's terms and in the Enhanced MTA's.

use std::fmt;

macro_rules! named_enum {
    ($(#[$meta:meta])* $name:ident, $int:ty { $($(#[$vmeta:meta])* $variant:ident = $value:literal, $key:literal, $label:literal;)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$vmeta])* $variant = $value,)*
        }

        impl $name {
            /// All values, by number.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its number.
            pub const fn code(self) -> $int {
                self as $int
            }

            /// The value with this number.
            pub fn from_code(code: $int) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.code() == code)
            }

            /// Its name in configuration, events and the API.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $key,)* }
            }

            /// The value of this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.name() == name)
            }

            /// The label that the user interface shows.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.label())
            }
        }
    };
}

named_enum! {
    /// Campaign's failure type (facts 1.1). It decides about quarantine, not about retries of a 5xx.
    FailureType, u8 {
        /// Not yet qualified; no effect.
        NotDefined = 0, "not_defined", "Not defined";
        /// Temporary, or could not be categorised; raises the address's error counter.
        Soft = 1, "soft", "Soft";
        /// Permanent; the address is quarantined at once.
        Hard = 2, "hard", "Hard";
        /// Known to be temporary or technical; never quarantines.
        Ignored = 3, "ignored", "Ignored";
    }
}

named_enum! {
    /// Campaign's failure reason (facts 1.2); the numbers are Campaign's.
    FailureReason, u16 {
        /// A new text that nobody has qualified yet.
        NotDefined = 0, "not_defined", "Not defined";
        /// The address does not exist.
        UserUnknown = 1, "user_unknown", "User unknown";
        /// The domain is wrong or gone.
        InvalidDomain = 2, "invalid_domain", "Invalid domain";
        /// A failure in the delivery chain; also auto-replies and expiry.
        Unreachable = 3, "unreachable", "Unreachable";
        /// The mailbox is closed or inactive.
        AccountDisabled = 4, "account_disabled", "Account disabled";
        /// Over quota.
        MailboxFull = 5, "mailbox_full", "Mailbox full";
        /// Mobile only: handset off.
        NotConnected = 6, "not_connected", "Not connected";
        /// Excluded: the recipient has no address.
        AddressNotSpecified = 7, "address_not_specified", "Address not specified";
        /// Excluded, or complained: the address is on the denylist.
        Denylisted = 8, "denylisted", "Denylisted address";
        /// Excluded: the address is in quarantine.
        Quarantined = 9, "quarantined", "Address in quarantine";
        /// Excluded: the address is already in this delivery.
        Double = 10, "double", "Double";
        /// Excluded: the delivery's size limit was reached.
        TargetLimited = 17, "target_limited", "Target limited in size";
        /// A refusal for security or spam, or a report of spam.
        Refused = 20, "refused", "Refused";
        /// The error is ignored and the mail counts as sent.
        ErrorIgnored = 25, "error_ignored", "Error ignored";
        /// Excluded: member of the control group.
        ControlAddress = 127, "control_address", "Control address";
    }
}

named_enum! {
    /// The Enhanced MTA's bounce class for what a server answered (facts 8.2).
    BounceClass, u8 {
        /// No rule knows the text.
        Undetermined = 1, "undetermined", "Undetermined";
        /// The address does not exist.
        InvalidRecipient = 10, "invalid_recipient", "Invalid Recipient";
        /// The recipient was refused for another reason than that it does not exist.
        RecipientRefused = 15, "recipient_refused", "Recipient Refused";
        /// A soft bounce without a better class.
        SoftBounce = 20, "soft_bounce", "Soft Bounce";
        /// The domain has no usable MX or address.
        DnsFailure = 21, "dns_failure", "DNS Failure";
        /// Over quota.
        MailboxFull = 22, "mailbox_full", "Mailbox Full";
        /// The message is too large.
        TooLarge = 23, "too_large", "Too Large";
        /// The server did not answer in time, or the message expired.
        Timeout = 24, "timeout", "Timeout";
        /// An administrator's settings refused it.
        AdminFailure = 25, "admin_failure", "Admin Failure";
        /// A bounce in which no recipient was found.
        NoRcpt = 30, "no_rcpt", "Generic Bounce: No RCPT";
        /// A bounce without a better class.
        GenericBounce = 40, "generic_bounce", "Generic Bounce";
        /// The server refuses this sender's mail.
        MailBlock = 50, "mail_block", "Mail Block";
        /// Refused for the sender's reputation or a block list.
        SpamBlock = 51, "spam_block", "Spam Block";
        /// Refused because the content looks like spam.
        SpamContent = 52, "spam_content", "Spam Content";
        /// Refused because of an attachment.
        ProhibitedAttachment = 53, "prohibited_attachment", "Prohibited Attachment";
        /// The server does not relay for this domain.
        RelayingDenied = 54, "relaying_denied", "Relaying Denied";
        /// An out-of-office reply or the like.
        AutoReply = 60, "auto_reply", "Auto-Reply";
        /// The server says to try again later.
        TransientFailure = 70, "transient_failure", "Transient Failure";
        /// A request to subscribe.
        Subscribe = 80, "subscribe", "Subscribe";
        /// A request to unsubscribe.
        Unsubscribe = 90, "unsubscribe", "Unsubscribe";
        /// The recipient's server asks the sender to prove to be human.
        ChallengeResponse = 100, "challenge_response", "Challenge-Response";
    }
}

impl BounceClass {
    /// Campaign's type and reason for this class, where the rule that assigned the class says nothing else.
    ///
    /// The classes are Momentum's, the mapping is proposed in facts 8.2; unmatched text is Unreachable / Soft
    /// (facts 2.4), so `Undetermined` maps to that.
    pub const fn default_verdict(self) -> (FailureType, FailureReason) {
        use {FailureReason as R, FailureType as T};
        match self {
            Self::Undetermined => (T::Soft, R::Unreachable),
            Self::InvalidRecipient => (T::Hard, R::UserUnknown),
            Self::RecipientRefused => (T::Hard, R::Refused),
            Self::SoftBounce => (T::Soft, R::Unreachable),
            Self::DnsFailure => (T::Soft, R::InvalidDomain),
            Self::MailboxFull => (T::Soft, R::MailboxFull),
            Self::RelayingDenied | Self::ChallengeResponse => (T::Soft, R::Refused),
            Self::TooLarge
            | Self::AdminFailure
            | Self::MailBlock
            | Self::SpamBlock
            | Self::SpamContent
            | Self::ProhibitedAttachment => (T::Ignored, R::Refused),
            Self::Timeout | Self::NoRcpt | Self::GenericBounce | Self::AutoReply | Self::TransientFailure => {
                (T::Ignored, R::Unreachable)
            }
            Self::Subscribe => (T::Ignored, R::ErrorIgnored),
            Self::Unsubscribe => (T::Hard, R::Denylisted),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_back() {
        for class in BounceClass::ALL {
            assert_eq!(BounceClass::from_code(class.code()), Some(*class));
            assert_eq!(BounceClass::from_name(class.name()), Some(*class));
        }
        for reason in FailureReason::ALL {
            assert_eq!(FailureReason::from_code(reason.code()), Some(*reason));
            assert_eq!(FailureReason::from_name(reason.name()), Some(*reason));
        }
        for kind in FailureType::ALL {
            assert_eq!(FailureType::from_code(kind.code()), Some(*kind));
            assert_eq!(FailureType::from_name(kind.name()), Some(*kind));
        }
        assert_eq!(FailureReason::Refused.code(), 20);
        assert_eq!(FailureType::Hard.code(), 2);
    }
}
