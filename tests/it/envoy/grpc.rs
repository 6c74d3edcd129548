//! gRPC behind the gateway: its bodies are not text, so they are refused unless the operator says otherwise, and a
//! refusal is a gRPC status with plain words.

use hyper::body::Bytes;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::envoy::{Gateway, ONCE_ONLY, PROMISES, UNHURRIED};
use crate::support::client::post;

const CHECK: &str = "/grpc.health.v1.Health/Check";
const UNSEEN: &str = "The request body could not be read, so it was not let through.";

async fn asks(gateway: &Gateway) -> Result<tonic::Response<HealthCheckResponse>, Status> {
    let address = format!("http://{}", gateway.envoy.address);
    let channel = Channel::from_shared(address).expect("an address").connect().await.expect("Envoy listens");
    HealthClient::new(channel).check(HealthCheckRequest::default()).await
}

#[tokio::test]
async fn a_grpc_client_is_refused_with_a_status_and_plain_words() {
    let gateway = Gateway::open(UNHURRIED).await;
    let status = asks(&gateway).await.expect_err("unseen text is refused by default");
    assert_eq!((status.code(), status.message()), (Code::PermissionDenied, UNSEEN));
    for (name, value) in PROMISES {
        assert_eq!(status.metadata().get(name).map(|it| it.as_bytes()), Some(value.as_bytes()), "{name}");
    }
    assert!(gateway.grpc_upstream.calls().is_empty());
}

#[tokio::test]
async fn a_grpc_refusal_has_no_body_and_no_second_frame_of_headers() {
    let gateway = Gateway::open(UNHURRIED).await;
    let call = post(CHECK)
        .http2()
        .chunked()
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body([Bytes::from_static(&[0; 5])]);
    let answer = gateway.sends(call).await;
    assert_eq!((answer.status, answer.header("grpc-status")), (200, Some("7")));
    assert_eq!(answer.header("grpc-message").map(|it| it.replace("%20", " ")).as_deref(), Some(UNSEEN));
    assert_eq!(answer.header("x-safety-pact-reason"), Some("TEXT_UNSEEN"));
    assert_eq!((answer.body.len(), answer.trailers), (0, None));
}

#[tokio::test]
async fn grpc_is_paced_like_anything_else_where_the_operator_lets_it_in() {
    let gateway = Gateway::open(&format!("{ONCE_ONLY}routes: {{unseen_text: judge}}\n")).await;
    let answer = asks(&gateway).await.expect("it may pass");
    assert_eq!(answer.get_ref().status(), ServingStatus::Serving);
    let calls = gateway.grpc_upstream.calls();
    assert_eq!(calls.len(), 1);
    for (name, value) in PROMISES {
        for metadata in [answer.metadata(), &calls[0]] {
            assert_eq!(metadata.get(name).map(|it| it.as_bytes()), Some(value.as_bytes()), "{name}");
        }
    }

    let status = asks(&gateway).await.expect_err("the second one in an hour");
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.message(), "Too many messages in a row; please wait a moment.");
    assert!(status.metadata().contains_key("retry-after"), "{status:?}");
    assert_eq!(gateway.grpc_upstream.calls().len(), 1);
}
