//! An HTTP client for stories: every byte as the story says it, in as many pieces as it says, over HTTP/1.1 or HTTP/2.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame};
use hyper::header::HeaderMap;
use hyper::{Request, client};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_stream::StreamExt;

use crate::support::PATIENCE;

/// Between two pieces of a body: long enough that nobody reads them as one.
const PAUSE: Duration = Duration::from_millis(50);

/// A request in the making.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<Bytes>,
    chunked: bool,
    http2: bool,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
}

pub(crate) fn get(path: &str) -> Call {
    call("GET", path)
}

pub(crate) fn post(path: &str) -> Call {
    call("POST", path)
}

fn call(method: &'static str, path: &str) -> Call {
    Call {
        method,
        path: path.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        chunked: false,
        http2: false,
    }
}

impl Call {
    /// Adds a header; a name may be added twice.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The body, said to be JSON.
    pub(crate) fn json(self, body: impl Into<Bytes>) -> Self {
        self.header("content-type", "application/json").body([body.into()])
    }

    /// The body in pieces, each sent on its own with a pause between.
    pub(crate) fn body(mut self, pieces: impl IntoIterator<Item = Bytes>) -> Self {
        self.body = pieces.into_iter().collect();
        self
    }

    /// Does not say the body's length beforehand.
    pub(crate) fn chunked(mut self) -> Self {
        self.chunked = true;
        self
    }

    /// Over HTTP/2 without TLS.
    pub(crate) fn http2(mut self) -> Self {
        self.http2 = true;
        self
    }

    /// Sends it over a connection of its own.
    pub(crate) async fn send(&self, to: SocketAddr) -> Answer {
        timeout(PATIENCE, self.try_send(to)).await.expect("an answer in time").expect("an answer")
    }

    /// As `send`, for servers that may not be there.
    pub(crate) async fn try_send(&self, to: SocketAddr) -> anyhow::Result<Answer> {
        let stream = TcpStream::connect(to).await?;
        stream.set_nodelay(true)?;
        let io = TokioIo::new(stream);
        let response = if self.http2 {
            let (mut sender, connection) = client::conn::http2::handshake(TokioExecutor::new(), io).await?;
            tokio::spawn(connection);
            sender.send_request(self.request(to)).await?
        } else {
            let (mut sender, connection) = client::conn::http1::handshake(io).await?;
            tokio::spawn(connection);
            sender.send_request(self.request(to)).await?
        };
        let (head, body) = response.into_parts();
        let body = body.collect().await?;
        let trailers = body.trailers().cloned();
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes(), trailers })
    }

    fn request(
        &self,
        to: SocketAddr,
    ) -> Request<impl hyper::body::Body<Data = Bytes, Error = Infallible> + Send + use<>> {
        let target = if self.http2 { format!("http://{to}{}", self.path) } else { self.path.clone() };
        let mut request = Request::builder().method(self.method).uri(target);
        if !self.http2 {
            request = request.header("host", to.to_string());
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let length: usize = self.body.iter().map(Bytes::len).sum();
        let is_said =
            length > 0 && !self.chunked && !self.headers.iter().any(|(name, _)| name == "content-length");
        if is_said {
            request = request.header("content-length", length);
        }
        let pieces =
            tokio_stream::iter(self.body.clone().into_iter().enumerate()).then(async |(at, piece)| {
                if at > 0 {
                    sleep(PAUSE).await;
                }
                Ok(Frame::data(piece))
            });
        let body = if self.body.is_empty() {
            http_body_util::Empty::new().boxed_unsync()
        } else {
            BodyExt::boxed_unsync(StreamBody::new(pieces))
        };
        request.body(body).expect("a story's request is valid")
    }
}

impl Answer {
    /// The header's only value; none if it is absent. Twice is a failure.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next()?;
        assert_eq!(values.next(), None, "`{name}` was sent more than once");
        Some(value.to_str().expect("ASCII"))
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{} with a body that is not JSON ({e}): {:?}", self.status, self.body))
    }
}
