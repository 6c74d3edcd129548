//! A client's connection, whichever listener it came through.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::OwnedSemaphorePermit;
use tonic::transport::server::Connected;

/// An accepted socket, on its way to the worker that will serve it.
#[derive(Debug)]
pub enum Accepted {
    /// From the TCP listener.
    Tcp(std::net::TcpStream),
    /// From the Unix socket.
    Unix(std::os::unix::net::UnixStream),
}

/// What a connection holds while it lives: a place among `max_connections`, and one of its worker's.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
    /// Its count of holders is the worker's number of connections.
    _worker: Arc<()>,
}

impl Place {
    /// A place with a worker whose connections are counted by the holders of `worker`.
    #[must_use]
    pub const fn new(permit: OwnedSemaphorePermit, worker: Arc<()>) -> Self {
        Self { _permit: permit, _worker: worker }
    }
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A connection on its worker's runtime.
#[derive(Debug)]
pub(crate) struct Connection {
    socket: Socket,
    _place: Place,
}

impl Connection {
    /// Registers the socket with the runtime it is called on.
    pub(crate) fn new(accepted: Accepted, place: Place) -> io::Result<Self> {
        let socket = match accepted {
            Accepted::Tcp(stream) => Socket::Tcp(TcpStream::from_std(stream)?),
            Accepted::Unix(stream) => Socket::Unix(UnixStream::from_std(stream)?),
        };
        Ok(Self { socket, _place: place })
    }
}

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Socket::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Socket::Unix(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Socket::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Socket::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
