//! An SMTP client that sends exactly what it is told, and does not mind being refused.

use std::net::SocketAddr;
use std::time::Duration;

use emta_sandbox::clock::wall;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// Real time that a reply may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// One connection.
#[derive(Debug)]
pub struct Smtp {
    stream: BufReader<TcpStream>,
}

impl Smtp {
    /// Connects and reads the greeting.
    ///
    /// # Panics
    /// When nobody listens or the greeting is not 220.
    pub async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap_or_else(|error| panic!("{address}: {error}"));
        stream.set_nodelay(true).expect("a socket option");
        let mut smtp = Self { stream: BufReader::new(stream) };
        let greeting = smtp.reply().await;
        assert!(greeting.starts_with("220 "), "{greeting}");
        smtp
    }

    /// Sends octets as they are.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn send(&mut self, octets: &[u8]) {
        self.try_send(octets).await.expect("a connection that takes octets");
    }

    /// As [`Smtp::send`], where the connection may be cut.
    ///
    /// # Errors
    /// When the connection is cut.
    pub async fn try_send(&mut self, octets: &[u8]) -> std::io::Result<()> {
        self.stream.get_mut().write_all(octets).await
    }

    /// Sends a command.
    pub async fn command(&mut self, line: &str) {
        self.send(format!("{line}\r\n").as_bytes()).await;
    }

    /// The next reply, lines joined by `\n`, without the last line end; empty when the server has hung up.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn reply(&mut self) -> String {
        self.try_reply().await.expect("a connection that is not cut")
    }

    /// As [`Smtp::reply`], where the connection may be cut.
    ///
    /// # Errors
    /// When the connection is cut.
    ///
    /// # Panics
    /// When nothing comes.
    pub async fn try_reply(&mut self) -> std::io::Result<String> {
        let mut reply = String::new();
        loop {
            let mut line = String::new();
            let read = wall::timeout(PATIENCE, self.stream.read_line(&mut line)).await;
            let length = read.unwrap_or_else(|_| panic!("no reply in {PATIENCE:?} after {reply:?}"))?;
            reply.push_str(&line);
            if length == 0 || line.as_bytes().get(3) != Some(&b'-') {
                return Ok(reply.trim_end().replace("\r\n", "\n"));
            }
        }
    }

    /// Sends a command and reads the reply.
    pub async fn say(&mut self, line: &str) -> String {
        self.command(line).await;
        self.reply().await
    }

    /// Sends a command that gets this code.
    ///
    /// # Panics
    /// When it gets another.
    pub async fn expect(&mut self, line: &str, code: u16) -> String {
        let reply = self.say(line).await;
        assert!(reply.starts_with(&code.to_string()), "{line}: expected {code}, got {reply}");
        reply
    }

    /// Sends a message that is taken; `content` is dot-stuffed already.
    ///
    /// # Panics
    /// When it is not taken.
    pub async fn send_mail(&mut self, from: &str, to: &[&str], content: &str) -> String {
        let reply = self.try_mail(from, to, content).await;
        assert!(reply.starts_with("250"), "{reply}");
        reply
    }

    /// Sends a message; the reply after the final dot. `content` is dot-stuffed already.
    ///
    /// # Panics
    /// When it is refused before.
    pub async fn try_mail(&mut self, from: &str, to: &[&str], content: &str) -> String {
        self.expect(&format!("MAIL FROM:<{from}>"), 250).await;
        for recipient in to {
            self.expect(&format!("RCPT TO:<{recipient}>"), 250).await;
        }
        self.expect("DATA", 354).await;
        self.send(content.as_bytes()).await;
        self.say(".").await
    }
}
