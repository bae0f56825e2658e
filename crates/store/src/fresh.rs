//! Fresh messages in memory, so that a first attempt asks neither the database nor the disk.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use emta_mail::QueueId;

use crate::message::StoredMessage;

/// What a message costs beside the octets of its body, roughly; so that those with empty bodies are limited too.
const MESSAGE: usize = 1_024;

/// The newest messages that nothing has happened to, up to a number of octets; the oldest goes first.
pub(crate) struct Fresh {
    limit: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    messages: HashMap<QueueId, StoredMessage>,
    /// Their ids from the oldest to the newest, among those of messages that are gone.
    order: VecDeque<QueueId>,
    octets: usize,
}

impl Fresh {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, held: Mutex::new(Held::default()) }
    }

    /// Holds messages that were just committed; not those that are larger than the limit.
    pub(crate) fn put(&self, messages: impl IntoIterator<Item = StoredMessage>) {
        let mut held = self.held();
        for message in messages {
            let id = message.message.id;
            held.octets += size(&message);
            held.order.push_back(id);
            held.messages.insert(id, message);
        }
        while held.octets > self.limit {
            let Some(oldest) = held.order.pop_front() else { break };
            held.forget(oldest);
        }
    }

    pub(crate) fn get(&self, id: QueueId) -> Option<StoredMessage> {
        self.held().messages.get(&id).cloned()
    }

    /// Forgets messages that something has happened to: the database knows better.
    pub(crate) fn forget(&self, ids: impl IntoIterator<Item = QueueId>) {
        let mut held = self.held();
        for id in ids {
            held.forget(id);
        }
        if held.order.len() > 2 * held.messages.len() + 1_024 {
            let Held { messages, order, .. } = &mut *held;
            order.retain(|id| messages.contains_key(id));
        }
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn forget(&mut self, id: QueueId) {
        if let Some(message) = self.messages.remove(&id) {
            self.octets -= size(&message);
        }
    }
}

fn size(message: &StoredMessage) -> usize {
    MESSAGE + message.body.len()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::message::{MessageRow, NewMessage};

    fn message(id: u64, length: usize) -> StoredMessage {
        let body = Bytes::from(vec![b'x'; length]);
        StoredMessage { message: MessageRow::accepted(NewMessage::sample(id), QueueId::from_u64(id)), body }
    }

    fn held(fresh: &Fresh) -> Vec<u64> {
        (0..9).filter(|id| fresh.get(QueueId::from_u64(*id)).is_some()).collect()
    }

    #[test]
    fn holds_up_to_the_limit_and_drops_the_oldest() {
        let fresh = Fresh::new(2 * MESSAGE + 8);
        fresh.put([message(0, 4), message(1, 4)]);
        assert_eq!(held(&fresh), [0, 1]);
        fresh.put([message(2, 1)]);
        assert_eq!(held(&fresh), [1, 2]);
        fresh.forget([QueueId::from_u64(1)]);
        fresh.put([message(3, 7)]);
        assert_eq!(held(&fresh), [2, 3]);
        fresh.put([message(4, 2 * MESSAGE + 9)]);
        assert_eq!(held(&fresh), Vec::<u64>::new());
    }

    #[test]
    fn what_is_gone_takes_no_room() {
        let fresh = Fresh::new(1 << 20);
        for id in 0..10_000 {
            fresh.put([message(id, 1)]);
            fresh.forget([QueueId::from_u64(id)]);
        }
        let held = fresh.held();
        assert_eq!((held.octets, held.messages.len()), (0, 0));
        assert!(held.order.len() <= 1_024);
    }
}
