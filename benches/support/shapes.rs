//! The no-op server in each shape that the runtime could have: docs/decisions/0001-runtime-shape.md.
//!
//! ```text
//! stealing    tokio's multi-thread scheduler as it comes
//! no-lifo     the same without its LIFO slot (needs --cfg tokio_unstable)
//! reuseport   a current-thread runtime per core, each with its own SO_REUSEPORT listener
//! dealt       a current-thread runtime per core; one acceptor deals connections to the one with the fewest
//! ```

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::thread;

use anyhow::{Result, bail};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::{self, UnboundedSender};
use tokio_stream::wrappers::{TcpListenerStream, UnboundedReceiverStream, UnixListenerStream};
use tokio_stream::{Stream, StreamExt};
use tonic::service::Routes;
use tonic::transport::Server;
use tonic::transport::server::Connected;

use crate::noop;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Stealing,
    NoLifo,
    Reuseport,
    Dealt,
}

impl FromStr for Shape {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        Ok(match name {
            "stealing" => Self::Stealing,
            "no-lifo" => Self::NoLifo,
            "reuseport" => Self::Reuseport,
            "dealt" => Self::Dealt,
            _ => bail!("unknown shape `{name}`"),
        })
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stealing => "stealing",
            Self::NoLifo => "no-lifo",
            Self::Reuseport => "reuseport",
            Self::Dealt => "dealt",
        })
    }
}

/// Was tokio built with its unstable options?
#[allow(unexpected_cfgs, reason = "tokio's own flag, given by hand for the study of shapes")]
pub const UNSTABLE: bool = cfg!(tokio_unstable);

#[allow(unexpected_cfgs, reason = "tokio's own flag, given by hand for the study of shapes")]
fn stealing(workers: usize, lifo: bool) -> Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers).thread_name("worker").enable_all();
    if !lifo {
        #[cfg(tokio_unstable)]
        builder.disable_lifo_slot();
        #[cfg(not(tokio_unstable))]
        bail!("`no-lifo` needs RUSTFLAGS=\"--cfg tokio_unstable\"");
    }
    Ok(builder.build()?)
}

/// Listens on a free TCP port and on `socket`, says where, and serves `answers` until it is killed.
pub fn serve(shape: Shape, workers: usize, socket: &Path, answers: &Path) -> Result<()> {
    let routes = noop::routes(answers)?;
    // A socket file left by an earlier run would be in the way.
    let _ = std::fs::remove_file(socket);
    match shape {
        Shape::Stealing | Shape::NoLifo => stealing(workers, shape == Shape::Stealing)?.block_on(async {
            // In a task, as the listeners of `tokio::main` are not: the main thread is no worker.
            tokio::spawn(serve_shared(socket.to_owned(), routes)).await?
        }),
        Shape::Reuseport => serve_reuseport(workers, socket, &routes),
        Shape::Dealt => serve_dealt(workers, socket, &routes),
    }
}

#[expect(clippy::print_stderr, reason = "how a server says where it listens")]
fn announce(tcp: SocketAddr, unix: &Path) {
    eprintln!("listening grpc={tcp} unix={}", unix.display());
}

/// Serves two streams of connections until both end.
async fn serve_streams<T, U>(
    tcp: impl Stream<Item = io::Result<T>>,
    unix: impl Stream<Item = io::Result<U>>,
    routes: Routes,
) -> Result<()>
where
    T: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
    U: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static,
{
    let tcp = Server::builder().add_routes(routes.clone()).serve_with_incoming(tcp);
    let unix = Server::builder().add_routes(routes).serve_with_incoming(unix);
    tokio::try_join!(tcp, unix)?;
    Ok(())
}

fn without_delay(stream: io::Result<TcpStream>) -> io::Result<TcpStream> {
    stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream))
}

async fn serve_shared(socket: PathBuf, routes: Routes) -> Result<()> {
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let unix = UnixListener::bind(&socket)?;
    announce(tcp.local_addr()?, &socket);
    serve_streams(TcpListenerStream::new(tcp).map(without_delay), UnixListenerStream::new(unix), routes).await
}

fn current_thread() -> Result<Runtime> {
    Ok(Builder::new_current_thread().enable_all().build()?)
}

fn spawn_worker(work: impl FnOnce() -> Result<()> + Send + 'static) -> Result<()> {
    thread::Builder::new()
        .name("worker".into())
        .spawn(move || work().expect("a worker serves until it is killed"))?;
    Ok(())
}

fn serve_reuseport(workers: usize, socket: &Path, routes: &Routes) -> Result<()> {
    let listener = || {
        let listener = TcpSocket::new_v4()?;
        listener.set_reuseport(true)?;
        Ok::<TcpSocket, io::Error>(listener)
    };
    let runtime = current_thread()?;
    let _guard = runtime.enter();
    // Binds the port without listening: a socket that never listens is dealt no connections.
    let holder = listener()?;
    holder.bind((Ipv4Addr::LOCALHOST, 0).into())?;
    let address = holder.local_addr()?;
    // Unix sockets have no SO_REUSEPORT: all workers wait on one.
    let unix = std::os::unix::net::UnixListener::bind(socket)?;
    unix.set_nonblocking(true)?;
    let (ready, all_ready) = std::sync::mpsc::channel();
    for _ in 0..workers {
        let (unix, ready, routes) = (unix.try_clone()?, ready.clone(), routes.clone());
        spawn_worker(move || {
            current_thread()?.block_on(async {
                let tcp = listener()?;
                tcp.bind(address)?;
                let tcp = TcpListenerStream::new(tcp.listen(1024)?).map(without_delay);
                let unix = UnixListenerStream::new(UnixListener::from_std(unix)?);
                ready.send(())?;
                serve_streams(tcp, unix, routes).await
            })
        })?;
    }
    for _ in 0..workers {
        all_ready.recv()?;
    }
    announce(address, socket);
    runtime.block_on(std::future::pending())
}

/// Where the acceptor leaves connections for one worker.
struct Seat {
    tcp: UnboundedSender<Dealt<std::net::TcpStream>>,
    unix: UnboundedSender<Dealt<std::os::unix::net::UnixStream>>,
    /// Connections that the worker has now.
    taken: Arc<AtomicUsize>,
}

fn serve_dealt(workers: usize, socket: &Path, routes: &Routes) -> Result<()> {
    let mut seats = Vec::new();
    for _ in 0..workers {
        let (tcp, tcp_dealt) = mpsc::unbounded_channel();
        let (unix, unix_dealt) = mpsc::unbounded_channel();
        seats.push(Seat { tcp, unix, taken: Arc::default() });
        let routes = routes.clone();
        spawn_worker(move || {
            current_thread()?.block_on(serve_streams(
                UnboundedReceiverStream::new(tcp_dealt).map(|dealt| dealt.try_map(TcpStream::from_std)),
                UnboundedReceiverStream::new(unix_dealt).map(|dealt| dealt.try_map(UnixStream::from_std)),
                routes,
            ))
        })?;
    }
    current_thread()?.block_on(async {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let unix = UnixListener::bind(socket)?;
        announce(tcp.local_addr()?, socket);
        loop {
            // A stream belongs to the runtime it was made in: it crosses over as the standard library's.
            tokio::select! {
                stream = tcp.accept() => {
                    let stream = stream?.0;
                    stream.set_nodelay(true)?;
                    let (seat, taken) = least_taken(&seats);
                    seat.tcp.send(Dealt { stream: stream.into_std()?, taken })?;
                }
                stream = unix.accept() => {
                    let (seat, taken) = least_taken(&seats);
                    seat.unix.send(Dealt { stream: stream?.0.into_std()?, taken })?;
                }
            }
        }
    })
}

fn least_taken(seats: &[Seat]) -> (&Seat, Taken) {
    let seat =
        seats.iter().min_by_key(|seat| seat.taken.load(Ordering::Relaxed)).expect("at least one worker");
    seat.taken.fetch_add(1, Ordering::Relaxed);
    (seat, Taken(Arc::clone(&seat.taken)))
}

/// One of a worker's connections; gives the seat back when dropped.
struct Taken(Arc<AtomicUsize>);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection that is counted while it lives.
struct Dealt<S> {
    stream: S,
    taken: Taken,
}

impl<S> Dealt<S> {
    fn try_map<T>(self, map: impl FnOnce(S) -> io::Result<T>) -> io::Result<Dealt<T>> {
        Ok(Dealt { stream: map(self.stream)?, taken: self.taken })
    }
}

impl<S: Connected> Connected for Dealt<S> {
    type ConnectInfo = S::ConnectInfo;

    fn connect_info(&self) -> Self::ConnectInfo {
        self.stream.connect_info()
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Dealt<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Dealt<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    // Without this HTTP/2 copies every frame into one buffer first.
    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
