//! The native door: what a client sees over the wire.

use std::collections::BTreeMap;

use safety_pact::grpc::proto::cooperation_service_client::CooperationServiceClient;
use safety_pact::grpc::proto::evaluate_request::Phase;
use safety_pact::grpc::proto::{self, Effect, EvaluateResponse};
use tonic::Code;

use crate::house::{House, START_MS, says};

fn codes(answer: &EvaluateResponse) -> Vec<&str> {
    answer.reasons.iter().map(|reason| reason.code.as_str()).collect()
}

fn header<'a>(answer: &'a EvaluateResponse, name: &str) -> Option<&'a str> {
    let found: Vec<_> = answer.headers.iter().filter(|header| header.name == name).collect();
    assert!(found.len() < 2, "{name} is set twice");
    found.first().map(|header| header.value.as_str())
}

#[tokio::test]
async fn a_client_that_overheats_waits_as_told_and_is_served_again() {
    let house = House::open("policies: {default: {fair_play: {heat_per_cost: 1, heat_decay_rate: 1}}}").await;
    let mut client = house.client().await;
    let long = "a".repeat(500);
    let first = client.evaluate(says("alice", &long)).await.expect("an answer").into_inner();
    assert_eq!((first.effect(), first.http_status), (Effect::Permit, 200));
    let readings = first.readings.expect("meters");
    assert_eq!((readings.stamina, readings.heat, readings.streak), (50.0, 50.0, 1));

    house.is_at_ms(1_000);
    let second = client.evaluate(says("alice", &long)).await.expect("an answer").into_inner();
    assert_eq!((second.effect(), second.http_status), (Effect::Deny, 429));
    assert_eq!(codes(&second), ["COOLDOWN_ACTIVE"]);
    assert_eq!(second.retry_after, Some(prost_types::Duration { seconds: 300, nanos: 0 }));
    assert_eq!(header(&second, "retry-after"), Some("300"));
    assert_eq!(header(&second, "x-safety-pact-reason"), Some("COOLDOWN_ACTIVE"));
    let until = second.readings.expect("meters").cooldown_until.expect("a cooldown");
    assert_eq!(u64::try_from(until.seconds).expect("after 1970") * 1_000, START_MS + 301_000);

    house.is_at_ms(300_999);
    let early = client.evaluate(says("alice", &long)).await.expect("an answer").into_inner();
    assert_eq!(early.retry_after, Some(prost_types::Duration { seconds: 0, nanos: 1_000_000 }));
    assert_eq!(header(&early, "retry-after"), Some("1"));
    house.is_at_ms(301_000);
    let again = client.evaluate(says("alice", &long)).await.expect("an answer").into_inner();
    assert_eq!(again.effect(), Effect::Permit, "{:?}", codes(&again));
}

#[tokio::test]
async fn every_answer_carries_the_promises() {
    let house = House::open("").await;
    let mut client = house.client().await;
    for text in ["hello", "too soon", &"long".repeat(1_000)] {
        let answer = client.evaluate(says("alice", text)).await.expect("an answer").into_inner();
        assert_eq!(header(&answer, "x-safety-pact-awaiting"), Some("AWAITED"));
        assert_eq!(header(&answer, "x-safety-pact-concurrency"), Some("STAMINA_YIELDED"));
        assert_eq!(header(&answer, "x-safety-pact-sovereignty"), Some("DETERMINISTIC"));
        assert_eq!(header(&answer, "x-safety-pact-decision"), Some(answer.decision_id.as_str()));
        let effect = if answer.effect() == Effect::Permit { "PERMIT" } else { "DENY" };
        assert_eq!(header(&answer, "x-safety-pact-effect"), Some(effect));
        assert!(header(&answer, "ratelimit").is_some() && header(&answer, "ratelimit-policy").is_some());
        assert_eq!(answer.config_digest.len(), 16);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_callers_at_once_are_admitted_exactly_as_one_would_be() {
    let house = House::open(
        "policies: {default: {fair_play: {min_response_interval: 0, max_burst_responses: 64, burst_window: 0.001, \
         max_interactions_per_minute: 1000, rate_limit_max: 37, heat_per_cost: 0}}}",
    )
    .await;
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let channel = house.channel().await;
        for _ in 0..50 {
            let mut client = proto::safety_service_client::SafetyServiceClient::new(channel.clone());
            callers.spawn(async move {
                let mut admitted = 0;
                for _ in 0..5 {
                    let answer =
                        client.evaluate(says("everybody", "")).await.expect("an answer").into_inner();
                    admitted += u32::from(answer.effect() == Effect::Permit);
                }
                admitted
            });
        }
    }
    let admitted: u32 = callers.join_all().await.into_iter().sum();
    assert_eq!(admitted, 37);
}

#[tokio::test]
async fn a_stream_is_answered_in_order() {
    let house = House::open("").await;
    let mut client = house.client().await;
    let users: Vec<String> = (0..500).map(|i| format!("user {}", i % 7)).collect();
    let questions: Vec<_> = users.iter().map(|user| says(user, "hello")).collect();
    let mut answers =
        client.evaluate_stream(tokio_stream::iter(questions)).await.expect("a stream").into_inner();
    let mut streaks: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for user in &users {
        let answer = answers.message().await.expect("an answer").expect("one for each question");
        streaks.entry(user).or_default().push(answer.readings.expect("meters").streak);
    }
    assert!(answers.message().await.expect("a clean end").is_none());
    // Each user's first question is admitted, all others come too soon.
    for streaks in streaks.values() {
        assert_eq!(streaks[0], 1);
        assert!(streaks[1..].iter().all(|streak| *streak == 0));
    }
}

#[tokio::test]
async fn a_malformed_question_ends_a_stream_after_the_answers_before_it() {
    let house = House::open("").await;
    let mut client = house.client().await;
    let questions = [says("alice", "hello"), says("", "hello"), says("bob", "hello")];
    let mut answers =
        client.evaluate_stream(tokio_stream::iter(questions)).await.expect("a stream").into_inner();
    assert!(answers.message().await.expect("an answer").is_some());
    let error = answers.message().await.expect_err("a malformed question");
    assert_eq!(
        (error.code(), error.message()),
        (Code::InvalidArgument, "`user_id`: required, 1 to 256 bytes")
    );
    let bob = client.evaluate(says("bob", "hello")).await.expect("an answer").into_inner();
    assert_eq!(bob.effect(), Effect::Permit, "bob was never asked about");
}

#[tokio::test]
async fn malformed_questions_name_the_field_and_its_bound() {
    let house = House::open("server: {listen: \"127.0.0.1:0\", max_text_bytes: 1024}\n").await;
    let mut client = house.client().await;
    let long = "x".repeat(257);
    let good = || says("alice", "hello");
    for (question, code, message) in [
        (
            proto::EvaluateRequest { user_id: long.clone(), ..good() },
            Code::InvalidArgument,
            "`user_id`: 257 bytes",
        ),
        (
            proto::EvaluateRequest { session_id: long.clone(), ..good() },
            Code::InvalidArgument,
            "`session_id`: 257",
        ),
        (
            proto::EvaluateRequest { agent_id: long.clone(), ..good() },
            Code::InvalidArgument,
            "`agent_id`: 257",
        ),
        (
            proto::EvaluateRequest { interaction_id: long, ..good() },
            Code::InvalidArgument,
            "`interaction_id`: 257",
        ),
        (proto::EvaluateRequest { user_age: Some(151), ..good() }, Code::InvalidArgument, "`user_age`"),
        (proto::EvaluateRequest { trust_tier: 9, ..good() }, Code::InvalidArgument, "`trust_tier`"),
        (proto::EvaluateRequest { policy: "nope".to_owned(), ..good() }, Code::InvalidArgument, "`policy`"),
        (proto::EvaluateRequest { phase: None, ..good() }, Code::InvalidArgument, "`phase`"),
        (
            says("alice", &"x".repeat(1_025)),
            Code::InvalidArgument,
            "`input.text`: 1025 bytes are more than 1024",
        ),
        (
            proto::EvaluateRequest { phase: Some(Phase::Output(proto::Output::default())), ..good() },
            Code::Unimplemented,
            "`output`",
        ),
    ] {
        let error = client.evaluate(question).await.expect_err(message);
        assert_eq!(error.code(), code, "{message}");
        assert!(error.message().contains(message), "{} says {}", message, error.message());
    }
}

#[tokio::test]
async fn any_utf_8_names_a_user_and_no_two_are_mixed_up() {
    let house = House::open("").await;
    let mut client = house.client().await;
    let long = "é".repeat(128);
    for user in ["a:b", "a", "a@b", "a\u{0}b", " ", "用户", "🦀", long.as_str(), "A"] {
        let answer = client.evaluate(says(user, "hello")).await.expect("an answer").into_inner();
        assert_eq!(answer.effect(), Effect::Permit, "{user:?} is somebody else");
        let again = client.evaluate(says(user, "hello")).await.expect("an answer").into_inner();
        assert_eq!(codes(&again), ["INTERVAL_TOO_SHORT"]);
    }
}

#[tokio::test]
async fn a_peek_charges_nothing_and_an_explanation_lists_every_gate() {
    let house = House::open("").await;
    let mut client = house.client().await;
    let peek = proto::EvaluateRequest { peek: true, explain: true, ..says("alice", "hello") };
    for _ in 0..3 {
        let answer = client.evaluate(peek.clone()).await.expect("an answer").into_inner();
        assert_eq!(answer.effect(), Effect::Permit);
        let gates: Vec<_> = answer.gates.iter().map(|gate| gate.code.as_str()).collect();
        let all = [
            "PAUSED",
            "COOLDOWN_ACTIVE",
            "INPUT_TOO_COSTLY",
            "STAMINA_EXHAUSTED",
            "RATE_LIMITED",
            "INTERVAL_TOO_SHORT",
            "BURST_LIMIT",
            "MINUTE_LIMIT",
            "SESSION_LIMIT",
        ];
        assert_eq!(gates, all);
    }
    let charged = client.evaluate(says("alice", "hello")).await.expect("an answer").into_inner();
    assert_eq!((charged.effect(), charged.gates.len()), (Effect::Permit, 0));
}

#[tokio::test]
async fn a_repeated_interaction_gets_its_first_answer_and_its_id() {
    let house = House::open("").await;
    let mut client = house.client().await;
    let question = proto::EvaluateRequest { interaction_id: "req-1".to_owned(), ..says("alice", "hello") };
    let first = client.evaluate(question.clone()).await.expect("an answer").into_inner();
    house.is_at_ms(200);
    let again = client.evaluate(question).await.expect("an answer").into_inner();
    assert_eq!((again.effect(), &again.decision_id), (Effect::Permit, &first.decision_id));
    let other = client.evaluate(says("alice", "hello")).await.expect("an answer").into_inner();
    assert_eq!(codes(&other), ["INTERVAL_TOO_SHORT"], "the first one was charged once");
}

#[tokio::test]
async fn the_same_state_input_and_time_give_the_same_answer_bit_for_bit() {
    let mut answers = Vec::new();
    for _ in 0..2 {
        let house = House::open("").await;
        let mut client = house.client().await;
        let mut told = Vec::new();
        for (ms, text) in [(0, "hello"), (100, "again"), (700, "more"), (60_000, "later")] {
            house.is_at_ms(ms);
            told.push(client.evaluate(says("alice", text)).await.expect("an answer").into_inner());
        }
        answers.push(told);
    }
    assert_eq!(answers[0], answers[1]);
}

#[tokio::test]
async fn a_full_house_turns_newcomers_away_with_503() {
    let house = House::open("state: {max_subjects: 1}\n").await;
    let mut client = house.client().await;
    client.evaluate(says("alice", "hello")).await.expect("an answer");
    let answer = client.evaluate(says("bob", "hello")).await.expect("an answer").into_inner();
    assert_eq!((codes(&answer), answer.http_status), (vec!["CAPACITY_EXHAUSTED"], 503));
    assert_eq!(header(&answer, "x-safety-pact-awaiting"), Some("AWAITED"));
}

#[tokio::test]
async fn an_error_carries_the_promises_as_metadata() {
    let house = House::open("").await;
    let mut cooperation = CooperationServiceClient::new(house.channel().await);
    let nobody = || proto::LogActionRequest::default();
    let full = proto::AuditRequest { view: proto::AuditView::Full.into(), window: None };
    for status in [
        house.client().await.evaluate(says("", "hello")).await.expect_err("nobody"),
        cooperation.log_action(nobody()).await.expect_err("nobody"),
        cooperation.log_actions(tokio_stream::iter([nobody()])).await.expect_err("nobody"),
        cooperation.audit(full).await.expect_err("not built"),
    ] {
        for (name, value) in [
            ("x-safety-pact-awaiting", "AWAITED"),
            ("x-safety-pact-concurrency", "STAMINA_YIELDED"),
            ("x-safety-pact-sovereignty", "DETERMINISTIC"),
        ] {
            let told = status.metadata().get(name).map(tonic::metadata::MetadataValue::as_encoded_bytes);
            assert_eq!(told, Some(value.as_bytes()), "{name} in {status:?}");
        }
    }
}
