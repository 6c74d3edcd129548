//! What is let through unjudged, and by which policy the rest is judged.

use super::*;
use crate::config::PathMatch;

#[test]
fn a_health_path_is_let_through_exactly_as_it_is_written() {
    envoy_asks().post("/healthz").answered().is_bypassed();
    envoy_asks().post("/healthz?verbose=1").answered().is_bypassed();
    let paths = ["//healthz", "/%68ealthz", "/healthz/", "/healthz/../v1/chat", "/Healthz", "/healthz#x", ""];
    for path in paths {
        envoy_asks().post(path).answered().is_permitted("99");
    }
}

#[test]
fn a_probe_has_no_body() {
    for path in ["/healthz", "/v1/models"] {
        let probe = || envoy_asks().get(path);
        probe().answered().is_bypassed();
        probe().header("content-length", "0").answered().is_bypassed();
        probe().with(|http| http.protocol = "HTTP/2".to_owned()).answered().is_bypassed();
        for carrier in [
            probe().header("content-length", "5"),
            probe().raw_header("Content-Length", b"5"),
            probe().header("content-length", "0,5"),
            probe().header("transfer-encoding", "chunked"),
            probe().header("upgrade", "websocket"),
            probe().with(|http| http.size = 5),
        ] {
            carrier.answered().is_refused(Reason::TextUnseen);
        }
        let announced = probe().header("x-envoy-auth-partial-body", "false").header("content-length", "5");
        announced.answered().is_refused(Reason::BodyTooLarge);
        let cut = probe().header("x-envoy-auth-partial-body", "true");
        cut.answered().is_refused(Reason::BodyTooLarge);
        probe().json(HELLO).answered().is_permitted(AFTER_HELLO);
    }
}

#[test]
fn a_grpc_message_does_not_pass_for_a_probe() {
    // Not every gRPC server looks at the method, and Envoy does not show such bodies.
    for method in ["GET", "HEAD", "OPTIONS"] {
        let probe = envoy_asks().method(method).path("/model.Chat/Say");
        let grpc = probe.with(|http| http.protocol = "HTTP/2".to_owned());
        for content_type in ["application/grpc", "Application/grpc+proto"] {
            grpc.clone().header("content-type", content_type).answered().is_refused(Reason::TextUnseen);
        }
        grpc.header("content-type", "application/json").answered().is_bypassed();
    }
}

#[test]
fn a_method_is_let_through_only_as_it_is_configured() {
    envoy_asks().method("OPTIONS").path(CHAT).answered().is_bypassed();
    for method in ["get", "POST", "DELETE", ""] {
        envoy_asks().method(method).path(CHAT).answered().is_permitted("99");
    }
}

#[test]
fn a_request_without_a_path_and_a_tunnel_are_judged_whatever_the_config_says() {
    let door = door_with(|config| {
        config.routes.bypass_methods.push("CONNECT".to_owned());
        config.routes.bypass_paths.push(String::new());
    });
    envoy_asks().method("CONNECT").path("host:443").answered_by(&door).is_refused(Reason::TextUnseen);
    envoy_asks().get("").answered_by(&door).is_permitted("99");
}

fn policy_of(answer: &Answer) -> String {
    answer.metadata("policy").expect("a judged answer names its policy")
}

#[test]
fn the_routes_extensions_choose_the_policy_before_our_own_rules() {
    let door = door_with(|config| {
        let rule = |path: &str, policy| RouteRule {
            path: PathMatch::Exact(path.to_owned()),
            payload: None,
            policy,
            unseen_text: None,
        };
        config.routes.rules = vec![rule("/kids", Some(1)), rule("/kids", Some(0)), rule("/open", None)];
    });
    let asks = |path: &str| envoy_asks().post(path).json(HELLO);
    assert_eq!(policy_of(&asks("/kids?x=/open").answered_by(&door)), "kids");
    assert_eq!(policy_of(&asks("/open").answered_by(&door)), "default");
    assert_eq!(policy_of(&asks("/kids").extension("policy", "default").answered_by(&door)), "default");
    assert_eq!(policy_of(&asks("/open").extension("policy", "kids").answered_by(&door)), "kids");
    assert_eq!(policy_of(&asks("/kids").extension("policy", "").answered_by(&door)), "kids");
}

#[test]
fn what_an_operator_got_wrong_is_refused_not_guessed() {
    for (key, value) in
        [("policy", "kidz"), ("tier", "root"), ("tier", "VERIFIED"), ("age", "old"), ("age", "151")]
    {
        println!("{key}: {value}");
        let answer = envoy_asks().post(CHAT).json(HELLO).extension(key, value).answered();
        answer.is_refused(Reason::SafetyUnavailable);
    }
}
