//! The state machine: from the greeting to the last job.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::BytesMut;
use emta_mail::{Phase, Reply};

use super::commands::{Offered, internal};
use super::exchange::{ClientConfig, ClientInput, ClientOutput, Job, Outcome, TlsPolicy};
use super::reply::{Malformed, ReplyReader};
use super::transaction::Transaction;

/// One SMTP connection, seen from the client.
///
/// After each [`handle`](Self::handle), drain [`poll`](Self::poll). The connection serves one job after the other; with
/// PIPELINING the next one's commands travel with the content of the one before.
#[derive(Debug)]
pub struct ClientSession {
    pub(super) config: Arc<ClientConfig>,
    pub(super) state: State,
    pub(super) offered: Offered,
    tls: bool,
    input: BytesMut,
    replies: ReplyReader,
    outputs: VecDeque<ClientOutput>,
    /// Jobs of which nothing was sent.
    pub(super) waiting: VecDeque<Job>,
    /// Jobs of which commands were sent, at most [`Self::IN_FLIGHT`]; replies belong to the first.
    pub(super) active: VecDeque<Transaction>,
    /// The server still has a transaction open that came to nothing: RSET goes before the next.
    pub(super) needs_reset: bool,
    quit: bool,
}

/// What the next reply answers.
#[derive(Debug)]
pub(super) enum State {
    /// The connection.
    Greeting,
    /// EHLO.
    Ehlo,
    /// HELO, since EHLO was not understood.
    Helo,
    /// STARTTLS.
    StartTls,
    /// Nothing, until TLS is active: plain text after the reply to STARTTLS is dropped (RFC 3207 section 4.2).
    Handshake,
    /// The first active transaction.
    Ready,
    /// QUIT.
    Quitting,
    /// Nothing any more; jobs that still come end so.
    Closed(Phase, Reply),
}

impl ClientSession {
    /// Most jobs of which commands were sent: one whose content is under way, and the next one's envelope.
    pub const IN_FLIGHT: usize = 2;

    /// A session on a connection that was just opened.
    pub fn new(config: Arc<ClientConfig>) -> Self {
        Self {
            config,
            state: State::Greeting,
            offered: Offered::default(),
            tls: false,
            input: BytesMut::new(),
            replies: ReplyReader::default(),
            outputs: VecDeque::new(),
            waiting: VecDeque::new(),
            active: VecDeque::new(),
            needs_reset: false,
            quit: false,
        }
    }

    /// Takes what happened. Never blocks and never fails.
    pub fn handle(&mut self, input: ClientInput<'_>) {
        match input {
            ClientInput::Bytes(bytes) => self.receive(bytes),
            ClientInput::Deliver(job) => self.deliver(job),
            ClientInput::TlsStarted => self.tls_started(),
            ClientInput::TlsFailed(reason) => {
                if matches!(self.state, State::Handshake) {
                    self.lose(internal(454, 7, 5, &format!("TLS handshake failed: {reason}")));
                }
            }
            ClientInput::Closed => self.lose(internal(421, 4, 2, "connection to the server lost")),
            ClientInput::Timeout => self.lose(internal(421, 4, 1, "timed out while waiting for the server")),
            ClientInput::Quit => self.quit = true,
        }
        self.advance();
    }

    /// What is to be done next; call until `None`.
    pub fn poll(&mut self) -> Option<ClientOutput> {
        self.outputs.pop_front()
    }

    /// Whether another job keeps the connection busy: fewer than [`Self::IN_FLIGHT`] are waiting or under way, and the
    /// session takes more.
    pub fn wants_job(&self) -> bool {
        !self.quit && !self.is_closing() && self.waiting.len() + self.active.len() < Self::IN_FLIGHT
    }

    /// Whether there is nothing to wait for: no job, no reply, no handshake.
    pub fn is_idle(&self) -> bool {
        match self.state {
            State::Ready => {
                self.waiting.is_empty()
                    && self.active.is_empty()
                    && self.input.is_empty()
                    && self.replies.is_empty()
            }
            State::Closed(..) => true,
            State::Greeting
            | State::Ehlo
            | State::Helo
            | State::StartTls
            | State::Handshake
            | State::Quitting => false,
        }
    }

    /// Whether the session is over: nothing is read any more.
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed(..))
    }

    /// Whether TLS is active.
    pub const fn is_tls(&self) -> bool {
        self.tls
    }

    const fn is_closing(&self) -> bool {
        matches!(self.state, State::Quitting | State::Closed(..))
    }

    fn deliver(&mut self, job: Job) {
        match &self.state {
            State::Closed(phase, reply) => {
                let (phase, reply) = (*phase, reply.clone());
                self.finish(job.key, phase, reply);
            }
            State::Quitting => self.finish(job.key, Phase::Connect, not_sent()),
            _ if self.quit => self.finish(job.key, Phase::Connect, not_sent()),
            State::Greeting
            | State::Ehlo
            | State::Helo
            | State::StartTls
            | State::Handshake
            | State::Ready => self.waiting.push_back(job),
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        if matches!(self.state, State::Handshake | State::Closed(..)) {
            return;
        }
        self.input.extend_from_slice(bytes);
        while let Some(reply) = self.replies.next(&mut self.input) {
            match reply {
                Ok(reply) => self.reply(reply),
                Err(Malformed) => self.lose(malformed()),
            }
            if matches!(self.state, State::Handshake | State::Closed(..)) {
                self.input.clear();
                self.replies = ReplyReader::default();
                return;
            }
            self.advance();
        }
    }

    fn reply(&mut self, reply: Reply) {
        match self.state {
            State::Greeting if reply.code() == 220 => self.hello(),
            State::Greeting => self.handshake_failed(reply),
            State::Ehlo if reply.code() == 250 => {
                self.offered = Offered::read(&reply);
                self.after_hello();
            }
            // The server does not know EHLO (RFC 5321 section 3.2).
            State::Ehlo if matches!(reply.code(), 500 | 502 | 504) => {
                self.state = State::Helo;
                self.send_line(&format!("HELO {}", self.config.helo));
            }
            State::Helo if reply.code() == 250 => {
                self.offered = Offered::default();
                self.after_hello();
            }
            State::Ehlo | State::Helo => self.handshake_failed(reply),
            State::StartTls if reply.code() == 220 => {
                self.state = State::Handshake;
                self.outputs.push_back(ClientOutput::StartTls);
            }
            State::StartTls => self.starttls_refused(reply),
            State::Ready => self.transaction_reply(reply),
            State::Quitting => self.close(Phase::Connect, not_sent()),
            State::Handshake | State::Closed(..) => {}
        }
    }

    fn hello(&mut self) {
        self.state = State::Ehlo;
        self.send_line(&format!("EHLO {}", self.config.helo));
    }

    fn after_hello(&mut self) {
        match self.config.tls {
            TlsPolicy::Never => self.state = State::Ready,
            TlsPolicy::Opportunistic | TlsPolicy::Required if self.tls => self.state = State::Ready,
            TlsPolicy::Opportunistic | TlsPolicy::Required if self.offered.starttls => {
                self.state = State::StartTls;
                self.send_line("STARTTLS");
            }
            TlsPolicy::Opportunistic => self.state = State::Ready,
            TlsPolicy::Required => {
                self.state = State::StartTls;
                self.give_up(internal(454, 7, 4, "TLS is required, but the server does not offer it"));
            }
        }
    }

    fn starttls_refused(&mut self, reply: Reply) {
        match self.config.tls {
            _ if reply.code() == 421 => self.lose(reply),
            TlsPolicy::Never | TlsPolicy::Opportunistic => self.state = State::Ready,
            TlsPolicy::Required => {
                let text = format!("TLS is required, but the server refused it: {reply}");
                self.give_up(internal(454, 7, 5, &text));
            }
        }
    }

    fn tls_started(&mut self) {
        if matches!(self.state, State::Handshake) {
            self.tls = true;
            self.hello();
        }
    }

    /// The server refused the connection or the greeting, or said something else than it should.
    fn handshake_failed(&mut self, reply: Reply) {
        if reply.is_positive() {
            self.lose(malformed());
        } else if reply.code() == 421 {
            self.lose(reply);
        } else {
            self.give_up(reply);
        }
    }

    /// Ends a session whose connection still stands, politely.
    fn give_up(&mut self, reply: Reply) {
        self.send_line("QUIT");
        self.lose(reply);
    }

    /// Ends the session. Before the first transaction all jobs have met this reply; later only the one whose turn it
    /// is, and the others were not sent.
    pub(super) fn lose(&mut self, reply: Reply) {
        let phase = match self.state {
            State::Greeting => Phase::Greeting,
            State::Ehlo | State::Helo => Phase::Ehlo,
            State::StartTls | State::Handshake => Phase::StartTls,
            State::Ready => {
                if let Some(first) = self.active.pop_front() {
                    let (key, phase, reply) = first.lost(reply);
                    self.finish(key, phase, reply);
                }
                return self.close(Phase::Connect, not_sent());
            }
            State::Quitting => return self.close(Phase::Connect, not_sent()),
            State::Closed(..) => return,
        };
        self.close(phase, reply);
    }

    /// Closes; all jobs that are left, and those still to come, end so.
    fn close(&mut self, phase: Phase, reply: Reply) {
        let active = std::mem::take(&mut self.active);
        let waiting = std::mem::take(&mut self.waiting);
        let keys = active.iter().map(Transaction::key).chain(waiting.iter().map(|job| job.key));
        for key in keys {
            self.finish(key, phase, reply.clone());
        }
        self.state = State::Closed(phase, reply);
        self.input = BytesMut::new();
        self.outputs.push_back(ClientOutput::Close);
    }

    /// Begins what can be begun.
    fn advance(&mut self) {
        match self.state {
            State::Ready => {
                self.begin_jobs();
                if self.quit && self.active.is_empty() && self.waiting.is_empty() {
                    self.state = State::Quitting;
                    self.send_line("QUIT");
                }
            }
            State::Greeting | State::Ehlo | State::Helo | State::StartTls | State::Handshake => {
                if self.quit && self.waiting.is_empty() {
                    self.close(Phase::Connect, not_sent());
                }
            }
            State::Quitting | State::Closed(..) => {}
        }
    }

    pub(super) fn finish(&mut self, key: u64, phase: Phase, reply: Reply) {
        self.outputs.push_back(ClientOutput::Finished(Outcome { key, phase, reply }));
    }

    /// What was to be sent last and was not fetched yet: what belongs together goes out in one piece.
    pub(super) fn unsent(&mut self) -> Vec<u8> {
        match self.outputs.pop_back() {
            Some(ClientOutput::Send(bytes)) => bytes,
            Some(other) => {
                self.outputs.push_back(other);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// Sends what [`Self::unsent`] gave, with what was added.
    pub(super) fn send(&mut self, bytes: Vec<u8>) {
        self.outputs.push_back(ClientOutput::Send(bytes));
    }

    fn send_line(&mut self, line: &str) {
        let mut bytes = self.unsent();
        bytes.extend_from_slice(line.as_bytes());
        bytes.extend_from_slice(b"\r\n");
        self.send(bytes);
    }
}

/// What came was no reply, or none to what was said.
pub(super) fn malformed() -> Reply {
    internal(451, 5, 0, "malformed reply from the server")
}

fn not_sent() -> Reply {
    internal(421, 4, 2, "connection closed before the message was sent")
}

#[cfg(test)]
mod tests;
