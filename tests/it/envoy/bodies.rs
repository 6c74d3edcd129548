//! Bodies: whatever was not read whole is refused, and what was read whole arrives whole.

use hyper::body::Bytes;

use crate::envoy::{Gateway, UNHURRIED, chat_body};
use crate::support::client::{Call, post};
use crate::support::envoy::{Deadline, example};

/// `max_request_bytes`, here and there.
const LIMIT: usize = 65_536;

/// A message of 25 characters in a body of `length` bytes.
fn body_of(length: usize) -> Bytes {
    let with = |padding: &str| {
        let message = "a".repeat(25);
        format!(r#"{{"model":"m","user":"{padding}","messages":[{{"role":"user","content":"{message}"}}]}}"#)
    };
    let body = with(&"x".repeat(length - with("").len()));
    assert_eq!(body.len(), length);
    body.into()
}

fn message(body: impl IntoIterator<Item = Bytes>) -> Call {
    post("/v1/chat/completions").header("content-type", "application/json").body(body)
}

/// In two pieces, which Envoy reads one after the other.
fn halves(body: Bytes) -> [Bytes; 2] {
    let middle = body.len() / 2;
    [body.slice(..middle), body.slice(middle..)]
}

/// Every way in which a body may come.
fn ways(body: Bytes) -> [Call; 4] {
    [
        message([body.clone()]),
        message(halves(body.clone())),
        message(halves(body.clone())).chunked(),
        message(halves(body)).http2().chunked(),
    ]
}

#[tokio::test]
async fn a_body_below_the_limit_is_judged_and_arrives_whole() {
    let gateway = Gateway::open(UNHURRIED).await;
    for (number, call) in ways(body_of(LIMIT - 1)).into_iter().enumerate() {
        let answer = gateway.sends(call).await;
        assert_eq!((answer.status, answer.header("x-safety-pact-effect")), (200, Some("PERMIT")));
        let seen = gateway.upstream.seen();
        assert_eq!(seen.len(), number + 1);
        assert!(seen[number].body == body_of(LIMIT - 1), "way {number}: the upstream got another body");
    }
}

/// Envoy hands over as much as fills its buffer and calls it whole, even if the rest is still on its way.
#[tokio::test]
async fn a_body_that_fills_the_buffer_is_taken_for_cut() {
    // Where the operator allows partial messages as well: there, `x-envoy-auth-partial-body` says `false`.
    let partial = example().replace("allow_partial_message: false", "allow_partial_message: true");
    for envoy in [example(), partial] {
        let gateway = Gateway::open_with(UNHURRIED, Deadline::Long, &envoy).await;
        for call in ways(body_of(LIMIT)) {
            gateway.refuses(call, 413, "BODY_TOO_LARGE").await;
        }
        // The first read ends exactly on the limit, and there is more.
        let body = body_of(LIMIT + 1000);
        let on_the_limit = [body.slice(..LIMIT), body.slice(LIMIT..)];
        gateway.refuses(message(on_the_limit.clone()), 413, "BODY_TOO_LARGE").await;
        gateway.refuses(message(on_the_limit.clone()).chunked(), 413, "BODY_TOO_LARGE").await;
        gateway.refuses(message(on_the_limit).http2().chunked(), 413, "BODY_TOO_LARGE").await;
    }
}

#[tokio::test]
async fn a_body_above_the_limit_is_refused_whether_or_not_we_are_asked() {
    let gateway = Gateway::open(UNHURRIED).await;
    for length in [LIMIT + 1, 2 * LIMIT] {
        for call in ways(body_of(length)) {
            gateway.refuses(call, 413, "BODY_TOO_LARGE").await;
        }
    }
}

#[tokio::test]
async fn a_body_is_charged_the_same_however_it_comes() {
    for way in 0..4 {
        let gateway = Gateway::open(UNHURRIED).await;
        let call = ways(chat_body(&"a".repeat(25)).into())[way].clone();
        let answer = gateway.sends(call).await;
        assert_eq!((answer.status, answer.header("x-safety-pact-stamina")), (200, Some("97.5")), "way {way}");
        let too_long = ways(chat_body(&"a".repeat(2000)).into())[way].clone();
        gateway.refuses(too_long, 413, "INPUT_TOO_COSTLY").await;
    }
}

#[tokio::test]
async fn a_body_that_is_not_what_it_says_is_refused_without_its_words() {
    let gateway = Gateway::open(UNHURRIED).await;
    for body in [
        &b"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"secret"[..],
        b"secret",
        b"",
        b"{\"model\":\"m\",\"messages\":\"secret\"}",
        b"{\"messages\":[],\"messages\":[{\"role\":\"user\",\"content\":\"secret\"}]}",
        // Not UTF-8. It must come as bytes: as text, Envoy would have replaced it.
        b"{\"messages\":[{\"role\":\"user\",\"content\":\"secret \xff\"}]}",
    ] {
        let call = message([Bytes::from_static(body)]);
        let answer = gateway.refuses(call, 400, "MALFORMED_INPUT").await;
        assert!(!String::from_utf8_lossy(&answer.body).contains("secret"));
    }
}

#[tokio::test]
async fn text_that_we_cannot_see_is_refused() {
    use std::io::Write as _;

    let gateway = Gateway::open(UNHURRIED).await;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(chat_body("hello").as_bytes()).expect("a buffer takes everything");
    let packed = packed.finish().expect("a buffer takes everything");
    for call in [
        message([packed.into()]).header("content-encoding", "gzip"),
        message([chat_body("hello").into()]).header("content-encoding", "br"),
        // A path without a dialect of its own goes by the content type.
        post("/v1/audio").header("content-type", "audio/ogg").body([Bytes::from_static(b"OggS")]),
        post("/v1/audio").header("content-type", "multipart/form-data; boundary=x").body([
            Bytes::from_static(
                b"--x\r\ncontent-disposition: form-data; name=\"prompt\"\r\n\r\nhello\r\n--x--\r\n",
            ),
        ]),
    ] {
        gateway.refuses(call, 403, "TEXT_UNSEEN").await;
    }
}
