//! What is posted at once, and the place in the log that it reaches.

use bytes::Bytes;
use emta_mail::Timestamp;
use emta_mail::chance::Hasher;
use emta_store::{Change, EventRow, Store, StoreError};
use tokio::sync::oneshot;

use super::{Endpoint, Feed, WireBatch, wire_event};

/// Consecutive events of the log, and the post that tells those of them that the endpoint wants.
pub(super) struct Batch {
    /// The place of the last event; `None` if the log ends before it.
    pub(super) sequence: Option<u64>,
    /// There may be more in the log.
    pub(super) full: bool,
    /// When the first wanted event happened; `None` if none is wanted, and there is nothing to post.
    pub(super) first_at: Option<Timestamp>,
    /// The same events give the same id.
    pub(super) id: String,
    pub(super) body: Bytes,
}

impl Batch {
    /// What follows a place of the log.
    pub(super) fn read(
        store: &Store,
        endpoint: &Endpoint,
        feed: Feed,
        after: u64,
    ) -> Result<Self, StoreError> {
        let limit = endpoint.batch_max.max(1);
        let rows = store.events_after(after, limit)?;
        let wanted: Vec<&EventRow> = rows.iter().filter(|row| endpoint.wants(row, feed)).collect();
        let (id, body) = compose(&wanted, endpoint.batch_max);
        Ok(Self {
            sequence: rows.last().map(|row| row.sequence),
            full: rows.len() >= limit,
            first_at: wanted.first().map(|row| row.event.at),
            id,
            body,
        })
    }
}

/// The id and the body of a post.
fn compose(rows: &[&EventRow], batch_max: usize) -> (String, Bytes) {
    let Some(last) = rows.last() else { return (String::new(), Bytes::new()) };
    let hash = rows.iter().fold(Hasher::new(), |hash, row| hash.u64(row.event.id().as_u64()));
    let mut events: Vec<_> = rows.iter().map(|row| wire_event(row)).collect();
    let body = if batch_max == 1 && events.len() == 1 {
        serde_json::to_vec(&events.remove(0))
    } else {
        let timestamp = last.event.at.to_string();
        serde_json::to_vec(&WireBatch { kind: "batch".to_owned(), timestamp, data: events })
    };
    // Strings, numbers and maps with string keys always serialise.
    (format!("msg_{:016x}", hash.finish()), body.unwrap_or_default().into())
}

/// How far an endpoint's cursor was moved: at most one move is on its way to disk.
#[derive(Default)]
pub(super) struct Moved(Option<oneshot::Receiver<Result<(), StoreError>>>);

impl Moved {
    /// Moves the cursor, when the move before is on disk.
    pub(super) async fn to(&mut self, sequence: u64, name: &str, store: &Store) -> Result<(), StoreError> {
        self.settle().await?;
        let (done, committed) = oneshot::channel();
        let change = Change::Cursor { name: name.to_owned(), sequence };
        store.commit(vec![change], Box::new(move |outcome| drop(done.send(outcome.map(drop)))));
        self.0 = Some(committed);
        Ok(())
    }

    /// Waits until the last move is on disk.
    pub(super) async fn settle(&mut self) -> Result<(), StoreError> {
        match self.0.take() {
            Some(committed) => committed.await.unwrap_or(Err(StoreError::Closed)),
            None => Ok(()),
        }
    }
}
