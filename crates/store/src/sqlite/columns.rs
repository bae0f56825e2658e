//! Reading typed values out of columns.
//!
//! The database is a file that anybody can edit, so what does not parse is an error that names the column, never a panic
//! and never a silent default.

use std::str::FromStr;

use bytes::Bytes;
use emta_mail::{EnhancedStatus, QueueId, Timestamp};
use rusqlite::Row;
use rusqlite::types::ValueRef;

use super::failed;
use crate::error::StoreError;

/// The columns of one row from left to right, by position: names would be looked up for each row.
pub(super) struct Columns<'r> {
    table: &'static str,
    row: &'r Row<'r>,
    next: usize,
}

impl<'r> Columns<'r> {
    pub(super) const fn new(table: &'static str, row: &'r Row<'r>) -> Self {
        Self { table, row, next: 0 }
    }

    fn value(&mut self) -> Result<ValueRef<'r>, StoreError> {
        let value = self.row.get_ref(self.next).map_err(|e| failed("reading a row", &e))?;
        self.next += 1;
        Ok(value)
    }

    /// Leaves columns out.
    pub(super) const fn skip(&mut self, count: usize) {
        self.next += count;
    }

    /// The error that the column just read does not hold what it should.
    fn corrupt(&self, found: impl Into<String>, expected: &'static str) -> StoreError {
        let column = self.row.as_ref().column_name(self.next.saturating_sub(1)).unwrap_or("?");
        StoreError::corrupt(format!("column `{}.{column}`", self.table), found, expected)
    }

    pub(super) fn integer_or_null(&mut self) -> Result<Option<i64>, StoreError> {
        match self.value()? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => Ok(Some(number)),
            ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_) => {
                Err(self.corrupt("another type", "an integer"))
            }
        }
    }

    pub(super) fn integer(&mut self) -> Result<i64, StoreError> {
        self.integer_or_null()?.ok_or_else(|| self.corrupt("NULL", "an integer"))
    }

    pub(super) fn unsigned<T: TryFrom<i64>>(&mut self) -> Result<T, StoreError> {
        let number = self.integer()?;
        T::try_from(number).map_err(|_| self.corrupt(number.to_string(), "a number within its range"))
    }

    pub(super) fn flag(&mut self) -> Result<bool, StoreError> {
        Ok(self.integer()? != 0)
    }

    pub(super) fn time(&mut self) -> Result<Timestamp, StoreError> {
        Ok(Timestamp::from_millis(self.integer()?))
    }

    pub(super) fn time_or_null(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.integer_or_null()?.map(Timestamp::from_millis))
    }

    pub(super) fn str_or_null(&mut self) -> Result<Option<&'r str>, StoreError> {
        match self.value()? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(self.corrupt("other octets", "UTF-8")),
            },
            ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => {
                Err(self.corrupt("another type", "text"))
            }
        }
    }

    pub(super) fn str(&mut self) -> Result<&'r str, StoreError> {
        self.str_or_null()?.ok_or_else(|| self.corrupt("NULL", "text"))
    }

    pub(super) fn text(&mut self) -> Result<String, StoreError> {
        self.str().map(str::to_owned)
    }

    pub(super) fn text_or_null(&mut self) -> Result<Option<String>, StoreError> {
        Ok(self.str_or_null()?.map(str::to_owned))
    }

    pub(super) fn bytes(&mut self) -> Result<Bytes, StoreError> {
        match self.value()? {
            ValueRef::Blob(bytes) => Ok(Bytes::copy_from_slice(bytes)),
            ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) => {
                Err(self.corrupt("another type", "a blob"))
            }
        }
    }

    /// A value that is written as `FromStr` reads it.
    pub(super) fn parsed<T: FromStr>(&mut self, expected: &'static str) -> Result<T, StoreError> {
        let text = self.str()?;
        text.parse().map_err(|_| self.corrupt(text, expected))
    }

    /// A queue id, as its eight octets.
    pub(super) fn queue_id(&mut self) -> Result<QueueId, StoreError> {
        let ValueRef::Blob(octets) = self.value()? else {
            return Err(self.corrupt("another type", "the eight octets of a queue id"));
        };
        match octets.try_into() {
            Ok(octets) => Ok(QueueId::from_u64(u64::from_be_bytes(octets))),
            Err(_) => Err(self.corrupt(format!("{} octets", octets.len()), "the eight of a queue id")),
        }
    }

    pub(super) fn enhanced(&mut self) -> Result<Option<EnhancedStatus>, StoreError> {
        let Some(text) = self.str_or_null()? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| self.corrupt(text, "an enhanced status code"))
    }

    /// A value of an enumeration, by its name.
    pub(super) fn named<T>(
        &mut self,
        from_name: impl Fn(&str) -> Option<T>,
        expected: &'static str,
    ) -> Result<T, StoreError> {
        let text = self.str()?;
        from_name(text).ok_or_else(|| self.corrupt(text, expected))
    }

    /// A value of an enumeration, by its name, where there may be none.
    pub(super) fn named_or_null<T>(
        &mut self,
        from_name: impl Fn(&str) -> Option<T>,
        expected: &'static str,
    ) -> Result<Option<T>, StoreError> {
        let Some(text) = self.str_or_null()? else { return Ok(None) };
        from_name(text).map(Some).ok_or_else(|| self.corrupt(text, expected))
    }
}
