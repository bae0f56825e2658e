//! The rule sets in force: to read, and to replace while the system runs.

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::{Api, Problem, extract};
use crate::config::TextFile;
use crate::live_rules::LiveRules;
use crate::system::Shared;

fn named<'a>(shared: &'a Shared, name: &str) -> Result<&'a LiveRules, Problem> {
    match name {
        "mta" => Ok(&shared.mta_rules),
        "inbound-email" => Ok(&shared.inbound_rules),
        _ => {
            Err(Problem::not_found(format!("there are no rules `{name}`; expected `mta` or `inbound-email`")))
        }
    }
}

/// The file in force, as YAML.
pub(super) async fn show(
    State(shared): Api,
    extract::Path(name): extract::Path<String>,
) -> Result<Response, Problem> {
    let file = named(&shared, &name)?.file();
    Ok(([(CONTENT_TYPE, "application/yaml")], file.text).into_response())
}

/// Replaces the rules by those of the body (YAML). Rules that are wrong change nothing.
pub(super) async fn replace(
    State(shared): Api,
    extract::Path(name): extract::Path<String>,
    text: String,
) -> Result<Json<Value>, Problem> {
    let rules = named(&shared, &name)?;
    let file = TextFile { name: format!("(API) {name}"), text };
    let count = rules.replace(file).map_err(|error| Problem::bad_request(error.to_string()))?;
    Ok(Json(json!({ "rules": count })))
}
