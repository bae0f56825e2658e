//! Messages that were just accepted, with their bodies: the first attempt needs no look at the disk.
//!
//! What does not fit is read from the spool when its turn comes, as for every later attempt.

use std::collections::HashMap;

use emta_mail::QueueId;
use emta_store::StoredMessage;

/// Most octets of bodies that are kept for first attempts. A body that several recipients share counts for each.
const MAX_OCTETS: usize = 64 * 1024 * 1024;
/// What a message counts beside its body, in octets.
const OVERHEAD: usize = 1_024;

/// The messages by id.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    messages: HashMap<QueueId, Box<StoredMessage>>,
    octets: usize,
}

impl Fresh {
    /// Keeps a message, if there is room.
    pub(super) fn keep(&mut self, message: StoredMessage) {
        let size = size(&message);
        if self.octets + size > MAX_OCTETS {
            return;
        }
        if self.messages.insert(message.message.id, Box::new(message)).is_none() {
            self.octets += size;
        }
    }

    /// Takes a message for its first attempt.
    pub(super) fn take(&mut self, id: QueueId) -> Option<Box<StoredMessage>> {
        let message = self.messages.remove(&id)?;
        self.octets -= size(&message);
        if self.messages.is_empty() {
            // After a burst that waited for its turn.
            self.messages.shrink_to(1_024);
        }
        Some(message)
    }
}

fn size(message: &StoredMessage) -> usize {
    message.body.len() + OVERHEAD
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use emta_mail::{EmailAddress, Envelope, Origin, ReversePath, Timestamp};
    use emta_store::{MessageIdHeader, MessageRow, NewMessage};

    fn message(id: u64, size: usize) -> StoredMessage {
        let id = QueueId::from_u64(id);
        let at = Timestamp::from_seconds(0);
        let new = NewMessage {
            candidate: id,
            envelope: Envelope::new(ReversePath::Null, EmailAddress::parse("ann@gmail.test").unwrap()),
            origin: Origin::default(),
            header_message_id: MessageIdHeader::Present("a@b.example".to_owned()),
            add_date: false,
            received_from: String::new(),
            accepted_at: at,
            expires_at: at,
            size: size as u64,
        };
        StoredMessage { message: MessageRow::accepted(&new, id), body: Bytes::from(vec![b'x'; size]) }
    }

    #[test]
    fn keeps_what_fits_and_gives_it_once() {
        let mut fresh = Fresh::default();
        let half = MAX_OCTETS / 2 - OVERHEAD;
        fresh.keep(message(1, half));
        fresh.keep(message(2, half));
        fresh.keep(message(3, 0));
        assert!(fresh.take(QueueId::from_u64(3)).is_none(), "full to the last octet");
        assert_eq!(fresh.take(QueueId::from_u64(1)).unwrap().body.len(), half);
        assert!(fresh.take(QueueId::from_u64(1)).is_none());
        fresh.keep(message(3, 0));
        assert!(fresh.take(QueueId::from_u64(3)).is_some());
        assert!(fresh.take(QueueId::from_u64(2)).is_some());
        assert_eq!(fresh.octets, 0);
    }
}
