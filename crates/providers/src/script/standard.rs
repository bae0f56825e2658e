//! The usual status and text of a reply that is written as a code or a status alone.

use emta_mail::{EnhancedStatus, Reply};

/// The reply with the usual status and text for this code (RFC 5321 section 4.2.3, RFC 5248).
pub fn standard_reply(code: u16) -> Reply {
    let (status, text) = match code {
        421 => ((4, 3, 2), "Service not available, closing transmission channel"),
        450 => ((4, 2, 1), "Mailbox temporarily unavailable, try again later"),
        451 => ((4, 3, 0), "Requested action aborted: local error in processing"),
        452 => ((4, 3, 1), "Insufficient system storage"),
        454 => ((4, 7, 0), "Temporary authentication failure"),
        455 => ((4, 5, 4), "Server unable to accommodate parameters"),
        500 => ((5, 5, 2), "Syntax error, command unrecognized"),
        501 => ((5, 5, 4), "Syntax error in parameters or arguments"),
        502 => ((5, 5, 1), "Command not implemented"),
        503 => ((5, 5, 1), "Bad sequence of commands"),
        550 => ((5, 1, 1), "User unknown"),
        551 => ((5, 1, 6), "User not local, mailbox has moved"),
        552 => ((5, 2, 2), "Mailbox full"),
        553 => ((5, 1, 3), "Mailbox name not allowed"),
        554 => ((5, 7, 1), "Message refused"),
        555 => ((5, 5, 4), "Parameters not recognized or not implemented"),
        556 => ((5, 1, 10), "Domain does not accept mail"),
        _ if code >= 500 => ((5, 0, 0), "Permanent failure"),
        _ if code >= 400 => ((4, 0, 0), "Temporary failure"),
        _ => ((2, 0, 0), "Ok"),
    };
    Reply::new(code, EnhancedStatus::try_new(status.0, status.1, status.2), text)
}

/// The reply with the usual code and text for this status (RFC 3463, the IANA registry of status codes).
pub fn standard_for_status(status: EnhancedStatus) -> Reply {
    let transient = !status.is_permanent();
    let (soft, hard, text) = match (status.subject(), status.detail()) {
        (1, 0 | 1) => (450, 550, "User unknown"),
        (1, 2) => (450, 550, "Host unknown"),
        (1, 3) => (450, 553, "Bad destination mailbox address syntax"),
        (1, 6) => (450, 551, "Mailbox has moved, no forwarding address"),
        (1, 10) => (450, 556, "Recipient address has null MX"),
        (2, 1) => (450, 550, "Mailbox disabled, not accepting messages"),
        (2, 2) => (452, 552, "Mailbox full"),
        (2, 3) | (3, 4) => (452, 552, "Message too large"),
        (3, 1) => (452, 552, "Mail system full"),
        (3, 2) => (421, 554, "System not accepting network messages"),
        (4, 1) => (451, 550, "No answer from host"),
        (4, 2) => (451, 550, "Bad connection"),
        (4, 4) => (451, 550, "Unable to route"),
        (4, 6) => (451, 554, "Too many hops"),
        (4, 7) => (450, 550, "Delivery time expired"),
        (6, _) => (450, 554, "Content not supported"),
        (7, 1) => (450, 554, "Delivery not authorized, message refused"),
        (7, 26) => (450, 550, "Message failed authentication checks"),
        (7, _) => (450, 554, "Message refused by policy"),
        (2, _) => (450, 550, "Mailbox unavailable"),
        _ => (451, 550, "Delivery failed"),
    };
    Reply::new(if transient { soft } else { hard }, Some(status), text)
}

/// The reply itself if it says something, else the usual one for its status or its code.
pub(super) fn with_standard_text(reply: Reply) -> Reply {
    if !reply.text().trim().is_empty() {
        return reply;
    }
    match reply.enhanced() {
        Some(status) => {
            let text = standard_for_status(status).text().to_owned();
            Reply::new(reply.code(), Some(status), text)
        }
        None => standard_reply(reply.code()),
    }
}
