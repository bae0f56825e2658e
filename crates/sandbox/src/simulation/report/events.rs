//! Where the events of a run go: into its digest, and into a file of one JSON object a line.

use std::io::{self, BufWriter, Write};

use emta_mail::DeliveryEvent;
use emta_store::MessageFacts;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::digest::{Digest, EventDigest};
use crate::simulation::engine::Lines;
use crate::simulation::told::Told;
use crate::wire::WireEvent;

/// Octets that are gathered before they are written.
const BUFFER: usize = 256 * 1024;

/// Takes the events of a run in story order ([`DeliveryEvent::order`]).
///
/// A line of the file has the shape of the API's and the webhooks' events.
pub struct EventSink {
    digest: EventDigest,
    out: Option<Out>,
    events: u64,
}

/// What a whole log was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventLog {
    /// Digest of its events.
    pub digest: Digest,
    /// Number of events.
    pub events: u64,
}

enum Out {
    Plain(BufWriter<Box<dyn Write + Send>>),
    Gzip(Box<BufWriter<GzEncoder<Box<dyn Write + Send>>>>),
}

impl EventSink {
    /// Keeps nothing but the digest.
    pub fn digest_only() -> Self {
        Self { digest: EventDigest::default(), out: None, events: 0 }
    }

    /// Writes every event as well; compressed, it is a gzip file (RFC 1952) without name and date.
    pub fn to_writer(writer: Box<dyn Write + Send>, compress: bool) -> Self {
        let out = if compress {
            // Higher levels take several times as long for files a fifth smaller.
            let gzip = GzEncoder::new(writer, Compression::fast());
            Out::Gzip(Box::new(BufWriter::with_capacity(BUFFER, gzip)))
        } else {
            Out::Plain(BufWriter::with_capacity(BUFFER, writer))
        };
        Self { out: Some(out), ..Self::digest_only() }
    }

    /// Takes an event.
    ///
    /// # Errors
    /// When the file cannot be written, or the event has no line that could be.
    pub fn take(&mut self, event: Told<'_>) -> io::Result<()> {
        self.digest.take(event.encoded);
        self.events = self.events.saturating_add(1);
        match &mut self.out {
            None => Ok(()),
            Some(_) if event.line.is_empty() => {
                Err(io::Error::new(io::ErrorKind::InvalidInput, "an event without a line is to be written"))
            }
            Some(Out::Plain(writer)) => writer.write_all(event.line),
            Some(Out::Gzip(writer)) => writer.write_all(event.line),
        }
    }

    /// Whether events are written, so that their lines are wanted.
    pub const fn lines(&self) -> Lines {
        match self.out {
            Some(_) => Lines::Written,
            None => Lines::Omitted,
        }
    }

    /// Writes what is still held and ends the file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(self) -> io::Result<EventLog> {
        match self.out {
            None => {}
            Some(Out::Plain(mut writer)) => writer.flush()?,
            Some(Out::Gzip(writer)) => writer.into_inner()?.finish()?.flush()?,
        }
        Ok(EventLog { digest: self.digest.finish(), events: self.events })
    }
}

/// Writes an event of a message as a line of JSON.
pub(crate) fn write_line(event: &DeliveryEvent, facts: &MessageFacts, out: &mut Vec<u8>) {
    // Writing to a vector does not fail, and every key is a text.
    let _ = serde_json::to_writer(&mut *out, &WireEvent::new(event, facts.into()));
    out.push(b'\n');
}
