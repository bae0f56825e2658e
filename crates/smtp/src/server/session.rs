//! The state machine: what is read in each state, and how the session ends.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use emta_mail::Reply;

use super::auth;
use super::auth::Sasl;
use super::command::{Context, parse};
use super::config::{Extensions, Limits, ServerConfig};
use super::exchange::{MailCommand, RcptCommand, Request, ServerInput, ServerOutput};
use super::replies::{plain, reply};
use super::transaction::{Chunks, OpenTransaction, Sender};
use crate::content::{ContentReader, Progress};
use crate::line::{Line, LineReader};

/// One SMTP connection, seen from the server.
///
/// It begins by asking [`Request::Connect`]; after each [`handle`](Self::handle), drain [`poll`](Self::poll).
#[derive(Debug)]
pub struct ServerSession {
    pub(super) config: Arc<ServerConfig>,
    pub(super) state: State,
    /// What arrived and was not read yet.
    backlog: BytesMut,
    lines: LineReader,
    outputs: VecDeque<ServerOutput>,
    pub(super) tls: bool,
    /// The connection was refused by its greeting; only QUIT is left.
    pub(super) refused: bool,
    pub(super) hello: Option<Hello>,
    /// What the client was offered: nothing before EHLO.
    pub(super) offered: Extensions,
    pub(super) authenticated: bool,
    pub(super) transaction: Option<OpenTransaction>,
    errors: u32,
    /// Ends after the open question.
    stopping: bool,
}

/// What the session reads next.
#[derive(Debug)]
pub(super) enum State {
    /// A command.
    Command,
    /// Nothing, until the question is answered.
    Asking(Asked),
    /// A line of an AUTH exchange.
    Sasl(Sasl),
    /// Content after DATA.
    Content(ContentReader),
    /// The octets of a chunk.
    Chunk { chunk: Chunk, fate: Fate },
    /// Nothing, until TLS is active: plain text after STARTTLS is dropped (RFC 3207 section 4.2).
    Tls,
    /// Nothing any more.
    Closed,
}

/// What becomes of a chunk's octets.
#[derive(Debug)]
pub(super) enum Fate {
    /// They are part of the message.
    Kept,
    /// They are dropped, and this standard reply is sent.
    OutOfOrder(Reply),
    /// They are dropped, and this reply of the owner's is sent.
    Refused(Reply),
}

/// The open question, with what an acceptance changes.
#[derive(Debug)]
pub(super) enum Asked {
    Connect,
    Hello(Hello),
    Mail(MailCommand),
    Rcpt(RcptCommand),
    Data,
    FirstChunk(Chunk),
    Message,
    Auth,
}

/// HELO or EHLO.
#[derive(Clone, Debug)]
pub(super) struct Hello {
    pub(super) domain: String,
    pub(super) extended: bool,
}

/// A BDAT command.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    /// Octets announced.
    pub(super) octets: u64,
    /// Octets not yet read.
    pub(super) left: u64,
    pub(super) last: bool,
}

impl ServerSession {
    /// A session on a connection that was just accepted; `tls_active` where TLS came first (as on port 465).
    pub fn new(config: Arc<ServerConfig>, tls_active: bool) -> Self {
        Self {
            config,
            state: State::Asking(Asked::Connect),
            backlog: BytesMut::new(),
            lines: LineReader::default(),
            outputs: VecDeque::from([ServerOutput::Ask(Request::Connect)]),
            tls: tls_active,
            refused: false,
            hello: None,
            offered: Extensions::NONE,
            authenticated: false,
            transaction: None,
            errors: 0,
            stopping: false,
        }
    }

    /// Takes what happened. Never blocks and never fails; an answer to a question that is not open, and anything after
    /// the end, changes nothing.
    pub fn handle(&mut self, input: ServerInput<'_>) {
        match (input, &self.state) {
            (_, State::Closed) => {}
            (ServerInput::Closed, _) => self.state = State::Closed,
            (ServerInput::Bytes(_), State::Tls) => {}
            (ServerInput::Bytes(bytes), _) => self.receive(bytes),
            (ServerInput::Answer(answer), State::Asking(_)) => {
                if let State::Asking(asked) = std::mem::replace(&mut self.state, State::Command) {
                    self.answer(asked, answer);
                }
                self.stop_if_asked();
            }
            (ServerInput::Answer(_), _) => {}
            (ServerInput::TlsStarted, State::Tls) => {
                self.tls = true;
                self.state = State::Command;
            }
            (ServerInput::TlsStarted, _) => {}
            (ServerInput::Timeout, _) => {
                let last = reply(421, 4, 2, format!("{} timed out waiting for you", self.config.hostname));
                self.interrupt(&last);
            }
            (ServerInput::Shutdown, _) => {
                self.stopping = true;
                self.stop_if_asked();
            }
        }
        while self.step() {}
        if matches!(self.state, State::Closed) {
            self.backlog = BytesMut::new();
            self.transaction = None;
        }
    }

    /// What is to be done next; call until `None`.
    pub fn poll(&mut self) -> Option<ServerOutput> {
        self.outputs.pop_front()
    }

    /// Whether to read from the connection: false while enough is unread behind an open question, and after the end.
    pub fn wants_bytes(&self) -> bool {
        self.backlog.len() < Limits::BACKLOG && !self.is_closed()
    }

    /// Whether nothing is unfinished: no question, no part of a command, no transaction (from MAIL to the reply to the
    /// message), no TLS handshake. The clock may move while a session is idle.
    pub fn is_idle(&self) -> bool {
        match self.state {
            State::Command => {
                self.backlog.is_empty() && !self.lines.is_skipping() && self.transaction.is_none()
            }
            State::Closed => true,
            State::Asking(_) | State::Sasl(_) | State::Content(_) | State::Chunk { .. } | State::Tls => false,
        }
    }

    /// Whether the session is over: nothing is read any more.
    pub const fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed)
    }

    /// Whether TLS is active.
    pub const fn is_tls(&self) -> bool {
        self.tls
    }

    fn receive(&mut self, bytes: &[u8]) {
        self.backlog.extend_from_slice(bytes);
        if matches!(self.state, State::Asking(_)) && self.backlog.len() > Limits::BACKLOG_HARD {
            self.end(&reply(421, 3, 2, "too much sent without waiting for replies"));
        }
    }

    fn stop_if_asked(&mut self) {
        if self.stopping {
            let last = reply(421, 3, 2, format!("{} is shutting down", self.config.hostname));
            self.interrupt(&last);
        }
    }

    /// Ends the session from outside. An open question comes first, and in a handshake there is nothing to say.
    fn interrupt(&mut self, last: &Reply) {
        match self.state {
            State::Asking(_) | State::Closed => {}
            State::Tls => self.close(),
            State::Command | State::Sasl(_) | State::Content(_) | State::Chunk { .. } => self.end(last),
        }
    }

    /// Reads one thing; false when there is nothing to read.
    fn step(&mut self) -> bool {
        match &self.state {
            State::Command => self.read_command(),
            State::Sasl(_) => self.read_sasl(),
            State::Content(_) => self.read_content(),
            State::Chunk { .. } => self.read_chunk(),
            State::Asking(_) | State::Tls | State::Closed => false,
        }
    }

    fn read_command(&mut self) -> bool {
        let limit = self.config.limits.command_line;
        let line = match self.lines.next(&mut self.backlog, limit) {
            None => return false,
            Some(Line::Complete(line)) => line,
            Some(Line::TooLong) => {
                self.fail(&reply(500, 5, 2, format!("line is longer than {limit} octets")));
                return true;
            }
            Some(Line::BareLineEnd) => {
                self.end_bare_command();
                return false;
            }
        };
        let context = Context {
            offered: &self.offered,
            hostname: &self.config.hostname,
            smtputf8: self.transaction.as_ref().is_some_and(|t| t.mail.smtputf8),
        };
        match parse(&line, &context) {
            Ok(command) => self.execute(command),
            Err(refusal) => self.fail(&refusal),
        }
        true
    }

    fn read_sasl(&mut self) -> bool {
        let line = match self.lines.next(&mut self.backlog, Limits::AUTH_LINE) {
            None => return false,
            Some(Line::Complete(line)) => Ok(line),
            Some(Line::TooLong) => Err(reply(500, 5, 6, "line of the authentication exchange is too long")),
            Some(Line::BareLineEnd) => {
                self.end_bare_command();
                return false;
            }
        };
        if let State::Sasl(sasl) = std::mem::replace(&mut self.state, State::Command) {
            self.authenticate(line.and_then(|line| auth::respond(sasl, &line)));
        }
        true
    }

    fn end_bare_command(&mut self) {
        self.end(&reply(500, 5, 2, "bare CR or LF in a command; lines end with CRLF"));
    }

    fn read_content(&mut self) -> bool {
        let State::Content(reader) = &mut self.state else { return false };
        let (read, progress) = reader.read(&self.backlog);
        self.backlog.advance(read);
        match progress {
            Progress::More => false,
            Progress::BareLineEnd => {
                self.end_smuggling();
                false
            }
            Progress::End => {
                if let State::Content(reader) = std::mem::replace(&mut self.state, State::Command) {
                    self.finish_message(reader);
                }
                true
            }
        }
    }

    fn read_chunk(&mut self) -> bool {
        let State::Chunk { chunk, fate } = &mut self.state else { return false };
        let present = chunk.left.min(self.backlog.len() as u64);
        let octets = self.backlog.split_to(present as usize);
        chunk.left -= present;
        let (chunk, kept) = (*chunk, matches!(fate, Fate::Kept));
        if let (true, Some(OpenTransaction { chunks: Chunks::Open(reader), .. })) =
            (kept, self.transaction.as_mut())
        {
            let (_, progress) = reader.read(&octets);
            if progress != Progress::More || (chunk.left == 0 && chunk.last && reader.ends_in_cr()) {
                self.end_smuggling();
                return false;
            }
        }
        if chunk.left > 0 {
            return false;
        }
        if let State::Chunk { chunk, fate } = std::mem::replace(&mut self.state, State::Command) {
            self.finish_chunk(chunk, fate);
        }
        true
    }

    fn end_smuggling(&mut self) {
        self.end(&reply(550, 5, 2, "bare CR or LF in the message; lines end with CRLF"));
    }

    /// Who the client is, for the transaction.
    pub(super) fn sender(&self) -> Sender {
        let (helo, extended) = self
            .hello
            .as_ref()
            .map_or((String::new(), false), |hello| (hello.domain.clone(), hello.extended));
        Sender { helo, extended, tls: self.tls, authenticated: self.authenticated }
    }

    pub(super) fn ask(&mut self, asked: Asked, request: Request) {
        self.state = State::Asking(asked);
        self.outputs.push_back(ServerOutput::Ask(request));
    }

    /// Forgets all that was said in plain text and lets TLS begin.
    pub(super) fn start_tls(&mut self) {
        self.state = State::Tls;
        self.backlog.clear();
        self.hello = None;
        self.offered = Extensions::NONE;
        self.authenticated = false;
        self.transaction = None;
        self.outputs.push_back(ServerOutput::StartTls);
    }

    /// Sends a standard reply.
    pub(super) fn say(&mut self, reply: &Reply) {
        if reply.enhanced().is_none() || self.config.extensions.enhanced_status_codes {
            self.send(reply);
        } else {
            self.send(&plain(reply.code(), reply.text()));
        }
    }

    /// Sends a reply as it is. Replies that belong together go out in one piece.
    pub(super) fn send(&mut self, reply: &Reply) {
        let wire = reply.wire();
        match self.outputs.back_mut() {
            Some(ServerOutput::Send(bytes)) => bytes.extend_from_slice(wire.as_bytes()),
            Some(ServerOutput::Ask(_) | ServerOutput::StartTls | ServerOutput::Close) | None => {
                self.outputs.push_back(ServerOutput::Send(wire.into_bytes()));
            }
        }
    }

    /// Sends the reply to a command that breaks the protocol, until there were too many of them.
    pub(super) fn fail(&mut self, refusal: &Reply) {
        self.errors = self.errors.saturating_add(1);
        if self.errors > self.config.limits.errors {
            self.end(&reply(421, 7, 0, "too many errors"));
        } else {
            self.say(refusal);
        }
    }

    /// Sends a last reply and closes.
    pub(super) fn end(&mut self, last: &Reply) {
        self.say(last);
        self.close();
    }

    pub(super) fn close(&mut self) {
        self.state = State::Closed;
        self.outputs.push_back(ServerOutput::Close);
    }
}

#[cfg(test)]
mod tests;
