//! A POP3 session: bytes and answers in; bytes, questions and signals out.

use bytes::Bytes;

use super::Item;
use super::command::{Command, Syntax, parse};
use super::text;

/// Longest command line, in octets with its line end (RFC 2449 section 4).
pub const MAX_LINE: usize = 255;

/// Unread octets from which on [`Session::wants_bytes`] is false.
pub const MAX_BACKLOG: usize = 16 * 1024;

/// Logins that may fail before the session is closed.
pub const MAX_LOGINS: u32 = 3;

/// Commands that may be answered with an error of syntax or sequence before the session is closed.
pub const MAX_ERRORS: u32 = 20;

/// What a session is told.
#[derive(Debug)]
pub enum Input<'a> {
    /// Bytes from the client.
    Bytes(&'a [u8]),
    /// The answer to the open question.
    Answer(Answer),
    /// The TLS handshake succeeded.
    TlsStarted,
    /// The client was silent for too long.
    Timeout,
    /// The server stops.
    Shutdown,
}

/// What a session wants.
#[derive(Debug, PartialEq, Eq)]
pub enum Output {
    /// Send these bytes.
    Send(Vec<u8>),
    /// Find this out and give an [`Input::Answer`]; until then the session does nothing.
    Ask(Request),
    /// Begin the TLS handshake as server.
    StartTls,
    /// Close the connection; nothing comes after this.
    Close,
}

/// A question about the mailbox.
#[derive(Debug, PartialEq, Eq)]
pub enum Request {
    /// May this user have the mailbox, and what is in it?
    Login {
        /// The user name.
        user: String,
        /// The password.
        password: String,
    },
    /// What is the content of this mail?
    Content {
        /// Its name.
        uid: String,
    },
    /// Delete these mails.
    Delete {
        /// Their names.
        uids: Vec<String>,
    },
}

/// What is answered to a [`Request`].
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// The login succeeded; the mailbox is locked for this session and holds these.
    Mailbox(Vec<Item>),
    /// User name or password are wrong.
    WrongPassword,
    /// Another session has the mailbox.
    InUse,
    /// The content; `None` if the mail is gone.
    Content(Option<Bytes>),
    /// The mails are deleted.
    Deleted,
    /// It cannot be found out or done for now.
    Failed,
}

/// Whether STLS is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// It is not.
    Off,
    /// It is.
    Offered,
    /// The connection is encrypted already.
    Active,
}

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
    Transaction { drop: Drop },
    /// Waits for a content; `lines` of the body are wanted, all of them if `None`.
    Fetching { drop: Drop, lines: Option<u64> },
    /// Waits for the deletion.
    Updating,
    /// Waits for the TLS handshake.
    StartingTls,
    /// Has ended.
    Closed,
}

/// The mailbox as it was at login, and what is marked for deletion.
#[derive(Debug, Default)]
struct Drop {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    item: Item,
    deleted: bool,
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

    /// What is to be done next; drained until `None`. One command is carried out at a time, so that a client that
    /// sends many at once does not fill the memory with answers.
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
            State::Transaction { drop } => self.transact(command, drop),
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

    fn transact(&mut self, command: Command, mut drop: Drop) {
        let reply = match command {
            Command::Capa => {
                self.capabilities();
                String::new()
            }
            Command::Noop => "+OK\r\n".to_owned(),
            Command::Stat => {
                let (count, size) = drop.totals();
                format!("+OK {count} {size}\r\n")
            }
            Command::List(number) => drop.listing(number, |item| item.size.to_string()),
            Command::Uidl(number) => drop.listing(number, |item| item.uid.clone()),
            Command::Retr(number) => return self.fetch(drop, number, None),
            Command::Top(number, lines) => return self.fetch(drop, number, Some(lines)),
            Command::Dele(number) => match drop.find(number) {
                Some(entry) => {
                    entry.deleted = true;
                    format!("+OK message {number} will be deleted\r\n")
                }
                None => no_such(number),
            },
            Command::Rset => {
                drop.entries.iter_mut().for_each(|entry| entry.deleted = false);
                let (count, size) = drop.totals();
                format!("+OK {count} messages ({size} octets)\r\n")
            }
            Command::Quit => return self.update(drop),
            Command::User(_) | Command::Pass(_) | Command::Stls => {
                self.state = State::Transaction { drop };
                return self.error("you are logged in already");
            }
        };
        self.state = State::Transaction { drop };
        self.send(&reply);
    }

    fn fetch(&mut self, mut drop: Drop, number: usize, lines: Option<u64>) {
        let uid = drop.find(number).map(|entry| entry.item.uid.clone());
        match uid {
            Some(uid) => {
                self.state = State::Fetching { drop, lines };
                self.ask(Request::Content { uid });
            }
            None => {
                self.state = State::Transaction { drop };
                self.send(&no_such(number));
            }
        }
    }

    fn update(&mut self, drop: Drop) {
        let deleted = drop.entries.into_iter().filter(|entry| entry.deleted);
        let uids: Vec<String> = deleted.map(|entry| entry.item.uid).collect();
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
                let drop = Drop::new(items);
                let (count, size) = drop.totals();
                self.state = State::Transaction { drop };
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
            (State::LoggingIn, _) => {
                self.state = State::Authorization { user: None };
                self.send("-ERR [SYS/TEMP] the mailbox cannot be read for now\r\n");
            }
            (State::Fetching { drop, lines }, Answer::Content(Some(content))) => {
                self.state = State::Transaction { drop };
                self.outbox.push(Output::Send(text::reply(&content, lines)));
            }
            (State::Fetching { drop, .. }, Answer::Content(None)) => {
                self.state = State::Transaction { drop };
                self.send("-ERR the message is gone\r\n");
            }
            (State::Fetching { drop, .. }, _) => {
                self.state = State::Transaction { drop };
                self.send("-ERR [SYS/TEMP] the message cannot be read for now\r\n");
            }
            (State::Updating, Answer::Deleted) => {
                self.send("+OK good bye\r\n");
                self.close();
            }
            (State::Updating, _) => {
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

fn no_such(number: usize) -> String {
    format!("-ERR there is no message {number}\r\n")
}

impl Drop {
    fn new(items: Vec<Item>) -> Self {
        Self { entries: items.into_iter().map(|item| Entry { item, deleted: false }).collect() }
    }

    /// The mail of this number (from 1), unless it is deleted.
    fn find(&mut self, number: usize) -> Option<&mut Entry> {
        self.entries.get_mut(number.checked_sub(1)?).filter(|entry| !entry.deleted)
    }

    fn live(&self) -> impl Iterator<Item = (usize, &Item)> {
        let numbered = self.entries.iter().enumerate();
        numbered.filter(|(_, entry)| !entry.deleted).map(|(index, entry)| (index + 1, &entry.item))
    }

    /// Number and size of what is not deleted.
    fn totals(&self) -> (usize, u64) {
        self.live().fold((0, 0), |(count, size), (_, item)| (count + 1, size.saturating_add(item.size)))
    }

    fn listing(&mut self, number: Option<usize>, show: impl Fn(&Item) -> String) -> String {
        match number {
            Some(number) => match self.find(number) {
                Some(entry) => format!("+OK {number} {}\r\n", show(&entry.item)),
                None => no_such(number),
            },
            None => {
                let lines = self.live().map(|(number, item)| format!("{number} {}\r\n", show(item)));
                format!("+OK\r\n{}.\r\n", lines.collect::<String>())
            }
        }
    }
}
