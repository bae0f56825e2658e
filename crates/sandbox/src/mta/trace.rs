//! The header fields that the MTA adds in front of a message.

use bytes::Bytes;
use emta_mail::{EmailAddress, QueueId};
use emta_store::StoredMessage;

/// Longest line of a header, in octets without CRLF (RFC 5322 section 2.1.1).
const MAX_LINE: usize = 998;

/// The message as it is sent: trace fields, fields that were missing, then the content as it arrived.
///
/// `X-Emta-Id` names the message in reports that return its header, as `X-MSFBL` does (facts 2.6).
pub(crate) fn content_as_sent(stored: &StoredMessage, hostname: &str) -> Vec<Bytes> {
    let message = &stored.message;
    let trace = Trace {
        id: message.id,
        recipient: &message.envelope.recipient,
        received_from: &message.received_from,
        date: &message.accepted_at.rfc5322(),
        missing_message_id: message.message_id_added.then_some(&*message.message_id),
        missing_date: message.add_date,
    };
    vec![Bytes::from(trace.fields(hostname)), stored.body.clone()]
}

/// What the added fields say.
pub(crate) struct Trace<'a> {
    /// The message.
    pub(crate) id: QueueId,
    /// Its envelope recipient.
    pub(crate) recipient: &'a EmailAddress,
    /// From where and by which protocol it came.
    pub(crate) received_from: &'a str,
    /// When it was accepted, as header fields write it ([`emta_mail::Timestamp::rfc5322`]).
    pub(crate) date: &'a str,
    /// `Message-ID` without angle brackets, where the content has none.
    pub(crate) missing_message_id: Option<&'a str>,
    /// The content has no `Date`.
    pub(crate) missing_date: bool,
}

impl Trace<'_> {
    /// The fields; `hostname` is the MTA's.
    pub(crate) fn fields(&self, hostname: &str) -> String {
        let Self { id, recipient, received_from, date, missing_message_id, missing_date } = self;
        let mut fields = format!(
            "Received: {received_from}\r\n\tby {hostname} (emta) id {id}\r\n\tfor <{recipient}>;\r\n\t{date}\r\n"
        );
        field(&mut fields, "X-Emta-Id", &id.to_string());
        if let Some(message_id) = missing_message_id {
            field(&mut fields, "Message-ID", &format!("<{message_id}>"));
        }
        if *missing_date {
            field(&mut fields, "Date", date);
        }
        fields
    }
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
