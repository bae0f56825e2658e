//! Pages of a list: how many rows, and where the next page begins.

use emta_mail::Timestamp;
use serde::Deserialize;

use super::{DEFAULT_LIMIT, Problem};

/// The part of a list's query that says which page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    /// Most rows.
    pub(super) limit: Option<usize>,
    /// `next_cursor` of the page before.
    pub(super) cursor: Option<String>,
}

impl Page {
    /// Most rows of the page.
    pub(super) fn limit(&self) -> usize {
        self.limit.unwrap_or(DEFAULT_LIMIT).max(1)
    }

    /// The instant and the id after which the page begins, as [`Page::next`] wrote them.
    pub(super) fn after(&self) -> Result<Option<(Timestamp, &str)>, Problem> {
        let Some(text) = &self.cursor else { return Ok(None) };
        let read = text.split_once('_').and_then(|(millis, id)| Some((millis.parse().ok()?, id)));
        let wrong = || format!("`{text}` is not a cursor; expected `next_cursor` of the page before");
        let (millis, id) = read.ok_or_else(|| Problem::bad_request(wrong()))?;
        Ok(Some((Timestamp::from_millis(millis), id)))
    }

    /// The cursor of the next page, if this one is full; `last` is the place of its last row.
    pub(super) fn next(&self, rows: usize, last: Option<(Timestamp, String)>) -> Option<String> {
        let (at, id) = last.filter(|_| rows >= self.limit())?;
        Some(format!("{}_{id}", at.as_millis()))
    }
}
