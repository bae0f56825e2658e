//! Somebody else's webhook.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

/// What was posted to a [`Receiver`].
#[derive(Clone, Debug)]
pub struct Post {
    /// The header.
    pub headers: HeaderMap,
    /// The body, octet by octet.
    pub body: Bytes,
}

impl Post {
    /// The events in it, one or a batch.
    ///
    /// # Panics
    /// When the body is not JSON.
    pub fn events(&self) -> Vec<Value> {
        let body: Value = serde_json::from_slice(&self.body).expect("a body of JSON");
        match &body["data"] {
            Value::Array(events) => events.clone(),
            _ => vec![body],
        }
    }

    /// The value of a header field.
    ///
    /// # Panics
    /// When it is missing.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_else(|| panic!("no {name} in {:?}", self.headers))
    }
}

type Posts = Arc<Mutex<(StatusCode, Vec<Post>)>>;

/// A webhook with a port of its own: down until [`Receiver::open`].
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    /// Bound but not listening, so that connections are refused and nobody else gets the port.
    closed: Option<TcpSocket>,
    posts: Posts,
    tasks: JoinSet<()>,
}

impl Receiver {
    /// A webhook that is down.
    ///
    /// # Panics
    /// When there is no free port.
    pub fn down() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
        let address = socket.local_addr().expect("an address");
        let posts = Arc::new(Mutex::new((StatusCode::OK, Vec::new())));
        Self { address, closed: Some(socket), posts, tasks: JoinSet::new() }
    }

    /// A webhook that takes everything.
    pub fn up() -> Self {
        let mut receiver = Self::down();
        receiver.open();
        receiver
    }

    /// From now on connections are taken. Does nothing if they already are.
    ///
    /// # Panics
    /// When the machine refuses.
    pub fn open(&mut self) {
        let Some(socket) = self.closed.take() else { return };
        let listener = socket.listen(128).expect("a listener");
        let app = Router::new().route("/hooks", post(take)).with_state(self.posts.clone());
        self.tasks.spawn(async move { drop(axum::serve(listener, app).await) });
    }

    /// What posts are answered with from now on. Those that get no 2xx are kept as well.
    pub fn answer(&self, status: StatusCode) {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner).0 = status;
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}/hooks", self.address)
    }

    /// What came so far.
    pub fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }

    /// The events that came so far, in the order in which they came.
    pub fn events(&self) -> Vec<Value> {
        self.posts().iter().flat_map(Post::events).collect()
    }
}

async fn take(State(posts): State<Posts>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let mut posts = posts.lock().unwrap_or_else(PoisonError::into_inner);
    posts.1.push(Post { headers, body });
    posts.0
}
