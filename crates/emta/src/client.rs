//! The HTTP API, from the side of its users.

use std::future::Future;
use std::time::Duration;

use clap::Args;
use emta_sandbox::clock::wall;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde_json::Value;

use crate::exit::Exit;
use crate::output::{Format, OutputArgs};

/// How long a server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Rows asked for at a time.
const PAGE: usize = 1_000;

/// Which server to talk to.
#[derive(Args)]
pub(crate) struct ServerArgs {
    /// The server's HTTP API.
    #[arg(
        long,
        env = "EMTA_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8025",
        global = true,
        help_heading = "Server"
    )]
    server: String,
    /// Bearer token of the HTTP API.
    #[arg(
        long,
        env = "EMTA_TOKEN",
        value_name = "SECRET",
        hide_env_values = true,
        global = true,
        help_heading = "Server"
    )]
    token: Option<String>,
}

impl ServerArgs {
    /// A client for it; nothing is sent yet.
    pub(crate) fn client(&self) -> Result<Client, RequestError> {
        Client::new(&self.server, self.token.clone())
    }
}

/// What all commands share that ask a server and print its answer.
#[derive(Args)]
pub(crate) struct ApiArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

impl ApiArgs {
    /// A client for the server; nothing is sent yet.
    pub(crate) fn client(&self) -> Result<Client, RequestError> {
        self.server.client()
    }

    /// How to print.
    pub(crate) fn format(&self) -> Format {
        self.output.format
    }
}

/// Why a request was not answered as it should be.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// The address of the server is not one.
    #[error("`{server}` is not the address of a server; expected a URL such as `http://127.0.0.1:8025`")]
    Url {
        /// What was given.
        server: String,
    },
    /// Nobody answers.
    #[error(
        "no server answers at `{server}`: {cause}\n\
         hint: start one with `emta up`, or name another with `--server` or `EMTA_URL`"
    )]
    Unreachable {
        /// Where.
        server: String,
        /// Why not.
        cause: String,
    },
    /// The answer did not come in time.
    #[error("`{server}` has not answered in time")]
    TimedOut {
        /// Where.
        server: String,
    },
    /// The server says no, and why.
    #[error("{detail}")]
    Refused {
        /// HTTP status.
        status: StatusCode,
        /// Its words.
        detail: String,
    },
    /// What answers is not this API.
    #[error("`{server}` answers with {found}; expected JSON of an emta server")]
    Answer {
        /// Where.
        server: String,
        /// What came.
        found: String,
    },
}

impl RequestError {
    /// With which code the program ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Url { .. } => Exit::Usage,
            Self::Unreachable { .. } | Self::Answer { .. } => Exit::Environment,
            Self::TimedOut { .. } => Exit::TimedOut,
            Self::Refused { status, .. } => match *status {
                StatusCode::BAD_REQUEST => Exit::Usage,
                StatusCode::NOT_FOUND | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => {
                    Exit::Findings
                }
                StatusCode::SERVICE_UNAVAILABLE => Exit::TimedOut,
                _ => Exit::Environment,
            },
        }
    }
}

/// A client of one server.
pub(crate) struct Client {
    http: reqwest::Client,
    /// As the user wrote it, for errors.
    server: String,
    base: Url,
    token: Option<String>,
}

impl Client {
    /// A client for the server at this address.
    pub(crate) fn new(server: &str, token: Option<String>) -> Result<Self, RequestError> {
        let wrong = || RequestError::Url { server: server.to_owned() };
        let base: Url = server.parse().map_err(|_| wrong())?;
        if base.scheme() != "http" || base.cannot_be_a_base() {
            return Err(wrong());
        }
        let http = reqwest::Client::builder().no_proxy().connect_timeout(CONNECT_TIMEOUT).build();
        let http = http.map_err(|error| unreachable(server, &error))?;
        Ok(Self { http, base, token, server: server.to_owned() })
    }

    /// Reads; `path` is what follows `/api/v1`, a segment each.
    pub(crate) async fn get(&self, path: &[&str]) -> Result<Value, RequestError> {
        self.query(path, &[]).await
    }

    /// Reads with a query.
    pub(crate) async fn query(&self, path: &[&str], query: &[(&str, String)]) -> Result<Value, RequestError> {
        self.json(self.request(Method::GET, path).query(query)).await
    }

    /// Asks for something to be done.
    pub(crate) async fn post(&self, path: &[&str], body: &Value) -> Result<Value, RequestError> {
        self.json(self.request(Method::POST, path).json(body)).await
    }

    /// As [`Self::post`], for at most `limit`.
    pub(crate) async fn post_within(
        &self,
        path: &[&str],
        body: &Value,
        limit: Duration,
    ) -> Result<Value, RequestError> {
        self.json(self.request(Method::POST, path).json(body).timeout(limit)).await
    }

    /// Sets something.
    pub(crate) async fn put(&self, path: &[&str], body: &Value) -> Result<Value, RequestError> {
        self.json(self.request(Method::PUT, path).json(body)).await
    }

    /// Reads what is not JSON; the answer is read piece by piece with [`Self::chunk`].
    pub(crate) async fn raw(&self, path: &[&str]) -> Result<Response, RequestError> {
        self.send(self.request(Method::GET, path)).await
    }

    /// The next piece of an answer.
    pub(crate) async fn chunk(
        &self,
        response: &mut Response,
    ) -> Result<Option<impl AsRef<[u8]>>, RequestError> {
        response.chunk().await.map_err(|error| self.failed(&error))
    }

    /// The first `limit` items of a list that is told page by page: the answer's `next` leads to the next
    /// page as the parameter `parameter`.
    pub(crate) async fn items(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        (next, parameter): (&str, &str),
        limit: usize,
    ) -> Result<Vec<Value>, RequestError> {
        let mut items = Vec::new();
        let mut from: Option<String> = None;
        while items.len() < limit {
            let mut query = query.to_vec();
            query.push(("limit", PAGE.min(limit - items.len()).to_string()));
            query.extend(from.take().map(|from| (parameter, from)));
            let mut page = self.query(path, &query).await?;
            items.extend(take_items(&mut page));
            from = match page.get(next) {
                Some(Value::String(next)) => Some(next.clone()),
                Some(Value::Number(next)) => Some(next.to_string()),
                _ => break,
            };
        }
        Ok(items)
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        // Only URLs that can be a base are taken by the constructor.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        let request = self.http.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    async fn json(&self, request: RequestBuilder) -> Result<Value, RequestError> {
        let response = self.send(request).await?;
        let body = response.bytes().await.map_err(|error| self.failed(&error))?;
        serde_json::from_slice(&body).map_err(|_| RequestError::Answer {
            server: self.server.clone(),
            found: "something else".to_owned(),
        })
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, RequestError> {
        let response = request.send().await.map_err(|error| self.failed(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = response.bytes().await.map_err(|error| self.failed(&error))?;
        let problem = serde_json::from_slice::<Value>(&body).ok();
        let detail = problem.as_ref().and_then(|problem| problem.get("detail")?.as_str());
        match detail {
            Some(detail) => Err(RequestError::Refused { status, detail: detail.to_owned() }),
            // The framework's own words about a body that is not what it expects.
            None if status.is_client_error() && !body.is_empty() => {
                Err(RequestError::Refused { status, detail: String::from_utf8_lossy(&body).into_owned() })
            }
            None => Err(RequestError::Answer {
                server: self.server.clone(),
                found: format!("HTTP status {status}"),
            }),
        }
    }

    fn failed(&self, error: &reqwest::Error) -> RequestError {
        if error.is_timeout() && !error.is_connect() {
            RequestError::TimedOut { server: self.server.clone() }
        } else {
            unreachable(&self.server, error)
        }
    }
}

/// What the network said at the bottom of the error; what the libraries in between add tells users nothing.
fn unreachable(server: &str, error: &reqwest::Error) -> RequestError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    RequestError::Unreachable { server: server.to_owned(), cause: cause.to_string() }
}

/// The `items` of an answer.
pub(crate) fn take_items(answer: &mut Value) -> Vec<Value> {
    match answer.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

/// Runs a command that talks to a server; Ctrl-C ends it.
pub(crate) fn run(work: impl Future<Output = anyhow::Result<Exit>>) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            outcome = work => outcome,
            _ = tokio::signal::ctrl_c() => Ok(Exit::Interrupted),
        }
    })
}

/// Waits for real time to pass, between two questions to a server.
pub(crate) async fn pause(span: Duration) {
    // It is the time-out that is waited for.
    wall::sleep(span).await;
}
