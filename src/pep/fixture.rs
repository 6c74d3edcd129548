//! A config for the tests of the doors: two policies, `default` and `kids`.

use std::time::Duration;

use crate::config::{
    AdminConfig, Config, CooperationConfig, HeaderIdentity, IdentityConfig, LogFormat, Policy, RefusalConfig,
    RoutesConfig, ServerConfig, StateConfig, TelemetryConfig, UnseenText,
};
use crate::pact::Pact;
use crate::pact::decision::Reason;
use crate::pact::fair_play::limits::{Limits, TierLimits};
use crate::pact::interaction::TrustTier;
use crate::payload::Role;

pub(crate) fn config() -> Config {
    Config {
        server: ServerConfig {
            listen: None,
            unix_socket: None,
            worker_threads: 1,
            max_message_bytes: 4 << 20,
            max_text_bytes: 1 << 20,
            max_concurrent_streams: 100,
            max_connections: 100,
            drain_timeout: Duration::from_secs(1),
        },
        admin: AdminConfig { listen: None },
        state: StateConfig { max_subjects: 1000 },
        identity: IdentityConfig {
            jwt: None,
            mtls: false,
            context_extension: String::new(),
            headers: HeaderIdentity::default(),
            default_tier: TrustTier::User,
        },
        routes: RoutesConfig {
            bypass_paths: vec!["/healthz".to_owned()],
            bypass_methods: ["GET", "HEAD", "OPTIONS"].map(str::to_owned).into(),
            max_request_bytes: 4096,
            unseen_text: UnseenText::Refuse,
            charged_roles: vec![Role::User],
            rules: Vec::new(),
        },
        policies: vec![
            policy("default", Limits::default(), Vec::new()),
            policy(
                "kids",
                Limits { rate_limit_max: 20, burst_window_ms: 2_500, ..Limits::default() },
                vec![(Reason::BurstLimit, "Slow \"down\",\nplease.".to_owned())],
            ),
        ],
        cooperation: CooperationConfig { max_agents: 10, max_interaction_ids: 10 },
        telemetry: TelemetryConfig {
            log_filter: "info".to_owned(),
            log_format: LogFormat::Json,
            environment: "test".to_owned(),
        },
        digest: "0123456789abcdef".to_owned(),
    }
}

fn policy(name: &str, limits: Limits, messages: Vec<(Reason, String)>) -> Policy {
    Policy {
        name: name.to_owned(),
        pact: Pact::new(TierLimits::uniform(limits)),
        refusal: RefusalConfig { messages },
    }
}
