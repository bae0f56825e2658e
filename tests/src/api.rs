//! The HTTP API as a client sees it.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};

/// A client of one system's API.
#[derive(Clone, Debug)]
pub struct Api {
    base: String,
    http: Client,
}

impl Api {
    /// Of the system whose API listens at `address`.
    ///
    /// # Panics
    /// When no client can be made.
    pub fn new(address: SocketAddr) -> Self {
        let http = Client::builder().no_proxy().build().expect("an HTTP client");
        Self { base: format!("http://{address}"), http }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Status and body of a request; `body` is sent as JSON. A body that is not JSON comes back as a string.
    ///
    /// # Panics
    /// When there is no answer.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.base));
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let status = response.status();
        let text = response.text().await.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        (status, value)
    }

    /// The answer to a POST, where the system may end before it has answered: `None` then.
    pub async fn try_call(&self, path: &str, body: &Value) -> Option<Value> {
        let sent = self.http.post(format!("{}{path}", self.base)).json(body).send().await;
        sent.ok()?.json().await.ok()
    }

    /// The answer to a GET.
    ///
    /// # Panics
    /// When the answer is not 2xx.
    pub async fn get(&self, path: &str) -> Value {
        self.expect(Method::GET, path, None).await
    }

    /// The answer to a POST.
    ///
    /// # Panics
    /// When the answer is not 2xx.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.expect(Method::POST, path, Some(&body)).await
    }

    async fn expect(&self, method: Method, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.call(method.clone(), path, body).await;
        assert!(status.is_success(), "{method} {path}: {status} {answer}");
        answer
    }

    /// The text behind a path.
    ///
    /// # Panics
    /// When the answer is not 2xx or not text.
    pub async fn text(&self, path: &str) -> String {
        let response = self.http.get(format!("{}{path}", self.base)).send().await;
        let response = response.and_then(reqwest::Response::error_for_status);
        let response = response.unwrap_or_else(|error| panic!("GET {path}: {error}"));
        response.text().await.unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// Waits until nothing is under way any more, without moving the clock.
    pub async fn settle(&self) {
        self.post("/api/v1/clock/settle", json!({})).await;
    }

    /// Moves the clock on, through everything that is due on the way.
    pub async fn advance(&self, by: &str) -> Value {
        self.post("/api/v1/clock/advance", json!({ "by": by })).await
    }

    /// Moves the clock to a point in time.
    pub async fn advance_to(&self, to: &str) -> Value {
        self.post("/api/v1/clock/to", json!({ "to": to })).await
    }

    /// Virtual time, as RFC 3339.
    pub async fn now(&self) -> String {
        let clock = self.get("/api/v1/clock").await;
        text(&clock, "virtual").to_owned()
    }

    /// All messages, with paging.
    pub async fn messages(&self) -> Vec<Value> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("/api/v1/messages?limit=500{cursor}")).await;
            all.extend(items(&page));
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return all,
            }
        }
    }

    /// The one message to a recipient, with its events.
    ///
    /// # Panics
    /// When there is none, or more than one.
    pub async fn message_to(&self, recipient: &str) -> Value {
        let found: Vec<Value> =
            self.messages().await.into_iter().filter(|message| message["recipient"] == recipient).collect();
        assert_eq!(found.len(), 1, "messages to {recipient}: {found:?}");
        self.get(&format!("/api/v1/messages/{}", text(&found[0], "queue_id"))).await
    }

    /// The one message to a recipient as the providers see it.
    pub async fn raw_message_to(&self, recipient: &str) -> String {
        let message = self.message_to(recipient).await;
        self.text(&format!("/api/v1/messages/{}/raw", text(&message, "queue_id"))).await
    }

    /// All events, in the order of commits.
    pub async fn events(&self) -> Vec<Value> {
        let mut all = Vec::new();
        let mut after = 0;
        loop {
            let page = self.get(&format!("/api/v1/events?limit=2000&after={after}")).await;
            let events = items(&page);
            if events.is_empty() {
                return all;
            }
            all.extend(events);
            after = page["last_sequence"].as_u64().unwrap_or(u64::MAX);
        }
    }

    /// How many messages there are of each status.
    pub async fn statuses(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for message in self.messages().await {
            *counts.entry(text(&message, "status").to_owned()).or_default() += 1;
        }
        counts
    }

    /// Makes, prepares and confirms a delivery to these recipients; its number.
    ///
    /// # Panics
    /// When a step is refused.
    pub async fn send_delivery(&self, recipients: &[&str]) -> u64 {
        let body = json!({
            "label": "story", "from": "news@brand.example", "subject": "News", "text": "Hello.",
            "recipients": recipients,
        });
        let made = self.post("/api/v1/deliveries", body).await;
        let id = made["delivery"].as_u64().unwrap_or_else(|| panic!("no number in {made}"));
        self.post(&format!("/api/v1/deliveries/{id}/prepare"), json!({})).await;
        self.post(&format!("/api/v1/deliveries/{id}/confirm"), json!({})).await;
        id
    }

    /// The delivery log, as the mode in force shows it.
    pub async fn logs(&self, delivery: u64) -> Vec<Value> {
        items(&self.get(&format!("/api/v1/deliveries/{delivery}/logs?limit=10000")).await)
    }
}

/// The text of a field.
///
/// # Panics
/// When it is missing or not a text.
pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no text `{key}` in {value}"))
}

/// The `items` of a list.
///
/// # Panics
/// When there are none.
pub fn items(list: &Value) -> Vec<Value> {
    list["items"].as_array().cloned().unwrap_or_else(|| panic!("no `items` in {list}"))
}

/// Types of events, without `message.`.
pub fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| text(event, "type").trim_start_matches("message.")).collect()
}
