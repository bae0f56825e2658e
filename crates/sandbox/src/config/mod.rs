//! The configuration: one YAML file, flags and environment variables of the same names, and defaults for everything.
//!
//! Precedence: flag, environment (`EMTA_*`), file, default. An error names the file, the line and the column, or the flag or the
//! variable, the value found, and what would be right.

mod error;
mod yaml;

pub use error::ConfigError;
