//! What must hold for any bytes from outside: one module for each fuzz target, each a function that panics where it
//! does not.
//!
//! The targets in `fuzz_targets/` only hand over what libFuzzer made up. Bounds of time and memory are libFuzzer's:
//! `scripts/fuzz.sh` says how long one input may take and how much memory the process may have.

pub mod dsn_fields;
pub mod mail;
#[cfg(feature = "configuration")]
pub mod rule_file;
pub mod script;
pub mod smtp_client;
pub mod smtp_server;

/// Lengths of the pieces that a stream is cut into: the first octet says how many there are, one octet follows for
/// each. Returns them with the stream.
fn pieces(bytes: &[u8]) -> Option<(Vec<&[u8]>, &[u8])> {
    let (count, rest) = bytes.split_first()?;
    let (lengths, stream) = rest.split_at_checked(usize::from(count % 32))?;
    let mut pieces = Vec::with_capacity(lengths.len() + 1);
    let mut left = stream;
    for length in lengths {
        let (piece, after) = left.split_at(usize::from(*length).min(left.len()));
        pieces.push(piece);
        left = after;
    }
    pieces.push(left);
    Some((pieces, stream))
}
