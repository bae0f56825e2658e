//! Transcripts of sessions, bytes cut anywhere, and sessions over a socket.

mod sockets;
mod transcripts;

use std::sync::{Arc, Mutex};

use bytes::Bytes;

use super::session::{Answer, Request};
use super::{Item, Maildrop, MaildropError};

const FIRST: &str = "Subject: one\r\n\r\nfirst\r\n.dot\r\nlast\r\n";
const SECOND: &str = "Subject: two\r\n\r\nsecond\r\n";

/// A mailbox for tests; the flag makes it fail.
#[derive(Clone)]
struct Shelf {
    mails: Arc<Mutex<Vec<(String, Bytes)>>>,
    broken: bool,
}

impl Default for Shelf {
    fn default() -> Self {
        let mails = vec![("aa".to_owned(), FIRST.into()), ("bb".to_owned(), SECOND.into())];
        Self { mails: Arc::new(Mutex::new(mails)), broken: false }
    }
}

impl Shelf {
    fn items(&self) -> Vec<Item> {
        let mails = self.mails.lock().unwrap();
        mails.iter().map(|(uid, raw)| Item { uid: uid.clone(), size: raw.len() as u64 }).collect()
    }

    fn names(&self) -> Vec<String> {
        self.items().into_iter().map(|item| item.uid).collect()
    }

    fn raw(&self, uid: &str) -> Option<Bytes> {
        self.mails.lock().unwrap().iter().find(|(name, _)| name == uid).map(|(_, raw)| raw.clone())
    }

    fn remove(&self, uids: &[String]) {
        self.mails.lock().unwrap().retain(|(uid, _)| !uids.contains(uid));
    }

    /// What the server answers, without a socket.
    fn answer(&self, request: Request) -> Answer {
        match request {
            Request::Login { user, .. } if user == "busy" => Answer::InUse,
            Request::Login { user, password }
                if (user.as_str(), password.as_str()) == ("bounce", "se cret") =>
            {
                if self.broken {
                    Answer::Failed
                } else {
                    Answer::Mailbox(self.items())
                }
            }
            Request::Login { .. } => Answer::WrongPassword,
            Request::Content { uid } => Answer::Content(self.raw(&uid)),
            Request::Delete { uids } => {
                self.remove(&uids);
                Answer::Deleted
            }
        }
    }
}

impl Maildrop for Shelf {
    async fn list(&self, limit: usize) -> Result<Vec<Item>, MaildropError> {
        Ok(self.items().into_iter().take(limit).collect())
    }

    async fn content(&self, uid: &str) -> Result<Option<Bytes>, MaildropError> {
        Ok(self.raw(uid))
    }

    async fn delete(&self, uids: Vec<String>) -> Result<(), MaildropError> {
        self.remove(&uids);
        Ok(())
    }
}
