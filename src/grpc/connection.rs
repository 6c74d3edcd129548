//! A client's connection, whichever listener it came through.
//!
//! A peer that connects and says nothing is let go after a while, and soon when the server drains: the transport's
//! keepalive and graceful shutdown begin only behind the HTTP/2 preface.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tonic::transport::server::Connected;

/// How long a peer may take to say the HTTP/2 preface.
const PREFACE_TIMEOUT: Duration = Duration::from_secs(10);
/// How much of it is left once the server drains: a preface may be on its way.
const PREFACE_GRACE: Duration = Duration::from_secs(1);
/// `PRI * HTTP/2.0`, two line ends, `SM`, two line ends.
const PREFACE_BYTES: usize = 24;

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
pub(crate) struct Connection {
    socket: Socket,
    /// Runs until the preface is here.
    preface: Option<Preface>,
    _place: Place,
}

/// What is awaited of a peer that has just connected.
struct Preface {
    missing_bytes: usize,
    /// Done when the peer has been silent for too long, or the server drains.
    patience: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Connection {
    /// Registers the socket with the runtime it is called on.
    pub(crate) fn new(
        accepted: Accepted,
        place: Place,
        mut draining: watch::Receiver<bool>,
    ) -> io::Result<Self> {
        let socket = match accepted {
            Accepted::Tcp(stream) => Socket::Tcp(TcpStream::from_std(stream)?),
            Accepted::Unix(stream) => Socket::Unix(UnixStream::from_std(stream)?),
        };
        let patience = Box::pin(async move {
            let drain = draining.wait_for(|draining| *draining);
            // An error inside means that the app is gone: a drain as well.
            let drained = tokio::time::timeout(PREFACE_TIMEOUT, drain).await.is_ok();
            if drained {
                tokio::time::sleep(PREFACE_GRACE).await;
            }
        });
        let preface = Some(Preface { missing_bytes: PREFACE_BYTES, patience });
        Ok(Self { socket, preface, _place: place })
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
        let before = buf.filled().len();
        let read = match &mut self.socket {
            Socket::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Socket::Unix(stream) => Pin::new(stream).poll_read(cx, buf),
        };
        if let Some(preface) = &mut self.preface {
            preface.missing_bytes = preface.missing_bytes.saturating_sub(buf.filled().len() - before);
            if preface.missing_bytes == 0 {
                self.preface = None;
            } else if read.is_pending() && preface.patience.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        read
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
