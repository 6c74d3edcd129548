//! What a user writes, and who the user is, shows in no log and on no metrics page, even when everything is logged.

use serde_json::json;

use crate::support::client::get;
use crate::support::grpcurl::grpcurl;
use crate::support::server::Server;

const TEXT: &str = "canary-text-4711";
const USER: &str = "canary-user-4711";

#[tokio::test]
async fn neither_text_nor_user_reaches_the_log_or_the_metrics() {
    let server = Server::start("telemetry: {log_filter: trace, log_format: json}\n").await;
    let ask = |question| grpcurl(server.grpc(), Some(question), &["safety_pact.v1.SafetyService/Evaluate"]);
    let permitted = ask(json!({"user_id": USER, "input": {"text": TEXT}}));
    assert!(permitted.succeeded && permitted.stdout.contains("EFFECT_PERMIT"), "{}", permitted.stderr);
    let refused = ask(json!({"user_id": USER, "input": {"text": TEXT}}));
    assert!(refused.stdout.contains("EFFECT_DENY"), "{}", refused.stderr);
    let malformed = ask(json!({"user_id": USER, "policy": TEXT, "input": {"text": TEXT}}));
    assert!(!malformed.succeeded && !malformed.stderr.contains(TEXT), "{}", malformed.stderr);
    let logged = grpcurl(
        server.grpc(),
        Some(json!({"agent_id": USER, "action": "ACTION_DEFECT", "interaction_id": TEXT})),
        &["safety_pact.v1.CooperationService/LogAction"],
    );
    assert!(logged.succeeded, "{}", logged.stderr);

    let metrics = get("/metrics").send(server.admin()).await;
    let log = server.output().stderr.text();
    assert!(log.contains("TRACE"), "everything is logged: {log}");
    for (sink, said) in
        [("the metrics page", String::from_utf8_lossy(&metrics.body).into_owned()), ("the log", log)]
    {
        assert!(!said.contains("canary"), "{sink} holds what a user sent: {said}");
    }
}
