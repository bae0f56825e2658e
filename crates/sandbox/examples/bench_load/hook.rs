//! Takes webhooks and counts their events.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::post;
use emta_sandbox::clock::wall::{self, Stopwatch};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{Failure, end_of_input};

#[derive(Default)]
struct Counts {
    posts: u64,
    events: u64,
    /// Since the first post, and how long it was to the last.
    watch: Option<Stopwatch>,
    span: Duration,
}

struct Hook {
    counts: Mutex<Counts>,
    delay: Duration,
}

pub(crate) async fn run(delay_ms: u64) -> Result<(), Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", json!({ "url": format!("http://{}/", listener.local_addr()?) }));
    let hook = Arc::new(Hook { counts: Mutex::default(), delay: Duration::from_millis(delay_ms) });
    let app = Router::new()
        .route("/", post(take))
        .layer(DefaultBodyLimit::max(64 * 1024 * 1024))
        .with_state(hook.clone());
    tokio::select! {
        failed = axum::serve(listener, app) => failed?,
        () = end_of_input() => {}
    }
    let counts = hook.counts.lock().unwrap_or_else(PoisonError::into_inner);
    let seconds = counts.span.as_secs_f64();
    println!("{}", json!({ "posts": counts.posts, "events": counts.events, "seconds": seconds }));
    Ok(())
}

async fn take(State(hook): State<Arc<Hook>>, body: Bytes) -> StatusCode {
    let events = body.windows(EVENT.len()).filter(|window| *window == EVENT).count() as u64;
    {
        let mut counts = hook.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.posts += 1;
        counts.events += events;
        let watch = *counts.watch.get_or_insert_with(Stopwatch::start);
        counts.span = watch.elapsed();
    }
    if !hook.delay.is_zero() {
        wall::sleep(hook.delay).await;
    }
    StatusCode::NO_CONTENT
}

/// Stands once in every event.
const EVENT: &[u8] = b"\"event_id\"";
