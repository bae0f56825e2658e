//! The run of the same cores without sockets, and what it shows.

pub mod figures;
