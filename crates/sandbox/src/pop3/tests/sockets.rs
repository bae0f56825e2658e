//! The server over real sockets.

use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::Shelf;
use crate::pop3::server::Pop3Listener;
use crate::tls;

/// A client that sends a line and reads one.
struct Client<S>(BufReader<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }

    async fn say(&mut self, command: &str) -> String {
        self.0.write_all(format!("{command}\r\n").as_bytes()).await.unwrap();
        self.line().await
    }
}

async fn connect(listener: &TcpListener) -> Client<TcpStream> {
    Client(BufReader::new(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap()))
}

fn server(listener: TcpListener, mailbox: &Shelf) -> Pop3Listener<Shelf> {
    Pop3Listener {
        listener,
        user: "bounce".to_owned(),
        password: "bounce".to_owned(),
        tls: None,
        sessions: 2,
        timeout: Duration::from_mins(1),
        maildrop: mailbox.clone(),
    }
}

#[tokio::test]
async fn over_a_socket() {
    let mailbox = Shelf::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut first = connect(&listener).await;
    let mut second = connect(&listener).await;
    let mut third = connect(&listener).await;
    let stop = CancellationToken::new();
    let server = server(listener, &mailbox);
    let client = async {
        assert_eq!(first.line().await, "+OK emta POP3 ready");
        assert_eq!(second.line().await, "+OK emta POP3 ready");
        assert_eq!(third.line().await, "-ERR [SYS/TEMP] too many sessions");
        assert_eq!(third.line().await, "", "closed");

        first.say("USER bounce").await;
        assert_eq!(first.say("PASS bounce").await, "+OK 2 messages (59 octets)");
        second.say("USER bounce").await;
        assert_eq!(second.say("PASS bounce").await, "-ERR [IN-USE] another session has the mailbox");

        assert_eq!(first.say("RETR 2").await, "+OK 24 octets");
        for expected in ["Subject: two", "", "second", "."] {
            assert_eq!(first.line().await, expected);
        }
        first.say("DELE 2").await;
        assert_eq!(first.say("QUIT").await, "+OK good bye");
        assert_eq!(first.line().await, "", "closed");
        drop(first);

        // The lock is free once the first session's task has ended, which its closed socket does not promise.
        second.say("USER bounce").await;
        let mut reply = second.say("PASS bounce").await;
        while reply.starts_with("-ERR [IN-USE]") {
            second.say("USER bounce").await;
            reply = second.say("PASS bounce").await;
        }
        assert_eq!(reply, "+OK 1 messages (35 octets)");
        stop.cancel();
        assert_eq!(second.line().await, "-ERR [SYS/TEMP] the server is stopping");
    };
    tokio::join!(server.run(stop.clone()), client);
    assert_eq!(mailbox.names(), ["aa"]);
}

#[tokio::test]
async fn over_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = connect(&listener).await;
    let stop = CancellationToken::new();
    let tls = Some(tls::server("mta.emta.test", None).unwrap());
    let server = Pop3Listener { tls, ..server(listener, &Shelf::default()) };
    let client = async {
        client.line().await;
        assert_eq!(client.say("STLS").await, "+OK begin TLS");
        let connector = TlsConnector::from(tls::opportunistic_client());
        let name = ServerName::try_from("mta.emta.test").unwrap();
        let stream = connector.connect(name, client.0.into_inner()).await.unwrap();
        let mut client = Client(BufReader::new(stream));
        assert_eq!(client.say("STLS").await, "-ERR TLS is not offered here");
        assert_eq!(client.say("USER bounce").await, "+OK now the password");
        assert_eq!(client.say("PASS bounce").await, "+OK 2 messages (59 octets)");
        stop.cancel();
    };
    tokio::join!(server.run(stop.clone()), client);
}

#[tokio::test]
async fn a_silent_session_is_closed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = connect(&listener).await;
    let stop = CancellationToken::new();
    let server = Pop3Listener { timeout: Duration::from_millis(20), ..server(listener, &Shelf::default()) };
    let client = async {
        assert_eq!(client.line().await, "+OK emta POP3 ready");
        assert_eq!(client.line().await, "", "closed without a word");
        stop.cancel();
    };
    tokio::join!(server.run(stop.clone()), client);
}
