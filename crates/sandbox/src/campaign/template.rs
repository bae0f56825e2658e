//! A delivery's mail, written once and then only filled in: a simulation writes every message several times (when it
//! is relayed, at each attempt, when a report quotes it) and keeps none.
//!
//! The message is composed for made-up values that occur nowhere else, and cut where they stand. A recipient for whom
//! composing could differ in more than these places (folded lines, encoded words) gets a message composed for it alone.

use std::io::Write as _;
use std::sync::Arc;

use emta_campaign::{Content, DeliveryId, LogKey};
use emta_mail::{EmailAddress, Timestamp};
use memchr::memmem;

use super::compose;

/// Longest address that no header field is folded for, in octets.
const PLAIN_ADDRESS: usize = 60;
/// Longest value of a field that is filled in, in octets: as long as its mark, so that no line is longer than in the
/// message that was cut, and lines are encoded as they were there.
const PLAIN_VALUE: usize = MARK_START.len() + 1 + MARK_END.len();
/// Marks of values, with the field's number between them.
const MARK_START: &str = "qzx-marked-value-";
const MARK_END: &str = "-xzq";
/// Most fields that a template fills in.
const PLAIN_FIELDS: usize = 9;

/// The entry of the delivery log that the message is composed for: no digit of it is like any other text.
const MARKED_LOG: u64 = 0xD1CE_BA5E;
const MARKED_ADDRESS: &str = "qzx-marked-recipient-xzq@qzx-marked.invalid";

/// A delivery's mail.
pub(crate) struct Template {
    delivery: DeliveryId,
    content: Arc<Content>,
    date: Timestamp,
    /// `None` where nothing can be cut, and every message is composed for itself.
    pieces: Option<Vec<Piece>>,
}

/// A part of the message.
enum Piece {
    Same(Box<[u8]>),
    /// The recipient's address.
    Address,
    /// The log entry as in a Message-ID: eight hexadecimal digits.
    LogInHex,
    /// The log entry in decimal.
    Log,
    /// A value of the recipient's.
    Value(usize),
}

impl Template {
    /// The mail of this delivery, written at this time.
    pub(crate) fn new(delivery: DeliveryId, content: Arc<Content>, date: Timestamp) -> Self {
        let pieces = cut(delivery, &content, date);
        Self { delivery, content, date, pieces }
    }

    /// The message to the recipient in the delivery log's entry `log`, after what is in `out`.
    ///
    /// # Errors
    /// When it cannot be written; see [`compose::message`].
    pub(crate) fn write(
        &self,
        log: u64,
        recipient: &EmailAddress,
        values: &[impl AsRef<str>],
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let pieces = self.pieces.as_ref().filter(|_| is_plain(log, recipient, values));
        let Some(pieces) = pieces else {
            let values: Vec<String> = values.iter().map(|value| value.as_ref().to_owned()).collect();
            let key = LogKey { delivery: self.delivery, log };
            out.extend(compose::message(key, recipient, &values, &self.content, self.date)?);
            return Ok(());
        };
        for piece in pieces {
            match piece {
                Piece::Same(bytes) => out.extend_from_slice(bytes),
                Piece::Address => out.extend_from_slice(recipient.as_str().as_bytes()),
                // Writing to a vector does not fail.
                Piece::LogInHex => drop(write!(out, "{log:08X}")),
                Piece::Log => drop(write!(out, "{log}")),
                Piece::Value(index) => {
                    out.extend_from_slice(values.get(*index).map_or(b"", |value| value.as_ref().as_bytes()));
                }
            }
        }
        Ok(())
    }
}

/// Whether composing for this recipient differs in nothing but the marked places.
fn is_plain(log: u64, recipient: &EmailAddress, values: &[impl AsRef<str>]) -> bool {
    let plain = |text: &str, longest| {
        text.len() <= longest && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
    };
    u32::try_from(log).is_ok()
        && plain(recipient.as_str(), PLAIN_ADDRESS)
        && !recipient.as_str().starts_with('"')
        && values.iter().all(|value| plain(value.as_ref(), PLAIN_VALUE))
}

/// The message in pieces; `None` where the content is not plain enough.
fn cut(delivery: DeliveryId, content: &Content, date: Timestamp) -> Option<Vec<Piece>> {
    let personal = !content.fields.is_empty();
    // A subject is folded and encoded by its length.
    if personal && (content.fields.len() > PLAIN_FIELDS || content.subject.contains("{{")) {
        return None;
    }
    let recipient = EmailAddress::parse(MARKED_ADDRESS).ok()?;
    let value = |index| format!("{MARK_START}{index}{MARK_END}");
    let values: Vec<String> = (0..content.fields.len()).map(value).collect();
    let key = LogKey { delivery, log: MARKED_LOG };
    let written = compose::message(key, &recipient, &values, content, date).ok()?;

    // A body whose longest lines need no encoding needs none with shorter ones.
    let bodies = 1 + usize::from(content.html.is_some());
    if personal && memmem::find_iter(&written, "Content-Transfer-Encoding: 7bit").count() != bodies {
        return None;
    }

    let mut marks: Vec<(usize, usize, Piece)> = Vec::new();
    let mut find = |mark: &str, piece: fn(usize) -> Piece, index: usize| {
        for at in memmem::find_iter(&written, mark) {
            marks.push((at, mark.len(), piece(index)));
        }
    };
    find(MARKED_ADDRESS, |_| Piece::Address, 0);
    find(&format!("{MARKED_LOG:08X}"), |_| Piece::LogInHex, 0);
    find(&MARKED_LOG.to_string(), |_| Piece::Log, 0);
    for (index, value) in values.iter().enumerate() {
        find(value, Piece::Value, index);
    }
    marks.sort_by_key(|(at, _, _)| *at);

    let mut pieces = Vec::new();
    let mut done = 0;
    for (at, length, piece) in marks {
        pieces.push(Piece::Same(written.get(done..at)?.into()));
        pieces.push(piece);
        done = at + length;
    }
    pieces.push(Piece::Same(written.get(done..)?.into()));
    Some(pieces)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn content(subject: &str, text: &str, fields: &[&str]) -> Content {
        Content {
            label: "spring".to_owned(),
            campaign: Some("spring".to_owned()),
            validity: Some(Duration::from_hours(24)),
            sender: "bounce@news.example".parse().unwrap(),
            from: EmailAddress::parse("news@brand.example").unwrap(),
            subject: subject.to_owned(),
            text: text.to_owned(),
            html: None,
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        }
    }

    /// A filled-in template is what composing gives, for all sorts of recipients.
    fn check(content: Content, is_cut: bool) {
        let content = Arc::new(content);
        let delivery = DeliveryId::from_u64(7);
        let date = Timestamp::parse_rfc3339("2026-01-05T09:00:00Z").unwrap();
        let template = Template::new(delivery, content.clone(), date);
        assert_eq!(template.pieces.is_some(), is_cut, "{}", content.subject);
        let domain = |length: usize| format!("u@{}.example", "d".repeat(length - 10));
        let addresses = [
            "a@b.test".to_owned(),
            r#""ann lee"@gmail.test"#.to_owned(),
            domain(PLAIN_ADDRESS),
            domain(PLAIN_ADDRESS + 1),
            domain(200),
        ];
        let values = ["Ann", "", "Zoë", &"v".repeat(PLAIN_VALUE), &"v w ".repeat(200), "{{city}}"];
        for address in addresses {
            let recipient = EmailAddress::parse(&address).unwrap();
            for log in [1, 12_345, u64::from(u32::MAX), u64::from(u32::MAX) + 1] {
                for value in values {
                    let values = vec![value.to_owned(); content.fields.len()];
                    let key = LogKey { delivery, log };
                    let composed = compose::message(key, &recipient, &values, &content, date);
                    let mut filled = Vec::new();
                    let filled = template.write(log, &recipient, &values, &mut filled).map(|()| filled);
                    // Some that are addresses in an envelope cannot stand in a header.
                    let [filled, composed] = [filled, composed].map(|m| m.map(String::from_utf8));
                    assert_eq!(filled, composed);
                }
            }
        }
    }

    #[test]
    fn filling_in_is_composing() {
        check(content("spring is here", "Hello,\n\n.the news\n", &[]), true);
        check(content("été: all that is new ".repeat(9).trim(), "Bonjour, c'est l'été\n", &[]), true);
        check(content("spring is here", "Dear {{name}} of {{city}},\nnews\n", &["name", "city"]), true);
        check(content("{{name}}, spring is here", "news\n", &["name"]), false);
        check(content("spring", "Chère {{name}}\n", &["name"]), false);
        // Lines of 76 octets are encoded.
        let line = |length| format!("{}{{{{name}}}}", "x".repeat(length - PLAIN_VALUE));
        check(content("spring", &line(75), &["name"]), true);
        check(content("spring", &line(76), &["name"]), false);
    }
}
