//! The server around the rules: listeners, probes, metrics, drain.

use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use safety_pact::grpc::client;
use safety_pact::grpc::proto::cooperation_service_client::CooperationServiceClient;
use safety_pact::grpc::proto::{Action, AuditRequest, Effect, LogActionRequest, LogActionsResponse};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::house::{House, says};
use crate::support::eventually;
use crate::support::server::Server;

async fn get(house: &House, path: &str) -> (u16, String) {
    let address = house.app.admin_address.expect("the admin door is open");
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let answer =
        client.get(format!("http://{address}{path}").parse().expect("a URI")).await.expect("an answer");
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.expect("a body").to_bytes();
    (status, String::from_utf8(body.to_vec()).expect("text"))
}

#[tokio::test]
async fn probes_answer_and_metrics_count() {
    let house = House::open("").await;
    let mut client = house.client().await;
    for _ in 0..2 {
        client.evaluate(says("secret-user", "canary text")).await.expect("an answer");
    }
    assert_eq!(get(&house, "/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(get(&house, "/readyz").await, (200, "ready\n".to_owned()));
    let (status, page) = get(&house, "/metrics").await;
    assert_eq!(status, 200);
    for line in [
        r#"safety_pact_decisions_total{service="safety",policy="default",effect="permit",reason=""} 1"#,
        r#"safety_pact_decisions_total{service="safety",policy="default",effect="deny",reason="INTERVAL_TOO_SHORT"} 1"#,
        r#"safety_pact_decision_seconds_count{service="safety"} 2"#,
        "safety_pact_subjects 1",
        "# TYPE safety_pact_decisions_total counter",
    ] {
        assert!(page.lines().any(|have| have == line), "no line {line} in {page}");
    }
    assert!(!page.contains("secret-user") && !page.contains("canary"), "{page}");
}

#[tokio::test]
async fn health_is_told_for_each_service() {
    let house = House::open("").await;
    let mut health = HealthClient::new(house.channel().await);
    for service in safety_pact::grpc::server::SERVICES.into_iter().chain([""]) {
        let answer =
            health.check(HealthCheckRequest { service: service.to_owned() }).await.expect("an answer");
        assert_eq!(answer.into_inner().status, 1, "{service} is serving");
    }
    let unknown = health.check(HealthCheckRequest { service: "nope".to_owned() }).await;
    assert_eq!(unknown.expect_err("unknown").code(), Code::NotFound);
}

#[tokio::test]
async fn a_unix_socket_is_a_door_like_any_other_and_is_gone_after_the_drain() {
    let folder = std::env::temp_dir().join(format!("safety-pact-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("pact.sock");
    // Left behind by an earlier run: nobody listens on it.
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a stale socket"));
    let yaml =
        format!("server: {{listen: off, unix_socket: {{path: {:?}, mode: \"0600\"}}}}\n", path.display());
    let house = House::open(&yaml).await;
    assert_eq!(house.app.grpc_address, None);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(&path).expect("it is there").permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
    let address = format!("unix:{}", path.display());
    let answer = client::evaluate(&address, says("alice", "hello")).await.expect("an answer");
    assert_eq!(answer.effect(), Effect::Permit);
    assert!(house.app.drain().await);
    assert!(!path.exists());
    std::fs::remove_dir_all(folder).expect("only ours was in it");
}

#[tokio::test]
async fn a_drain_ends_idle_connections_and_refuses_new_ones() {
    let house = House::open("server: {listen: \"127.0.0.1:0\", drain_timeout: 5}\n").await;
    let address = house.app.grpc_address.expect("it listens");
    let mut client = house.client().await;
    client.evaluate(says("alice", "hello")).await.expect("an answer");
    let drained = tokio::time::timeout(Duration::from_secs(5), house.app.drain()).await;
    assert_eq!(drained, Ok(true), "nothing was in progress");
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "the listener is gone");
}

/// A folder of this test's own; removed by the test.
fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("safety-pact-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

type Logging = tokio::task::JoinHandle<Result<LogActionsResponse, tonic::Status>>;

/// A stream of actions that stays in progress until the sender is dropped; its first action is counted already.
async fn begins_to_log(
    mut client: CooperationServiceClient<Channel>,
) -> (mpsc::Sender<LogActionRequest>, Logging) {
    let mut auditor = client.clone();
    let (log, logged) = mpsc::channel(1);
    let logging = tokio::spawn(async move {
        client.log_actions(ReceiverStream::new(logged)).await.map(tonic::Response::into_inner)
    });
    let action =
        LogActionRequest { agent_id: "ann".to_owned(), action: Action::Defect.into(), ..Default::default() };
    log.send(action).await.expect("the stream is open");
    eventually("the stream is in progress", async || {
        let report = auditor.audit(AuditRequest::default()).await.expect("a report").into_inner();
        (report.actions == 1).then_some(())
    })
    .await;
    (log, logging)
}

#[tokio::test]
async fn a_successor_s_unix_socket_outlives_the_drain_of_its_predecessor() {
    let folder = folder("successor");
    let path = folder.join("pact.sock");
    let yaml = format!(
        "server: {{listen: \"127.0.0.1:0\", drain_timeout: 60, unix_socket: {{path: {:?}}}}}\n",
        path.display()
    );
    let old = House::open(&yaml).await;
    let old_address = old.app.grpc_address.expect("it listens");
    let (log, logging) = begins_to_log(CooperationServiceClient::new(old.channel().await)).await;
    let draining = tokio::spawn(old.app.drain());
    while tokio::net::TcpStream::connect(old_address).await.is_ok() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let new = House::open(&yaml).await;
    drop(log);
    let done = logging.await.expect("no panic").expect("what was in progress finishes");
    assert_eq!(done.counted, 1);
    assert!(draining.await.expect("no panic"));
    let address = format!("unix:{}", path.display());
    let answer = client::evaluate(&address, says("alice", "hello")).await.expect("the new one is asked");
    assert_eq!(answer.effect(), Effect::Permit);
    assert!(new.app.drain().await);
    std::fs::remove_dir_all(folder).expect("only ours was in it");
}

#[tokio::test]
async fn a_peer_that_says_nothing_does_not_hold_up_a_drain() {
    use tokio::io::AsyncWriteExt as _;
    let house = House::open("server: {listen: \"127.0.0.1:0\", drain_timeout: 60}\n").await;
    let address = house.app.grpc_address.expect("it listens");
    let _silent = tokio::net::TcpStream::connect(address).await.expect("it accepts");
    let mut halting = tokio::net::TcpStream::connect(address).await.expect("it accepts");
    halting.write_all(b"PRI * HT").await.expect("it reads");
    // Behind both of them: they are being served by now.
    house.client().await.evaluate(says("alice", "hello")).await.expect("an answer");
    let drained = tokio::time::timeout(Duration::from_secs(5), house.app.drain()).await;
    assert_eq!(drained, Ok(true), "nothing was in progress");
}

#[tokio::test]
async fn a_full_house_drains_and_gives_both_doors_its_places() {
    let folder = folder("full");
    let path = folder.join("pact.sock");
    let yaml = format!(
        "server: {{listen: \"127.0.0.1:0\", max_connections: 1, drain_timeout: 60, unix_socket: {{path: {:?}}}}}\n",
        path.display()
    );
    let house = House::open(&yaml).await;
    let address = house.app.grpc_address.expect("it listens");
    for door in [address.to_string(), format!("unix:{}", path.display()), address.to_string()] {
        client::evaluate(&door, says("alice", "hello")).await.expect("the only place is free again");
    }
    let _held = tokio::net::TcpStream::connect(address).await.expect("it accepts");
    let _waiting = tokio::net::TcpStream::connect(address).await.expect("the system accepts");
    tokio::time::sleep(Duration::from_millis(50)).await;
    let drained = tokio::time::timeout(Duration::from_secs(5), house.app.drain()).await;
    assert_eq!(drained, Ok(true), "nothing was in progress");
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "the listener is gone");
    std::fs::remove_dir_all(folder).expect("only ours was in it");
}

#[tokio::test]
async fn streams_that_only_wait_are_told_of_a_drain_and_end() {
    let house = House::open("server: {listen: \"127.0.0.1:0\", drain_timeout: 60}\n").await;
    let mut health = HealthClient::new(house.channel().await);
    let mut watched = health.watch(HealthCheckRequest::default()).await.expect("a stream").into_inner();
    assert_eq!(watched.message().await.expect("a status").expect("one").status, 1);
    let (ask, asked) = mpsc::channel(1);
    ask.send(says("alice", "hello")).await.expect("the stream is open");
    let asked = ReceiverStream::new(asked);
    let mut answers = house.client().await.evaluate_stream(asked).await.expect("a stream").into_inner();
    answers.message().await.expect("an answer").expect("one");

    let drained = tokio::time::timeout(Duration::from_secs(5), house.app.drain()).await;
    assert_eq!(drained, Ok(true), "nothing was in progress");
    assert_eq!(watched.message().await.expect("a status").expect("one").status, 2);
    assert_eq!(watched.message().await.expect("an end"), None);
    assert_eq!(answers.message().await.expect_err("unanswered").code(), Code::Unavailable);
}

#[tokio::test]
async fn a_second_signal_ends_a_drain_at_once() {
    let mut server = Server::start("server: {drain_timeout: 600}\n").await;
    let client =
        CooperationServiceClient::connect(format!("http://{}", server.grpc())).await.expect("it accepts");
    let (log, logging) = begins_to_log(client).await;
    server.ask_to_end();
    let stderr = server.output().stderr.clone();
    eventually("it drains", async || stderr.find(|line| line.contains("draining").then_some(()))).await;
    assert_eq!(server.terminate().await, 2);
    assert!(logging.await.expect("no panic").is_err(), "the stream in progress was cut");
    drop(log);
}
