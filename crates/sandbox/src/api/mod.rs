//! The HTTP API: JSON over HTTP/1.1, errors as RFC 9457 problem details.
//!
//! A request that changes something holds the clock while it is served; advancing the clock does not.

mod campaign;
mod clock;
mod extract;
mod mailbox;
mod messages;
mod page;
mod problem;
mod rules;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{AUTHORIZATION, HOST, HeaderValue, ORIGIN};
use axum::http::{HeaderMap, Method};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use emta_store::{Store, StoreError};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::system::Shared;
use problem::Problem;

/// Largest body of a request, in octets: a delivery's list of recipients.
const MAX_BODY: usize = 512 << 20;
/// Rows that a list returns where the request does not say.
const DEFAULT_LIMIT: usize = 100;

type Api = State<Arc<Shared>>;

/// Serves the API until `stop`.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, stop: CancellationToken) {
    let app = router(shared);
    let ended = stop.clone().cancelled_owned();
    let server = axum::serve(listener, app).with_graceful_shutdown(ended);
    // A request that waits for the clock does not keep the program alive.
    let late = async {
        stop.cancelled().await;
        crate::clock::wall::sleep(std::time::Duration::from_secs(2)).await;
    };
    tokio::select! {
        outcome = server => if let Err(error) = outcome {
            tracing::error!(%error, "the HTTP API ended");
        },
        () = late => {}
    }
}

fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(index))
        .route("/livez", get(health))
        .route("/api/v1/health", get(health))
        .route("/api/v1/clock", get(clock::status))
        .route("/api/v1/clock/advance", post(clock::advance))
        .route("/api/v1/clock/to", post(clock::to))
        .route("/api/v1/clock/step", post(clock::step))
        .route("/api/v1/clock/settle", post(clock::settle))
        .route("/api/v1/clock/mode", put(clock::set_mode))
        .route("/api/v1/messages", get(messages::list))
        .route("/api/v1/messages/{id}", get(messages::show))
        .route("/api/v1/messages/{id}/raw", get(messages::raw))
        .route("/api/v1/queue", get(messages::queue))
        .route("/api/v1/events", get(messages::events))
        .route("/api/v1/events/export", get(messages::export))
        .route("/api/v1/providers", get(messages::providers))
        .route("/api/v1/deliveries", get(campaign::list).post(campaign::create))
        .route("/api/v1/deliveries/{id}", get(campaign::show))
        .route("/api/v1/deliveries/{id}/prepare", post(campaign::prepare))
        .route("/api/v1/deliveries/{id}/confirm", post(campaign::confirm))
        .route("/api/v1/deliveries/{id}/cancel", post(campaign::cancel))
        .route("/api/v1/deliveries/{id}/logs", get(campaign::logs))
        .route("/api/v1/deliveries/{id}/kpis", get(campaign::kpis))
        .route("/api/v1/deliveries/{id}/compute-stats", post(campaign::compute_stats))
        .route("/api/v1/addresses", get(campaign::addresses))
        .route("/api/v1/addresses/{address}", get(campaign::address).put(campaign::set_address))
        .route("/api/v1/bounces", get(mailbox::list))
        .route("/api/v1/bounces/{id}", get(mailbox::show))
        .route("/api/v1/bounces/{id}/raw", get(mailbox::raw))
        .route("/api/v1/qualification", get(mailbox::qualification))
        .route("/api/v1/qualification/{digest}", put(mailbox::edit))
        .route("/api/v1/rules/{name}", get(rules::show).put(rules::replace))
        .route("/campaign/feedback", post(campaign::feedback))
        .fallback(|| async { Problem::not_found("there is nothing here; see `/` for what there is") })
        .layer(middleware::from_fn_with_state(shared.clone(), guard))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(shared)
}

/// Checks the token, keeps web pages of others out, and stamps answers with virtual time.
async fn guard(State(shared): Api, request: Request, next: Next) -> Response {
    if let Err(problem) = admit(&shared, request.method(), request.headers()) {
        return problem.into_response();
    }
    // Feedback has its token from the pusher, reading changes nothing, and moving the clock must not hold it.
    let path = request.uri().path();
    let holds = request.method() != Method::GET && !path.starts_with("/api/v1/clock");
    let token = holds.then(|| shared.clock.hold("API call"));
    let mut response = next.run(request).await;
    drop(token);
    if let Ok(now) = HeaderValue::from_str(&shared.clock.now().to_string()) {
        response.headers_mut().insert("emta-virtual-time", now);
    }
    response
}

fn admit(shared: &Shared, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if let Some(token) = &shared.config.token {
        let given = text(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        if given != Some(token) {
            return Err(Problem::unauthorized(
                "this API wants `Authorization: Bearer` with the configured token",
            ));
        }
        return Ok(());
    }
    // Without a token only programs of this machine may ask: a name that resolves here by somebody else's DNS is a web
    // page's way in, and so is a request that another site's page sends.
    let host = text(HOST).unwrap_or("127.0.0.1");
    if !is_local(host) {
        return Err(Problem::forbidden("this API answers to `127.0.0.1` and `localhost` only"));
    }
    if method != Method::GET
        && let Some(origin) = text(ORIGIN)
        && !is_local(origin.split("://").nth(1).unwrap_or(""))
    {
        return Err(Problem::forbidden("requests from the pages of other sites are refused"));
    }
    Ok(())
}

fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

async fn index() -> Json<Value> {
    Json(json!({
        "name": "emta",
        "version": env!("CARGO_PKG_VERSION"),
        "api": [
            "/api/v1/health", "/api/v1/clock", "/api/v1/messages", "/api/v1/queue", "/api/v1/events",
            "/api/v1/providers", "/api/v1/deliveries", "/api/v1/addresses", "/api/v1/bounces",
            "/api/v1/qualification", "/api/v1/rules/mta", "/api/v1/rules/inbound-email",
        ],
    }))
}

async fn health(State(shared): Api) -> Json<Value> {
    let addresses = &shared.addresses;
    Json(json!({
        "status": "ok",
        "version": env!("CARGO_PKG_VERSION"),
        "virtual_time": shared.clock.now().to_string(),
        "clock": shared.clock.mode().to_string(),
        "mode": shared.config.campaign.core.mode.name(),
        "listen": {
            "smtp": addresses.smtp.to_string(),
            "http": addresses.http.to_string(),
            "pop3": addresses.pop3.to_string(),
            "bounce_smtp": addresses.bounce_smtp.to_string(),
        },
    }))
}

/// Asks the store away from the threads that serve connections.
async fn stored<T: Send + 'static>(
    shared: &Shared,
    work: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
) -> Result<T, Problem> {
    let store = shared.store.clone();
    let done = tokio::task::spawn_blocking(move || work(&store)).await;
    Ok(done.unwrap_or(Err(StoreError::Closed))?)
}
