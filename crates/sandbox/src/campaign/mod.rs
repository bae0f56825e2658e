//! The reference campaign core at work: its state on disk, its mail through lettre, its feedback by webhook.
//!
//! Every input that the core took is appended to a journal before it is answered; at the start the journal is replayed.

pub(crate) mod compose;
mod csv;
mod journal;
mod relay;
pub(crate) mod template;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use emta_campaign::{
    AddressStatus, Campaign, CampaignConfig, CampaignError, Content, DeliveryId, Feedback, Input,
    NewDelivery, Recipient,
};
use emta_mail::{EmailAddress, Timestamp};
use emta_store::{Change, Store, StoreError};
use tokio::sync::oneshot;

use crate::clock::{Clock, Source, Token};
use crate::wire::WireEvent;

pub use csv::{CsvError, read as read_csv};
pub(crate) use relay::RelayPump;

use journal::Entry;

/// Name of the cursor of the core's own webhook.
pub(crate) const CURSOR: &str = "webhook:campaign";
/// Name of the journal in the store.
const JOURNAL: &str = "campaign";
/// Journal entries read at a time.
const PAGE: usize = 1_000;

/// The core, with its journal.
pub(crate) struct CampaignShell {
    core: Mutex<Campaign>,
    store: Store,
    clock: Clock,
    source: Source,
    /// Wakes the relay pump; the token keeps the clock still until it has looked.
    ready: tokio::sync::mpsc::Sender<Token>,
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error(transparent)]
    Refused(#[from] CampaignError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CampaignShell {
    /// Replays the journal.
    pub(crate) fn open(
        config: CampaignConfig,
        store: Store,
        clock: Clock,
    ) -> Result<(Arc<Self>, tokio::sync::mpsc::Receiver<Token>), StoreError> {
        let mut core = Campaign::new(config);
        let mut replay = journal::Replay::default();
        let mut after = 0;
        loop {
            let entries = store.journal_after(JOURNAL, after, PAGE)?;
            let Some(last) = entries.last() else { break };
            after = last.sequence;
            for entry in &entries {
                for (input, at) in replay.inputs(&entry.entry)? {
                    // It was taken before; it can only be refused where a newer program is stricter.
                    if let Err(error) = core.handle(input, at) {
                        tracing::warn!(%error, "an entry of the campaign's journal is refused");
                    }
                }
            }
        }
        let _ = core.handle(Input::Tick, clock.now());
        let source = clock.source("campaign");
        let (ready, pump) = tokio::sync::mpsc::channel(1);
        let _ = ready.try_send(clock.hold("campaign"));
        Ok((Arc::new(Self { core: Mutex::new(core), store, clock, source, ready }), pump))
    }

    /// Reads the state.
    pub(crate) fn with<T>(&self, read: impl FnOnce(&Campaign) -> T) -> T {
        read(&self.lock())
    }

    /// Makes a delivery; its number.
    pub(crate) async fn create(
        &self,
        content: Content,
        recipients: Vec<Recipient>,
    ) -> Result<DeliveryId, CommandError> {
        let store = self.store.clone();
        let reached = tokio::task::spawn_blocking(move || store.last_sequence()).await;
        let reached = reached.unwrap_or(Err(StoreError::Closed))?;
        let (id, done) = {
            let mut core = self.lock();
            let delivery = core.next_delivery_id();
            let now = self.clock.now();
            let entries = journal::created(delivery, &content, &recipients, now);
            // Nobody has read the log as long as there was no delivery, and what is in it cannot be about this one.
            let first = core.deliveries().next().is_none();
            let skip = first.then(|| Change::Cursor { name: CURSOR.to_owned(), sequence: reached });
            core.handle(Input::Create(Box::new(NewDelivery { delivery, content, recipients })), now)?;
            (delivery, self.commit(entries.iter().map(append).chain(skip).collect()))
        };
        self.finish(done).await?;
        Ok(id)
    }

    /// Prepares a delivery. The daily database cleanup (facts 4.4) is made up for first, so that it holds what it would
    /// hold had it run at its hour.
    pub(crate) async fn prepare(&self, id: DeliveryId) -> Result<(), CommandError> {
        self.command(vec![Entry::Cleanup, Entry::Prepare { delivery: id.as_u64() }]).await
    }

    pub(crate) async fn confirm(&self, id: DeliveryId) -> Result<(), CommandError> {
        self.command(vec![Entry::Confirm { delivery: id.as_u64() }]).await
    }

    pub(crate) async fn cancel(&self, id: DeliveryId) -> Result<(), CommandError> {
        self.command(vec![Entry::Cancel { delivery: id.as_u64() }]).await
    }

    pub(crate) async fn set_address(
        &self,
        address: &EmailAddress,
        status: AddressStatus,
    ) -> Result<(), CommandError> {
        let entry = Entry::Address { address: address.to_string(), status: status.name().to_owned() };
        self.command(vec![entry]).await
    }

    /// Takes feedback; how many of the events were about messages of this core.
    pub(crate) async fn feedback(&self, events: Vec<WireEvent>) -> Result<usize, StoreError> {
        let (count, done) = {
            let mut core = self.lock();
            let now = self.clock.now();
            let mut taken = Vec::new();
            for event in events {
                let Some(feedback) = journal::feedback(&event) else { continue };
                if core.handle(Input::Feedback(feedback), now).is_ok() {
                    taken.push(event);
                }
            }
            let count = taken.len();
            (count, (count > 0).then(|| self.append(&[(now, Entry::Feedback { events: taken })])))
        };
        if let Some(done) = done {
            self.finish(done).await?;
        }
        Ok(count)
    }

    /// Takes note of how relaying one message went; the clock waits until it is on disk.
    fn relayed(&self, entry: Entry, token: Token) {
        let mut core = self.lock();
        let now = self.clock.now();
        for input in entry.clone().inputs() {
            if let Err(error) = core.handle(input, now) {
                tracing::warn!(%error, "the campaign core did not expect this message to be relayed");
            }
        }
        self.source.set_deadline(core.deadline());
        let change = append(&(now, entry));
        self.store.commit(
            vec![change],
            Box::new(move |outcome| {
                if let Err(error) = outcome {
                    tracing::error!(%error, "the campaign's journal could not be written");
                }
                drop(token);
            }),
        );
    }

    async fn command(&self, entries: Vec<Entry>) -> Result<(), CommandError> {
        let done = {
            let mut core = self.lock();
            let now = self.clock.now();
            for entry in &entries {
                for input in entry.clone().inputs() {
                    core.handle(input, now)?;
                }
            }
            self.append(&entries.into_iter().map(|entry| (now, entry)).collect::<Vec<_>>())
        };
        self.finish(done).await?;
        Ok(())
    }

    /// Hands entries to the journal; called with the core locked, so that the journal has the order of the core.
    fn append(&self, entries: &[(Timestamp, Entry)]) -> oneshot::Receiver<Result<(), StoreError>> {
        self.commit(entries.iter().map(append).collect())
    }

    fn commit(&self, changes: Vec<Change>) -> oneshot::Receiver<Result<(), StoreError>> {
        let (done, committed) = oneshot::channel();
        self.store.commit(changes, Box::new(move |outcome| drop(done.send(outcome.map(drop)))));
        committed
    }

    async fn finish(&self, done: oneshot::Receiver<Result<(), StoreError>>) -> Result<(), StoreError> {
        // Taken before waiting, so that the clock does not pass over what the command set off.
        let token = self.clock.hold("campaign");
        done.await.unwrap_or(Err(StoreError::Closed))?;
        self.source.set_deadline(self.lock().deadline());
        let _ = self.ready.try_send(token);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Campaign> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn append(entry: &(Timestamp, Entry)) -> Change {
    let (at, entry) = entry;
    Change::Append { journal: JOURNAL.to_owned(), entry: Bytes::from(entry.write(*at)) }
}

/// What a webhook's event means for the campaign core; `None` if the message is not the core's.
pub(crate) fn feedback_of(event: &WireEvent) -> Option<Feedback> {
    journal::feedback(event)
}
