//! The bounce mailbox as POP3 sees it.

use bytes::Bytes;
use emta_store::{Change, InboundId, Store, StoreError};

use crate::pop3::{Item, Maildrop, MaildropError};

/// Mails read at a time.
const PAGE: usize = 1_000;

/// The mails that came back and were not deleted.
pub(crate) struct BounceMaildrop(pub(crate) Store);

impl Maildrop for BounceMaildrop {
    async fn list(&self, limit: usize) -> Result<Vec<Item>, MaildropError> {
        let store = self.0.clone();
        blocking(move || {
            let mut items = Vec::new();
            let mut after = None;
            while items.len() < limit {
                let rows = store.mailbox(after, PAGE.min(limit - items.len()))?;
                let Some(last) = rows.last() else { break };
                after = Some(last.cursor());
                items.extend(rows.iter().map(|row| Item { uid: row.id.to_string(), size: row.size }));
            }
            Ok(items)
        })
        .await
    }

    async fn content(&self, uid: &str) -> Result<Option<Bytes>, MaildropError> {
        let Some(id) = id(uid) else { return Ok(None) };
        let store = self.0.clone();
        blocking(move || store.inbound_raw(id)).await
    }

    async fn delete(&self, uids: Vec<String>) -> Result<(), MaildropError> {
        let store = self.0.clone();
        let changes: Vec<_> = uids.iter().filter_map(|uid| id(uid)).map(Change::Delete).collect();
        blocking(move || store.commit_wait(changes).map(drop)).await
    }
}

fn id(uid: &str) -> Option<InboundId> {
    u64::from_str_radix(uid, 16).ok().map(InboundId::from_u64)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, MaildropError> {
    let done = tokio::task::spawn_blocking(work).await.unwrap_or(Err(StoreError::Closed));
    done.map_err(|error| MaildropError(error.to_string()))
}
