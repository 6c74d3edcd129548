//! What every answer looks like, to Envoy, to the upstream and to the client.

use super::*;
use crate::pact::decision::Reasons;

#[test]
fn a_permit_goes_to_the_upstream_and_to_the_client() {
    let answer = envoy_asks().post(CHAT).json(HELLO).answered();
    answer.is_permitted(AFTER_HELLO);
    assert_eq!(answer.header("ratelimit"), Some(r#""burst";r=2;t=10"#));
    assert_eq!(answer.metadata("stamina").as_deref(), Some("97.5"));
    assert_eq!(answer.metadata("heat").as_deref(), Some("0.25"));
    assert_eq!(answer.metadata("policy").as_deref(), Some("default"));
}

#[test]
fn a_refusal_tells_an_http_client_in_json() {
    let answer = envoy_asks().post(CHAT).json("{").answered();
    answer.is_refused(Reason::MalformedInput);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let decision_id = answer.header("x-safety-pact-decision").expect("an id");
    let body = format!(
        concat!(
            r#"{{"refused":true,"reason_code":"MALFORMED_INPUT","message":"{}","#,
            r#""retry_after_seconds":null,"decision_id":"{}"}}"#
        ),
        Reason::MalformedInput.message(),
        decision_id,
    );
    assert_eq!(answer.body(), body);
}

#[test]
fn a_refusal_tells_a_grpc_client_in_plain_words() {
    for content_type in ["application/grpc", "Application/gRPC+proto"] {
        let answer = envoy_asks().post("/chat.Chat/Say").body(content_type, b"\0\0\0\0\0").answered();
        answer.is_refused(Reason::TextUnseen);
        assert_eq!(answer.header("content-type"), Some("text/plain"));
        assert_eq!(answer.body(), Reason::TextUnseen.message());
    }
}

#[test]
fn who_comes_too_soon_is_told_how_long_to_wait() {
    let door = door();
    envoy_asks().post(CHAT).json(HELLO).answered_by(&door).is_permitted(AFTER_HELLO);
    let answer = envoy_asks().post(CHAT).json(HELLO).answered_by(&door);
    answer.is_refused(Reason::IntervalTooShort);
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[test]
fn forged_headers_are_overwritten_or_removed() {
    let answer = envoy_asks()
        .post(CHAT)
        .json(HELLO)
        .header("x-safety-pact-effect", "PERMIT")
        .header("x-safety-pact-reason", "NONE")
        .header("x-safety-pact-subject", "root")
        .raw_header("X-Safety-Pact-Admin", b"yes")
        .raw_header("X-Safety-Pact-Admin", b"very")
        .header("x-safety", "not ours")
        .answered();
    answer.is_permitted(AFTER_HELLO);
    let mut removed = answer.removed().to_owned();
    removed.sort_unstable();
    let expected = ["X-Safety-Pact-Admin", "retry-after", "x-safety-pact-reason", "x-safety-pact-subject"];
    assert_eq!(removed, expected);
}

#[test]
fn every_verdict_makes_an_answer_that_envoy_understands() {
    let door = door();
    let answered = |verdict: &Verdict| {
        let origin = Origin { policy: "default", config_digest: door.point.config_digest(), headers: None };
        Answer::of(answer::to_envoy(door.renderer.orders(verdict), verdict, &origin))
    };
    answered(&door.point.bypass(SERVICE)).is_bypassed();
    for reason in Reason::ALL {
        answered(&door.point.refuse(SERVICE, 0, *reason)).is_refused(*reason);
    }
    let ask = envoy_asks().post(CHAT).json(HELLO).check();
    let judged = door.verdict(&Asked::read(&ask).expect("a request"));
    answered(&judged).is_permitted(AFTER_HELLO);
    for reason in Reason::ALL {
        let refused = Verdict { reasons: Reasons::of(*reason), ..judged.clone() };
        answered(&refused).is_refused(*reason);
    }
}

#[test]
fn a_question_without_a_request_is_refused_not_an_error() {
    let no_http = AttributeContext { request: Some(AskedOf::default()), ..AttributeContext::default() };
    for attributes in [None, Some(AttributeContext::default()), Some(no_http)] {
        let answer = Answer::of(door().answer(&CheckRequest { attributes }));
        answer.is_refused(Reason::SafetyUnavailable);
        assert_eq!(answer.header("retry-after"), Some("1"));
    }
}

#[test]
fn an_empty_request_is_judged() {
    let empty = envoy_asks().with(|http| *http = HttpRequest::default());
    empty.answered().is_refused(Reason::TextUnseen);
}

#[test]
fn a_full_store_refuses() {
    let door = door_with(|config| config.state.max_subjects = 0);
    envoy_asks().post(CHAT).json(HELLO).answered_by(&door).is_refused(Reason::CapacityExhausted);
}

#[test]
fn a_retry_is_charged_once_and_another_text_is_not_a_retry() {
    let door = door();
    let asks = |text: &str| envoy_asks().post(CHAT).header("x-request-id", "r-1").json(text);
    let first = asks(HELLO).answered_by(&door);
    let again = asks(HELLO).answered_by(&door);
    again.is_permitted(AFTER_HELLO);
    assert_eq!(again.header("x-safety-pact-decision"), first.header("x-safety-pact-decision"));
    asks(r#"{"prompt":"more"}"#).answered_by(&door).is_refused(Reason::IntervalTooShort);
}

#[tokio::test]
async fn the_service_answers_every_question_with_a_status_of_ok() {
    let response = door().check(Request::new(CheckRequest { attributes: None })).await;
    Answer::of(response.expect("never an error").into_inner()).is_refused(Reason::SafetyUnavailable);
}
