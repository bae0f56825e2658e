//! What a part is for, by its type, its name, and its first fields.

use mail_parser::ContentType;

/// What a part is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum PartKind {
    /// Text for people.
    Text,
    /// The same as HTML.
    Html,
    /// `message/delivery-status` (RFC 3464), or its internationalised form (RFC 6533).
    DeliveryStatus,
    /// `message/feedback-report` (RFC 5965).
    FeedbackReport,
    /// `message/disposition-notification` (RFC 8098): a receipt, or the refusal of a recipient's filter.
    Disposition,
    /// A message, or only its header.
    Message,
    /// Anything else.
    Other,
}

/// Whether a part that is called something else begins with a field that only a delivery status has (RFC 3464), as it
/// stands or in base64. Gateways that do not know its type pass it on as `application/octet-stream`.
pub(super) fn begins_as_status(raw: &[u8]) -> bool {
    const FIELDS: [&[u8]; 4] =
        [b"Reporting-MTA:", b"Final-Recipient:", b"Original-Recipient:", b"Original-Envelope-Id:"];
    // The first two fields in base64, as far as it depends on them alone.
    const ENCODED: [&[u8]; 2] = [b"UmVwb3J0aW5nLU1UQT", b"RmluYWwtUmVjaXBpZW50O"];
    let raw = raw.trim_ascii_start();
    // A receipt (RFC 8098) has some of the fields, and says what was done with a message that arrived.
    let is_receipt =
        || memchr::memmem::find(&raw[..raw.len().min(RECEIPT_WITHIN)], b"Disposition:").is_some();
    let begins = |field: &&[u8]| raw.get(..field.len()).is_some_and(|head| head.eq_ignore_ascii_case(field));
    (FIELDS.iter().any(begins) && !is_receipt()) || ENCODED.iter().any(|encoded| raw.starts_with(encoded))
}

/// Whether a part that is called something else begins with the first field of a complaint (RFC 5965).
pub(super) fn begins_as_feedback(raw: &[u8]) -> bool {
    const FIELD: &[u8] = b"Feedback-Type:";
    raw.trim_ascii_start().get(..FIELD.len()).is_some_and(|head| head.eq_ignore_ascii_case(FIELD))
}

/// Octets of a part within which a receipt says that it is one.
const RECEIPT_WITHIN: usize = 2 * 1024;

/// Mail programs attach a mail as a file where they do not know `message/rfc822`.
pub(super) fn is_file_of_mail(name: &str) -> bool {
    name.trim().as_bytes().last_chunk::<4>().is_some_and(|end| end.eq_ignore_ascii_case(b".eml"))
}

pub(super) fn kind(content_type: &ContentType<'_>) -> PartKind {
    let subtype = content_type.subtype().unwrap_or_default();
    let is = |name: &str| subtype.eq_ignore_ascii_case(name);
    if is("delivery-status") || is("global-delivery-status") {
        return PartKind::DeliveryStatus;
    }
    if is("feedback-report") {
        return PartKind::FeedbackReport;
    }
    if is("rfc822-headers") || is("global-headers") {
        return PartKind::Message;
    }
    if is("disposition-notification") || is("global-disposition-notification") {
        return PartKind::Disposition;
    }
    let main = content_type.ctype();
    if main.eq_ignore_ascii_case("message") {
        PartKind::Message
    } else if main.eq_ignore_ascii_case("text") {
        if is("html") {
            PartKind::Html
        } else if is("calendar") || is("vcard") || is("x-vcard") || is("csv") {
            // These are for programs, not for people.
            PartKind::Other
        } else {
            PartKind::Text
        }
    } else if main.eq_ignore_ascii_case("multipart") {
        // Only where its boundary is missing.
        PartKind::Text
    } else {
        PartKind::Other
    }
}
