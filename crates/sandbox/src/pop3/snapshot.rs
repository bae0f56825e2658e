//! The mailbox of a session: as it was at login, and what is marked for deletion.

use super::Item;

/// The mailbox as it was at login, and what is marked for deletion.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    entries: Vec<Entry>,
}

/// One mail of it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) item: Item,
    pub(super) deleted: bool,
}

impl Snapshot {
    pub(super) fn new(items: Vec<Item>) -> Self {
        Self { entries: items.into_iter().map(|item| Entry { item, deleted: false }).collect() }
    }

    /// The mail of this number (from 1), unless it is deleted.
    pub(super) fn find(&mut self, number: usize) -> Option<&mut Entry> {
        self.entries.get_mut(number.checked_sub(1)?).filter(|entry| !entry.deleted)
    }

    /// Takes all marks away.
    pub(super) fn unmark(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.deleted = false);
    }

    /// The names of what is to be deleted.
    pub(super) fn into_deleted(self) -> Vec<String> {
        let deleted = self.entries.into_iter().filter(|entry| entry.deleted);
        deleted.map(|entry| entry.item.uid).collect()
    }

    fn live(&self) -> impl Iterator<Item = (usize, &Item)> {
        let numbered = self.entries.iter().enumerate();
        numbered.filter(|(_, entry)| !entry.deleted).map(|(index, entry)| (index + 1, &entry.item))
    }

    /// Number and size of what is not deleted.
    pub(super) fn totals(&self) -> (usize, u64) {
        self.live().fold((0, 0), |(count, size), (_, item)| (count + 1, size.saturating_add(item.size)))
    }

    pub(super) fn listing(&mut self, number: Option<usize>, show: impl Fn(&Item) -> String) -> String {
        let Some(number) = number else {
            let lines: Vec<String> =
                self.live().map(|(number, item)| format!("{number} {}\r\n", show(item))).collect();
            return format!("+OK\r\n{}.\r\n", lines.concat());
        };
        match self.find(number) {
            Some(entry) => format!("+OK {number} {}\r\n", show(&entry.item)),
            None => no_such(number),
        }
    }
}

pub(super) fn no_such(number: usize) -> String {
    format!("-ERR there is no message {number}\r\n")
}
