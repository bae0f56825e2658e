//! Takes all mail and counts it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use emta_sandbox::tls;
use emta_smtp::server::Extensions;
use emta_smtp::{Answer, Request, ServerConfig, ServerInput, ServerOutput, ServerSession};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::stream::Stream;
use crate::{Failure, Switch, end_of_input};

#[derive(Default)]
struct Counts {
    messages: AtomicU64,
    octets: AtomicU64,
    /// Messages that came over TLS.
    encrypted: AtomicU64,
}

pub(crate) async fn run(address: SocketAddr, encrypt: Switch) -> Result<(), Failure> {
    let listener = TcpListener::bind(address).await?;
    println!("{}", json!({ "address": listener.local_addr()?.to_string() }));
    let mut config = ServerConfig::new("sink.test");
    config.extensions = Extensions { starttls: encrypt == Switch::Yes, ..Extensions::default() };
    let config = Arc::new(config);
    let acceptor = TlsAcceptor::from(tls::server("sink.test", None)?);
    let counts = Arc::new(Counts::default());
    let mut tasks = JoinSet::new();
    let serve = async {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            tasks.spawn(session(stream, config.clone(), acceptor.clone(), counts.clone()));
            while tasks.try_join_next().is_some() {}
        }
    };
    tokio::select! {
        failed = serve => failed,
        () = end_of_input() => {
            let Counts { messages, octets, encrypted } = &*counts;
            let [messages, octets, encrypted] = [messages, octets, encrypted].map(|count| count.load(Ordering::Relaxed));
            println!("{}", json!({ "messages": messages, "octets": octets, "encrypted": encrypted }));
            Ok(())
        }
    }
}

async fn session(stream: TcpStream, config: Arc<ServerConfig>, tls: TlsAcceptor, counts: Arc<Counts>) {
    let mut stream = Stream::Plain(stream);
    let mut session = ServerSession::new(config, false);
    let mut buffer = vec![0; 64 * 1024];
    let mut out = Vec::new();
    while !session.is_closed() {
        while let Some(output) = session.poll() {
            match output {
                ServerOutput::Send(bytes) => out.extend_from_slice(&bytes),
                ServerOutput::Ask(request) => {
                    if let Request::Message(transaction) = request {
                        counts.messages.fetch_add(1, Ordering::Relaxed);
                        counts.encrypted.fetch_add(u64::from(session.is_tls()), Ordering::Relaxed);
                        counts.octets.fetch_add(transaction.content.len() as u64, Ordering::Relaxed);
                    }
                    session.handle(ServerInput::Answer(Answer::Accept));
                }
                ServerOutput::StartTls => {
                    let Some(mut plain) = stream.take_plain() else { return };
                    if plain.write_all(&std::mem::take(&mut out)).await.is_err() {
                        return;
                    }
                    let Ok(encrypted) = tls.accept(plain).await else { return };
                    stream = Stream::Tls(Box::new(encrypted.into()));
                    session.handle(ServerInput::TlsStarted);
                }
                ServerOutput::Close => {
                    if let Some(stream) = stream.duplex() {
                        let _ = stream.write_all(&out).await;
                        let _ = stream.shutdown().await;
                    }
                    return;
                }
            }
        }
        let Some(stream) = stream.duplex() else { return };
        if !out.is_empty() {
            if stream.write_all(&out).await.is_err() || stream.flush().await.is_err() {
                return;
            }
            out.clear();
        }
        match stream.read(&mut buffer).await {
            Ok(length) if length > 0 => session.handle(ServerInput::Bytes(&buffer[..length])),
            Ok(_) | Err(_) => session.handle(ServerInput::Closed),
        }
    }
}
