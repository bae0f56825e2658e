//! The reference campaign core: deliveries, delivery logs, KPIs, addresses, and the webhook that feeds it.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use emta_campaign::{
    AddressRecord, AddressStatus, Campaign, Content, Delivery, DeliveryId, Kpis, LogRow, Mode, Recipient,
};
use emta_mail::{EmailAddress, ReversePath, duration};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Api, DEFAULT_LIMIT, Problem, extract, stored};
use crate::campaign::{feedback_of, read_csv};
use crate::clock::wall;
use crate::feedback::{WireBatch, verify, wire_event};
use crate::system::Shared;
use crate::wire::WireEvent;

/// Addresses that one list returns at most.
const MAX_ADDRESSES: usize = 10_000;
/// Events read at a time when statistics are computed.
const PAGE: usize = 5_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateBody {
    label: String,
    campaign: Option<String>,
    validity: Option<String>,
    sender: Option<String>,
    from: Option<String>,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    text: String,
    html: Option<String>,
    /// Recipients as CSV with a header line.
    recipients_csv: Option<String>,
    /// Recipients as addresses.
    recipients: Option<Vec<String>>,
}

/// Makes a delivery.
pub(super) async fn create(
    State(shared): Api,
    extract::Json(body): extract::Json<CreateBody>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let bad = |what: &str, error: &dyn std::fmt::Display| Problem::bad_request(format!("{what}: {error}"));
    let (fields, recipients) = match (body.recipients_csv, body.recipients) {
        (Some(csv), None) => read_csv(csv.as_bytes()).map_err(|error| bad("recipients_csv", &error))?,
        (None, Some(addresses)) => {
            let one = |address| Recipient { address, values: Vec::new() };
            (Vec::new(), addresses.into_iter().map(one).collect())
        }
        _ => return Err(Problem::bad_request("expected either `recipients_csv` or `recipients`")),
    };
    let default_sender = shared.config.campaign.sender.as_str();
    let sender = body.sender.as_deref().unwrap_or(default_sender);
    let sender: ReversePath = sender.parse().map_err(|error| bad("sender", &error))?;
    let from =
        body.from.as_deref().or_else(|| sender.address().map(EmailAddress::as_str)).unwrap_or(default_sender);
    let from = EmailAddress::parse(from).map_err(|error| bad("from", &error))?;
    let validity = body.validity.as_deref().map(duration::parse).transpose();
    let content = Content {
        label: body.label,
        campaign: body.campaign,
        validity: validity.map_err(|error| bad("validity", &error))?,
        sender,
        from,
        subject: body.subject,
        text: body.text,
        html: body.html,
        fields,
    };
    let id = shared.campaign.create(content, recipients).await?;
    Ok((StatusCode::CREATED, Json(delivery_by_id(&shared, id)?)))
}

pub(super) async fn list(State(shared): Api) -> Json<Value> {
    let items: Vec<Value> = shared
        .campaign
        .with(|core| core.deliveries().map(|delivery| delivery_json(core, delivery)).collect());
    Json(json!({ "items": items }))
}

pub(super) async fn show(
    State(shared): Api,
    extract::Path(id): extract::Path<u64>,
) -> Result<Json<Value>, Problem> {
    delivery_by_id(&shared, DeliveryId::from_u64(id)).map(Json)
}

fn delivery_by_id(shared: &Shared, id: DeliveryId) -> Result<Value, Problem> {
    shared
        .campaign
        .with(|core| core.delivery(id).map(|delivery| delivery_json(core, delivery)))
        .ok_or_else(|| Problem::not_found(format!("there is no delivery `{id}`")))
}

fn delivery_json(core: &Campaign, delivery: &Delivery) -> Value {
    let mode = core.config().mode;
    let content = delivery.content();
    json!({
        "delivery": delivery.id().as_u64(),
        "label": content.label,
        "campaign": content.campaign,
        "state": delivery.state().name(),
        "state_label": delivery.state().label(),
        "state_code": delivery.state().code(),
        "recipients": delivery.recipients(),
        "validity": duration::format(content.effective_validity()),
        "prepared_at": delivery.prepared_at().map(|at| at.to_string()),
        "started_at": delivery.started_at().map(|at| at.to_string()),
        "ends_at": delivery.ends_at().map(|at| at.to_string()),
        "mode": mode.name(),
        "kpis": core.kpis(delivery.id(), mode).map(|kpis| kpis_json(&kpis)),
    })
}

pub(super) async fn prepare(
    State(shared): Api,
    extract::Path(id): extract::Path<u64>,
) -> Result<Json<Value>, Problem> {
    let id = DeliveryId::from_u64(id);
    shared.campaign.prepare(id).await?;
    delivery_by_id(&shared, id).map(Json)
}

pub(super) async fn confirm(
    State(shared): Api,
    extract::Path(id): extract::Path<u64>,
) -> Result<Json<Value>, Problem> {
    let id = DeliveryId::from_u64(id);
    shared.campaign.confirm(id).await?;
    delivery_by_id(&shared, id).map(Json)
}

pub(super) async fn cancel(
    State(shared): Api,
    extract::Path(id): extract::Path<u64>,
) -> Result<Json<Value>, Problem> {
    let id = DeliveryId::from_u64(id);
    shared.campaign.cancel(id).await?;
    delivery_by_id(&shared, id).map(Json)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogsQuery {
    mode: Option<String>,
    #[serde(default)]
    after: u64,
    limit: Option<usize>,
}

fn mode(shared: &Shared, name: Option<&str>) -> Result<Mode, Problem> {
    match name {
        None => Ok(shared.config.campaign.core.mode),
        Some(name) => Mode::from_name(name).ok_or_else(|| {
            let known = Mode::ALL.map(Mode::name).join("`, `");
            Problem::bad_request(format!("`{name}` is not a mode; expected one of `{known}`"))
        }),
    }
}

/// The delivery log, in the order of its entries.
pub(super) async fn logs(
    State(shared): Api,
    extract::Path(id): extract::Path<u64>,
    extract::Query(query): extract::Query<LogsQuery>,
) -> Result<Json<Value>, Problem> {
    let mode = mode(&shared, query.mode.as_deref())?;
    let limit = query.limit.unwrap_or(DEFAULT_LIMIT);
    let id = DeliveryId::from_u64(id);
    shared
        .campaign
        .with(|core| {
            let delivery = core.delivery(id)?;
            let items: Vec<Value> =
                delivery.logs(mode, query.after).take(limit).map(|row| log_json(&row)).collect();
            let next = (items.len() >= limit).then(|| items.last().map(|row| row["log"].clone())).flatten();
            Some(Json(json!({ "mode": mode.name(), "items": items, "next_after": next })))
        })
        .ok_or_else(|| Problem::not_found(format!("there is no delivery `{id}`")))
}

fn log_json(row: &LogRow<'_>) -> Value {
    json!({
        "log": row.key.log,
        "address": row.address,
        "status": row.status.name(),
        "status_label": row.status.label(),
        "status_code": row.status.code(),
        "type": row.failure_type.name(),
        "reason": row.reason.name(),
        "text": row.text,
        "rule": row.rule,
        "date": row.date.to_string(),
        "opened": row.marks.opened,
        "clicked": row.marks.clicked,
        "complained": row.marks.complained,
        "auto_replied": row.marks.auto_replied,
    })
}

/// KPIs of a delivery in the three modes.
pub(super) async fn kpis(
    State(shared): Api,
    extract::Path(id): extract::Path<u64>,
) -> Result<Json<Value>, Problem> {
    let id = DeliveryId::from_u64(id);
    shared
        .campaign
        .with(|core| {
            core.delivery(id)?;
            let of = |mode: Mode| (mode.name(), core.kpis(id, mode).map(|kpis| kpis_json(&kpis)));
            Some(Json(json!(Mode::ALL.map(of).into_iter().collect::<BTreeMap<_, _>>())))
        })
        .ok_or_else(|| Problem::not_found(format!("there is no delivery `{id}`")))
}

fn kpis_json(kpis: &Kpis) -> Value {
    let by_name = |counts: &BTreeMap<emta_mail::FailureReason, u64>| -> BTreeMap<&'static str, u64> {
        counts.iter().map(|(reason, count)| (reason.name(), *count)).collect()
    };
    json!({
        "targeted": kpis.targeted,
        "excluded": by_name(&kpis.excluded),
        "to_deliver": kpis.to_deliver,
        "processed": kpis.processed(),
        "processed_percent": kpis.processed_percent(),
        "relayed": kpis.relayed,
        "pending": kpis.pending,
        "taken_into_account": kpis.taken_into_account,
        "delivered": kpis.delivered,
        "delivered_percent": kpis.delivered_percent(),
        "bounces": kpis.bounces,
        "bounces_percent": kpis.bounces_percent(),
        "canceled": kpis.canceled,
        "by_type": {
            "hard": kpis.hard,
            "soft": kpis.soft,
            "ignored": kpis.ignored,
            "not_defined": kpis.not_defined,
        },
        "by_reason": by_name(&kpis.by_reason),
        "complaints": kpis.complaints,
        "opt_outs": kpis.opt_outs,
        "auto_replies": kpis.auto_replies,
        "opens": kpis.opens,
        "clicks": kpis.clicks,
        "new_quarantine": kpis.new_quarantine,
    })
}

/// "Compute stats": the KPIs folded afresh from the event log.
pub(super) async fn compute_stats(
    State(shared): Api,
    extract::Path(id): extract::Path<u64>,
) -> Result<Json<Value>, Problem> {
    let id = DeliveryId::from_u64(id);
    let number = id.to_string();
    let reports = stored(&shared, move |store| {
        let mut reports = Vec::new();
        let mut after = 0;
        loop {
            let rows = store.events_after(after, PAGE)?;
            let Some(last) = rows.last() else { return Ok(reports) };
            after = last.sequence;
            let ours = rows.iter().filter(|row| row.message.origin.delivery.as_deref() == Some(&number));
            reports.extend(ours.filter_map(|row| feedback_of(&wire_event(row))));
        }
    })
    .await?;
    shared
        .campaign
        .with(|core| {
            let of = |mode: Mode| {
                let kpis = core.compute_stats(id, mode, reports.iter().cloned());
                (mode.name(), kpis.map(|kpis| kpis_json(&kpis)))
            };
            core.delivery(id)?;
            Some(Json(json!(Mode::ALL.map(of).into_iter().collect::<BTreeMap<_, _>>())))
        })
        .ok_or_else(|| Problem::not_found(format!("there is no delivery `{id}`")))
}

/// All addresses that something was ever wrong with.
pub(super) async fn addresses(State(shared): Api) -> Json<Value> {
    let (items, total) = shared.campaign.with(|core| {
        let all = core.addresses().iter();
        let total = core.addresses().iter().count();
        let shown: Vec<Value> =
            all.take(MAX_ADDRESSES).map(|(address, record)| address_json(address, record)).collect();
        (shown, total)
    });
    Json(json!({ "items": items, "total": total }))
}

fn address_json(address: &EmailAddress, record: &AddressRecord) -> Value {
    json!({
        "address": address.as_str(),
        "status": record.status.name(),
        "status_label": record.status.label(),
        "errors": record.errors,
        "reason": record.reason.name(),
        "text": record.text,
        "created": record.created.to_string(),
        "modified": record.modified.to_string(),
        "last_error": record.last_error.map(|at| at.to_string()),
    })
}

fn parse_address(text: &str) -> Result<EmailAddress, Problem> {
    EmailAddress::parse(text).map_err(|error| Problem::bad_request(error.to_string()))
}

pub(super) async fn address(
    State(shared): Api,
    extract::Path(text): extract::Path<String>,
) -> Result<Json<Value>, Problem> {
    let address = parse_address(&text)?;
    shared
        .campaign
        .with(|core| core.addresses().get(&address).map(|record| Json(address_json(&address, record))))
        .ok_or_else(|| Problem::not_found(format!("nothing is known of `{address}`")))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AddressBody {
    status: String,
}

pub(super) async fn set_address(
    State(shared): Api,
    extract::Path(text): extract::Path<String>,
    extract::Json(body): extract::Json<AddressBody>,
) -> Result<Json<Value>, Problem> {
    let address = parse_address(&text)?;
    let status = AddressStatus::from_name(&body.status).ok_or_else(|| {
        let known = AddressStatus::ALL.map(AddressStatus::name).join("`, `");
        Problem::bad_request(format!("`{}` is not a status; expected one of `{known}`", body.status))
    })?;
    shared.campaign.set_address(&address, status).await?;
    shared
        .campaign
        .with(|core| core.addresses().get(&address).map(|record| Json(address_json(&address, record))))
        .ok_or_else(|| Problem::not_found(format!("nothing is known of `{address}`")))
}

/// The webhook of the campaign core. Events of messages that are not its own are acknowledged and left out.
pub(super) async fn feedback(
    State(shared): Api,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let timestamp = text("webhook-timestamp").parse().unwrap_or(0);
    let signature = text("webhook-signature");
    let id = text("webhook-id");
    if !verify(&shared.campaign_key, id, timestamp, &body, signature, wall::unix_seconds()) {
        return Err(Problem::unauthorized("the signature is not that of this program's own feedback"));
    }
    let wrong = |error: serde_json::Error| Problem::bad_request(format!("not a batch of events: {error}"));
    let batch: WireBatch = serde_json::from_slice(&body).map_err(wrong)?;
    let events: Vec<WireEvent> = batch.data;
    let received = events.len();
    let taken = shared.campaign.feedback(events).await?;
    Ok(Json(json!({ "received": received, "taken": taken })))
}
