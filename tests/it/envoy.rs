//! A real Envoy asks the real binary and stands before a real upstream: what clients and upstreams get to see.
//!
//! The Envoy runs the example that we ship. Nothing here waits for the clock: the limits are wide unless a story is
//! about one of them.

/// Bodies: cut, in pieces, unreadable.
mod bodies;
/// gRPC behind the gateway.
mod grpc;
/// A safety-pact that hangs, dies and comes back.
mod outage;
/// Paths that are let through, and those that only look like it.
mod paths;

use std::fs;

use serde_json::{Value, json};

use crate::support::client::{Answer, Call, get, post};
use crate::support::envoy::{Around, Deadline, EnvoyProxy, example, validate};
use crate::support::server::Server;
use crate::support::upstream::{GrpcUpstream, Seen, Upstream};
use crate::support::{eventually, repository};

/// Several messages at once, so that no story waits between two of them; heat is gone within a millisecond.
const UNHURRIED: &str = "\
policies:
  default:
    fair_play: &unhurried
      {min_response_interval: 0, max_burst_responses: 64, burst_window: 1, heat_decay_rate: 1000000}
  kids:
    fair_play: {<<: *unhurried, stamina_max: 10}
";

/// Whoever asked once is refused for a while.
const ONCE_ONLY: &str = "\
policies:
  default: {fair_play: {min_response_interval: 0, max_burst_responses: 1, burst_window: 3600}}
  kids: {}
";

/// What the pact promises on every answer.
const PROMISES: [(&str, &str); 3] = [
    ("x-safety-pact-awaiting", "AWAITED"),
    ("x-safety-pact-concurrency", "STAMINA_YIELDED"),
    ("x-safety-pact-sovereignty", "DETERMINISTIC"),
];

/// A client's whole world: `gateway.sends(...)` goes through Envoy.
struct Gateway {
    server: Server,
    upstream: Upstream,
    grpc_upstream: GrpcUpstream,
    envoy: EnvoyProxy,
}

impl Gateway {
    async fn open(config: &str) -> Self {
        Self::open_with(config, Deadline::Long, &example()).await
    }

    async fn open_with(config: &str, deadline: Deadline, envoy: &str) -> Self {
        let (server, upstream) = (Server::start(config).await, Upstream::start().await);
        let grpc_upstream = GrpcUpstream::start().await;
        let around =
            Around { pdp: server.grpc(), upstream: upstream.address, grpc_upstream: grpc_upstream.address };
        let envoy = EnvoyProxy::start(envoy, around, deadline).await;
        Self { server, upstream, grpc_upstream, envoy }
    }

    async fn sends(&self, call: Call) -> Answer {
        call.send(self.envoy.address).await
    }

    /// Sends it, and sees it refused with this status and reason, told in every way, before it reaches the upstream.
    async fn refuses(&self, call: Call, status: u16, reason: &str) -> Answer {
        let before = self.upstream.seen().len();
        let shown = format!("{call:?}");
        let answer = self.sends(call).await;
        let got = (answer.status, answer.header("x-safety-pact-reason"));
        assert_eq!(got, (status, Some(reason)), "{shown:.200}");
        assert_eq!(answer.header("x-safety-pact-effect"), Some("DENY"));
        assert_promises(&answer);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let body = answer.json();
        assert_eq!((&body["refused"], &body["reason_code"]), (&json!(true), &json!(reason)));
        assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
        let wait = answer.header("retry-after").map(|wait| wait.parse::<u64>().expect("whole seconds"));
        assert_eq!(body["retry_after_seconds"], json!(wait));
        assert_eq!(body["decision_id"], json!(answer.header("x-safety-pact-decision")));
        assert_eq!(self.upstream.seen().len(), before, "a refused request reached the upstream");
        answer
    }
}

/// Somebody says `text`, the way OpenAI's clients do.
fn chat(text: &str) -> Call {
    chat_at("/v1/chat/completions", text)
}

fn chat_at(path: &str, text: &str) -> Call {
    post(path).json(chat_body(text))
}

fn chat_body(text: &str) -> String {
    json!({"model": "m", "messages": [{"role": "user", "content": text}]}).to_string()
}

fn assert_promises(answer: &Answer) {
    for (name, value) in PROMISES {
        assert_eq!(answer.header(name), Some(value), "{name}");
    }
}

fn assert_promised_upstream(seen: &Seen) {
    for (name, value) in PROMISES {
        assert_eq!(seen.all(name), [value], "{name}");
    }
}

#[test]
fn envoy_takes_every_file_that_we_ship_for_it() {
    let mut files = 0;
    for file in fs::read_dir(repository("examples/envoy")).expect("the example is shipped") {
        let path = file.expect("it can be listed").path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("envoy")) {
            files += 1;
            assert_eq!(validate(&path), Ok(()), "{}", path.display());
        }
    }
    assert!(files > 0, "no Envoy file is shipped");
}

#[tokio::test]
async fn a_permit_carries_the_pact_to_the_upstream_and_to_the_client() {
    let gateway = Gateway::open(UNHURRIED).await;
    let answer = gateway.sends(chat(&"a".repeat(25))).await;
    assert_eq!(answer.status, 200);
    assert_promises(&answer);
    let seen = gateway.upstream.only();
    assert_promised_upstream(&seen);
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/v1/chat/completions"));
    assert_eq!(seen.body, chat_body(&"a".repeat(25)));
    for (name, value) in [
        ("x-safety-pact-effect", "PERMIT"),
        ("x-safety-pact-stamina", "97.5"),
        ("x-safety-pact-heat", "0.25"),
    ] {
        assert_eq!(answer.header(name), Some(value), "{name}");
        assert_eq!(seen.all(name), [value], "{name}");
    }
    for name in ["x-safety-pact-decision", "ratelimit", "ratelimit-policy"] {
        let value = answer.header(name).unwrap_or_else(|| panic!("no `{name}`"));
        assert_eq!(seen.all(name), [value], "{name}");
    }
    assert!(answer.header("ratelimit").is_some_and(|left| left.starts_with(r#""minute";r=29;t="#)));
    for name in ["x-safety-pact-reason", "retry-after"] {
        assert_eq!((answer.header(name), seen.all(name)), (None, Vec::new()), "{name}");
    }
}

#[tokio::test]
async fn a_refusal_says_why_and_how_long_to_wait() {
    let gateway = Gateway::open(UNHURRIED).await;
    let answer = gateway.refuses(chat(&"secret ".repeat(300)), 413, "INPUT_TOO_COSTLY").await;
    assert_eq!(answer.header("retry-after"), None, "no wait helps");
    assert!(!String::from_utf8_lossy(&answer.body).contains("secret"), "the user's words come back");

    assert_eq!(gateway.sends(chat(&"a".repeat(900))).await.status, 200);
    let answer = gateway.refuses(chat(&"a".repeat(900)), 429, "STAMINA_EXHAUSTED").await;
    // At most 80 points are missing, and 10 come back in a second.
    let wait = answer.json()["retry_after_seconds"].as_u64().expect("it is retryable");
    assert!((1..=8).contains(&wait), "{wait}");
}

#[tokio::test]
async fn only_what_is_new_since_the_last_answer_is_charged() {
    let gateway = Gateway::open(UNHURRIED).await;
    let history = json!({"model": "m", "messages": [
        {"role": "system", "content": "s".repeat(5000)},
        {"role": "user", "content": "a".repeat(5000)},
        {"role": "assistant", "content": "b".repeat(5000)},
        {"role": "user", "content": "a".repeat(25)},
    ]});
    let answer = gateway.sends(post("/v1/chat/completions").json(history.to_string())).await;
    assert_eq!((answer.status, answer.header("x-safety-pact-stamina")), (200, Some("97.5")));
}

#[tokio::test]
async fn a_forged_pact_header_goes_nowhere() {
    let gateway = Gateway::open(UNHURRIED).await;
    let forged = |call: Call| {
        call.header("x-safety-pact-awaiting", "FORGED")
            .header("X-Safety-Pact-Awaiting", "FORGED TWICE")
            .header("x-safety-pact-effect", "FORGED")
            .header("x-safety-pact-reason", "FORGED")
            .header("x-safety-pact-stamina", "FORGED")
            .header("x-safety-pact-of-my-own", "FORGED")
            .header("ratelimit", "FORGED")
            .header("retry-after", "FORGED")
    };
    let permit = gateway.sends(forged(chat("hello"))).await;
    let bypass = gateway.sends(forged(get("/healthz"))).await;
    assert_eq!((permit.status, bypass.status), (200, 200));
    for (seen, effect) in gateway.upstream.seen().iter().zip(["PERMIT", "BYPASS"]) {
        assert_promised_upstream(seen);
        assert_eq!(seen.all("x-safety-pact-effect"), [effect]);
        let forged: Vec<_> =
            seen.headers.iter().filter(|(_, value)| value.as_bytes().starts_with(b"FORGED")).collect();
        assert!(forged.is_empty(), "{effect}: {forged:?}");
    }
    assert_eq!(gateway.upstream.seen().len(), 2);
    gateway.refuses(forged(chat(&"a".repeat(2000))), 413, "INPUT_TOO_COSTLY").await;
}

/// Whoever could choose a name would have a full stamina with each.
#[tokio::test]
async fn a_client_cannot_choose_who_it_is() {
    let gateway = Gateway::open(ONCE_ONLY).await;
    assert_eq!(gateway.sends(chat("hello")).await.status, 200);
    for (name, value) in [
        ("x-user-id", "somebody-else"),
        ("x-forwarded-for", "203.0.113.7"),
        ("x-real-ip", "203.0.113.7"),
        ("x-forwarded-user", "somebody-else"),
        ("authorization", "Bearer e30.e30.e30"),
        ("x-forwarded-client-cert", "Subject=\"CN=somebody-else\""),
        ("x-safety-pact-tier", "privileged"),
    ] {
        gateway.refuses(chat("hello").header(name, value), 429, "BURST_LIMIT").await;
    }
}

/// The same when the operator trusts a header, and strips it as the example says.
#[tokio::test]
async fn a_client_cannot_send_the_header_that_the_operator_trusts() {
    let advice = "# - remove: x-user-id";
    assert_eq!(example().matches(advice).count(), 1, "the example tells how to strip it");
    let stripping = example().replace(advice, "- remove: x-user-id");
    let config = format!("{ONCE_ONLY}identity: {{headers: {{user: x-user-id}}}}\n");
    let gateway = Gateway::open_with(&config, Deadline::Long, &stripping).await;
    assert_eq!(gateway.sends(chat("hello").header("x-user-id", "alice")).await.status, 200);
    gateway.refuses(chat("hello").header("x-user-id", "bob"), 429, "BURST_LIMIT").await;
}

/// The answer to a retry is remembered by the request's id; a client's own id must not make a message free.
#[tokio::test]
async fn a_client_cannot_pass_its_messages_off_as_retries() {
    let gateway = Gateway::open(ONCE_ONLY).await;
    let message = || chat("hello").header("x-request-id", "11111111-1111-4111-8111-111111111111");
    assert_eq!(gateway.sends(message()).await.status, 200);
    gateway.refuses(message(), 429, "BURST_LIMIT").await;
}

#[tokio::test]
async fn a_verdict_is_told_although_the_upstream_is_not_there() {
    let mut gateway = Gateway::open(UNHURRIED).await;
    gateway.upstream = Upstream::start().await;
    let answer = gateway.sends(chat("hello")).await;
    assert_eq!((answer.status, answer.header("x-safety-pact-effect")), (503, Some("PERMIT")));
    assert_promises(&answer);
}

#[tokio::test]
async fn a_route_has_a_policy_of_its_own() {
    let gateway = Gateway::open(UNHURRIED).await;
    let text = "a".repeat(25);
    let kids = gateway.sends(chat_at("/kids/v1/chat/completions", &text)).await;
    assert_eq!((kids.status, kids.header("x-safety-pact-stamina")), (200, Some("7.5")));
    let others = gateway.sends(chat(&text)).await;
    assert_eq!((others.status, others.header("x-safety-pact-stamina")), (200, Some("97.5")));
    gateway.refuses(chat_at("/kids/v1/chat/completions", &"a".repeat(101)), 413, "INPUT_TOO_COSTLY").await;
}

#[tokio::test]
async fn the_access_log_names_the_decision() {
    let gateway = Gateway::open(UNHURRIED).await;
    let permit = gateway.sends(chat_at("/kids/v1/chat/completions", "hello")).await;
    let refusal = gateway.refuses(chat(&"a".repeat(2000)), 413, "INPUT_TOO_COSTLY").await;
    for (answer, expected) in [
        (&permit, json!({"status": 200, "effect": "PERMIT", "reason": null, "policy": "kids"})),
        (
            &refusal,
            json!({"status": 413, "effect": "DENY", "reason": "INPUT_TOO_COSTLY", "policy": "default"}),
        ),
    ] {
        let id = answer.header("x-safety-pact-decision").expect("an id");
        let logged: Value = eventually("the access log's line", async || {
            gateway.envoy.output().stdout.find(|line| {
                let line: Value = serde_json::from_str(line).ok()?;
                (line["decision_id"] == id).then_some(line)
            })
        })
        .await;
        for field in ["status", "effect", "reason", "policy"] {
            assert_eq!(logged[field], expected[field], "{field}: {logged}");
        }
    }
    let log = gateway.envoy.output().stdout.text();
    assert!(!log.contains("hello") && !log.contains("aaaa"), "the user's words are logged");
}
