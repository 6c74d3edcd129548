//! Settings, checked and typed: what the rest of the program sees of file, environment and flags.
//!
//! A `Config` that exists is valid: `Config::load` (in `load`) makes one, or reports everything that is wrong at once.
//! `schema` has every setting as data; what the file says becomes a `tree`, is `read` against it, and is `typed` at last.

mod advice;
mod decimal;
/// The settings as they could be written, and their digest.
pub mod effective;
/// Variables and flags.
pub mod environment;
/// What is wrong, and what is only odd.
pub mod errors;
mod kinds;
/// Loading.
pub mod load;
mod read;
/// The reference page.
pub mod reference;
mod schema;
mod short_forms;
#[cfg(test)]
mod tests;
mod tree;
mod typed;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::pact::Pact;
use crate::payload::Dialect;

/// Everything that was configured.
#[derive(Debug, Clone)]
pub struct Config {
    /// The gRPC listeners and their limits.
    pub server: ServerConfig,
    /// The admin HTTP listener.
    pub admin: AdminConfig,
    /// What is remembered, and how much of it.
    pub state: StateConfig,
    /// Where an enforcement point's requests say who asks.
    pub identity: IdentityConfig,
    /// Which requests are judged, and how their bodies are read.
    pub routes: RoutesConfig,
    /// The policies; `default` is always the first.
    pub policies: Vec<Policy>,
    /// The cooperation ledger.
    pub cooperation: CooperationConfig,
    /// Logs.
    pub telemetry: TelemetryConfig,
    /// Names the effective settings: the first 16 hexadecimal digits of their SHA-256.
    pub digest: String,
}

impl Config {
    /// The position of the policy called `name`; the empty name is the default policy's.
    #[must_use]
    pub fn policy_index(&self, name: &str) -> Option<usize> {
        Policy::position(&self.policies, name)
    }
}

/// The gRPC listeners and their limits.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// The TCP address, if there is one.
    pub listen: Option<SocketAddr>,
    /// The Unix socket, if there is one. At least one of the two is set.
    pub unix_socket: Option<UnixSocketConfig>,
    /// How many worker threads serve connections; at least 1.
    pub worker_threads: usize,
    /// The largest gRPC message taken, in bytes.
    pub max_message_bytes: usize,
    /// The longest text judged, in bytes.
    pub max_text_bytes: usize,
    /// The most requests in progress on one connection.
    pub max_concurrent_streams: u32,
    /// The most connections at once; the next one waits to be accepted.
    pub max_connections: usize,
    /// How long requests in progress may take to end after SIGTERM.
    pub drain_timeout: Duration,
}

/// A Unix socket to listen on.
#[derive(Debug, Clone)]
pub struct UnixSocketConfig {
    /// Its path.
    pub path: PathBuf,
    /// Its permission bits.
    pub mode: u32,
}

/// The admin HTTP listener.
#[derive(Debug, Clone)]
pub struct AdminConfig {
    /// Its address; none turns it off.
    pub listen: Option<SocketAddr>,
}

/// What is remembered, and how much of it.
#[derive(Debug, Clone)]
pub struct StateConfig {
    /// The most subjects remembered at once, over all policies.
    pub max_subjects: usize,
}

/// Where an enforcement point's requests say who asks. The sources are asked in this order; the first that names
/// somebody is taken whole: user, age and tier never come from different sources, save for the route's own extensions.
#[derive(Debug, Clone)]
pub struct IdentityConfig {
    /// Claims of a JWT that the gateway verified.
    pub jwt: Option<JwtIdentity>,
    /// The principal of the client's certificate.
    pub mtls: bool,
    /// The key in `context_extensions` that names the user; empty turns it off.
    pub context_extension: String,
    /// Headers that the gateway strips from clients and sets itself.
    pub headers: HeaderIdentity,
    /// The tier of a user named by a source that states no tier.
    pub default_tier: crate::pact::interaction::TrustTier,
}

/// Claims of a JWT that the gateway verified, in the filter metadata of a request.
#[derive(Debug, Clone)]
pub struct JwtIdentity {
    /// The filter metadata's namespace.
    pub metadata_namespace: String,
    /// The key of the payload in it (`payload_in_metadata`); empty takes the namespace's only struct.
    pub payload_key: String,
    /// The claim that names the user.
    pub user_claim: String,
    /// The claim with the age in years; empty for none.
    pub age_claim: String,
    /// The claim with the tier's name; empty for none.
    pub tier_claim: String,
}

/// Headers that the gateway sets itself. Names in lower case; empty for none.
#[derive(Debug, Clone, Default)]
pub struct HeaderIdentity {
    /// Names the user.
    pub user: String,
    /// The age in years.
    pub age: String,
    /// The tier's name.
    pub tier: String,
}

/// Which requests are judged, and how their bodies are read. The default is to judge.
#[derive(Debug, Clone)]
pub struct RoutesConfig {
    /// Paths let through unjudged, exactly as they are written on the wire before `?`.
    pub bypass_paths: Vec<String>,
    /// Methods let through unjudged when the request has no body.
    pub bypass_methods: Vec<String>,
    /// The gateway's `max_request_bytes`: a body that reaches it may have been cut.
    pub max_request_bytes: usize,
    /// What becomes of a judged request whose text was not shown.
    pub unseen_text: UnseenText,
    /// Whose words are charged, by role.
    pub charged_roles: Vec<crate::payload::Role>,
    /// Routes with settings of their own, asked in order; each setting comes from the first matching rule that states it.
    pub rules: Vec<RouteRule>,
}

/// What becomes of a judged request whose text was not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnseenText {
    /// It is refused with `TEXT_UNSEEN`.
    Refuse,
    /// It is judged as an input without text.
    Judge,
}

/// A route with settings of its own.
#[derive(Debug, Clone)]
pub struct RouteRule {
    /// Which paths it is about.
    pub path: PathMatch,
    /// The shape of its bodies; none goes by the content type.
    pub payload: Option<Dialect>,
    /// The position of its policy; none leaves it to the request.
    pub policy: Option<usize>,
    /// What becomes of unseen text on it; none goes by the setting for all routes.
    pub unseen_text: Option<UnseenText>,
}

/// Which paths a rule is about: the raw path before `?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathMatch {
    /// This path.
    Exact(String),
    /// Every path that begins so.
    Prefix(String),
    /// Every path that ends so.
    Suffix(String),
}

impl PathMatch {
    /// Is `path` one of them?
    #[must_use]
    pub fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => path == exact,
            Self::Prefix(prefix) => path.starts_with(prefix.as_str()),
            Self::Suffix(suffix) => path.ends_with(suffix.as_str()),
        }
    }
}

/// A policy by its name.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The key in `policies`.
    pub name: String,
    /// Its rules.
    pub pact: Pact,
    /// How it words a refusal.
    pub refusal: RefusalConfig,
}

impl Policy {
    /// Where the policy called `name` stands among `policies`; the empty name is the first one's, the default policy's.
    #[must_use]
    pub fn position(policies: &[Self], name: &str) -> Option<usize> {
        if name.is_empty() {
            return Some(0);
        }
        policies.iter().position(|policy| policy.name == name)
    }
}

/// How a policy words a refusal.
#[derive(Debug, Clone, Default)]
pub struct RefusalConfig {
    /// Words by reason code that replace the built-in ones.
    pub messages: Vec<(crate::pact::decision::Reason, String)>,
}

/// The cooperation ledger.
#[derive(Debug, Clone)]
pub struct CooperationConfig {
    /// The most agents in the ledger.
    pub max_agents: usize,
    /// How many interaction ids are remembered for repeats.
    pub max_interaction_ids: usize,
}

/// Logs.
#[derive(Debug, Clone)]
pub struct TelemetryConfig {
    /// The filter of the log, in the syntax of `tracing` (`info`, `safety_pact=debug`, ...).
    pub log_filter: String,
    /// The shape of a log line.
    pub log_format: LogFormat,
    /// The name of the environment (`SAFETY_ENV`); shown at the start.
    pub environment: String,
}

/// The shape of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}
