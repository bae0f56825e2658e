//! Cursors, small values and journals in memory.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;

use bytes::Bytes;

use crate::change::JournalEntry;

/// The small state of other parts.
#[derive(Default)]
pub(super) struct Small {
    cursors: HashMap<String, u64>,
    values: HashMap<String, BTreeMap<String, Bytes>>,
    journals: HashMap<String, Vec<Bytes>>,
}

impl Small {
    pub(super) fn set_cursor(&mut self, name: String, sequence: u64) {
        self.cursors.insert(name, sequence);
    }

    pub(super) fn cursor(&self, name: &str) -> u64 {
        self.cursors.get(name).copied().unwrap_or(0)
    }

    pub(super) fn put(&mut self, namespace: String, key: String, value: Bytes) {
        self.values.entry(namespace).or_default().insert(key, value);
    }

    pub(super) fn remove(&mut self, namespace: &str, key: &str) {
        if let Some(values) = self.values.get_mut(namespace) {
            values.remove(key);
        }
    }

    pub(super) fn value(&self, namespace: &str, key: &str) -> Option<Bytes> {
        self.values.get(namespace)?.get(key).cloned()
    }

    pub(super) fn values(&self, namespace: &str, after: Option<&str>, limit: usize) -> Vec<(String, Bytes)> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let Some(values) = self.values.get(namespace) else { return Vec::new() };
        let rows = values.range::<str, _>((from, Bound::Unbounded)).take(limit);
        rows.map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// Appends an entry and returns its sequence number.
    pub(super) fn append(&mut self, journal: String, entry: Bytes) -> u64 {
        let entries = self.journals.entry(journal).or_default();
        entries.push(entry);
        entries.len() as u64
    }

    pub(super) fn journal_after(&self, journal: &str, sequence: u64, limit: usize) -> Vec<JournalEntry> {
        let from = usize::try_from(sequence).unwrap_or(usize::MAX);
        let entries = self.journals.get(journal).map_or(&[][..], Vec::as_slice);
        let entries = entries.iter().enumerate().skip(from).take(limit);
        entries.map(|(n, entry)| JournalEntry { sequence: n as u64 + 1, entry: entry.clone() }).collect()
    }
}
