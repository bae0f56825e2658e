//! A POP3 session: bytes and answers in; bytes, questions and signals out.

use super::command::{Command, Syntax, parse};
pub use super::dialogue::{Answer, Input, Output, Request, Tls};
use super::snapshot::{Snapshot, no_such};
use super::text;

/// Longest command line, in octets with its line end (RFC 2449 section 4).
pub const MAX_LINE: usize = 255;

/// Unread octets from which on [`Session::wants_bytes`] is false.
pub const MAX_BACKLOG: usize = 16 * 1024;

/// Logins that may fail before the session is closed.
pub const MAX_LOGINS: u32 = 3;

/// Commands that may be answered with an error of syntax or sequence before the session is closed.
pub const MAX_ERRORS: u32 = 20;

/// A POP3 session.
#[derive(Debug)]
pub struct Session {
    state: State,
    tls: Tls,
    /// Bytes that were not read yet.
    backlog: Vec<u8>,
    /// A line that was too long is being left out up to its end.
    skipping: bool,
    errors: u32,
    failed_logins: u32,
    greeting: bool,
    outbox: Vec<Output>,
}

#[derive(Debug)]
enum State {
    /// Who is it? The name was given by USER.
    Authorization { user: Option<String> },
    /// Waits for the answer to a login.
    LoggingIn,
    /// Has the mailbox.
    Transaction { mailbox: Snapshot },
    /// Waits for a content; `lines` of the body are wanted, all of them if `None`.
    Fetching { mailbox: Snapshot, lines: Option<u64> },
    /// Waits for the deletion.
    Updating,
    /// Waits for the TLS handshake.
    StartingTls,
    /// Has ended.
    Closed,
}

impl Session {
    /// A session whose greeting is to be sent.
    pub fn new(tls: Tls) -> Self {
        Self {
            state: State::Authorization { user: None },
            tls,
            backlog: Vec::new(),
            skipping: false,
            errors: 0,
            failed_logins: 0,
            greeting: true,
            outbox: Vec::new(),
        }
    }

    /// Whether it makes sense to read from the socket: not while a question is open or much is unread.
    pub fn wants_bytes(&self) -> bool {
        let open = matches!(self.state, State::Authorization { .. } | State::Transaction { .. });
        open && self.backlog.len() < MAX_BACKLOG
    }

    /// Takes what happened; [`Self::poll`] says what follows.
    pub fn handle(&mut self, input: Input<'_>) {
        match input {
            Input::Bytes(bytes) => self.backlog.extend_from_slice(bytes),
            Input::Answer(answer) => self.answer(answer),
            Input::TlsStarted => {
                if matches!(self.state, State::StartingTls) {
                    self.tls = Tls::Active;
                    self.state = State::Authorization { user: None };
                }
            }
            // Without a word, and without deleting anything (RFC 1939 section 3).
            Input::Timeout => self.close(),
            Input::Shutdown => {
                if !matches!(self.state, State::Closed) {
                    self.send("-ERR [SYS/TEMP] the server is stopping\r\n");
                    self.close();
                }
            }
        }
    }

    /// What is to be done next; drained until `None`. One command is carried out at a time, so that a client
    /// that sends many at once does not fill the memory with answers.
    pub fn poll(&mut self) -> Option<Output> {
        if std::mem::take(&mut self.greeting) {
            self.send("+OK emta POP3 ready\r\n");
        }
        loop {
            if !self.outbox.is_empty() {
                return Some(self.outbox.remove(0));
            }
            if !matches!(self.state, State::Authorization { .. } | State::Transaction { .. }) {
                return None;
            }
            self.step()?;
        }
    }

    /// Carries out the next line, if there is a whole one.
    fn step(&mut self) -> Option<()> {
        let Some(end) = memchr_lf(&self.backlog) else {
            // A line that is too long already is not kept; that it was too long is said at its end.
            if self.skipping || self.backlog.len() >= MAX_LINE {
                self.skipping = true;
                self.backlog.clear();
            }
            return None;
        };
        let line: Vec<u8> = self.backlog.drain(..=end).collect();
        if std::mem::take(&mut self.skipping) || line.len() > MAX_LINE {
            self.error("a command line has at most 255 octets");
            return Some(());
        }
        match parse(&line) {
            Ok(command) => self.command(command),
            Err(Syntax(message)) => self.error(message),
        }
        Some(())
    }

    fn command(&mut self, command: Command) {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Authorization { user } => {
                self.state = State::Authorization { user: None };
                self.authorize(command, user);
            }
            State::Transaction { mailbox } => self.transact(&command, mailbox),
            // `poll` carries out commands in these two states only.
            state @ (State::LoggingIn
            | State::Fetching { .. }
            | State::Updating
            | State::StartingTls
            | State::Closed) => self.state = state,
        }
    }

    fn authorize(&mut self, command: Command, user: Option<String>) {
        match command {
            Command::Capa => self.capabilities(),
            Command::User(name) => {
                self.state = State::Authorization { user: Some(name) };
                self.send("+OK now the password\r\n");
            }
            Command::Pass(password) => match user {
                Some(user) => {
                    self.state = State::LoggingIn;
                    self.ask(Request::Login { user, password });
                }
                None => self.error("USER comes before PASS"),
            },
            Command::Stls if self.tls == Tls::Offered => {
                // What came with STLS was not encrypted and counts for nothing (RFC 2595 section 4).
                self.backlog.clear();
                self.state = State::StartingTls;
                self.send("+OK begin TLS\r\n");
                self.outbox.push(Output::StartTls);
            }
            Command::Stls => self.error("TLS is not offered here"),
            Command::Quit => {
                self.send("+OK good bye\r\n");
                self.close();
            }
            Command::Noop
            | Command::Stat
            | Command::List(_)
            | Command::Uidl(_)
            | Command::Retr(_)
            | Command::Top(..)
            | Command::Dele(_)
            | Command::Rset => self.error("log in first, with USER and PASS"),
        }
    }

    fn transact(&mut self, command: &Command, mut mailbox: Snapshot) {
        let reply = match *command {
            Command::Capa => {
                self.capabilities();
                String::new()
            }
            Command::Noop => "+OK\r\n".to_owned(),
            Command::Stat => {
                let (count, size) = mailbox.totals();
                format!("+OK {count} {size}\r\n")
            }
            Command::List(number) => mailbox.listing(number, |item| item.size.to_string()),
            Command::Uidl(number) => mailbox.listing(number, |item| item.uid.clone()),
            Command::Retr(number) => return self.fetch(mailbox, number, None),
            Command::Top(number, lines) => return self.fetch(mailbox, number, Some(lines)),
            Command::Dele(number) => match mailbox.find(number) {
                Some(entry) => {
                    entry.deleted = true;
                    format!("+OK message {number} will be deleted\r\n")
                }
                None => no_such(number),
            },
            Command::Rset => {
                mailbox.unmark();
                let (count, size) = mailbox.totals();
                format!("+OK {count} messages ({size} octets)\r\n")
            }
            Command::Quit => return self.update(mailbox),
            Command::User(_) | Command::Pass(_) | Command::Stls => {
                self.state = State::Transaction { mailbox };
                return self.error("you are logged in already");
            }
        };
        self.state = State::Transaction { mailbox };
        self.send(&reply);
    }

    fn fetch(&mut self, mut mailbox: Snapshot, number: usize, lines: Option<u64>) {
        let uid = mailbox.find(number).map(|entry| entry.item.uid.clone());
        if let Some(uid) = uid {
            self.state = State::Fetching { mailbox, lines };
            self.ask(Request::Content { uid });
        } else {
            self.state = State::Transaction { mailbox };
            self.send(&no_such(number));
        }
    }

    fn update(&mut self, mailbox: Snapshot) {
        let uids = mailbox.into_deleted();
        if uids.is_empty() {
            self.send("+OK good bye\r\n");
            self.close();
        } else {
            self.state = State::Updating;
            self.ask(Request::Delete { uids });
        }
    }

    fn answer(&mut self, answer: Answer) {
        match (std::mem::replace(&mut self.state, State::Closed), answer) {
            (State::LoggingIn, Answer::Mailbox(items)) => {
                let mailbox = Snapshot::new(items);
                let (count, size) = mailbox.totals();
                self.state = State::Transaction { mailbox };
                self.send(&format!("+OK {count} messages ({size} octets)\r\n"));
            }
            (State::LoggingIn, Answer::WrongPassword) => {
                self.state = State::Authorization { user: None };
                self.send("-ERR [AUTH] user name or password are wrong\r\n");
                self.failed_logins += 1;
                if self.failed_logins >= MAX_LOGINS {
                    self.close();
                }
            }
            (State::LoggingIn, Answer::InUse) => {
                self.state = State::Authorization { user: None };
                self.send("-ERR [IN-USE] another session has the mailbox\r\n");
            }
            (State::LoggingIn, Answer::Content(_) | Answer::Deleted | Answer::Failed) => {
                self.state = State::Authorization { user: None };
                self.send("-ERR [SYS/TEMP] the mailbox cannot be read for now\r\n");
            }
            (State::Fetching { mailbox, lines }, Answer::Content(Some(content))) => {
                self.state = State::Transaction { mailbox };
                self.outbox.push(Output::Send(text::reply(&content, lines)));
            }
            (State::Fetching { mailbox, .. }, Answer::Content(None)) => {
                self.state = State::Transaction { mailbox };
                self.send("-ERR the message is gone\r\n");
            }
            (
                State::Fetching { mailbox, .. },
                Answer::Mailbox(_) | Answer::WrongPassword | Answer::InUse | Answer::Deleted | Answer::Failed,
            ) => {
                self.state = State::Transaction { mailbox };
                self.send("-ERR [SYS/TEMP] the message cannot be read for now\r\n");
            }
            (State::Updating, Answer::Deleted) => {
                self.send("+OK good bye\r\n");
                self.close();
            }
            (
                State::Updating,
                Answer::Mailbox(_)
                | Answer::WrongPassword
                | Answer::InUse
                | Answer::Content(_)
                | Answer::Failed,
            ) => {
                self.send("-ERR [SYS/TEMP] the messages cannot be deleted for now\r\n");
                self.close();
            }
            // Nothing was asked.
            (
                state @ (State::Authorization { .. }
                | State::Transaction { .. }
                | State::StartingTls
                | State::Closed),
                _,
            ) => self.state = state,
        }
    }

    fn capabilities(&mut self) {
        let stls = if self.tls == Tls::Offered { "STLS\r\n" } else { "" };
        let fixed = "USER\r\nTOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\n";
        self.send(&format!("+OK\r\n{fixed}{stls}IMPLEMENTATION emta\r\n.\r\n"));
    }

    fn error(&mut self, message: &str) {
        self.send(&format!("-ERR {message}\r\n"));
        self.errors += 1;
        if self.errors > MAX_ERRORS {
            self.close();
        }
    }

    fn send(&mut self, text: &str) {
        if !text.is_empty() {
            self.outbox.push(Output::Send(text.as_bytes().to_vec()));
        }
    }

    fn ask(&mut self, request: Request) {
        self.outbox.push(Output::Ask(request));
    }

    fn close(&mut self) {
        if !self.outbox.contains(&Output::Close) {
            self.outbox.push(Output::Close);
        }
        self.state = State::Closed;
        self.backlog.clear();
    }
}

fn memchr_lf(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == b'\n')
}
