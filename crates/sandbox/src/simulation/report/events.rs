//! Where the events of a run go: into its digest, and into a file of one JSON object a line.

use std::io::{self, BufWriter, Write};

use emta_mail::DeliveryEvent;
use emta_store::MessageFacts;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::digest::{Digest, EventDigest};
use crate::wire::WireEvent;

/// Octets that are gathered before they are written.
const BUFFER: usize = 256 * 1024;

/// Takes the events of a run in story order ([`DeliveryEvent::order`]).
///
/// A line of the file has the shape of the API's and the webhooks' events.
pub struct EventSink {
    digest: EventDigest,
    file: Option<Lines>,
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

struct Lines {
    line: Vec<u8>,
    out: Out,
}

enum Out {
    Plain(BufWriter<Box<dyn Write + Send>>),
    Gzip(Box<BufWriter<GzEncoder<Box<dyn Write + Send>>>>),
}

impl EventSink {
    /// Keeps nothing but the digest.
    pub fn digest_only() -> Self {
        Self { digest: EventDigest::default(), file: None, events: 0 }
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
        Self { file: Some(Lines { line: Vec::new(), out }), ..Self::digest_only() }
    }

    /// Takes an event; a line in a file says of its message what `facts` do.
    ///
    /// # Errors
    /// When the file cannot be written, or the facts of a message are missing that is to be written.
    pub fn take(&mut self, event: &DeliveryEvent, facts: Option<&MessageFacts>) -> io::Result<()> {
        self.digest.take(event);
        self.events = self.events.saturating_add(1);
        let Some(lines) = &mut self.file else { return Ok(()) };
        let Some(facts) = facts else {
            let missing =
                format!("nothing is known of message `{}`, whose event is to be written", event.message);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, missing));
        };
        lines.write(&WireEvent::new(event, facts.into()))
    }

    /// Whether events are written, so that the facts of their messages are wanted.
    pub const fn wants_facts(&self) -> bool {
        self.file.is_some()
    }

    /// Writes what is still held and ends the file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn finish(self) -> io::Result<EventLog> {
        if let Some(lines) = self.file {
            match lines.out {
                Out::Plain(mut writer) => writer.flush()?,
                Out::Gzip(writer) => writer.into_inner()?.finish()?.flush()?,
            }
        }
        Ok(EventLog { digest: self.digest.finish(), events: self.events })
    }
}

impl Lines {
    fn write(&mut self, event: &WireEvent) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, event)?;
        self.line.push(b'\n');
        match &mut self.out {
            Out::Plain(writer) => writer.write_all(&self.line),
            Out::Gzip(writer) => writer.write_all(&self.line),
        }
    }
}
