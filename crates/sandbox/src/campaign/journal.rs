//! The campaign core's inputs as they are journalled: JSON, one entry a line of the story.

use std::time::Duration;

use emta_campaign::{
    AddressStatus, Content, DeliveryId, Failure, Feedback, FeedbackKind, FeedbackType, Input, LogKey,
    NewDelivery, Recipient, RelayFailure,
};
use emta_mail::{EmailAddress, EventId, Origin, Reply, ReversePath, Timestamp};
use emta_store::StoreError;
use serde::{Deserialize, Serialize};

use crate::wire::WireEvent;

/// Recipients of one entry; a delivery of millions is several entries.
const RECIPIENTS: usize = 10_000;

/// One entry.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "input", rename_all = "snake_case")]
pub(super) enum Entry {
    /// The beginning of a delivery; its recipients follow.
    Create {
        delivery: u64,
        content: Box<WireContent>,
        recipients: usize,
    },
    /// Some of the recipients of the delivery that was begun last.
    Recipients {
        rows: Vec<WireRecipient>,
    },
    Prepare {
        delivery: u64,
    },
    Confirm {
        delivery: u64,
    },
    Cancel {
        delivery: u64,
    },
    Relayed {
        delivery: u64,
        log: u64,
    },
    RelayRefused {
        delivery: u64,
        log: u64,
        reply: String,
    },
    RelayUnreachable {
        delivery: u64,
        log: u64,
        problem: String,
    },
    Feedback {
        events: Vec<WireEvent>,
    },
    Address {
        address: String,
        status: String,
    },
    Cleanup,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct WireContent {
    label: String,
    campaign: Option<String>,
    validity_seconds: Option<u64>,
    sender: String,
    from: String,
    subject: String,
    text: String,
    html: Option<String>,
    fields: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct WireRecipient {
    address: String,
    values: Vec<String>,
}

#[derive(Serialize)]
struct Written<'a> {
    at: i64,
    #[serde(flatten)]
    entry: &'a Entry,
}

#[derive(Deserialize)]
struct Read {
    at: i64,
    #[serde(flatten)]
    entry: Entry,
}

impl Entry {
    pub(super) fn write(&self, at: Timestamp) -> Vec<u8> {
        // Strings, numbers and lists always serialise.
        serde_json::to_vec(&Written { at: at.as_millis(), entry: self }).unwrap_or_default()
    }

    /// The inputs that it stands for; none for the parts of a delivery that is being made.
    pub(super) fn inputs(self) -> Vec<Input> {
        let key = |delivery, log| LogKey { delivery: DeliveryId::from_u64(delivery), log };
        let failed = |delivery, log, failure| Input::RelayFailed { log: key(delivery, log), failure };
        match self {
            Self::Create { .. } | Self::Recipients { .. } => Vec::new(),
            Self::Prepare { delivery } => vec![Input::Prepare(DeliveryId::from_u64(delivery))],
            Self::Confirm { delivery } => vec![Input::Confirm(DeliveryId::from_u64(delivery))],
            Self::Cancel { delivery } => vec![Input::Cancel(DeliveryId::from_u64(delivery))],
            Self::Relayed { delivery, log } => vec![Input::Relayed(key(delivery, log))],
            Self::RelayRefused { delivery, log, reply } => {
                let failure = match Reply::parse(&reply) {
                    Ok(reply) => RelayFailure::Refused(reply),
                    Err(_) => RelayFailure::Unreachable(reply),
                };
                vec![failed(delivery, log, failure)]
            }
            Self::RelayUnreachable { delivery, log, problem } => {
                vec![failed(delivery, log, RelayFailure::Unreachable(problem))]
            }
            Self::Feedback { events } => events.iter().filter_map(feedback).map(Input::Feedback).collect(),
            Self::Address { address, status } => {
                match (EmailAddress::parse(&address), AddressStatus::from_name(&status)) {
                    (Ok(address), Some(status)) => vec![Input::SetAddressStatus { address, status }],
                    _ => Vec::new(),
                }
            }
            Self::Cleanup => vec![Input::Cleanup],
        }
    }
}

/// The entries that make a delivery.
pub(super) fn created(
    delivery: DeliveryId,
    content: &Content,
    recipients: &[Recipient],
    now: Timestamp,
) -> Vec<(Timestamp, Entry)> {
    let wire = WireContent {
        label: content.label.clone(),
        campaign: content.campaign.clone(),
        validity_seconds: content.validity.map(|span| span.as_secs()),
        sender: content.sender.to_string(),
        from: content.from.to_string(),
        subject: content.subject.clone(),
        text: content.text.clone(),
        html: content.html.clone(),
        fields: content.fields.clone(),
    };
    let create =
        Entry::Create { delivery: delivery.as_u64(), content: Box::new(wire), recipients: recipients.len() };
    let rows = recipients.chunks(RECIPIENTS).map(|chunk| Entry::Recipients {
        rows: chunk
            .iter()
            .map(|recipient| WireRecipient {
                address: recipient.address.clone(),
                values: recipient.values.clone(),
            })
            .collect(),
    });
    std::iter::once(create).chain(rows).map(|entry| (now, entry)).collect()
}

/// Reads entries back; a delivery is complete with the last of its recipients.
#[derive(Default)]
pub(super) struct Replay {
    making: Option<Making>,
}

struct Making {
    delivery: DeliveryId,
    content: Content,
    recipients: Vec<Recipient>,
    expected: usize,
}

impl Replay {
    pub(super) fn inputs(&mut self, entry: &[u8]) -> Result<Vec<(Input, Timestamp)>, StoreError> {
        let read: Read = serde_json::from_slice(entry).map_err(|error| damaged(&error.to_string()))?;
        let at = Timestamp::from_millis(read.at);
        match read.entry {
            Entry::Create { delivery, content, recipients } => {
                let content = content.read().ok_or_else(|| damaged("a delivery without valid addresses"))?;
                let delivery = DeliveryId::from_u64(delivery);
                self.making =
                    Some(Making { delivery, content, recipients: Vec::new(), expected: recipients });
            }
            Entry::Recipients { rows } => {
                if let Some(making) = &mut self.making {
                    let read = |row: WireRecipient| Recipient { address: row.address, values: row.values };
                    making.recipients.extend(rows.into_iter().map(read));
                }
            }
            other => return Ok(other.inputs().into_iter().map(|input| (input, at)).collect()),
        }
        let complete = self.making.as_ref().is_some_and(|making| making.recipients.len() >= making.expected);
        let made = if complete { self.making.take() } else { None };
        Ok(made
            .map(|Making { delivery, content, recipients, .. }| {
                (Input::Create(Box::new(NewDelivery { delivery, content, recipients })), at)
            })
            .into_iter()
            .collect())
    }
}

impl WireContent {
    fn read(self) -> Option<Content> {
        Some(Content {
            sender: self.sender.parse::<ReversePath>().ok()?,
            from: EmailAddress::parse(&self.from).ok()?,
            label: self.label,
            campaign: self.campaign,
            validity: self.validity_seconds.map(Duration::from_secs),
            subject: self.subject,
            text: self.text,
            html: self.html,
            fields: self.fields,
        })
    }
}

fn damaged(found: &str) -> StoreError {
    StoreError::Corrupt {
        place: "the campaign's journal".to_owned(),
        found: found.to_owned(),
        expected: "an entry of this program",
    }
}

/// What an event of a webhook means for the core; `None` if the message is not the core's, or a name is unknown.
pub(super) fn feedback(event: &WireEvent) -> Option<Feedback> {
    let data = &event.data;
    let origin = Origin { delivery: data.delivery.clone(), log: data.log.clone(), ..Origin::default() };
    let log = LogKey::from_origin(&origin)?;
    let at = event.at()?;
    let event_id = EventId::from_u64(u64::from_str_radix(data.event_id.strip_prefix("evt_")?, 16).ok()?);
    let failure = || {
        let verdict = data.failure.as_ref()?.verdict()?;
        Some(match (&data.report, &data.attempt) {
            (Some(report), _) => Failure::inbound(&verdict, &report.text),
            (None, Some(attempt)) => {
                let reply = Reply::new(
                    attempt.code,
                    attempt.enhanced.as_deref().and_then(|status| status.parse().ok()),
                    attempt.text.as_str(),
                );
                Failure::from_verdict(&verdict, &reply.to_string())
            }
            (None, None) => Failure::from_verdict(&verdict, ""),
        })
    };
    let kind = match event.kind.as_str() {
        "message.accepted" => FeedbackKind::Accepted,
        "message.deferred" => FeedbackKind::Deferred(failure()?),
        "message.delivered" => FeedbackKind::Delivered,
        "message.bounced" => FeedbackKind::Bounced(failure()?),
        "message.expired" => FeedbackKind::Expired(failure()?),
        "message.asynchronous_bounce" => FeedbackKind::AsynchronousBounce {
            failure: failure()?,
            from_this_mta: data.report.as_ref()?.from_this_mta,
        },
        "message.complained" => FeedbackKind::Complaint {
            failure: failure()?,
            feedback_type: FeedbackType::parse(&data.report.as_ref()?.feedback_type),
        },
        "message.auto_replied" => FeedbackKind::AutoReply(failure()?),
        "message.opened" => FeedbackKind::Opened,
        "message.clicked" => FeedbackKind::Clicked,
        _ => return None,
    };
    Some(Feedback { event_id, log, at, kind })
}
