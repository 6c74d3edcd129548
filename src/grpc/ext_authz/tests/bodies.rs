//! Which bodies are read, and what becomes of those that cannot be.

use super::*;
use crate::config::PathMatch;
use crate::payload::Dialect;

const PARTIAL: &str = "x-envoy-auth-partial-body";

#[test]
fn the_body_is_read_as_text_or_as_bytes() {
    let bytes = envoy_asks().post(CHAT).json(HELLO);
    let text = bytes.clone().with(|http| {
        http.raw_body.clear();
        http.body = HELLO.to_owned();
    });
    bytes.answered().is_permitted(AFTER_HELLO);
    text.answered().is_permitted(AFTER_HELLO);
}

#[test]
fn every_readable_kind_of_body_is_charged_by_its_new_text() {
    for (content_type, body) in [
        ("application/json", HELLO),
        ("application/json; charset=utf-8", HELLO),
        ("text/plain", "twenty-five letters here!"),
        ("application/x-www-form-urlencoded", "q=twenty-five+letters+here!"),
    ] {
        let answer = envoy_asks().post("/ask").body(content_type, body.as_bytes()).answered();
        answer.is_permitted(AFTER_HELLO);
    }
}

#[test]
fn a_cut_body_is_too_large() {
    let whole = || envoy_asks().post(CHAT).json(HELLO);
    let long = "x".repeat(4096);
    for (why, ask) in [
        ("Envoy says so", whole().header(PARTIAL, "true")),
        ("Envoy says something else", whole().header(PARTIAL, "")),
        ("it reaches the limit", envoy_asks().post(CHAT).body("text/plain", long.as_bytes())),
        ("more was announced", whole().header("content-length", "5000")),
        ("less was announced", whole().header("content-length", "7")),
        ("what was announced is no length", whole().header("content-length", "7,7")),
        ("nothing of it is left", whole().shown(b"")),
        ("cut, and not told", whole().shown(&HELLO.as_bytes()[..9])),
    ] {
        println!("{why}");
        ask.answered().is_refused(Reason::BodyTooLarge);
    }
    let longest = &long.as_bytes()[..4095];
    envoy_asks().post(CHAT).body("text/plain", longest).answered().is_refused(Reason::InputTooCostly);
}

fn unseen() -> Vec<(&'static str, Ask)> {
    let post = || envoy_asks().post(CHAT);
    vec![
        ("announced, not shown", post().header("content-length", "70")),
        ("longer than the limit", post().header("content-length", "9999999")),
        ("chunked, not shown", post().header("transfer-encoding", "chunked")),
        ("buffered, not shown", post().with(|http| http.size = 70)),
        ("unannounced, as HTTP/2 may", post().with(|http| http.protocol = "HTTP/2".to_owned())),
        ("compressed", post().json(HELLO).header("content-encoding", "gzip")),
        ("compressed, says raw", post().json(HELLO).raw_header("Content-Encoding", b"br")),
        ("multipart", post().body("multipart/form-data; boundary=x", b"--x--")),
        ("octets", post().body("application/octet-stream", b"text")),
        ("another charset", post().body("application/json; charset=utf-16", b"{}")),
        ("two types", post().body("text/plain, application/json", b"{}")),
        ("no type, not JSON", post().header("content-length", "4").shown(b"text")),
        ("a websocket", envoy_asks().get("/chat").header("upgrade", "websocket")),
        ("a tunnel", envoy_asks().method("CONNECT")),
    ]
}

#[test]
fn text_that_was_not_shown_is_refused() {
    for (why, ask) in unseen() {
        println!("{why}");
        ask.answered().is_refused(Reason::TextUnseen);
    }
}

#[test]
fn text_that_was_not_shown_is_judged_as_no_text_where_the_operator_wants_it() {
    for (why, ask) in unseen() {
        println!("{why}");
        let door = door_with(|config| config.routes.unseen_text = UnseenText::Judge);
        ask.answered_by(&door).is_permitted("99");
    }
}

#[test]
fn a_cut_body_is_refused_even_where_unseen_text_is_judged() {
    let door = door_with(|config| config.routes.unseen_text = UnseenText::Judge);
    let cut = envoy_asks().post(CHAT).json(HELLO).header(PARTIAL, "true").header("content-encoding", "gzip");
    cut.answered_by(&door).is_refused(Reason::BodyTooLarge);
}

#[test]
fn unseen_texts_are_never_taken_for_a_retry() {
    let door = door_with(|config| config.routes.unseen_text = UnseenText::Judge);
    let unseen = || envoy_asks().post(CHAT).header("content-length", "70").header("x-request-id", "r-1");
    unseen().answered_by(&door).is_permitted("99");
    unseen().answered_by(&door).is_refused(Reason::IntervalTooShort);
}

#[test]
fn the_same_bytes_read_in_another_way_are_no_retry() {
    let door = door_with(|config| {
        let reads = |path: &str, dialect| RouteRule {
            path: PathMatch::Exact(path.to_owned()),
            payload: Some(dialect),
            policy: None,
            unseen_text: None,
        };
        config.routes.rules = vec![reads("/ask", Dialect::Seed), reads(CHAT, Dialect::OpenAiChat)];
    });
    let body = HELLO.replacen('{', r#"{"user_input":"hi","#, 1);
    let asks = |path| envoy_asks().post(path).json(&body).header("x-request-id", "r-1");
    asks("/ask").answered_by(&door).is_permitted("99");
    asks("/ask").answered_by(&door).is_permitted("99");
    // The chat's text is longer, and nobody paid for it.
    asks(CHAT).answered_by(&door).is_refused(Reason::IntervalTooShort);
}

#[test]
fn a_route_may_treat_unseen_text_its_own_way() {
    let door = door_with(|config| {
        config.routes.unseen_text = UnseenText::Judge;
        config.routes.rules = vec![RouteRule {
            path: PathMatch::Prefix("/v1/".to_owned()),
            payload: None,
            policy: None,
            unseen_text: Some(UnseenText::Refuse),
        }];
    });
    let unseen = |path| envoy_asks().post(path).header("content-length", "70");
    unseen("/v1/chat").answered_by(&door).is_refused(Reason::TextUnseen);
    unseen("/v2/chat").answered_by(&door).is_permitted("99");
}

#[test]
fn a_body_that_is_not_what_it_should_be_is_malformed() {
    for body in [&b"{"[..], b"", b"{\"prompt\":\"\xff\"}"] {
        let answer = envoy_asks().post(CHAT).body("application/json", body).answered();
        answer.is_refused(Reason::MalformedInput);
    }
    envoy_asks().post(CHAT).body("text/plain", b"\xff").answered().is_refused(Reason::MalformedInput);
}

#[test]
fn an_empty_body_is_an_input_without_text() {
    envoy_asks().post("/ask").answered().is_permitted("99");
    envoy_asks().post("/ask").header("content-length", "0").answered().is_permitted("99");
    envoy_asks().post("/ask").header(PARTIAL, "false").answered().is_permitted("99");
    for content_type in ["text/plain", "application/x-www-form-urlencoded"] {
        envoy_asks().post("/ask").body(content_type, b"").answered().is_permitted("99");
    }
}

#[test]
fn a_body_without_a_type_is_read_if_it_is_json() {
    let ask = envoy_asks().post(CHAT).header("content-length", &HELLO.len().to_string());
    ask.shown(HELLO.as_bytes()).answered().is_permitted(AFTER_HELLO);
}

#[test]
fn an_identity_coding_is_no_coding() {
    let ask = envoy_asks().post(CHAT).json(HELLO).header("content-encoding", "Identity");
    ask.answered().is_permitted(AFTER_HELLO);
}

#[test]
fn a_routes_dialect_holds_whatever_the_content_type_says() {
    let door = door_with(|config| {
        config.routes.rules = vec![RouteRule {
            path: PathMatch::Suffix("/chat/completions".to_owned()),
            payload: Some(Dialect::OpenAiChat),
            policy: None,
            unseen_text: None,
        }];
    });
    let asks = |content_type, body: &[u8]| envoy_asks().post(CHAT).body(content_type, body);
    asks("text/html", HELLO.as_bytes()).answered_by(&door).is_permitted(AFTER_HELLO);
    asks("text/plain", b"hello").answered_by(&door).is_refused(Reason::MalformedInput);
    let compressed = asks("application/json", HELLO.as_bytes()).header("content-encoding", "gzip");
    compressed.answered_by(&door).is_refused(Reason::TextUnseen);
}

#[test]
fn only_the_configured_roles_are_charged() {
    let body = r#"{"messages":[{"role":"system","content":"be kind, and be brief, and do not shout"},
        {"role":"user","content":"twenty-five letters here!"}]}"#;
    envoy_asks().post(CHAT).json(body).answered().is_permitted(AFTER_HELLO);
}
