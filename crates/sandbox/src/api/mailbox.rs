//! The bounce mailbox and the Delivery log qualification table.

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use emta_mail::{FailureReason, FailureType};
use emta_qualify::{Edit, MessageDigest, Qualification};
use emta_store::{InboundCursor, InboundId, InboundRow};
use serde::Deserialize;
use serde_json::{Value, json};

use super::page::Page;
use super::{Api, Problem, extract, stored};

/// Mails of the bounce mailbox, oldest first.
pub(super) async fn list(
    State(shared): Api,
    extract::Query(page): extract::Query<Page>,
) -> Result<Json<Value>, Problem> {
    let after = match page.after()? {
        None => None,
        Some((received_at, id)) => Some(InboundCursor { received_at, id: inbound_id(id)? }),
    };
    let limit = page.limit();
    let (rows, counts) =
        stored(&shared, move |store| Ok((store.mailbox(after, limit)?, store.inbound_counts()?))).await?;
    let next = page.next(rows.len(), rows.last().map(|row| (row.received_at, row.id.to_string())));
    let items: Vec<Value> = rows.iter().map(mail).collect();
    Ok(Json(json!({ "items": items, "next_cursor": next, "kept": counts.kept, "mailbox": counts.mailbox })))
}

fn inbound_id(text: &str) -> Result<InboundId, Problem> {
    let number = u64::from_str_radix(text, 16);
    number.map(InboundId::from_u64).map_err(|_| {
        Problem::bad_request(format!("`{text}` is not the id of a mail; expected 16 hexadecimal digits"))
    })
}

fn mail(row: &InboundRow) -> Value {
    let results: Vec<Value> = row
        .results
        .iter()
        .map(|result| {
            json!({
                "queue_id": result.matched.map(|(id, _)| id.to_string()),
                "matched_by": result.matched.map(|(_, how)| how.name()),
                "recipient": result.recipient,
                "status": result.status.map(|status| status.to_string()),
                "text": result.text,
                "type": result.failure_type.name(),
                "reason": result.reason.name(),
                "rule": result.rule,
            })
        })
        .collect();
    json!({
        "id": row.id.to_string(),
        "received_at": row.received_at.to_string(),
        "size": row.size,
        "kind": row.kind,
        "message_id": row.message_id,
        "subject": row.subject,
        "deleted": row.deleted,
        "results": results,
    })
}

pub(super) async fn show(
    State(shared): Api,
    extract::Path(text): extract::Path<String>,
) -> Result<Json<Value>, Problem> {
    let id = inbound_id(&text)?;
    let row = stored(&shared, move |store| store.inbound(id)).await?;
    row.map(|row| Json(mail(&row))).ok_or_else(|| Problem::not_found(format!("there is no mail `{id}`")))
}

pub(super) async fn raw(
    State(shared): Api,
    extract::Path(text): extract::Path<String>,
) -> Result<Response, Problem> {
    let id = inbound_id(&text)?;
    let raw = stored(&shared, move |store| store.inbound_raw(id)).await?;
    let raw = raw.ok_or_else(|| Problem::not_found(format!("there is no mail `{id}`")))?;
    Ok(([(CONTENT_TYPE, "message/rfc822")], raw).into_response())
}

/// The qualification table.
pub(super) async fn qualification(State(shared): Api) -> Json<Value> {
    let rows = shared.table.lock().unwrap_or_else(std::sync::PoisonError::into_inner).rows();
    Json(json!({ "items": rows }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EditBody {
    #[serde(rename = "type")]
    failure_type: Option<String>,
    reason: Option<String>,
    status: Option<String>,
}

/// Edits a row; it holds from the next mail on.
pub(super) async fn edit(
    State(shared): Api,
    extract::Path(digest): extract::Path<String>,
    extract::Json(body): extract::Json<EditBody>,
) -> Result<Json<Value>, Problem> {
    let digest: MessageDigest = digest
        .parse()
        .map_err(|error: emta_qualify::MessageDigestError| Problem::bad_request(error.to_string()))?;
    let edit = Edit {
        failure_type: named(body.failure_type.as_deref(), "a type", FailureType::from_name)?,
        reason: named(body.reason.as_deref(), "a reason", FailureReason::from_name)?,
        status: named(body.status.as_deref(), "a status", Qualification::from_name)?,
    };
    let (row, changes) = {
        let mut table = shared.table.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let row = table.edit(digest, edit, shared.clock.now());
        (row, table.take_changes().collect())
    };
    let Some(row) = row else { return Err(Problem::not_found(format!("there is no row `{digest}`"))) };
    stored(&shared, move |store| store.commit_wait(changes)).await?;
    Ok(Json(json!(row)))
}

fn named<T>(name: Option<&str>, what: &str, read: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Problem> {
    name.map(|name| read(name).ok_or_else(|| Problem::bad_request(format!("`{name}` is not {what}"))))
        .transpose()
}
