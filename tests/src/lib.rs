//! What the end-to-end stories share: a system to tell them on, and the foreign programs that take part.
//!
//! A story starts a [`System`] (in this process) or a [`Program`] (the real binary, where it must be killed or its exit
//! code read), talks to it as any campaign system would (SMTP, HTTP, POP3, webhooks), moves its clock, and looks at what
//! came of it. Everything listens on ports of the machine's choice, and nothing sleeps: a story waits for the clock to
//! settle. What goes wrong here is a failed test, so the helpers panic, with the answer that they did not expect.

pub mod api;
pub mod program;
pub mod receiver;
pub mod smtp;
pub mod system;
pub mod tool;

pub use api::Api;
pub use program::Program;
pub use receiver::{Post, Receiver};
pub use smtp::Smtp;
pub use system::{START, Setup, System};

use std::path::{Path, PathBuf};

/// The folder of the project.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/"))
}

/// A corpus of mails beside the project, if it is there; where it is not, says so.
pub fn corpus(name: &str) -> Option<PathBuf> {
    let folder = project().join("../shared/corpus").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("SKIPPED: the corpus {} is not there", folder.display());
    None
}

/// A plain message with `From`, `To` and `Subject`, and neither `Date` nor `Message-ID`.
pub fn mail(to: &str, subject: &str) -> String {
    format!("From: news@brand.example\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nHello, here is the news.\r\n")
}
