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

#[cfg(test)]
mod tests {
    use super::*;
    use emta_mail::{Domain, EmailAddress, Envelope, Origin, QueueId, ReversePath, Timestamp};
    use emta_store::{MessageIdHeader, NewMessage, Store};

    fn stored(header_message_id: MessageIdHeader, add_date: bool) -> StoredMessage {
        let accepted_at = Timestamp::parse_rfc3339("2026-01-05T09:00:00Z").unwrap();
        let store = Store::memory();
        let message = NewMessage {
            candidate: QueueId::from_u64(0xab),
            envelope: Envelope::new(ReversePath::Null, EmailAddress::parse("ann@gmail.test").unwrap()),
            origin: Origin::default(),
            header_message_id,
            add_date,
            received_from: "from client.example ([127.0.0.1]) with ESMTP".to_owned(),
            accepted_at,
            expires_at: accepted_at,
            size: 4,
        };
        let ids = store.accept_wait(vec![message], Bytes::from_static(b"\r\nx\r\n")).unwrap();
        store.body(ids[0]).unwrap().unwrap()
    }

    #[test]
    fn adds_what_is_missing_in_virtual_time() {
        let domain = Domain::parse("mta.emta.test").unwrap();
        let parts = content_as_sent(&stored(MessageIdHeader::Add { domain }, true), "mta.emta.test");
        assert_eq!(
            String::from_utf8(parts.concat()).unwrap(),
            "Received: from client.example ([127.0.0.1]) with ESMTP\r\n\tby mta.emta.test (emta) id 00000000000000ab\r\n\
             \tfor <ann@gmail.test>;\r\n\tMon, 5 Jan 2026 09:00:00 +0000\r\nX-Emta-Id: 00000000000000ab\r\n\
             Message-ID: <00000000000000ab@mta.emta.test>\r\nDate: Mon, 5 Jan 2026 09:00:00 +0000\r\n\r\nx\r\n"
        );
    }

    #[test]
    fn leaves_alone_what_is_there() {
        let parts =
            content_as_sent(&stored(MessageIdHeader::Present("a@b.example".into()), false), "mta.emta.test");
        let text = String::from_utf8(parts.concat()).unwrap();
        assert!(!text.contains("Message-ID") && !text.contains("Date:"), "{text}");
    }
}
