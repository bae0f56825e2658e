//! The columns of `events`.

use emta_mail::event::{Attempt, Correlation, MailReport, Verdict};
use emta_mail::{
    BounceClass, DeliveryEvent, EnhancedStatus, EventKind, FailureReason, FailureType, QueueId, ReversePath,
    Timestamp,
};
use rusqlite::{Connection, params};

use super::columns::Columns;
use super::{failed, message_row, octets};
use crate::error::StoreError;
use crate::event::{EventRow, MessageFacts};

/// What [`read`] reads, in its order; `e` are the events, `m` their messages. Behind it stand the columns by which the
/// log is told.
pub(super) const COLUMNS: &str = "e.sequence, m.sender, m.recipient, m.message_id, \
     m.campaign, m.delivery, m.log, m.validity_ms, m.metadata, m.size, m.expires_at_ms, \
     e.queue_id, e.at_ms, e.kind, \
     e.attempt, e.provider, e.mx, e.phase, e.code, e.enhanced, e.text, e.after_crash, \
     e.class, e.failure_type, e.reason, e.rule, e.next_attempt_ms, \
     e.report_id, e.report_recipient, e.enhanced, e.text, e.matched_by, e.from_this_mta, e.feedback_type, e.url, \
     e.rank, e.id";

/// [`COLUMNS`] of the acceptance of `m`, which is no row of `events`.
pub(super) const ACCEPTED: &str = "m.sequence, m.sender, m.recipient, m.message_id, \
     m.campaign, m.delivery, m.log, m.validity_ms, m.metadata, m.size, m.expires_at_ms, \
     m.id, m.accepted_at_ms, 'message.accepted', \
     NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, \
     NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, x''";

/// Appends an event of the message of this number, unless it is there already; says whether it was new.
pub(super) fn insert(
    connection: &Connection,
    sequence: i64,
    message: i64,
    event: &DeliveryEvent,
    is_final: bool,
) -> Result<bool, StoreError> {
    let fail = |e: rusqlite::Error| failed("writing an event", &e);
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO events (sequence, message, queue_id, at_ms, rank, id, is_final, kind, attempt, provider, mx, \
             phase, code, enhanced, text, after_crash, class, failure_type, reason, rule, next_attempt_ms, report_id, \
             report_recipient, matched_by, from_this_mta, feedback_type, url) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, \
             ?22, ?23, ?24, ?25, ?26, ?27) ON CONFLICT (at_ms, queue_id, rank, id) DO NOTHING",
        )
        .map_err(fail)?;
    let attempt = event.attempt();
    let reply = attempt.map(|attempt| &attempt.reply);
    let verdict = event.verdict();
    let report = report(&event.kind);
    let (next_attempt, url) = match &event.kind {
        EventKind::Deferred { next_attempt, .. } => (Some(*next_attempt), None),
        EventKind::Clicked { url } => (None, Some(url)),
        EventKind::Accepted(_)
        | EventKind::Delivered { .. }
        | EventKind::Bounced { .. }
        | EventKind::Expired { .. }
        | EventKind::AsynchronousBounce(_)
        | EventKind::Complaint(_)
        | EventKind::AutoReply(_)
        | EventKind::Opened => (None, None),
    };
    let enhanced = match (reply, report) {
        (Some(reply), _) => reply.enhanced(),
        (None, report) => report.and_then(|report| report.status),
    };
    let inserted = insert
        .execute(params![
            sequence,
            message,
            octets(event.message.as_u64()),
            event.at.as_millis(),
            event.kind.rank(),
            octets(event.id().as_u64()),
            is_final,
            event.kind.name(),
            attempt.map(|a| a.number),
            attempt.map(|a| &a.provider),
            attempt.map(|a| &a.mx),
            attempt.map(|a| a.phase.name()),
            reply.map(emta_mail::Reply::code),
            enhanced.map(|status| status.to_string()),
            reply.map_or_else(|| report.map(|r| r.text.as_str()), |r| Some(r.text())),
            attempt.map(|a| a.after_crash),
            verdict.and_then(|v| v.class).map(BounceClass::name),
            verdict.map(|v| v.failure_type.name()),
            verdict.map(|v| v.reason.name()),
            verdict.and_then(|v| v.rule.as_ref()),
            next_attempt.map(Timestamp::as_millis),
            report.map(|r| &r.report_id),
            report.and_then(|r| r.recipient.as_ref()),
            report.map(|r| r.matched_by.name()),
            report.map(|r| r.from_this_mta),
            report.map(|r| &r.feedback_type),
            url,
        ])
        .map_err(fail)?;
    Ok(inserted == 1)
}

/// Reads [`COLUMNS`].
pub(super) fn read(columns: &mut Columns<'_>) -> Result<EventRow, StoreError> {
    let sequence = columns.unsigned()?;
    let sender: ReversePath = columns.parsed("an address or nothing")?;
    let recipient = columns.parsed("an address")?;
    let message_id = columns.text()?;
    let origin = message_row::read_origin(columns)?;
    let facts = MessageFacts { sender, recipient, message_id, origin };
    let size = columns.unsigned()?;
    let expires_at = columns.time()?;
    let message = columns.queue_id()?;
    let at = columns.time()?;
    let kind = match columns.str()? {
        "message.accepted" => facts.accepted(size, expires_at),
        name => Parts::read(columns)?.kind(name, message)?,
    };
    Ok(EventRow { sequence, event: DeliveryEvent { message, at, kind }, message: facts })
}

/// The columns from `attempt` on; which of them have values depends on the kind.
struct Parts {
    attempt: Option<Attempt>,
    verdict: Option<Verdict>,
    next_attempt: Option<Timestamp>,
    /// A report without its verdict.
    report: Option<Report>,
    url: Option<String>,
}

/// The columns that only reports have.
struct Report {
    id: String,
    recipient: Option<String>,
    status: Option<EnhancedStatus>,
    text: String,
    matched_by: Correlation,
    from_this_mta: bool,
    feedback_type: String,
}

impl Parts {
    fn read(columns: &mut Columns<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            attempt: message_row::read_attempt(columns)?,
            verdict: read_verdict(columns)?,
            next_attempt: columns.time_or_null()?,
            report: read_report(columns)?,
            url: columns.text_or_null()?,
        })
    }

    fn kind(self, name: &str, message: QueueId) -> Result<EventKind, StoreError> {
        let place = || format!("the event `{name}` of message {message}");
        let lacks = |what| move || StoreError::corrupt(place(), "NULL", what);
        let Self { attempt, verdict, next_attempt, report, url } = self;
        let attempt = || attempt.ok_or_else(lacks("an attempt"));
        let verdict = || verdict.ok_or_else(lacks("a verdict"));
        Ok(match name {
            "message.deferred" => EventKind::Deferred {
                attempt: attempt()?,
                verdict: verdict()?,
                next_attempt: next_attempt.ok_or_else(lacks("the next attempt"))?,
            },
            "message.delivered" => EventKind::Delivered { attempt: attempt()? },
            "message.bounced" => EventKind::Bounced { attempt: attempt()?, verdict: verdict()? },
            "message.expired" => EventKind::Expired { attempt: attempt()?, verdict: verdict()? },
            "message.opened" => EventKind::Opened,
            "message.clicked" => EventKind::Clicked { url: url.ok_or_else(lacks("an address"))? },
            "message.asynchronous_bounce" | "message.complained" | "message.auto_replied" => {
                let report = report.ok_or_else(lacks("a report"))?;
                let report = Box::new(report.with(verdict()?));
                match name {
                    "message.asynchronous_bounce" => EventKind::AsynchronousBounce(report),
                    "message.complained" => EventKind::Complaint(report),
                    _ => EventKind::AutoReply(report),
                }
            }
            _ => {
                return Err(StoreError::corrupt("column `events.kind`", name, "the name of a kind of event"));
            }
        })
    }
}

impl Report {
    fn with(self, verdict: Verdict) -> MailReport {
        MailReport {
            report_id: self.id,
            recipient: self.recipient,
            status: self.status,
            text: self.text,
            verdict,
            matched_by: self.matched_by,
            from_this_mta: self.from_this_mta,
            feedback_type: self.feedback_type,
        }
    }
}

fn read_verdict(columns: &mut Columns<'_>) -> Result<Option<Verdict>, StoreError> {
    let class = columns.named_or_null(BounceClass::from_name, "a bounce class")?;
    let failure_type = columns.named_or_null(FailureType::from_name, "a failure type")?;
    let reason = columns.named_or_null(FailureReason::from_name, "a failure reason")?;
    let rule = columns.text_or_null()?;
    Ok(failure_type.zip(reason).map(|(failure_type, reason)| Verdict { class, failure_type, reason, rule }))
}

fn read_report(columns: &mut Columns<'_>) -> Result<Option<Report>, StoreError> {
    let Some(id) = columns.text_or_null()? else {
        columns.skip(6);
        return Ok(None);
    };
    Ok(Some(Report {
        id,
        recipient: columns.text_or_null()?,
        status: columns.enhanced()?,
        text: columns.text()?,
        matched_by: columns.named(Correlation::from_name, "a way of correlation")?,
        from_this_mta: columns.flag()?,
        feedback_type: columns.text()?,
    }))
}

/// The report that an event carries, if it carries one.
const fn report(kind: &EventKind) -> Option<&MailReport> {
    match kind {
        EventKind::AsynchronousBounce(report)
        | EventKind::Complaint(report)
        | EventKind::AutoReply(report) => Some(report),
        EventKind::Accepted(_)
        | EventKind::Deferred { .. }
        | EventKind::Delivered { .. }
        | EventKind::Bounced { .. }
        | EventKind::Expired { .. }
        | EventKind::Opened
        | EventKind::Clicked { .. } => None,
    }
}
