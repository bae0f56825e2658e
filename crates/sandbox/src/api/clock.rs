//! Control of the clock.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use emta_mail::{Timestamp, duration};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Api, Problem, extract};
use crate::clock::{Advanced, Clock, ClockMode};

/// Largest number of steps of one request.
const MAX_STEPS: u64 = 1_000_000;

pub(super) async fn status(State(shared): Api) -> Json<Value> {
    Json(describe(&shared.clock))
}

fn describe(clock: &Clock) -> Value {
    let status = clock.status();
    json!({
        "virtual": status.now.to_string(),
        "wall": crate::clock::wall::now().to_string(),
        "mode": status.mode.to_string(),
        "advancing": status.advancing,
        "next_due": status.next_due.map(|(due, who)| json!({ "at": due.to_string(), "for": who })),
        "held_by": status.holders.iter().map(|(who, count)| (*who, *count)).collect::<std::collections::BTreeMap<_, _>>(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AdvanceBody {
    by: Option<String>,
    to: Option<String>,
}

/// `{"by": "84h"}`, or `{"to": "2026-01-08T21:00:00Z"}`.
pub(super) async fn advance(
    State(shared): Api,
    extract::Json(body): extract::Json<AdvanceBody>,
) -> Result<Json<Value>, Problem> {
    match (body.by, body.to) {
        (Some(by), None) => {
            let span: Duration =
                duration::parse(&by).map_err(|error| Problem::bad_request(error.to_string()))?;
            Ok(advanced(shared.clock.advance(span).await?))
        }
        (None, Some(to)) => go(&shared.clock, &to).await,
        _ => Err(Problem::bad_request(
            "expected either `by`, such as `84h`, or `to`, such as `2026-01-05T09:00:00Z`",
        )),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToBody {
    to: String,
}

pub(super) async fn to(
    State(shared): Api,
    extract::Json(body): extract::Json<ToBody>,
) -> Result<Json<Value>, Problem> {
    go(&shared.clock, &body.to).await
}

async fn go(clock: &Clock, to: &str) -> Result<Json<Value>, Problem> {
    let instant = Timestamp::parse_rfc3339(to).map_err(|error| Problem::bad_request(error.to_string()))?;
    Ok(advanced(clock.advance_to(instant).await?))
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepBody {
    count: Option<u64>,
}

pub(super) async fn step(State(shared): Api, body: axum::body::Bytes) -> Result<Json<Value>, Problem> {
    // Without a body it is one step.
    let body = if body.is_empty() {
        StepBody::default()
    } else {
        serde_json::from_slice(&body).map_err(|error| Problem::bad_request(error.to_string()))?
    };
    let count = body.count.unwrap_or(1);
    if !(1..=MAX_STEPS).contains(&count) {
        return Err(Problem::bad_request(format!("`{count}` steps; expected 1 to {MAX_STEPS}")));
    }
    Ok(advanced(shared.clock.step(count).await?))
}

/// Returns when nothing is under way any more, without moving the clock.
pub(super) async fn settle(State(shared): Api) -> Result<Json<Value>, Problem> {
    Ok(advanced(shared.clock.settle().await?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModeBody {
    mode: String,
}

pub(super) async fn set_mode(
    State(shared): Api,
    extract::Json(body): extract::Json<ModeBody>,
) -> Result<Json<Value>, Problem> {
    let mode: ClockMode = body
        .mode
        .parse()
        .map_err(|error: crate::clock::ClockModeError| Problem::bad_request(error.to_string()))?;
    shared.clock.set_mode(mode);
    Ok(Json(describe(&shared.clock)))
}

fn advanced(advanced: Advanced) -> Json<Value> {
    Json(json!({
        "from": advanced.from.to_string(),
        "to": advanced.to.to_string(),
        "instants": advanced.instants,
        "due_next": advanced.next_due.map(|due| due.to_string()),
        "settled": true,
    }))
}
