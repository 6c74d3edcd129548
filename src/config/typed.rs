//! From checked values to the typed settings, and the checks of what must fit together.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::effective::digest;
use crate::config::errors::{Errors, nearest, shown};
use crate::config::kinds::Checked;
use crate::config::read::{Values, cross};
use crate::config::{
    AdminConfig, Config, CooperationConfig, HeaderIdentity, IdentityConfig, JwtIdentity, LogFormat,
    PathMatch, Policy, RefusalConfig, RouteRule, RoutesConfig, ServerConfig, StateConfig, TelemetryConfig,
    UnixSocketConfig, UnseenText,
};
use crate::pact::Pact;
use crate::pact::decision::Reason;
use crate::pact::fair_play::limits::{Limits, TierLimits};
use crate::pact::interaction::TrustTier;
use crate::pact::points::Points;
use crate::payload::{Dialect, Role};

/// What a gRPC message of the gateway holds beside the request's body: headers, attributes, metadata.
const MESSAGE_ROOM_BYTES: i64 = 64 << 10;

/// The typed settings. Worth something only if `errors` has none.
pub(super) fn typed(values: &Values, errors: &mut Errors) -> Config {
    check_doors(values, errors);
    check_sizes(values, errors);
    check_identity(values, errors);
    for policy in &values.policies {
        check_fair_play(values, policy, errors);
    }
    Config {
        server: server(values),
        admin: AdminConfig { listen: values.address("admin.listen") },
        state: StateConfig { max_subjects: values.size("state.max_subjects") },
        identity: identity(values),
        routes: routes(values, errors),
        policies: values.policies.iter().map(|name| policy(values, name)).collect(),
        cooperation: CooperationConfig {
            max_agents: values.size("cooperation.max_agents"),
            max_interaction_ids: values.size("cooperation.max_interaction_ids"),
        },
        telemetry: telemetry(values),
        digest: digest(values),
    }
}

// === checks ===

fn check_doors(values: &Values, errors: &mut Errors) {
    let socket = values.get("server.unix_socket.path");
    if let Some(path) = socket.filter(|path| path.value == Checked::Text(String::new()) && !path.broken) {
        errors.push(&path.origin, "server.unix_socket.path", "is needed to turn the socket on");
    }
    let listen = values.at("server.listen");
    if listen.value == Checked::Off && socket.is_none() {
        errors.push(&listen.origin, "server.listen", "is off and there is no unix_socket: nobody could ask");
    }
}

fn check_sizes(values: &Values, errors: &mut Errors) {
    let (message, body) = (values.at("server.max_message_bytes"), values.at("routes.max_request_bytes"));
    let least = values.number("routes.max_request_bytes") + MESSAGE_ROOM_BYTES;
    if !message.broken && !body.broken && values.number("server.max_message_bytes") < least {
        let relation = "too small: a body of `routes.max_request_bytes` and 64 KiB around it need";
        let text = format!("{} is {relation} {least}", values.number("server.max_message_bytes"));
        let written = if message.origin < body.origin { message } else { body };
        errors.push(&written.origin, "server.max_message_bytes", text);
    }
}

fn check_identity(values: &Values, errors: &mut Errors) {
    let extension = values.at("identity.context_extension");
    if let Checked::Text(name) = &extension.value
        && ["policy", "tier", "age"].contains(&name.as_str())
    {
        let message = format!("{} is a context extension with a meaning of its own", shown(name));
        errors.push(&extension.origin, "identity.context_extension", message);
    }
}

fn check_fair_play(values: &Values, policy: &str, errors: &mut Errors) {
    for tier in TrustTier::ALL {
        for (small, large) in [("stamina_cost_min", "stamina_max"), ("heat_threshold", "heat_max")] {
            let (small_path, small) = values.fair_play(policy, tier, small);
            let (large_path, large) = values.fair_play(policy, tier, large);
            let (low, high, scale) = match (&small.value, &large.value) {
                (Checked::Number { scaled: low, scale }, Checked::Number { scaled: high, .. }) => {
                    (*low, *high, *scale)
                }
                _ => continue,
            };
            if small.broken || large.broken || low <= high {
                continue;
            }
            // Said where it was written: the tier's own line, or else the one that is not a default.
            let tier_of_large = large_path.contains(".tiers.") && !small_path.contains(".tiers.");
            if small.origin == crate::config::errors::Origin::Default || tier_of_large {
                errors.push(&large.origin, &large_path, cross(high, scale, "below", &small_path, low));
            } else {
                errors.push(&small.origin, &small_path, cross(low, scale, "above", &large_path, high));
            }
        }
    }
}

// === values -> settings ===

fn server(values: &Values) -> ServerConfig {
    let unix_socket = values.get("server.unix_socket.path").map(|_| UnixSocketConfig {
        path: PathBuf::from(values.text("server.unix_socket.path")),
        mode: match values.at("server.unix_socket.mode").value {
            Checked::Mode(mode) => mode,
            _ => 0,
        },
    });
    let worker_threads = match values.size("server.worker_threads") {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        threads => threads,
    };
    ServerConfig {
        listen: values.address("server.listen"),
        unix_socket,
        worker_threads,
        max_message_bytes: values.size("server.max_message_bytes"),
        max_text_bytes: values.size("server.max_text_bytes"),
        max_concurrent_streams: u32_of(values.number("server.max_concurrent_streams")),
        max_connections: values.size("server.max_connections"),
        drain_timeout: Duration::from_millis(u64_of(values.number("server.drain_timeout"))),
    }
}

fn identity(values: &Values) -> IdentityConfig {
    let jwt = values.get("identity.jwt.user_claim").map(|_| {
        let text = |name: &str| values.text(&format!("identity.jwt.{name}")).to_owned();
        JwtIdentity {
            metadata_namespace: text("metadata_namespace"),
            payload_key: text("payload_key"),
            user_claim: text("user_claim"),
            age_claim: text("age_claim"),
            tier_claim: text("tier_claim"),
        }
    });
    let header = |name: &str| values.text(&format!("identity.headers.{name}")).to_owned();
    IdentityConfig {
        jwt,
        mtls: values.at("identity.mtls").value == Checked::Switch(true),
        context_extension: values.text("identity.context_extension").to_owned(),
        headers: HeaderIdentity { user: header("user"), age: header("age"), tier: header("tier") },
        default_tier: TrustTier::from_name(values.text("identity.default_tier")).unwrap_or(TrustTier::User),
    }
}

fn routes(values: &Values, errors: &mut Errors) -> RoutesConfig {
    let mut rules = Vec::new();
    if let Checked::Rules(written) = &values.at("routes.rules").value {
        for (i, (rule, origin)) in written.iter().zip(&values.rules).enumerate() {
            let get =
                |name: &str| rule.iter().find(|(known, _)| *known == name).map(|(_, text)| text.as_str());
            let policy = get("policy").and_then(|name| {
                let index = values.policies.iter().position(|known| known == name);
                if index.is_none() {
                    let near = nearest(name, values.policies.iter().map(String::as_str)).unwrap_or_default();
                    let message = format!("no policy is called {}; the nearest is `{near}`", shown(name));
                    errors.push(origin, &format!("routes.rules[{i}].policy"), message);
                }
                index
            });
            if let Some(path) = path_match(get) {
                let payload = get("payload").and_then(Dialect::from_name);
                rules.push(RouteRule { path, payload, policy, unseen_text: get("unseen_text").map(unseen) });
            }
        }
    }
    rules.extend(built_in_rules());
    RoutesConfig {
        bypass_paths: values.list("routes.bypass_paths").to_vec(),
        bypass_methods: values.list("routes.bypass_methods").to_vec(),
        max_request_bytes: values.size("routes.max_request_bytes"),
        unseen_text: unseen(values.text("routes.unseen_text")),
        charged_roles: values.list("routes.charged_roles").iter().filter_map(|name| role(name)).collect(),
        rules,
    }
}

fn path_match<'v>(get: impl Fn(&str) -> Option<&'v str>) -> Option<PathMatch> {
    get("path")
        .map(|path| PathMatch::Exact(path.to_owned()))
        .or_else(|| get("path_prefix").map(|path| PathMatch::Prefix(path.to_owned())))
        .or_else(|| get("path_suffix").map(|path| PathMatch::Suffix(path.to_owned())))
}

/// What the big APIs' paths end with; `/chat/completions` stands before `/completions`, which it ends with too.
fn built_in_rules() -> impl Iterator<Item = RouteRule> {
    [
        ("/chat/completions", Dialect::OpenAiChat),
        ("/completions", Dialect::OpenAiCompletions),
        ("/responses", Dialect::OpenAiResponses),
        ("/messages", Dialect::AnthropicMessages),
        (":generateContent", Dialect::GeminiGenerateContent),
        (":streamGenerateContent", Dialect::GeminiGenerateContent),
    ]
    .into_iter()
    .map(|(suffix, dialect)| RouteRule {
        path: PathMatch::Suffix(suffix.to_owned()),
        payload: Some(dialect),
        policy: None,
        unseen_text: None,
    })
}

fn unseen(name: &str) -> UnseenText {
    if name == "judge" { UnseenText::Judge } else { UnseenText::Refuse }
}

fn role(name: &str) -> Option<Role> {
    match name {
        "user" => Some(Role::User),
        "assistant" => Some(Role::Assistant),
        "system" => Some(Role::System),
        "tool" => Some(Role::Tool),
        _ => None,
    }
}

fn policy(values: &Values, name: &str) -> Policy {
    let limits = TrustTier::ALL.map(|tier| {
        limits(&|field| match values.fair_play(name, tier, field).1.value {
            Checked::Number { scaled, .. } => scaled,
            _ => 0,
        })
    });
    let prefix = format!("policies.{name}.refusal.messages.");
    let messages = Reason::ALL
        .iter()
        .filter_map(|reason| match &values.get(&format!("{prefix}{}", reason.code()))?.value {
            Checked::Text(words) => Some((*reason, words.clone())),
            _ => None,
        })
        .collect();
    Policy {
        name: name.to_owned(),
        pact: Pact::new(TierLimits::new(limits)),
        refusal: RefusalConfig { messages },
    }
}

/// The rules' limits out of the fields of fair play, in steps of their units.
fn limits(field: &dyn Fn(&str) -> i64) -> Limits {
    let points = |name: &str| Points::from_micros(field(name));
    let ms = |name: &str| u64_of(field(name));
    let count = |name: &str| u32_of(field(name));
    Limits {
        stamina_max: points("stamina_max"),
        stamina_cost_per_char: points("stamina_cost_per_char"),
        stamina_cost_min: points("stamina_cost_min"),
        // A thousandth of a point per second is a micro-point per millisecond.
        stamina_regen_per_ms: points("stamina_regen_per_second"),
        stamina_flow_bonus_permille: field("stamina_flow_bonus"),
        flow_after: count("flow_after"),
        heat_per_cost_permille: field("heat_per_cost"),
        heat_per_detection: points("heat_per_detection"),
        heat_max: points("heat_max"),
        heat_threshold: points("heat_threshold"),
        heat_decay_per_ms: points("heat_decay_rate"),
        cooldown_ms: ms("cooldown_duration"),
        min_response_interval_ms: ms("min_response_interval"),
        max_burst_responses: count("max_burst_responses"),
        burst_log_len: count("max_burst_responses"),
        burst_window_ms: ms("burst_window"),
        max_interactions_per_minute: count("max_interactions_per_minute"),
        rate_limit_max: count("rate_limit_max"),
        rate_limit_window_ms: ms("rate_limit_window"),
        max_session_ms: ms("max_session_length"),
        session_break_ms: ms("session_break"),
    }
}

fn telemetry(values: &Values) -> TelemetryConfig {
    let environment = values.text("telemetry.environment").to_owned();
    let production = ["production", "prod"].iter().any(|name| environment.eq_ignore_ascii_case(name));
    let log_format = match values.text("telemetry.log_format") {
        "json" => LogFormat::Json,
        "pretty" => LogFormat::Pretty,
        _ if production => LogFormat::Json,
        _ => LogFormat::Pretty,
    };
    TelemetryConfig { log_filter: values.text("telemetry.log_filter").to_owned(), log_format, environment }
}

impl Values {
    fn text(&self, path: &str) -> &str {
        if let Checked::Text(text) = &self.at(path).value { text } else { "" }
    }

    fn list(&self, path: &str) -> &[String] {
        if let Checked::List(items) = &self.at(path).value { items } else { &[] }
    }

    fn address(&self, path: &str) -> Option<SocketAddr> {
        if let Checked::Address(address) = self.at(path).value { Some(address) } else { None }
    }

    /// A number in steps of its unit.
    fn number(&self, path: &str) -> i64 {
        if let Checked::Number { scaled, .. } = self.at(path).value { scaled } else { 0 }
    }

    fn size(&self, path: &str) -> usize {
        usize::try_from(self.number(path)).unwrap_or(usize::MAX)
    }
}

// The bounds of the schema are inside both.
fn u32_of(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn u64_of(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
