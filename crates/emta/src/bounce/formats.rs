//! `emta bounce formats`: the formats that bounces can be written in.

use emta_mail::compose::{BounceSpec, ReportFormat, bounce};
use emta_mail::inbound::{self, Action};
use serde_json::json;

use super::{FIRST_DATE, usual};
use crate::exit::Exit;
use crate::output::{self, Column};

/// What reads each format best knows it by.
pub(super) fn formats(format: output::Format) -> anyhow::Result<Exit> {
    let rows = ReportFormat::ALL.map(|format| {
        let mail = inbound::read(&bounce(&BounceSpec {
            format,
            reporting_mta: "mx.example.com",
            remote_mta: None,
            from: "MAILER-DAEMON@mx.example.com",
            to: "bounces@news.example",
            report_id: "report@mx.example.com",
            final_recipient: "ann@example.com",
            original_recipient: None,
            action: Action::Failed,
            status: usual::status(Action::Failed),
            diagnostic: &usual::reply(usual::status(Action::Failed)),
            arrival: FIRST_DATE,
            at: FIRST_DATE,
            will_retry_until: None,
            envelope_id: None,
            original: b"From: bounces@news.example\r\nTo: ann@example.com\r\nSubject: Newsletter\r\n\r\n",
            return_full: false,
        }));
        let found_in = mail.recipients.first().map(|report| report.found_in.name());
        json!({
            "name": format.name(),
            "sender_format": mail.sender_format,
            "program": mail.program,
            "found_in": found_in,
        })
    });
    let columns = [
        Column::new("format", "/name"),
        Column::new("read as", "/sender_format"),
        Column::new("program", "/program"),
        Column::new("recipient in", "/found_in"),
    ];
    output::list(format, &rows, &columns)?;
    Ok(Exit::Ok)
}
