//! A connection in plain text or in TLS.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// What both kinds of connection can do.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

/// The connection of one session; `None` while TLS is being started.
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::TlsStream<TcpStream>>),
    Closed,
}

impl Stream {
    /// The connection, for reading and writing.
    pub(crate) fn duplex(&mut self) -> Option<&mut dyn Duplex> {
        match self {
            Self::Plain(stream) => Some(stream),
            Self::Tls(stream) => Some(stream),
            Self::Closed => None,
        }
    }

    /// Takes the connection out, to wrap it in TLS.
    pub(crate) fn take_plain(&mut self) -> Option<TcpStream> {
        match std::mem::replace(self, Self::Closed) {
            Self::Plain(stream) => Some(stream),
            Self::Tls(_) | Self::Closed => None,
        }
    }
}
