//! The header fields that the MTA adds in front of a message.

use bytes::Bytes;
use emta_store::{MessageRow, StoredMessage};

/// Longest line of a header, in octets without CRLF (RFC 5322 section 2.1.1).
const MAX_LINE: usize = 998;

/// The message as it is sent: trace fields, fields that were missing, then the content as it arrived.
///
/// `X-Emta-Id` names the message in reports that return its header, as `X-MSFBL` does (facts 2.6).
pub(crate) fn content_as_sent(stored: &StoredMessage, hostname: &str) -> Vec<Bytes> {
    vec![Bytes::from(added_fields(&stored.message, hostname)), stored.body.clone()]
}

fn added_fields(message: &MessageRow, hostname: &str) -> String {
    let MessageRow { id, envelope, accepted_at, received_from, message_id, .. } = message;
    let recipient = &envelope.recipient;
    let mut fields = format!(
        "Received: {received_from}\r\n\tby {hostname} (emta) id {id}\r\n\tfor <{recipient}>;\r\n\t{}\r\n",
        accepted_at.rfc5322()
    );
    field(&mut fields, "X-Emta-Id", &id.to_string());
    if message.message_id_added {
        field(&mut fields, "Message-ID", &format!("<{message_id}>"));
    }
    if message.add_date {
        field(&mut fields, "Date", &accepted_at.rfc5322());
    }
    fields
}

fn field(out: &mut String, name: &str, value: &str) {
    let room = MAX_LINE.saturating_sub(name.len() + 2);
    let value: String = value.chars().filter(|c| !c.is_control()).take(room).collect();
    out.push_str(name);
    out.push_str(": ");
    out.push_str(&value);
    out.push_str("\r\n");
}
