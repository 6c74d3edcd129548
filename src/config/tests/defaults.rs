//! What is so when nothing is written.

use super::*;

#[test]
fn nothing_written_means_the_defaults() {
    let config = Written::default().loads().config;
    assert_eq!(config.server.listen, Some("127.0.0.1:50051".parse().expect("an address")));
    assert!(config.server.unix_socket.is_none());
    assert!(config.server.worker_threads >= 1);
    assert_eq!(config.server.max_message_bytes, 4 << 20);
    assert_eq!(config.server.max_text_bytes, 1 << 20);
    assert_eq!(config.server.drain_timeout, Duration::from_secs(10));
    assert_eq!((config.server.max_concurrent_streams, config.server.max_connections), (1024, 10_000));
    assert_eq!(config.admin.listen, Some("127.0.0.1:8081".parse().expect("an address")));
    assert_eq!(config.state.max_subjects, 1_000_000);
    let jwt = config.identity.jwt.expect("on by default");
    assert_eq!(
        [jwt.metadata_namespace, jwt.payload_key, jwt.user_claim, jwt.age_claim, jwt.tier_claim],
        ["envoy.filters.http.jwt_authn", "", "sub", "", ""]
    );
    assert!(config.identity.mtls);
    assert_eq!(config.identity.context_extension, "user");
    assert_eq!(config.identity.default_tier, TrustTier::User);
    assert_eq!(config.routes.bypass_paths, ["/healthz", "/livez", "/readyz", "/health"]);
    assert_eq!(config.routes.bypass_methods, ["GET", "HEAD", "OPTIONS"]);
    assert_eq!(config.routes.max_request_bytes, 65_536);
    assert_eq!(config.routes.unseen_text, UnseenText::Refuse);
    assert_eq!(config.routes.charged_roles, [Role::User]);
    assert_eq!((config.cooperation.max_agents, config.cooperation.max_interaction_ids), (100_000, 1_000_000));
    assert_eq!(config.telemetry.log_filter, "info");
    assert_eq!(config.telemetry.log_format, LogFormat::Pretty);
    assert_eq!(config.policies.len(), 1);
    assert_eq!(config.policies[0].name, "default");
}

#[test]
fn the_defaults_of_the_table_are_the_rules_own() {
    let loaded = Written::default().loads();
    for tier in TrustTier::ALL {
        assert_eq!(limits_of(&loaded.config, "default", tier), Limits::default());
    }
}

#[test]
fn the_paths_of_the_big_apis_are_known() {
    let routes = Written::default().loads().config.routes;
    let payload =
        |path: &str| routes.rules.iter().find(|rule| rule.path.matches(path)).and_then(|r| r.payload);
    assert_eq!(payload("/v1/chat/completions"), Some(Dialect::OpenAiChat));
    assert_eq!(payload("/v1/completions"), Some(Dialect::OpenAiCompletions));
    assert_eq!(payload("/v1/responses"), Some(Dialect::OpenAiResponses));
    assert_eq!(payload("/v1/messages"), Some(Dialect::AnthropicMessages));
    assert_eq!(payload("/v1beta/models/x:generateContent"), Some(Dialect::GeminiGenerateContent));
    assert_eq!(payload("/v1beta/models/x:streamGenerateContent"), Some(Dialect::GeminiGenerateContent));
    assert_eq!(payload("/elsewhere"), None);
}
