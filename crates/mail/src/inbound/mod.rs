//! Mail that comes back.

pub mod adobe;

pub use adobe::AdobeMessageId;
