//! A bounce of an everyday kind, for benches; `bench_counts` takes it from here as well.

use emta_mail::compose::{BounceSpec, ReportFormat, bounce};
use emta_mail::inbound::Action;
use emta_mail::{EnhancedStatus, Timestamp};

/// A full mailbox, in this format.
pub(crate) fn bounce_of(format: ReportFormat) -> Vec<u8> {
    let at = Timestamp::from_seconds(1_767_603_600);
    bounce(&BounceSpec {
        format,
        reporting_mta: "mx.example.com",
        remote_mta: None,
        from: "MAILER-DAEMON@mx.example.com",
        to: "bounces@news.example",
        report_id: "report@mx.example.com",
        final_recipient: "ann@example.com",
        original_recipient: None,
        action: Action::Failed,
        status: EnhancedStatus::try_new(5, 2, 2).unwrap_or_else(|| unreachable!("5.2.2 is a status")),
        diagnostic: "552 5.2.2 Mailbox full",
        arrival: at,
        at,
        will_retry_until: None,
        envelope_id: None,
        original:
            b"From: bounces@news.example\r\nTo: ann@example.com\r\nSubject: Newsletter\r\n\r\nHello\r\n",
        return_full: true,
    })
}
