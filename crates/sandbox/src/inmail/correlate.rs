//! Which message a report speaks of: `Message-ID` of the returned part, fields that the MTA or the campaign system had
//! put in, the report's own recipient, the recipient it names; in that order.

use base64::Engine as _;
use emta_mail::QueueId;
use emta_mail::event::Correlation;
use emta_mail::inbound::InboundMail;
use emta_store::{MessageFilter, MessageRow, Store, StoreError};

use super::reading::Finding;

/// Messages with one `Message-ID` that are looked at: a transaction's recipients share it.
const MAX_SAME_ID: usize = 1_000;

/// The messages that a report may speak of.
pub(crate) trait SentMessages {
    /// The message of this id.
    fn message(&self, id: QueueId) -> Result<Option<MessageRow>, StoreError>;
    /// The newest messages that pass the filter, at most `limit`.
    fn messages(&self, filter: &MessageFilter, limit: usize) -> Result<Vec<MessageRow>, StoreError>;
}

impl SentMessages for Store {
    fn message(&self, id: QueueId) -> Result<Option<MessageRow>, StoreError> {
        Self::message(self, id)
    }
    fn messages(&self, filter: &MessageFilter, limit: usize) -> Result<Vec<MessageRow>, StoreError> {
        Self::messages(self, filter, None, limit)
    }
}

/// Finds the message.
pub(super) fn correlate(
    store: &impl SentMessages,
    mail: &InboundMail,
    finding: &Finding,
    envelope_recipient: &str,
) -> Result<Option<(MessageRow, Correlation)>, StoreError> {
    if let Some(row) = by_message_id(store, mail, finding)? {
        return Ok(Some((row, Correlation::MessageId)));
    }
    for id in ids_in_headers(mail) {
        if let Some(row) = store.message(id)? {
            return Ok(Some((row, Correlation::Header)));
        }
    }
    if let Some(row) = by_feedback_header(store, mail)? {
        return Ok(Some((row, Correlation::Header)));
    }
    if let Some(row) = by_return_path(store, envelope_recipient)? {
        return Ok(Some((row, Correlation::Verp)));
    }
    for address in [&finding.recipient, &finding.alias].into_iter().flatten() {
        if let Some(row) = newest_to(store, address)? {
            return Ok(Some((row, Correlation::Recipient)));
        }
    }
    Ok(None)
}

fn by_message_id(
    store: &impl SentMessages,
    mail: &InboundMail,
    finding: &Finding,
) -> Result<Option<MessageRow>, StoreError> {
    let Some(message_id) = mail.original.as_ref().and_then(|original| original.message_id.clone()) else {
        return Ok(None);
    };
    let filter = MessageFilter { message_id: Some(message_id), ..MessageFilter::default() };
    let rows = store.messages(&filter, MAX_SAME_ID)?;
    let names = |row: &MessageRow| {
        let recipient = row.envelope.recipient.as_str();
        [&finding.recipient, &finding.alias].into_iter().flatten().any(|a| a.eq_ignore_ascii_case(recipient))
    };
    // Alone, it is the one, even if a forwarder changed the address; among several the recipient decides.
    Ok(match rows.len() {
        1 => rows.into_iter().next(),
        _ => rows.into_iter().find(names),
    })
}

fn ids_in_headers(mail: &InboundMail) -> impl Iterator<Item = QueueId> {
    let original = mail.original.as_ref();
    let header = original.and_then(|original| original.header("X-Emta-Id"));
    let envelope_id = original.and_then(|original| original.envelope_id.as_deref());
    [header, envelope_id].into_iter().flatten().filter_map(|text| text.trim().parse().ok())
}

/// `X-MSFBL` names recipient and delivery-log entry (facts 2.6); it carries no `Message-ID`.
fn by_feedback_header(
    store: &impl SentMessages,
    mail: &InboundMail,
) -> Result<Option<MessageRow>, StoreError> {
    let Some(value) = mail.original.as_ref().and_then(|original| original.header("X-MSFBL")) else {
        return Ok(None);
    };
    let engine = base64::engine::general_purpose::STANDARD;
    let encoded: String = value.rsplit('|').next().unwrap_or("").split_whitespace().collect();
    let json = engine.decode(encoded).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let json: serde_json::Value = json.unwrap_or_default();
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::String(string) => Some(string.clone()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let log = text(&json["rcpt_meta"]["m"]);
    let recipient = text(&json["r"]).or_else(|| text(&json["rcpt_meta"]["r"]));
    if log.is_none() && recipient.is_none() {
        return Ok(None);
    }
    let delivery = text(&json["rcpt_meta"]["d"]);
    let filter = MessageFilter { log, delivery, recipient, ..MessageFilter::default() };
    Ok(store.messages(&filter, 1)?.into_iter().next())
}

/// Variable envelope return paths: `anything+<queue id>@...`, or `anything+local=domain@...`.
fn by_return_path(store: &impl SentMessages, address: &str) -> Result<Option<MessageRow>, StoreError> {
    let Some((local, _)) = address.rsplit_once('@') else { return Ok(None) };
    let Some((_, tag)) = local.split_once(['+', '-']) else { return Ok(None) };
    if let Ok(id) = tag.parse::<QueueId>() {
        return store.message(id);
    }
    match tag.rsplit_once('=') {
        Some((user, domain)) => newest_to(store, &format!("{user}@{domain}")),
        None => Ok(None),
    }
}

fn newest_to(store: &impl SentMessages, address: &str) -> Result<Option<MessageRow>, StoreError> {
    let filter = MessageFilter { recipient: Some(address.to_owned()), ..MessageFilter::default() };
    Ok(store.messages(&filter, 1)?.into_iter().next())
}
