//! The qualification table with its rows on disk.

use std::collections::BTreeSet;

use bytes::Bytes;
use emta_mail::{FailureReason, FailureType, Timestamp};
use emta_qualify::{
    Decision, Edit, MessageDigest, Qualification as QualificationStatus, QualificationTable, Row, RowOutcome,
};
use emta_store::{Change, Store, StoreError};
use serde::{Deserialize, Serialize};

/// Where the rows are among the store's small values.
const NAMESPACE: &str = "qualification";
/// Rows read at a time.
const PAGE: usize = 1_000;

/// The table, and which of its rows are not yet on disk as they are.
pub(crate) struct Qualification {
    table: QualificationTable,
    changed: BTreeSet<MessageDigest>,
}

/// A row as it is stored and shown.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct WireRow {
    /// MD5 digest of the normalised text, 32 hexadecimal digits.
    digest: String,
    /// Normalised text.
    text: String,
    /// Failure type.
    #[serde(rename = "type")]
    failure_type: String,
    /// Failure reason.
    reason: String,
    /// `to_qualify`, `keep` or `ignore`.
    status: String,
    /// Who decided that.
    decision: String,
    /// Occurrences; stops at 100,000.
    count: u32,
    /// First text as it came.
    first_text: String,
    /// Address that the first text spoke of.
    first_address: String,
    /// When it came first.
    created: String,
    /// When it came last.
    last_seen: String,
    /// When it came or was edited last.
    modified: String,
}

impl Qualification {
    /// Reads the table back.
    pub(crate) fn load(store: &Store) -> Result<Self, StoreError> {
        let mut table = QualificationTable::new();
        let mut after: Option<String> = None;
        loop {
            let page = store.values(NAMESPACE, after.as_deref(), PAGE)?;
            for (key, value) in &page {
                match serde_json::from_slice::<WireRow>(value).ok().and_then(WireRow::row) {
                    Some(row) => table.restore(row),
                    None => {
                        tracing::warn!(
                            key,
                            "a row of the qualification table cannot be read and is left out"
                        );
                    }
                }
            }
            match page.into_iter().next_back() {
                Some((key, _)) => after = Some(key),
                None => break,
            }
        }
        Ok(Self { table, changed: BTreeSet::new() })
    }

    /// Counts a text; see [`QualificationTable::record`].
    pub(crate) fn record(
        &mut self,
        text: &str,
        verdict: Option<(FailureType, FailureReason)>,
        address: &str,
        at: Timestamp,
    ) -> RowOutcome {
        let outcome = self.table.record(text, verdict, address, at);
        self.changed.insert(outcome.digest);
        outcome
    }

    /// Changes a row by an operator's hand; `None` if there is none.
    pub(crate) fn edit(&mut self, digest: MessageDigest, edit: Edit, at: Timestamp) -> Option<WireRow> {
        let row = WireRow::new(self.table.edit(digest, edit, at)?);
        self.changed.insert(digest);
        Some(row)
    }

    /// What must be written to keep what has changed. Hand it to the store before the table is let go, so that an older
    /// state of a row is never written after a newer one.
    pub(crate) fn take_changes(&mut self) -> impl Iterator<Item = Change> {
        std::mem::take(&mut self.changed).into_iter().map(|digest| self.put(digest))
    }

    /// All rows.
    pub(crate) fn rows(&self) -> Vec<WireRow> {
        self.table.rows().map(WireRow::new).collect()
    }

    fn put(&self, digest: MessageDigest) -> Change {
        let row = self.table.get(digest).map(WireRow::new);
        let value = serde_json::to_vec(&row).unwrap_or_default();
        Change::Put { namespace: NAMESPACE.to_owned(), key: digest.to_string(), value: Bytes::from(value) }
    }
}

impl WireRow {
    fn new(row: &Row) -> Self {
        Self {
            digest: row.digest.to_string(),
            text: row.text.clone(),
            failure_type: row.failure_type.name().to_owned(),
            reason: row.reason.name().to_owned(),
            status: row.status.name().to_owned(),
            decision: row.decision.name().to_owned(),
            count: row.count,
            first_text: row.first_text.clone(),
            first_address: row.first_address.clone(),
            created: row.created.to_string(),
            last_seen: row.last_seen.to_string(),
            modified: row.modified.to_string(),
        }
    }

    fn row(self) -> Option<Row> {
        Some(Row {
            digest: self.digest.parse().ok()?,
            failure_type: FailureType::from_name(&self.failure_type)?,
            reason: FailureReason::from_name(&self.reason)?,
            status: QualificationStatus::from_name(&self.status)?,
            decision: Decision::from_name(&self.decision)?,
            count: self.count,
            created: self.created.parse().ok()?,
            last_seen: self.last_seen.parse().ok()?,
            modified: self.modified.parse().ok()?,
            text: self.text,
            first_text: self.first_text,
            first_address: self.first_address,
        })
    }
}
