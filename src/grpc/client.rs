//! Asking a running server, for `safety-pact evaluate`.

use std::path::PathBuf;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use tonic::transport::{Channel, Endpoint};

use crate::grpc::proto;
use crate::grpc::proto::safety_service_client::SafetyServiceClient;

/// How long connecting and the call may each take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Why a server could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nobody answers there, or the address is not one.
    #[error("cannot reach `{address}`")]
    Unreachable {
        /// Where it was looked for.
        address: String,
        /// Why not.
        #[source]
        source: tonic::transport::Error,
    },
    /// The server found the question malformed, or failed.
    #[error("{}: {}", .0.code(), .0.message())]
    Refused(Box<tonic::Status>),
}

/// Asks the server at `address` (`http://host:port`, `host:port` or `unix:PATH`).
///
/// # Errors
/// When the server cannot be reached, or answers with an error status.
pub async fn evaluate(
    address: &str,
    request: proto::EvaluateRequest,
) -> Result<proto::EvaluateResponse, AskError> {
    let channel = connect(address)
        .await
        .map_err(|source| AskError::Unreachable { address: address.to_owned(), source })?;
    let answer = SafetyServiceClient::new(channel).evaluate(request).await;
    answer.map(tonic::Response::into_inner).map_err(|status| AskError::Refused(Box::new(status)))
}

async fn connect(address: &str) -> Result<Channel, tonic::transport::Error> {
    let timed = |endpoint: Endpoint| endpoint.connect_timeout(TIMEOUT).timeout(TIMEOUT);
    if let Some(path) = address.strip_prefix("unix:") {
        let path = PathBuf::from(path);
        // The connector ignores the address; gRPC wants one for its authority.
        return timed(Endpoint::from_static("http://localhost"))
            .connect_with_connector(tower::service_fn(move |_| {
                let path = path.clone();
                async move { UnixStream::connect(path).await.map(TokioIo::new) }
            }))
            .await;
    }
    let with_scheme = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
    timed(Endpoint::from_shared(with_scheme)?).connect().await
}
