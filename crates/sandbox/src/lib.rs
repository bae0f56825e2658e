//! The running system: configuration, the clock, and the thin shells.
