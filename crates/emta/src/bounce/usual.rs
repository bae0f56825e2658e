//! What a bounce says where nobody chose it.

use emta_mail::EnhancedStatus;
use emta_mail::inbound::Action;

/// What is said without further reasons (RFC 3463 sections 3.2 and 3.5).
pub(super) const fn status(action: Action) -> EnhancedStatus {
    let status = match action {
        Action::Failed => EnhancedStatus::try_new(5, 1, 1),
        Action::Delayed => EnhancedStatus::try_new(4, 4, 1),
        Action::Delivered => EnhancedStatus::try_new(2, 1, 5),
        Action::Relayed | Action::Expanded => EnhancedStatus::try_new(2, 0, 0),
    };
    match status {
        Some(status) => status,
        None => panic!("all statuses above exist"),
    }
}

/// A reply with this status, in words of RFC 3463.
pub(super) fn reply(status: EnhancedStatus) -> String {
    let (code, otherwise) = match status.class() {
        2 => (250, "Message accepted"),
        4 => (450, "Requested action not taken, try again later"),
        _ => (550, "Requested action not taken"),
    };
    let text = match (status.class(), status.subject(), status.detail()) {
        (2, ..) => otherwise,
        (_, 1, 1) => "User unknown",
        (_, 1, 2) => "Host unknown",
        (_, 1, 10) => "Domain does not accept mail (null MX)",
        (_, 2, 1) => "Mailbox disabled, not accepting messages",
        (_, 2, 2) => "Mailbox full",
        (_, 2, 3) | (_, 3, 4) => "Message too big",
        (_, 4, 1) => "No answer from host",
        (_, 4, 7) => "Delivery time expired",
        (_, 7, 1) => "Delivery not authorized, message refused",
        _ => otherwise,
    };
    format!("{code} {status} {text}")
}
