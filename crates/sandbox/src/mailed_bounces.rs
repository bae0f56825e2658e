//! Without the Email Feedback Service the MTA mails its own bounces back (facts 2.1): a follower of the event log that
//! writes a delivery status notification (RFC 3464) for every message that was refused for good or expired.

use std::sync::Arc;

use emta_mail::compose::{self, BounceSpec, ReportFormat};
use emta_mail::event::Attempt;
use emta_mail::inbound::Action;
use emta_mail::message::Return;
use emta_mail::{EnhancedStatus, Envelope, EventId, EventKind, ReversePath, Timestamp};
use emta_store::{Change, EventRow, Store, StoreError};
use tokio_util::sync::CancellationToken;

use crate::mta::content_as_sent;
use crate::outbox::Outbox;
use crate::pulse::Follower;

/// Name of its cursor on the event log.
const CURSOR: &str = "mailed-bounces";
/// Events read at a time.
const PAGE: usize = 500;

pub(crate) struct MailedBounces {
    pub(crate) hostname: Arc<str>,
    pub(crate) store: Store,
    pub(crate) follower: Arc<Follower>,
    pub(crate) outbox: Arc<Outbox>,
}

impl MailedBounces {
    /// Follows the log until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        loop {
            let token = tokio::select! {
                () = stop.cancelled() => return,
                token = self.follower.news() => token,
            };
            if let Err(error) = self.catch_up(&stop).await {
                tracing::error!(%error, "the event log could not be followed; bounces are not mailed until it grows");
            }
            drop(token);
        }
    }

    async fn catch_up(&self, stop: &CancellationToken) -> Result<(), StoreError> {
        while !stop.is_cancelled() {
            let store = self.store.clone();
            let read = move || -> Result<_, StoreError> {
                let after = store.cursor(CURSOR)?;
                store.events_after(after, PAGE)
            };
            let rows = tokio::task::spawn_blocking(read).await.map_err(|_| StoreError::Closed)??;
            let Some(last) = rows.last() else { return Ok(()) };
            let sequence = last.sequence;
            for row in &rows {
                self.report(row).await?;
            }
            let store = self.store.clone();
            let moved = Change::Cursor { name: CURSOR.to_owned(), sequence };
            let commit = move || store.commit_wait(vec![moved]);
            tokio::task::spawn_blocking(commit).await.map_err(|_| StoreError::Closed)??;
        }
        Ok(())
    }

    async fn report(&self, row: &EventRow) -> Result<(), StoreError> {
        let attempt = match &row.event.kind {
            EventKind::Bounced { attempt, .. } | EventKind::Expired { attempt, .. } => attempt,
            EventKind::Accepted(_)
            | EventKind::Deferred { .. }
            | EventKind::Delivered { .. }
            | EventKind::AsynchronousBounce(_)
            | EventKind::Complaint(_)
            | EventKind::AutoReply(_)
            | EventKind::Opened
            | EventKind::Clicked { .. } => return Ok(()),
        };
        let (store, id) = (self.store.clone(), row.event.message);
        let stored = tokio::task::spawn_blocking(move || store.body(id));
        let Some(stored) = stored.await.map_err(|_| StoreError::Closed)?? else { return Ok(()) };
        let ReversePath::Address(to) = &stored.message.envelope.sender else { return Ok(()) };
        if !stored.message.envelope.notify.failure {
            return Ok(());
        }
        let report = OwnReport {
            hostname: &self.hostname,
            envelope: &stored.message.envelope,
            attempt,
            event: row.event.id(),
            arrival: stored.message.accepted_at,
            at: row.event.at,
            original: &content_as_sent(&stored, &self.hostname).concat(),
        };
        self.outbox.send(&ReversePath::Null, to, &report.compose(to.as_str())).await;
        Ok(())
    }
}

/// The MTA's report on a message that it gave up.
pub(crate) struct OwnReport<'a> {
    /// Name of the MTA.
    pub(crate) hostname: &'a str,
    /// Envelope of the message.
    pub(crate) envelope: &'a Envelope,
    /// Its last attempt.
    pub(crate) attempt: &'a Attempt,
    /// The event that is reported.
    pub(crate) event: EventId,
    /// When the message was accepted.
    pub(crate) arrival: Timestamp,
    /// When it was given up.
    pub(crate) at: Timestamp,
    /// The message as it was sent, or its header alone.
    pub(crate) original: &'a [u8],
}

impl OwnReport<'_> {
    /// The mail to the envelope's sender.
    pub(crate) fn compose(&self, to: &str) -> Vec<u8> {
        let Self { hostname, envelope, attempt, event, arrival, at, original } = self;
        let default_status = EnhancedStatus::try_new(5, 0, 0);
        let Some(status) = attempt.reply.enhanced().or(default_status) else { return Vec::new() };
        compose::bounce(&BounceSpec {
            format: ReportFormat::Rfc3464,
            reporting_mta: hostname,
            remote_mta: (!attempt.mx.is_empty()).then_some(&attempt.mx),
            from: &format!("MAILER-DAEMON@{hostname}"),
            to,
            report_id: &format!("{event}.dsn@{hostname}"),
            final_recipient: envelope.recipient.as_str(),
            original_recipient: envelope.original_recipient.as_deref(),
            action: Action::Failed,
            status,
            diagnostic: &attempt.reply.to_string(),
            arrival: *arrival,
            at: *at,
            will_retry_until: None,
            envelope_id: envelope.envid.as_deref(),
            original,
            return_full: envelope.ret == Some(Return::Full),
        })
    }
}
