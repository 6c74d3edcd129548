//! Paths that are let through, and those that only look like it.

use crate::envoy::{Gateway, UNHURRIED, assert_promised_upstream, assert_promises, chat_at, chat_body};
use crate::support::client::get;

#[tokio::test]
async fn a_health_check_passes_unjudged_and_says_so() {
    let gateway = Gateway::open(UNHURRIED).await;
    let answer = gateway.sends(get("/healthz")).await;
    let seen = gateway.upstream.only();
    assert_eq!(answer.status, 200);
    assert_promises(&answer);
    assert_promised_upstream(&seen);
    for name in ["x-safety-pact-effect", "x-safety-pact-decision"] {
        let value = answer.header(name).unwrap_or_else(|| panic!("no `{name}`"));
        assert_eq!(seen.all(name), [value], "{name}");
    }
    assert_eq!(answer.header("x-safety-pact-effect"), Some("BYPASS"));
    for name in ["x-safety-pact-stamina", "x-safety-pact-heat", "ratelimit"] {
        assert_eq!((answer.header(name), seen.all(name)), (None, Vec::new()), "nothing was measured: {name}");
    }
}

#[tokio::test]
async fn a_path_that_looks_like_a_health_check_does_not_let_text_through() {
    let gateway = Gateway::open(UNHURRIED).await;
    for path in [
        "/healthz",
        "//healthz",
        "/healthz/",
        "/HEALTHZ",
        "/%68ealthz",
        "/healthz?x=1",
        "/healthz;x=1",
        "/healthz#x",
        "/./healthz",
        "/healthz/../v1/chat/completions",
        "/healthz/%2e%2e/v1/chat/completions",
        "/v1/../healthz/../v1/chat/completions",
        "//v1//chat/completions",
        "/v1/chat/completions?path=/healthz",
        "/v1/chat/completions/../../../healthz",
    ] {
        let call = chat_at(path, &"a".repeat(2000));
        gateway.refuses(call, 413, "INPUT_TOO_COSTLY").await;
    }
    // The method does not help either.
    let with_text = get("/healthz").json(chat_body(&"a".repeat(2000)));
    gateway.refuses(with_text, 413, "INPUT_TOO_COSTLY").await;
}

/// Otherwise a path might be one thing to us and another to the upstream.
#[tokio::test]
async fn the_path_that_was_judged_is_the_path_that_is_sent_on() {
    let gateway = Gateway::open(UNHURRIED).await;
    for path in ["/healthz/../v1/chat/completions", "//v1//chat/./completions", "/v1/%63hat/completions"] {
        assert_eq!(gateway.sends(chat_at(path, "hello")).await.status, 200);
        let seen = gateway.upstream.seen().pop().expect("it passed");
        assert_eq!(seen.path, "/v1/chat/completions", "{path}");
    }
}

#[tokio::test]
async fn an_escaped_slash_is_not_let_in() {
    let gateway = Gateway::open(UNHURRIED).await;
    for path in [
        "/healthz%2f..%2fv1/chat/completions",
        "/v1%2Fchat/completions",
        "/healthz%5c..%5cv1/chat/completions",
    ] {
        gateway.refuses(chat_at(path, "hello"), 400, "MALFORMED_INPUT").await;
    }
}
