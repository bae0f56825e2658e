//! The bounce from which tests set out.

use emta_mail::compose::{BounceSpec, ReportFormat};
use emta_mail::inbound::Action;
use emta_mail::{EnhancedStatus, Timestamp};

/// The message that is returned.
pub(crate) const ORIGINAL: &[u8] = b"From: Shop <news@shop.example>\r\nTo: a@example.com\r\nSubject: Offers\r\n\
    Message-ID: <m1@shop.example>\r\nX-Emta-Id: 00000000000000ff\r\n\r\nHello.\r\n-- \r\nhttps://shop.example/\r\n";

/// When all of it happened.
pub(crate) const AT: Timestamp = Timestamp::from_seconds(1_767_603_600);

/// A bounce of a@example.com, unknown, in the form of RFC 3464.
pub(crate) fn bounce_spec() -> BounceSpec<'static> {
    BounceSpec {
        format: ReportFormat::Rfc3464,
        reporting_mta: "mta.example",
        remote_mta: Some("mx.example.com"),
        from: "postmaster@mta.example",
        to: "bounce@shop.example",
        report_id: "r1@mta.example",
        final_recipient: "a@example.com",
        original_recipient: None,
        action: Action::Failed,
        status: EnhancedStatus::try_new(5, 1, 1).unwrap_or_else(|| unreachable!()),
        diagnostic: "550 5.1.1 User unknown",
        arrival: AT,
        at: AT,
        will_retry_until: None,
        envelope_id: None,
        original: ORIGINAL,
        return_full: true,
    }
}
