//! What goes into a session and what comes out of it.

use bytes::Bytes;

use super::Item;

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
