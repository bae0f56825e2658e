//! What the campaign core shows, seen from outside.

#![expect(clippy::unwrap_used, reason = "helpers of tests stop where the tests would")]

mod invariant;
mod lifecycle;
mod quarantine;
mod support;
mod tables;
