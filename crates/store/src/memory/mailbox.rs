//! The bounce mailbox in memory.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use bytes::Bytes;

use crate::inbound::{InboundCounts, InboundCursor, InboundId, InboundRow, NewInbound};

/// All mails that came back.
#[derive(Default)]
pub(super) struct Mailbox {
    mails: HashMap<InboundId, (InboundRow, Bytes)>,
    /// Those that were not deleted.
    visible: BTreeSet<InboundCursor>,
}

impl Mailbox {
    /// Keeps a mail, unless it is there already; says whether it was new.
    pub(super) fn insert(&mut self, new: NewInbound) -> bool {
        if self.mails.contains_key(&new.id) {
            return false;
        }
        let row = InboundRow {
            id: new.id,
            received_at: new.received_at,
            size: new.raw.len() as u64,
            kind: new.kind,
            message_id: new.message_id,
            subject: new.subject,
            deleted: false,
            results: new.results,
        };
        self.visible.insert(row.cursor());
        self.mails.insert(new.id, (row, new.raw));
        true
    }

    pub(super) fn delete(&mut self, id: InboundId) {
        if let Some((row, _)) = self.mails.get_mut(&id) {
            row.deleted = true;
            self.visible.remove(&row.cursor());
        }
    }

    pub(super) fn list(&self, after: Option<InboundCursor>, limit: usize) -> Vec<InboundRow> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let places = self.visible.range((from, Bound::Unbounded)).take(limit);
        places.filter_map(|place| self.get(place.id)).collect()
    }

    pub(super) fn get(&self, id: InboundId) -> Option<InboundRow> {
        self.mails.get(&id).map(|(row, _)| row.clone())
    }

    pub(super) fn raw(&self, id: InboundId) -> Option<Bytes> {
        self.mails.get(&id).map(|(_, raw)| raw.clone())
    }

    pub(super) fn counts(&self) -> InboundCounts {
        let sizes = self.visible.iter().filter_map(|place| self.mails.get(&place.id));
        InboundCounts {
            kept: self.mails.len() as u64,
            mailbox: self.visible.len() as u64,
            mailbox_octets: sizes.map(|(row, _)| row.size).sum(),
        }
    }
}
