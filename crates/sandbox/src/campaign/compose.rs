//! The mail of a delivery, as a campaign system writes it: Adobe's Message-ID, bulk headers, personalised text.

use std::time::{Duration, UNIX_EPOCH};

use emta_campaign::{Content, LogKey};
use emta_mail::inbound::AdobeMessageId;
use emta_mail::{EmailAddress, Timestamp, duration};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};

/// Name of the campaign instance, in Message-IDs.
pub(crate) const INSTANCE: &str = "emta";

/// Writes the message; the same input gives the same header, at the same virtual time.
pub(crate) fn message(
    log: LogKey,
    recipient: &EmailAddress,
    values: &[String],
    content: &Content,
    now: Timestamp,
) -> Result<Vec<u8>, String> {
    let fill = |text: &str| personalise(text, &content.fields, values);
    let sender_domain = content.sender.address().map_or(content.from.domain_str(), EmailAddress::domain_str);
    let delivery = u32::try_from(log.delivery.as_u64()).unwrap_or(u32::MAX);
    let message_id =
        AdobeMessageId { log: log.log, delivery, instance: INSTANCE.to_owned() }.write(sender_domain);
    let date = UNIX_EPOCH + Duration::from_millis(u64::try_from(now.as_millis()).unwrap_or(0));
    let builder = Message::builder()
        .from(mailbox(&content.from)?)
        .to(mailbox(recipient)?)
        .subject(fill(&content.subject))
        .message_id(Some(format!("<{message_id}>")))
        .date(date);
    let text = fill(&content.text);
    let built = match &content.html {
        Some(html) => builder.multipart(MultiPart::alternative_plain_html(text, fill(html))),
        None => builder.body(text),
    };
    let mut message = built.map_err(|error| error.to_string())?;
    let mut raw = |name: &'static str, value: String| {
        message.headers_mut().insert_raw(HeaderValue::new(HeaderName::new_from_ascii_str(name), value));
    };
    raw("X-Mailer", format!("emta {}", env!("CARGO_PKG_VERSION")));
    raw("Precedence", "bulk".to_owned());
    if let Some(errors_to) = content.sender.address() {
        raw("List-Unsubscribe", format!("<mailto:{errors_to}?subject=unsubscribe%3C{message_id}%3E>"));
    }
    raw("X-Emta-Delivery", log.delivery.to_string());
    raw("X-Emta-Log", log.log.to_string());
    if let Some(campaign) = &content.campaign {
        raw("X-Emta-Campaign", campaign.clone());
    }
    if let Some(validity) = content.validity {
        raw("X-Emta-Validity", duration::format(validity));
    }
    Ok(message.formatted())
}

fn mailbox(address: &EmailAddress) -> Result<Mailbox, String> {
    let address =
        Address::new(address.local_part(), address.domain_str()).map_err(|error| error.to_string())?;
    Ok(Mailbox::new(None, address))
}

/// Puts the recipient's values in place of `{{field}}`.
fn personalise(text: &str, fields: &[String], values: &[String]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, tail)) = after.split_once("}}") else {
            out.push_str("{{");
            rest = after;
            continue;
        };
        match fields.iter().position(|field| field == name.trim()) {
            Some(index) => out.push_str(values.get(index).map_or("", String::as_str)),
            None => out.extend(["{{", name, "}}"]),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_in_what_it_knows() {
        let fields = ["name".to_owned(), "city".to_owned()];
        let values = ["Ann".to_owned(), "Oslo".to_owned()];
        let check = |text, expected| assert_eq!(personalise(text, &fields, &values), expected);
        check("Dear {{ name }} of {{city}}!", "Dear Ann of Oslo!");
        check("{{unknown}} {{name", "{{unknown}} {{name");
        check("{{{{name}}", "{{{{name}}");
    }
}
