//! What the MTA knows: messages, queue, events, providers.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use emta_mail::QueueId;
use emta_queue::Load;
use emta_store::{MessageCursor, MessageFilter, MessageRow, MessageStatus, QueueState};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::page::Page;
use super::{Api, DEFAULT_LIMIT, Problem, extract, stored};
use crate::feedback::wire_event;
use crate::system::Shared;
use crate::wire::WireAttempt;

/// Events of one message that are shown with it.
const MAX_EVENTS: usize = 10_000;
/// Events that an export reads at a time.
const EXPORT_PAGE: usize = 2_000;
/// Messages that are due next, shown with the queue.
const UPCOMING: usize = 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    message_id: Option<String>,
    recipient: Option<String>,
    log: Option<String>,
    delivery: Option<String>,
    status: Option<String>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// Messages, newest first.
pub(super) async fn list(
    State(shared): Api,
    extract::Query(query): extract::Query<ListQuery>,
) -> Result<Json<Value>, Problem> {
    let status = match &query.status {
        None => None,
        Some(name) => Some(MessageStatus::from_name(name).ok_or_else(|| {
            let known = MessageStatus::ALL.map(MessageStatus::name).join("`, `");
            Problem::bad_request(format!("`{name}` is not a status; expected one of `{known}`"))
        })?),
    };
    let filter = MessageFilter {
        message_id: query.message_id,
        recipient: query.recipient,
        log: query.log,
        delivery: query.delivery,
        status,
    };
    let page = Page { limit: query.limit, cursor: query.cursor };
    let after = match page.after()? {
        None => None,
        Some((accepted_at, id)) => Some(MessageCursor { accepted_at, id: parse_id(id)? }),
    };
    let limit = page.limit();
    let rows = stored(&shared, move |store| store.messages(&filter, after, limit)).await?;
    let next = page.next(rows.len(), rows.last().map(|row| (row.accepted_at, row.id.to_string())));
    let items: Vec<Value> = rows.iter().map(message).collect();
    Ok(Json(json!({ "items": items, "next_cursor": next })))
}

fn message(row: &MessageRow) -> Value {
    let next_attempt = match row.state {
        QueueState::Waiting { due } => Some(due.to_string()),
        QueueState::Finished { .. } => None,
    };
    json!({
        "queue_id": row.id.to_string(),
        "message_id": row.message_id,
        "sender": row.envelope.sender.as_str(),
        "recipient": row.envelope.recipient.as_str(),
        "status": row.status.name(),
        "campaign": row.origin.campaign,
        "delivery": row.origin.delivery,
        "log": row.origin.log,
        "metadata": row.origin.metadata,
        "size": row.size,
        "accepted_at": row.accepted_at.to_string(),
        "expires_at": row.expires_at.to_string(),
        "attempts": row.attempts,
        "next_attempt": next_attempt,
        "last_attempt": row.last_attempt.as_ref().map(WireAttempt::from),
    })
}

fn parse_id(text: &str) -> Result<QueueId, Problem> {
    text.parse().map_err(|error: emta_mail::message::QueueIdError| Problem::bad_request(error.to_string()))
}

/// One message with its story.
pub(super) async fn show(
    State(shared): Api,
    extract::Path(text): extract::Path<String>,
) -> Result<Json<Value>, Problem> {
    let id = parse_id(&text)?;
    let found =
        stored(&shared, move |store| Ok((store.message(id)?, store.events_of(id, MAX_EVENTS)?))).await?;
    let (Some(row), events) = found else {
        return Err(Problem::not_found(format!("there is no message `{id}`")));
    };
    let mut shown = message(&row);
    shown["events"] = events.iter().map(|row| json!(wire_event(row))).collect();
    Ok(Json(shown))
}

/// The message as it is sent to providers.
pub(super) async fn raw(
    State(shared): Api,
    extract::Path(text): extract::Path<String>,
) -> Result<Response, Problem> {
    let id = parse_id(&text)?;
    let found = stored(&shared, move |store| store.body(id)).await?;
    let found =
        found.ok_or_else(|| Problem::not_found(format!("the content of message `{id}` is not kept")))?;
    let content = crate::mta::content_as_sent(&found, shared.config.hostname.as_str()).concat();
    Ok(([(CONTENT_TYPE, "message/rfc822")], content).into_response())
}

/// What is queued.
pub(super) async fn queue(State(shared): Api) -> Result<Json<Value>, Problem> {
    let (summary, upcoming) =
        shared.mta.queue(UPCOMING).await.ok_or_else(|| Problem::unavailable("the program is ending"))?;
    let lanes: BTreeMap<_, _> = summary
        .lanes
        .iter()
        .map(|(domain, lane)| {
            let mut shown = load(&lane.load);
            shown["provider"] = json!(&*lane.provider);
            shown["throttled_until"] = json!(lane.throttled_until.map(|until| until.to_string()));
            (domain.to_string(), shown)
        })
        .collect();
    let providers: BTreeMap<_, _> =
        summary.providers.iter().map(|(name, sum)| (name.to_string(), load(sum))).collect();
    let upcoming: Vec<_> = upcoming
        .iter()
        .map(|queued| {
            json!({
                "queue_id": queued.id.to_string(),
                "domain": queued.domain.as_str(),
                "due": queued.due.to_string(),
                "attempts": queued.attempts,
                "expires_at": queued.expires_at.to_string(),
            })
        })
        .collect();
    let total = load(&summary.total);
    Ok(Json(json!({ "total": total, "providers": providers, "domains": lanes, "upcoming": upcoming })))
}

fn load(load: &Load) -> Value {
    json!({
        "ready": load.ready,
        "scheduled": load.scheduled,
        "in_flight": load.in_flight,
        "oldest_accepted_at": load.oldest_accepted_at.map(|at| at.to_string()),
        "next_due": load.next_due.map(|at| at.to_string()),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsQuery {
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

/// Events in the order of commits, for those who follow the log.
pub(super) async fn events(
    State(shared): Api,
    extract::Query(query): extract::Query<EventsQuery>,
) -> Result<Json<Value>, Problem> {
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let rows = stored(&shared, move |store| store.events_after(query.after, limit)).await?;
    let last = rows.last().map_or(query.after, |row| row.sequence);
    let items: Vec<Value> = rows
        .iter()
        .map(|row| {
            let mut event = json!(wire_event(row));
            event["sequence"] = json!(row.sequence);
            event
        })
        .collect();
    Ok(Json(json!({ "items": items, "last_sequence": last })))
}

/// The whole log as NDJSON, in the order in which the story is told: the same for every run of the same story.
pub(super) async fn export(State(shared): Api) -> Response {
    let (lines, stream) = mpsc::channel(4);
    let shared: Arc<Shared> = shared;
    let store = shared.store.clone();
    tokio::task::spawn_blocking(move || {
        let mut after = None;
        loop {
            let rows = match store.events_ordered(after, EXPORT_PAGE) {
                Ok(rows) => rows,
                Err(error) => {
                    let _ = lines.blocking_send(Err(std::io::Error::other(error)));
                    return;
                }
            };
            let Some(last) = rows.last() else { return };
            after = Some(last.event.order());
            let mut page = Vec::new();
            for row in &rows {
                // Strings, numbers and maps with string keys always serialise.
                let _ = serde_json::to_writer(&mut page, &wire_event(row));
                page.push(b'\n');
            }
            if lines.blocking_send(Ok(page)).is_err() {
                return;
            }
        }
    });
    let body = Body::from_stream(PageStream(stream));
    ([(CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

struct PageStream(mpsc::Receiver<std::io::Result<Vec<u8>>>);

impl futures_core::Stream for PageStream {
    type Item = std::io::Result<Vec<u8>>;
    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

/// The simulated mailbox providers.
pub(super) async fn providers(State(shared): Api) -> Json<Value> {
    let network = &shared.network;
    let items: Vec<Value> = network.with_providers(|providers| {
        providers
            .specs()
            .map(|spec| {
                let domains: Vec<_> = spec.domains.iter().map(ToString::to_string).collect();
                let outcomes: Vec<_> = spec
                    .outcomes
                    .iter()
                    .map(|outcome| json!({ "name": outcome.name, "weight": outcome.weight }))
                    .collect();
                json!({ "name": spec.name, "domains": domains, "outcomes": outcomes })
            })
            .collect()
    });
    let doors: Vec<Value> = network.with_providers(|providers| {
        providers
            .doors()
            .iter()
            .map(|door| json!({ "host": door.host, "address": network.address_of(door.id).map(|a| a.to_string()) }))
            .collect()
    });
    Json(json!({ "items": items, "mx": doors }))
}
