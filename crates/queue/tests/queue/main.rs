//! The queue's rules, one by one, through its three verbs.

mod lanes;
mod schedule;
mod shell;
mod state;
