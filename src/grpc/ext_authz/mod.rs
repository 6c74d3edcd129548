//! Envoy asks whether a request may pass: `envoy.service.auth.v3.Authorization/Check`.
//!
//! ```text
//! CheckRequest ─▶ bypass? ─▶ policy ─▶ who asks ─▶ how much new text ─▶ verdict ─▶ CheckResponse
//! ```
//!
//! Envoy takes an error status for an outage, which `failure_mode_allow` lets through, and an empty answer for an
//! allow. So whatever can be wrong with the checked request is a refusal, and `answer` is the only maker of answers.
//! Nothing is awaited on the way: a caller that leaves or whose `grpc-timeout` ends finds the decision made or not
//! begun. A panic ends the call without an answer, which Envoy takes for an error.

mod answer;
mod identity;
mod request;
mod text;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use envoy_types::pb::envoy::service::auth::v3::authorization_server::Authorization;
use envoy_types::pb::envoy::service::auth::v3::{CheckRequest, CheckResponse};
use tonic::{Request, Response, Status};

use crate::config::{Config, IdentityConfig, RouteRule, RoutesConfig, UnseenText};
use crate::grpc::ext_authz::answer::Origin;
use crate::grpc::ext_authz::identity::Asker;
use crate::grpc::ext_authz::request::Asked;
use crate::grpc::ext_authz::text::Text;
use crate::pact::decision::Reason;
use crate::pdp::{DecisionPoint, Question, RetryKey, Subject, Verdict};
use crate::pep::Renderer;
use crate::telemetry::metrics::Service;

const SERVICE: Service = Service::ExtAuthz;

/// What an interaction is charged by.
struct Charge<'a> {
    /// Characters of new text.
    chars: u64,
    /// Names the request, if it is to be charged once only.
    request_id: Option<Cow<'a, str>>,
}

/// Answers Envoy.
#[derive(Debug)]
pub struct ExtAuthz {
    point: Arc<DecisionPoint>,
    renderer: Arc<Renderer>,
    identity: IdentityConfig,
    routes: RoutesConfig,
}

impl ExtAuthz {
    /// A door to `point`, with the identity sources and routes of `config`.
    #[must_use]
    pub fn new(point: Arc<DecisionPoint>, renderer: Arc<Renderer>, config: &Config) -> Self {
        Self { point, renderer, identity: config.identity.clone(), routes: config.routes.clone() }
    }

    fn answer(&self, check: &CheckRequest) -> CheckResponse {
        let asked = Asked::read(check);
        let verdict = match &asked {
            Some(asked) => self.verdict(asked),
            // Nothing to judge is a fault between Envoy and us, and no reason to let anything pass.
            None => self.point.refuse(SERVICE, 0, Reason::SafetyUnavailable),
        };
        let origin = Origin {
            policy: self.point.policies().get(verdict.policy).map_or("", |policy| &policy.name),
            config_digest: self.point.config_digest(),
            headers: asked.as_ref().map(|asked| &asked.headers),
        };
        answer::to_envoy(self.renderer.orders(&verdict), &verdict, &origin)
    }

    fn verdict(&self, asked: &Asked<'_>) -> Verdict {
        if self.bypasses(asked) {
            return self.point.bypass(SERVICE);
        }
        let policy = match self.policy(asked) {
            Ok(policy) => policy,
            Err(reason) => return self.point.refuse(SERVICE, 0, reason),
        };
        match self.charge(asked) {
            Ok((asker, charge)) => self.point.evaluate(&Question {
                service: SERVICE,
                policy,
                subject: Subject { kind: asker.kind, id: &asker.id },
                tier: asker.tier,
                chars: charge.chars,
                retry_key: RetryKey {
                    id: charge.request_id.as_deref().unwrap_or_default(),
                    content: asked.body,
                    chars: charge.chars,
                },
                peek: false,
                explain: false,
            }),
            Err(reason) => self.point.refuse(SERVICE, policy, reason),
        }
    }

    /// Is it let through unjudged? Only what is written exactly as configured, and only without a body: a bare request
    /// carries no text.
    fn bypasses(&self, asked: &Asked<'_>) -> bool {
        let known = self.routes.bypass_paths.iter().any(|path| path == asked.path)
            || self.routes.bypass_methods.contains(&asked.http.method);
        known && !asked.path.is_empty() && asked.is_bare()
    }

    /// The position of the policy: the route's extensions come before our own rules.
    fn policy(&self, asked: &Asked<'_>) -> Result<usize, Reason> {
        match asked.extension("policy") {
            Some(name) => self.point.policy_index(name).ok_or_else(|| misconfigured("policy")),
            None => Ok(self.on_route(asked, |rule| rule.policy).unwrap_or(0)),
        }
    }

    /// What the first rule for the path says that says anything: a rule about the policy alone leaves the payload to
    /// the next one.
    fn on_route<T>(&self, asked: &Asked<'_>, setting: impl Fn(&RouteRule) -> Option<T>) -> Option<T> {
        self.routes.rules.iter().filter(|rule| rule.path.matches(asked.path)).find_map(setting)
    }

    fn charge<'a>(&self, asked: &'a Asked<'_>) -> Result<(Asker<'a>, Charge<'a>), Reason> {
        let asker = identity::asker(asked, &self.identity)?;
        let charge = match text::read(asked, self.on_route(asked, |rule| rule.payload), &self.routes)? {
            // With the body as its content: a client that chooses its own request id gets no other text for free.
            // Method and path may differ, for it is the text that costs; where they make more text of the same
            // bytes, that is another request.
            Text::Seen { chars } => Charge { chars, request_id: asked.headers.get("x-request-id") },
            Text::Unseen => {
                match self.on_route(asked, |rule| rule.unseen_text).unwrap_or(self.routes.unseen_text) {
                    UnseenText::Refuse => return Err(Reason::TextUnseen),
                    // Two texts that nobody saw cannot be known to be the same, so each is charged.
                    UnseenText::Judge => Charge { chars: 0, request_id: None },
                }
            }
        };
        Ok((asker, charge))
    }
}

#[tonic::async_trait]
impl Authorization for ExtAuthz {
    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        Ok(Response::new(self.answer(&request.into_inner())))
    }
}

/// The reason to refuse with when the operator's `key` holds what cannot be used: better shut than unlike the plan.
///
/// A gateway that is set up so says it with every request; the log hears of the first, the second, the fourth, ...
fn misconfigured(key: &str) -> Reason {
    static SEEN: AtomicU64 = AtomicU64::new(0);
    let requests = SEEN.fetch_add(1, Ordering::Relaxed).saturating_add(1);
    if requests.is_power_of_two() {
        let message = "a request was refused: the gateway states something here that cannot be used";
        tracing::warn!(key, requests, "{message}");
    }
    Reason::SafetyUnavailable
}
