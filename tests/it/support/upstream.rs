//! Real upstreams: one that shows what reached it (HTTP/1.1, and HTTP/2 without TLS), and one that speaks gRPC.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::HeaderMap;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::metadata::MetadataMap;
use tonic::transport::Server;

/// A request that reached the upstream.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    /// Every value of a header, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers.get_all(name).iter().map(|value| value.to_str().expect("ASCII")).collect()
    }
}

/// Answers every request with what it was, as JSON, and with a forged pact header, which a gateway must replace.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

impl Upstream {
    pub(crate) async fn start() -> Self {
        let (listener, address) = listen().await;
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let record = Arc::clone(&record);
                let service = service_fn(move |request| answer(request, Arc::clone(&record)));
                tokio::spawn(async move {
                    // A connection that breaks is the other side's story.
                    let server = auto::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Self { address, seen, task }
    }

    /// All that reached it, in order of arrival.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no handler panics").clone()
    }

    /// The one request that reached it.
    pub(crate) fn only(&self) -> Seen {
        let [seen] = <[Seen; 1]>::try_from(self.seen())
            .unwrap_or_else(|seen| panic!("one request, not {}: {seen:?}", seen.len()));
        seen
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    request: Request<Incoming>,
    record: Arc<Mutex<Vec<Seen>>>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        let cut = Response::builder().status(400).body(Full::from("the body was cut"));
        return Ok(cut.expect("a valid response"));
    };
    let seen = Seen {
        method: head.method.to_string(),
        path: head.uri.path_and_query().map_or_else(String::new, ToString::to_string),
        headers: head.headers,
        body: body.to_bytes(),
    };
    let headers: BTreeMap<&str, Vec<&str>> =
        seen.headers.keys().map(|name| (name.as_str(), seen.all(name.as_str()))).collect();
    let shown = json!({
        "method": seen.method, "path": seen.path, "headers": headers, "body_bytes": seen.body.len(),
    });
    record.lock().expect("no handler panics").push(seen);
    let response = Response::builder()
        .header("content-type", "application/json")
        .header("x-safety-pact-awaiting", "forged by the upstream")
        .body(Full::from(shown.to_string()));
    Ok(response.expect("a valid response"))
}

/// A gRPC service (`grpc.health.v1.Health`, serving) that keeps the metadata of its calls.
#[derive(Debug)]
pub(crate) struct GrpcUpstream {
    pub(crate) address: SocketAddr,
    calls: Arc<Mutex<Vec<MetadataMap>>>,
    task: JoinHandle<()>,
}

impl GrpcUpstream {
    pub(crate) async fn start() -> Self {
        let (listener, address) = listen().await;
        let calls = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&calls);
        let task = tokio::spawn(async move {
            let (_reporter, health) = tonic_health::server::health_reporter();
            let interceptor = move |request: tonic::Request<()>| {
                record.lock().expect("no handler panics").push(request.metadata().clone());
                Ok(request)
            };
            Server::builder()
                .layer(tonic::service::InterceptorLayer::new(interceptor))
                .add_service(health)
                .serve_with_incoming(TcpListenerStream::new(listener))
                .await
                .expect("a server on a bound listener runs");
        });
        Self { address, calls, task }
    }

    /// The metadata of the calls that reached it.
    pub(crate) fn calls(&self) -> Vec<MetadataMap> {
        self.calls.lock().expect("no handler panics").clone()
    }
}

impl Drop for GrpcUpstream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
    let address = listener.local_addr().expect("it is bound");
    (listener, address)
}
