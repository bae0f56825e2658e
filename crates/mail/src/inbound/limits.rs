//! How much of a mail is read. What lies beyond a limit is ignored; the mail is read all the same.

/// Octets of one mail that are read.
pub const MAX_MAIL: usize = 50 * 1024 * 1024;
/// Leaves of a MIME tree.
pub const MAX_PARTS: usize = 64;
/// Multiparts within each other.
pub const MAX_DEPTH: usize = 32;
/// Octets of one part that are decoded: enough for the report on 10,000 recipients.
pub const MAX_SCANNED: usize = 4 * 1024 * 1024;
/// Octets of HTML that are made text.
pub const MAX_HTML: usize = 256 * 1024;
/// Recipients of one report.
pub const MAX_RECIPIENTS: usize = 10_000;
/// Octets of the human part's text that are kept for the rules.
pub const MAX_TEXT: usize = 32 * 1024;
/// Octets of one diagnostic text that are kept.
pub const MAX_DIAGNOSTIC: usize = 4 * 1024;
/// Octets of any other value that are kept: address, host, subject, header field.
pub const MAX_VALUE: usize = 2 * 1024;
/// Header fields of a returned message that are kept.
pub const MAX_ORIGINAL_FIELDS: usize = 100;
/// Octets of a notification in JSON that are read.
pub const MAX_JSON: usize = 1024 * 1024;

/// The first octets of these, at most `max`; of more than that, whole lines only, so that nothing at the limit is half
/// an address.
pub(super) fn whole_lines(raw: &[u8], max: usize) -> &[u8] {
    match raw.get(..max) {
        Some(head) if raw.len() > max => memchr::memrchr(b'\n', head).map_or(head, |end| &head[..=end]),
        Some(_) | None => raw,
    }
}
