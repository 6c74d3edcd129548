//! A person with grpcurl: finds the API by reflection, asks it, and is told plainly what was wrong with a question.

use serde_json::{Value, json};

use crate::support::grpcurl::{Said, grpcurl, grpcurl_text};
use crate::support::server::Server;

const EVALUATE: &str = "safety_pact.v1.SafetyService/Evaluate";
const STREAM: &str = "safety_pact.v1.SafetyService/EvaluateStream";
const LOG_ACTION: &str = "safety_pact.v1.CooperationService/LogAction";
const LOG_ACTIONS: &str = "safety_pact.v1.CooperationService/LogActions";
const AUDIT: &str = "safety_pact.v1.CooperationService/Audit";

/// Several messages at once, so that no test waits between two of them.
const UNHURRIED: &str = "\
policies:
  default:
    fair_play: {min_response_interval: 0, max_burst_responses: 64, burst_window: 1}
";

fn evaluate(server: &Server, question: Value) -> Said {
    grpcurl(server.grpc(), Some(question), &[EVALUATE])
}

fn says(user: &str, text: &str) -> Value {
    json!({"user_id": user, "input": {"text": text}})
}

fn header<'a>(answer: &'a Value, name: &str) -> Option<&'a str> {
    let headers = answer["headers"].as_array()?;
    headers.iter().find(|header| header["name"] == name)?["value"].as_str()
}

fn refused_as(said: &Said, code: &str, field: &str) {
    assert!(!said.succeeded, "{}", said.stdout);
    assert!(said.stderr.contains(&format!("Code: {code}")), "{}", said.stderr);
    assert!(said.stderr.contains(field), "`{field}` is not named: {}", said.stderr);
}

#[tokio::test]
async fn the_api_is_found_without_a_proto_file() {
    let server = Server::start("").await;
    let listed = grpcurl(server.grpc(), None, &["list"]);
    let services: Vec<_> = listed.stdout.lines().collect();
    for service in
        ["grpc.health.v1.Health", "safety_pact.v1.CooperationService", "safety_pact.v1.SafetyService"]
    {
        assert!(services.contains(&service), "`{service}` is not in {services:?}\n{}", listed.stderr);
    }

    let described = grpcurl(server.grpc(), None, &["describe", "safety_pact.v1.SafetyService"]);
    for line in [
        "rpc Evaluate ( .safety_pact.v1.EvaluateRequest ) returns ( .safety_pact.v1.EvaluateResponse );",
        "rpc EvaluateStream ( stream .safety_pact.v1.EvaluateRequest ) \
         returns ( stream .safety_pact.v1.EvaluateResponse );",
    ] {
        assert!(described.stdout.contains(line), "{}{}", described.stdout, described.stderr);
    }
    let request = grpcurl(server.grpc(), None, &["describe", "safety_pact.v1.EvaluateRequest"]);
    for field in ["string user_id = 1;", "optional uint32 user_age = 3;", "oneof phase {", "bool peek = 10;"]
    {
        assert!(request.stdout.contains(field), "{}{}", request.stdout, request.stderr);
    }
}

#[tokio::test]
async fn health_is_told_overall_and_for_each_service() {
    let server = Server::start("").await;
    for service in [
        "",
        "safety_pact.v1.SafetyService",
        "safety_pact.v1.CooperationService",
        "envoy.service.auth.v3.Authorization",
    ] {
        let said =
            grpcurl(server.grpc(), Some(json!({"service": service})), &["grpc.health.v1.Health/Check"]);
        assert_eq!(said.json(), json!({"status": "SERVING"}), "`{service}`");
    }
    let unknown = json!({"service": "nobody.v1.Nothing"});
    refused_as(&grpcurl(server.grpc(), Some(unknown), &["grpc.health.v1.Health/Check"]), "NotFound", "");
}

#[tokio::test]
async fn a_permit_shows_the_meters_and_the_pact_headers() {
    let server = Server::start(UNHURRIED).await;
    let answer = evaluate(&server, says("alice", &"a".repeat(25))).json();
    assert_eq!(answer["effect"], "EFFECT_PERMIT");
    assert_eq!(answer["httpStatus"], 200);
    assert_eq!(answer.get("reasons"), None);
    assert_eq!(answer.get("retryAfter"), None);
    let readings = json!({
        "stamina": 97.5, "staminaMax": 100, "heat": 0.25, "heatThreshold": 80, "streak": 1,
    });
    assert_eq!(answer["readings"], readings);
    for (name, value) in [
        ("x-safety-pact-awaiting", "AWAITED"),
        ("x-safety-pact-concurrency", "STAMINA_YIELDED"),
        ("x-safety-pact-sovereignty", "DETERMINISTIC"),
        ("x-safety-pact-effect", "PERMIT"),
        ("x-safety-pact-stamina", "97.5"),
        ("x-safety-pact-heat", "0.25"),
    ] {
        assert_eq!(header(&answer, name), Some(value), "{name}");
    }
    assert_eq!(header(&answer, "x-safety-pact-decision"), answer["decisionId"].as_str());
    assert_eq!(answer["configDigest"].as_str().map(str::len), Some(16));
}

#[tokio::test]
async fn a_refusal_is_an_answer_with_its_reason_and_a_wait() {
    let server = Server::start(UNHURRIED).await;
    assert_eq!(evaluate(&server, says("alice", &"a".repeat(900))).json()["effect"], "EFFECT_PERMIT");
    let answer = evaluate(&server, says("alice", &"a".repeat(900))).json();
    assert_eq!(answer["effect"], "EFFECT_DENY");
    assert_eq!(answer["httpStatus"], 429);
    assert_eq!(answer["reasons"][0]["code"], "STAMINA_EXHAUSTED");
    assert_eq!(answer["reasons"].as_array().map(Vec::len), Some(1));
    // 80 points are missing, less what came back since, at 10 a second.
    let wait = answer["retryAfter"].as_str().expect("it is retryable");
    let seconds: f64 = wait.trim_end_matches('s').parse().expect("seconds");
    assert!(seconds > 0.0 && seconds <= 8.0, "{wait}");
    assert_eq!(header(&answer, "x-safety-pact-reason"), Some("STAMINA_EXHAUSTED"));

    let answer = evaluate(&server, says("bob", &"a".repeat(2000))).json();
    assert_eq!(answer["httpStatus"], 413);
    assert_eq!(answer["reasons"][0]["code"], "INPUT_TOO_COSTLY");
    assert_eq!(answer.get("retryAfter"), None, "no wait helps");
    assert_eq!(header(&answer, "retry-after"), None);
}

#[tokio::test]
async fn explaining_lists_the_gates_and_peeking_charges_nothing() {
    let server = Server::start(UNHURRIED).await;
    let mut question = says("alice", "hello");
    question["peek"] = json!(true);
    question["explain"] = json!(true);
    let first = evaluate(&server, question.clone()).json();
    let gates: Vec<_> = first["gates"].as_array().expect("gates").iter().map(|gate| &gate["code"]).collect();
    for code in ["INPUT_TOO_COSTLY", "STAMINA_EXHAUSTED", "RATE_LIMITED", "BURST_LIMIT", "MINUTE_LIMIT"] {
        assert!(gates.iter().any(|gate| *gate == code), "{code} is not in {gates:?}");
    }
    assert_eq!(evaluate(&server, question).json()["readings"], first["readings"]);
}

#[tokio::test]
async fn a_malformed_question_is_told_which_field_is_wrong() {
    let server = Server::start(UNHURRIED).await;
    for (question, field) in [
        (says("", "hello"), "user_id"),
        (says(&"u".repeat(257), "hello"), "user_id"),
        (json!({"user_id": "alice"}), "phase"),
        (json!({"user_id": "alice", "input": {"text": ""}, "policy": "nobody"}), "policy"),
        (json!({"user_id": "alice", "input": {"text": ""}, "user_age": 151}), "user_age"),
    ] {
        refused_as(&evaluate(&server, question), "InvalidArgument", field);
    }
    let output = json!({"user_id": "alice", "output": {"text": "hi"}});
    refused_as(&evaluate(&server, output), "Unimplemented", "output");
}

#[tokio::test]
async fn ids_of_any_unicode_are_subjects_of_their_own() {
    let server = Server::start(UNHURRIED).await;
    for user in ["a:b@c", "アリス 🦀", "a\nb", &"é".repeat(128)] {
        let answer = evaluate(&server, says(user, "hello")).json();
        assert_eq!((&answer["effect"], &answer["readings"]["streak"]), (&json!("EFFECT_PERMIT"), &json!(1)));
    }
}

#[tokio::test]
async fn a_stream_is_answered_in_order() {
    let server = Server::start(UNHURRIED).await;
    let questions = [says("alice", "a"), says("alice", &"a".repeat(2000)), says("bob", "b")];
    let said =
        grpcurl_text(server.grpc(), &questions.map(|question| question.to_string()).join(""), &[STREAM]);
    assert!(said.succeeded, "{}", said.stderr);
    let answers: Vec<Value> =
        serde_json::Deserializer::from_str(&said.stdout).into_iter().collect::<Result<_, _>>().expect("JSON");
    let effects: Vec<_> =
        answers.iter().map(|answer| answer["effect"].as_str().expect("an effect")).collect();
    assert_eq!(effects, ["EFFECT_PERMIT", "EFFECT_DENY", "EFFECT_PERMIT"]);
}

/// The three scenarios of the reference: cooperation, one predator, collapse.
#[tokio::test]
async fn the_three_scenarios_are_logged_and_audited() {
    let server = Server::start("").await;
    let log = |agent: &str, action: &str, times: u32| {
        let actions: Vec<_> =
            (0..times).map(|_| json!({"agent_id": agent, "action": action}).to_string()).collect();
        let said = grpcurl_text(server.grpc(), &actions.join(""), &[LOG_ACTIONS]);
        assert_eq!(said.json(), json!({"counted": times.to_string()}));
    };
    let audit = |view: &str| grpcurl(server.grpc(), Some(json!({"view": view})), &[AUDIT]).json();
    let seed_fields = |report: &Value| {
        (report["socialWelfare"].as_f64(), report["status"].clone(), report["flaggedAgents"].clone())
    };

    log("Agent_A", "ACTION_COOPERATE", 5);
    log("Agent_B", "ACTION_COOPERATE", 5);
    let expected = (Some(1.0), json!("AUDIT_STATUS_STABLE"), Value::Null);
    assert_eq!(seed_fields(&audit("AUDIT_VIEW_SEED_EXACT")), expected);
    assert_eq!(seed_fields(&audit("AUDIT_VIEW_DEFAULT")), expected);

    // Everybody plays on, and one agent preys on the others.
    log("Agent_A", "ACTION_COOPERATE", 5);
    log("Agent_B", "ACTION_COOPERATE", 5);
    log("Mal_Bot", "ACTION_DEFECT", 5);
    let expected = (Some(0.8), json!("AUDIT_STATUS_PREDATORY_BEHAVIOR_DETECTED"), json!(["Mal_Bot"]));
    assert_eq!(seed_fields(&audit("AUDIT_VIEW_SEED_EXACT")), expected);
    assert_eq!(seed_fields(&audit("AUDIT_VIEW_DEFAULT")), expected);

    for agent in ["Agent_A", "Agent_B", "Mal_Bot"] {
        log(agent, "ACTION_DEFECT", 10);
    }
    // The reference's own rule sees no collapse; ours does.
    let report = audit("AUDIT_VIEW_DEFAULT");
    let expected = (Some(0.36), json!("AUDIT_STATUS_SYSTEMIC_COLLAPSE_RISK"), json!(["Mal_Bot"]));
    assert_eq!(seed_fields(&report), expected);
    assert_eq!(
        (&report["actions"], &report["cooperations"], &report["agents"]),
        (&json!("55"), &json!("20"), &json!("3"))
    );
}

#[tokio::test]
async fn one_action_is_counted_once_and_a_malformed_one_names_its_field() {
    let server = Server::start("").await;
    let action = json!({"agent_id": "a", "action": "ACTION_COOPERATE", "interaction_id": "round 1"});
    let log = |action: &Value| grpcurl(server.grpc(), Some(action.clone()), &[LOG_ACTION]);
    assert_eq!(log(&action).json(), json!({"counted": true}));
    assert_eq!(log(&action).json(), json!({}), "false is the default, which JSON leaves out");
    for (action, field) in [
        (json!({"action": "ACTION_DEFECT"}), "agent_id"),
        (json!({"agent_id": "a"}), "action"),
        (json!({"agent_id": "a", "action": "ACTION_DEFECT", "counterparty_id": "a"}), "counterparty_id"),
        (json!({"agent_id": "a", "action": "ACTION_DEFECT", "payoff": "NaN"}), "payoff"),
    ] {
        refused_as(&log(&action), "InvalidArgument", field);
    }
    refused_as(
        &grpcurl(server.grpc(), Some(json!({"view": "AUDIT_VIEW_FULL"})), &[AUDIT]),
        "Unimplemented",
        "view",
    );
}
