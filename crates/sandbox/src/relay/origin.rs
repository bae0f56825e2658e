//! Where a message came from, as its header says: `X-Emta-*` fields, SparkPost's `X-MSYS-API`, and Adobe's Message-ID.
//!
//! The first that names a thing wins, in that order.

use std::collections::BTreeMap;

use emta_mail::inbound::AdobeMessageId;
use emta_mail::{Origin, duration, header};
use serde_json::Value;

/// Most metadata entries that are kept of a message.
pub(crate) const MAX_METADATA: usize = 64;
/// Longest metadata key or value that is kept, in octets; longer ones are cut.
pub(crate) const MAX_METADATA_LEN: usize = 1_000;

/// How the names of fields with metadata begin.
const METADATA_FIELD: &str = "x-emta-meta-";

/// What the relay wants to know of a message's header.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HeaderFacts {
    /// `Message-ID` without angle brackets.
    pub(crate) message_id: Option<String>,
    /// Whether there is a `Date` field.
    pub(crate) has_date: bool,
    /// Where the message came from.
    pub(crate) origin: Origin,
}

/// A header field that the relay must understand and does not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HeaderError {
    /// SparkPost answers so to JSON that it cannot read (facts 8.1).
    #[error("JSON parsing error in X-MSYS-API")]
    MsysApi,
    /// Not a duration.
    #[error("X-Emta-Validity: {0}")]
    Validity(#[from] duration::DurationError),
}

/// Reads the header with which `content` begins.
pub(crate) fn read(content: &[u8]) -> Result<HeaderFacts, HeaderError> {
    let mut facts = HeaderFacts::default();
    let mut msys = None;
    for (name, raw) in header::raw_fields(content) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        // Most fields say nothing to the relay, and are not unfolded.
        let value = || header::unfold(raw);
        if is("message-id") {
            if facts.message_id.is_none() {
                facts.message_id = message_id(value().trim());
            }
        } else if is("date") {
            facts.has_date = true;
        } else if is("x-msys-api") {
            msys = Some(value().trim().to_owned());
        } else if is("x-emta-campaign") {
            facts.origin.campaign = text(value().trim());
        } else if is("x-emta-delivery") {
            facts.origin.delivery = text(value().trim());
        } else if is("x-emta-log") {
            facts.origin.log = text(value().trim());
        } else if is("x-emta-validity") {
            facts.origin.validity = Some(duration::parse(value().trim())?);
        } else if let Some((prefix, key)) = name.split_at_checked(METADATA_FIELD.len())
            && prefix.eq_ignore_ascii_case(METADATA_FIELD)
        {
            insert(&mut facts.origin.metadata, &key.to_ascii_lowercase(), value().trim());
        }
    }
    if let Some(json) = msys {
        merge_msys(&mut facts.origin, &json)?;
    }
    if let Some(adobe) = facts.message_id.as_deref().and_then(AdobeMessageId::parse) {
        facts.origin.log.get_or_insert_with(|| adobe.log.to_string());
        facts.origin.delivery.get_or_insert_with(|| adobe.delivery.to_string());
        insert_missing(&mut facts.origin.metadata, "instance", &adobe.instance);
    }
    Ok(facts)
}

/// The identifier between the angle brackets; without brackets, the first word.
fn message_id(value: &str) -> Option<String> {
    let inner = match (value.find('<'), value.find('>')) {
        (Some(open), Some(close)) if open < close => &value[open + 1..close],
        _ => value.split_whitespace().next().unwrap_or(""),
    };
    (!inner.is_empty()).then(|| cut(inner.trim()).to_owned())
}

/// SparkPost's options of a message: `campaign_id`, `metadata`, and Campaign's keys `m`, `d`, `in` within it
/// (facts 2.6, 8.1).
fn merge_msys(origin: &mut Origin, json: &str) -> Result<(), HeaderError> {
    let value: Value = serde_json::from_str(json).map_err(|_| HeaderError::MsysApi)?;
    let object = value.as_object().ok_or(HeaderError::MsysApi)?;
    if origin.campaign.is_none() {
        origin.campaign = object.get("campaign_id").and_then(scalar);
    }
    for key in ["metadata", "rcpt_meta"] {
        let Some(entries) = object.get(key) else { continue };
        for (name, entry) in entries.as_object().ok_or(HeaderError::MsysApi)? {
            let Some(entry) = scalar(entry) else { continue };
            match name.as_str() {
                "m" => drop(origin.log.get_or_insert(entry.clone())),
                "d" => drop(origin.delivery.get_or_insert(entry.clone())),
                _ => {}
            }
            insert_missing(&mut origin.metadata, name, &entry);
        }
    }
    Ok(())
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(string) => text(string),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn text(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| cut(value).to_owned())
}

fn insert(metadata: &mut BTreeMap<String, String>, key: &str, value: &str) {
    if metadata.len() < MAX_METADATA || metadata.contains_key(key) {
        metadata.insert(cut(key).to_owned(), cut(value).to_owned());
    }
}

fn insert_missing(metadata: &mut BTreeMap<String, String>, key: &str, value: &str) {
    if !metadata.contains_key(key) {
        insert(metadata, key, value);
    }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(MAX_METADATA_LEN);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_fields_of_its_own_win() {
        let facts = read(
            b"Message-ID: <NM60001E24000000929acme_mid_prod3@mkt.example>\r\n\
              X-Emta-Campaign: spring\r\nX-Emta-Validity: 1d\r\nX-Emta-Meta-Segment: gold\r\n\
              X-MSYS-API: {\"campaign_id\":\"other\",\r\n \"metadata\":{\"m\":77,\"tier\":\"a\",\"segment\":\"x\"}}\r\n\r\nbody",
        )
        .unwrap();
        assert_eq!(facts.origin.campaign.as_deref(), Some("spring"));
        assert_eq!(facts.origin.log.as_deref(), Some("77"));
        assert_eq!(facts.origin.delivery.as_deref(), Some("2345"));
        assert_eq!(facts.origin.validity, Some(Duration::from_hours(24)));
        let metadata: Vec<_> = facts.origin.metadata.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(metadata, ["instance=acme_mid_prod3", "m=77", "segment=gold", "tier=a"]);
        assert!(!facts.has_date);
    }

    #[test]
    fn adobes_message_id_carries_log_and_delivery() {
        let facts = read(b"Message-ID: <NM60001E24000000929acme@mkt.example>\r\nDate: x\r\n\r\n").unwrap();
        assert_eq!(facts.origin.log.as_deref(), Some("123456"));
        assert_eq!(facts.origin.delivery.as_deref(), Some("2345"));
        assert!(facts.has_date);
    }

    #[test]
    fn what_it_cannot_read_is_refused_by_name() {
        let error = |header: &str| read(format!("{header}\r\n\r\n").as_bytes()).unwrap_err().to_string();
        assert_eq!(error("X-MSYS-API: {oops"), "JSON parsing error in X-MSYS-API");
        assert_eq!(error("X-MSYS-API: [1]"), "JSON parsing error in X-MSYS-API");
        assert!(error("X-Emta-Validity: soon").starts_with("X-Emta-Validity: `soon` is not a duration"));
    }

    #[test]
    fn metadata_is_bounded() {
        let long = "é".repeat(MAX_METADATA_LEN);
        let mut fields = String::new();
        for n in 0..MAX_METADATA + 10 {
            fields.extend(["X-Emta-Meta-K", &n.to_string(), ": ", &long, "\r\n"]);
        }
        let facts = read(format!("{fields}\r\n").as_bytes()).unwrap();
        assert_eq!(facts.origin.metadata.len(), MAX_METADATA);
        assert!(facts.origin.metadata.values().all(|value| value.len() <= MAX_METADATA_LEN));
    }
}
