//! inMail: takes the mail that comes back, reads it, finds the message it speaks of, and qualifies it.
//!
//! A mail is answered with 250 once it is in the bounce mailbox on disk, together with the events it led to.

mod correlate;
pub mod reading;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use emta_mail::chance::Hasher;
use emta_mail::event::{Correlation, MailReport};
use emta_mail::inbound::InboundMail;
use emta_mail::{DeliveryEvent, EventKind, FailureReason, FailureType, Reply, Timestamp};
use emta_qualify::{RowOutcome, RuleSet};
use emta_smtp::{Answer, Request, Transaction};
use emta_store::{
    Change, InboundId, InboundResult, MessageRow, MessageStatus, NewInbound, QueueChange, Record, Store,
    StoreError,
};
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::live_rules::LiveRules;
use crate::pulse::Pulse;
use crate::qualification::Qualification;
use crate::smtp_shell::Policy;
pub(crate) use correlate::SentMessages;
use reading::{Finding, Meaning, Reading};

/// What all sessions of the bounce mailbox share.
pub(crate) struct InMail {
    /// Name of this MTA in its own reports.
    pub(crate) hostname: String,
    pub(crate) clock: Clock,
    pub(crate) store: Store,
    pub(crate) pulse: Pulse,
    pub(crate) rules: Arc<LiveRules>,
    pub(crate) table: Arc<Mutex<Qualification>>,
}

/// One SMTP session that brings mail.
pub(crate) struct InMailSession(pub(crate) Arc<InMail>);

impl Policy for InMailSession {
    async fn answer(&mut self, request: Request) -> Answer {
        match request.into_message() {
            Some(transaction) => Answer::Reply(self.0.take(transaction).await),
            None => Answer::Accept,
        }
    }
}

impl InMail {
    async fn take(self: &Arc<Self>, transaction: Transaction) -> Reply {
        let inmail = self.clone();
        let now = self.clock.now();
        // Reading is bounded but not short, and finding the message asks the disk.
        let changes = tokio::task::spawn_blocking(move || inmail.process(&transaction, now)).await;
        let outcome = match changes {
            Ok(Ok((id, changes))) => self.commit(changes).await.map(|()| id),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(StoreError::Closed),
        };
        match outcome {
            Ok(id) => Reply::new(250, "2.0.0".parse().ok(), format!("Ok: kept as {id}")),
            Err(StoreError::Full { what }) => {
                tracing::warn!(%what, "a report is refused for now: the disk is full");
                Reply::new(452, "4.3.1".parse().ok(), "Insufficient system storage, try again later")
            }
            Err(error) => {
                tracing::error!(%error, "a report could not be kept");
                Reply::new(451, "4.3.0".parse().ok(), "The message could not be stored, try again later")
            }
        }
    }

    async fn commit(&self, mut changes: Vec<Change>) -> Result<(), StoreError> {
        let (done, committed) = oneshot::channel();
        let pulse = self.pulse.clone();
        {
            let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
            changes.extend(table.take_changes());
            self.store.commit(
                changes,
                Box::new(move |outcome| {
                    if outcome.is_ok() {
                        pulse.grown();
                    }
                    let _ = done.send(outcome.map(drop));
                }),
            );
        }
        committed.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Reads one mail and says what is to be kept of it.
    fn process(
        &self,
        transaction: &Transaction,
        now: Timestamp,
    ) -> Result<(InboundId, Vec<Change>), StoreError> {
        let envelope_recipient =
            transaction.recipients.first().map_or("", |recipient| recipient.address.as_str());
        let raw = mailbox_form(transaction, envelope_recipient, now);
        let id = inbound_id(transaction);
        if self.store.inbound(id)?.is_some() {
            // The sender did not hear our 250 before; the mail is here.
            return Ok((id, Vec::new()));
        }
        let rules = self.rules.get();
        let desk = Desk { hostname: &self.hostname, rules: &rules, sent: &self.store };
        let qualify = |text: &str, rules_say, address: &str| {
            let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
            table.record(text, rules_say, address, now)
        };
        let understood = desk.understand(&transaction.content, envelope_recipient, now, qualify)?;
        let Understood { mail, results, events } = understood;
        let report_id = mail.report_id.unwrap_or_default();
        let record = |event| Change::Record(Box::new(Record { event, queue: QueueChange::None }));
        let mut changes: Vec<Change> = events.into_iter().map(record).collect();
        changes.push(Change::Inbound(Box::new(NewInbound {
            id,
            received_at: now,
            raw,
            kind: mail.kind.name().to_owned(),
            message_id: report_id,
            subject: mail.subject,
            results,
        })));
        Ok((id, changes))
    }
}

/// inMail without a mailbox: what it reads, and by which rules.
pub(crate) struct Desk<'a, S> {
    /// Name of this MTA in its own reports.
    pub(crate) hostname: &'a str,
    /// The Inbound email rules.
    pub(crate) rules: &'a RuleSet,
    /// What reports may speak of.
    pub(crate) sent: &'a S,
}

/// What a mail came to.
pub(crate) struct Understood {
    /// What was read.
    pub(crate) mail: InboundMail,
    /// What it says of each recipient.
    pub(crate) results: Vec<InboundResult>,
    /// What follows for the messages that it speaks of.
    pub(crate) events: Vec<DeliveryEvent>,
}

impl<S: SentMessages> Desk<'_, S> {
    /// Reads a mail, finds the messages it speaks of, and qualifies what it says. `count` counts a text in the
    /// qualification table, with what the rules say of it and the address that it speaks of.
    pub(crate) fn understand(
        &self,
        raw: &[u8],
        envelope_recipient: &str,
        now: Timestamp,
        mut count: impl FnMut(&str, Option<(FailureType, FailureReason)>, &str) -> RowOutcome,
    ) -> Result<Understood, StoreError> {
        let Reading { mail, findings } = reading::read(raw, self.rules);
        let mut results = Vec::with_capacity(findings.len());
        let mut events = Vec::new();
        for mut finding in findings {
            qualify(&mut finding, &mut count);
            let matched = correlate::correlate(self.sent, &mail, &finding, envelope_recipient)?;
            results.push(InboundResult {
                matched: matched.as_ref().map(|(row, how)| (row.id, *how)),
                recipient: finding.recipient.clone(),
                status: finding.status,
                text: finding.text.clone(),
                failure_type: finding.verdict.failure_type,
                reason: finding.verdict.reason,
                rule: finding.verdict.rule.clone(),
            });
            let Some((row, how)) = matched else { continue };
            let known = Known {
                report_id: mail.report_id.as_deref().unwrap_or(""),
                reporting_mta: mail.reporting_mta.as_deref().unwrap_or(""),
                feedback_type: mail.feedback.as_ref().map_or("", |feedback| &feedback.feedback_type),
            };
            if let Some(kind) = self.event(finding, &row, how, known) {
                events.push(DeliveryEvent { message: row.id, at: now, kind });
            }
        }
        Ok(Understood { mail, results, events })
    }

    fn event(
        &self,
        finding: Finding,
        row: &MessageRow,
        how: Correlation,
        known: Known<'_>,
    ) -> Option<EventKind> {
        let gave_up = matches!(row.status, MessageStatus::Bounced | MessageStatus::Expired);
        let from_this_mta = gave_up && known.reporting_mta.eq_ignore_ascii_case(self.hostname);
        let Finding { recipient, meaning, status, text, verdict, .. } = finding;
        let feedback_type = match meaning {
            Meaning::Unsubscribe => "opt-out",
            Meaning::Complaint => known.feedback_type,
            Meaning::Bounce | Meaning::Delayed | Meaning::Delivered | Meaning::AutoReply => "",
        };
        let report = Box::new(MailReport {
            report_id: known.report_id.to_owned(),
            recipient,
            status,
            text,
            verdict,
            matched_by: how,
            from_this_mta,
            feedback_type: feedback_type.to_owned(),
        });
        match meaning {
            Meaning::Bounce => Some(EventKind::AsynchronousBounce(report)),
            Meaning::Complaint | Meaning::Unsubscribe => Some(EventKind::Complaint(report)),
            Meaning::AutoReply => Some(EventKind::AutoReply(report)),
            // A delay decides nothing, and success is known from the session.
            Meaning::Delayed | Meaning::Delivered => None,
        }
    }
}

/// Counts the text in the qualification table; a row that an operator has edited overrides the rules.
fn qualify(
    finding: &mut Finding,
    count: impl FnOnce(&str, Option<(FailureType, FailureReason)>, &str) -> RowOutcome,
) {
    if !matches!(finding.meaning, Meaning::Bounce | Meaning::Delayed) {
        return;
    }
    let verdict = &mut finding.verdict;
    let rules_say = (!finding.to_qualify).then_some((verdict.failure_type, verdict.reason));
    let address = finding.recipient.as_deref().unwrap_or("");
    let outcome = count(&finding.text, rules_say, address);
    if outcome.overridden
        && let Some((failure_type, reason)) = outcome.verdict
    {
        verdict.failure_type = failure_type;
        verdict.reason = reason;
        verdict.rule = Some(format!("qualification {}", outcome.digest));
    }
}

/// What an event takes from the mail as a whole.
#[derive(Clone, Copy)]
struct Known<'a> {
    report_id: &'a str,
    reporting_mta: &'a str,
    feedback_type: &'a str,
}

/// The same mail, sent again, has the same id.
fn inbound_id(transaction: &Transaction) -> InboundId {
    let mut hash = Hasher::new().bytes(&transaction.content);
    for recipient in &transaction.recipients {
        hash = hash.bytes(recipient.address.as_str().as_bytes());
    }
    InboundId::from_u64(hash.finish())
}

/// The mail as the mailbox holds it, with what the last server on its way adds (RFC 5321 section 4.4).
fn mailbox_form(transaction: &Transaction, recipient: &str, now: Timestamp) -> Bytes {
    let added = format!(
        "Return-Path: <{}>\r\nDelivered-To: {recipient}\r\nReceived: from {} with {};\r\n\t{}\r\n",
        transaction.sender,
        transaction.helo,
        transaction.protocol,
        now.rfc5322()
    );
    let mut raw = added.into_bytes();
    raw.extend_from_slice(&transaction.content);
    raw.into()
}
