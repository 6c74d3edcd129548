//! The client: HTTP/2 by hand, so that asking costs less than answering and the server is what is measured.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, ensure};
use bytes::{Bytes, BytesMut};
use h2::client::SendRequest;
use http::Request;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinSet;

use crate::questions::{Kind, Questions};

/// Where a server listens.
#[derive(Debug, Clone)]
pub enum Door {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

/// Connections to one server, kept open from round to round.
pub struct Load {
    connections: Vec<SendRequest<Bytes>>,
}

impl Load {
    pub async fn connect(door: &Door, connections: usize) -> Result<Self> {
        let mut opened = Vec::with_capacity(connections);
        for _ in 0..connections {
            opened.push(match door {
                Door::Tcp(address) => {
                    let stream = TcpStream::connect(address).await?;
                    stream.set_nodelay(true)?;
                    shake_hands(stream).await?
                }
                Door::Unix(path) => shake_hands(UnixStream::connect(path).await?).await?,
            });
        }
        Ok(Self { connections: opened })
    }

    /// Asks the requests of these numbers, `streams` at a time on each connection; each stream asks as soon as it was
    /// answered. Fails on the first answer that is not a permit. Returns one of the last answers.
    pub async fn ask(
        &self,
        questions: &Arc<Questions>,
        numbers: Range<u64>,
        streams: usize,
    ) -> Result<Bytes> {
        let next = Arc::new(AtomicU64::new(numbers.start));
        let mut asking = JoinSet::new();
        for connection in &self.connections {
            for _ in 0..streams {
                let (connection, next, numbers) = (connection.clone(), Arc::clone(&next), numbers.clone());
                let questions = Arc::clone(questions);
                asking.spawn(async move {
                    let mut connection = connection.ready().await?;
                    let mut answered = Bytes::new();
                    loop {
                        let serial = next.fetch_add(1, Ordering::Relaxed);
                        if serial >= numbers.end {
                            return Ok::<Bytes, anyhow::Error>(answered);
                        }
                        answered = ask_one(&mut connection, &questions, serial).await?;
                        connection = connection.ready().await?;
                    }
                });
            }
        }
        let mut answered = Bytes::new();
        while let Some(stream) = asking.join_next().await {
            answered = answered.max(stream??);
        }
        Ok(answered)
    }
}

async fn shake_hands<S>(stream: S) -> Result<SendRequest<Bytes>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (send, connection) = h2::client::Builder::new()
        .initial_window_size(1 << 20)
        .initial_connection_window_size(8 << 20)
        .handshake(stream)
        .await?;
    tokio::spawn(connection);
    Ok(send)
}

async fn ask_one(connection: &mut SendRequest<Bytes>, questions: &Questions, serial: u64) -> Result<Bytes> {
    let mut request = Request::post(format!("http://pdp.local{}", questions.path()))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("user-agent", "bench");
    if questions.kind == Kind::Check {
        request = request.header("grpc-timeout", "250m");
    }
    let (response, mut body) = connection.send_request(request.body(())?, false)?;
    body.send_data(questions.frame(serial), true)?;
    let response = response.await?;
    ensure!(response.headers().get("grpc-status").is_none(), "refused call: {:?}", response.headers());
    let mut body = response.into_body();
    let mut frame = BytesMut::new();
    while let Some(data) = body.data().await {
        let data = data?;
        frame.extend_from_slice(&data);
        body.flow_control().release_capacity(data.len())?;
    }
    let trailers = body.trailers().await?.context("answer without trailers")?;
    ensure!(trailers.get("grpc-status").is_some_and(|status| status == "0"), "failed call: {trailers:?}");
    // Five bytes of prefix come before the message.
    let answer = frame.freeze().slice(5..);
    ensure!(questions.permits(&answer), "request {serial} was not permitted: {answer:?}");
    Ok(answer)
}
