//! Event log, spool and views on disk.
