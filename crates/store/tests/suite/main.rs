//! The conformance suite: what every back-end does, run over all of them ([`messages`], [`events`], [`state`],
//! [`limits`]); that they agree on whatever is done to them ([`agreement`]); and what only the disk does ([`disk`]).
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests, which the lint does not know for tests, may fail"
)]

mod agreement;
mod common;
mod disk;
mod events;
mod limits;
mod messages;
mod state;
