//! Placeholders in reply texts: `550 5.1.1 <{recipient}>: Recipient address rejected`.
//!
//! | placeholder | becomes |
//! |---|---|
//! | `{recipient}` | the envelope's recipient |
//! | `{local}` | its local part |
//! | `{domain}` | its domain |
//! | `{host}` | the provider's host that answers |
//! | `{id}` | the message, 16 hexadecimal digits |
//!
//! Anything else in braces stands for itself. A value cannot add a line to a reply: [`Reply::new`] turns control
//! characters into spaces.

use emta_mail::{EmailAddress, QueueId, Reply};

use crate::action::ActionKind;

/// What the placeholders stand for.
#[derive(Clone, Copy, Debug)]
pub struct Values<'a> {
    /// The message.
    pub message: QueueId,
    /// The envelope's recipient.
    pub recipient: &'a EmailAddress,
    /// The provider's host.
    pub host: &'a str,
}

/// The reply with its placeholders filled in.
pub fn fill(reply: &Reply, values: Values<'_>) -> Reply {
    if !reply.text().contains('{') {
        return reply.clone();
    }
    let mut out = String::with_capacity(reply.text().len() + 64);
    let mut rest = reply.text();
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (name, remainder) = after.split_once('}').unwrap_or(("", ""));
        match name {
            "recipient" => out.push_str(values.recipient.as_str()),
            "local" => out.push_str(values.recipient.local_part()),
            "domain" => out.push_str(values.recipient.domain_str()),
            "host" => out.push_str(values.host),
            "id" => out.push_str(&values.message.to_string()),
            _ => {
                out.push('{');
                rest = after;
                continue;
            }
        }
        rest = remainder;
    }
    out.push_str(rest);
    Reply::new(reply.code(), reply.enhanced(), out)
}

/// The reply with only `{host}` filled in: at the greeting and at EHLO nobody knows the message yet.
pub fn fill_host(reply: &Reply, host: &str) -> Reply {
    Reply::new(reply.code(), reply.enhanced(), reply.text().replace("{host}", host))
}

/// The action with the placeholders of its texts filled in.
pub fn fill_action(kind: &ActionKind, values: Values<'_>) -> ActionKind {
    match kind {
        ActionKind::Bounce { reply, format } => {
            ActionKind::Bounce { reply: fill(reply, values), format: *format }
        }
        ActionKind::DelayReport { reply, format } => {
            ActionKind::DelayReport { reply: fill(reply, values), format: *format }
        }
        other @ (ActionKind::Complaint { .. }
        | ActionKind::AutoReply { .. }
        | ActionKind::Open
        | ActionKind::Click { .. }) => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_become_values_and_braces_stay() {
        let recipient = EmailAddress::parse("ann@gmail.example").unwrap();
        let values = Values { message: QueueId::from_u64(0xab), recipient: &recipient, host: "mx.example" };
        for (text, expected) in [
            ("nothing", "nothing"),
            ("<{recipient}> of {domain}", "<ann@gmail.example> of gmail.example"),
            ("{local} {host}", "ann mx.example"),
            ("id={id}", "id=00000000000000ab"),
            ("{mx003} {", "{mx003} {"),
            ("{{id}}", "{00000000000000ab}"),
            ("", ""),
        ] {
            assert_eq!(fill(&Reply::new(550, None, text), values).text(), expected);
        }
    }
}
