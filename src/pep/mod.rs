//! What an enforcement point must do with a verdict: the status, the headers, the body.
//!
//! `Renderer::orders` is the one constructor for every branch, so a header that every answer carries is written once.
//! A client may send our header names itself: a door removes those that `Orders::unset` lists from what it forwards.

/// Our headers and how their values are written.
pub mod header;
/// What a refused client is told.
pub mod refusal;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use crate::config::Policy;
use crate::pact::decision::{Effect, Quota, QuotaWindow, Readings, Reason};
use crate::pact::fair_play::limits::Limits;
use crate::pact::interaction::TrustTier;
use crate::pdp::{Disposition, Verdict};
use crate::pep::header::{Header, decimal, names, whole_seconds};
use crate::pep::refusal::{Refusal, http_status};

/// What an enforcement point must do. There is no default: every answer is somebody's verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orders<'a> {
    /// What the verdict came to: `PERMIT`, `DENY` or `BYPASS`.
    pub effect: &'static str,
    /// The HTTP status: 200 lets the request through.
    pub http_status: u16,
    /// The headers to set, each name once.
    pub headers: Vec<Header<'a>>,
    /// What the client is told instead of the answer that it asked for; none lets the request through.
    pub refusal: Option<Refusal<'a>>,
}

impl Orders<'_> {
    /// Our header names that this answer does not set; a client's own copy of them must not pass.
    pub fn unset(&self) -> impl Iterator<Item = &'static str> {
        names::ALL.into_iter().filter(|name| self.headers.iter().all(|header| header.name != *name))
    }
}

/// Turns verdicts into orders; it holds what depends on the policies alone.
#[derive(Debug)]
pub struct Renderer {
    policies: Vec<Wording>,
}

/// The words of one policy.
#[derive(Debug)]
struct Wording {
    /// `RateLimit-Policy` by tier, in the order of `TrustTier::ALL`.
    quotas: [String; 4],
    /// Messages that replace the built-in ones.
    messages: Vec<(Reason, String)>,
}

impl Renderer {
    /// A renderer for these policies, in the order of `Config::policies`.
    #[must_use]
    pub fn new(policies: &[Policy]) -> Self {
        let wording = |policy: &Policy| Wording {
            quotas: TrustTier::ALL.map(|tier| quota_policy(policy.pact.fair_play().of(tier))),
            messages: policy.refusal.messages.clone(),
        };
        Self { policies: policies.iter().map(wording).collect() }
    }

    /// What to do about `verdict`.
    #[must_use]
    pub fn orders(&self, verdict: &Verdict) -> Orders<'_> {
        let reason = refused_with(verdict);
        let effect = match (verdict.disposition, reason) {
            (_, Some(_)) => Effect::Deny.name(),
            (Disposition::Bypassed, None) => "BYPASS",
            (Disposition::Judged | Disposition::Refused, None) => Effect::Permit.name(),
        };
        let retry_after_seconds = verdict.retry_after_ms.map(|ms| whole_seconds(ms).max(1));

        let mut headers = Vec::with_capacity(names::ALL.len());
        headers.extend(names::PROMISES.map(|(name, value)| Header::new(name, value)));
        headers.push(Header::new(names::DECISION, verdict.decision_id.text()));
        headers.push(Header::new(names::EFFECT, effect));
        if let Some(reason) = reason {
            headers.push(Header::new(names::REASON, reason.code()));
        }
        if let Some(readings) = &verdict.readings {
            self.push_readings(&mut headers, verdict, readings);
        }
        if let Some(seconds) = retry_after_seconds {
            headers.push(Header::new(names::RETRY_AFTER, seconds.to_string()));
        }
        let refusal = reason.map(|reason| Refusal {
            reason,
            message: self.message(verdict.policy, reason),
            retry_after_seconds,
            decision_id: verdict.decision_id.text(),
        });
        Orders { effect, http_status: reason.map_or(200, http_status), headers, refusal }
    }

    fn push_readings<'a>(&'a self, headers: &mut Vec<Header<'a>>, verdict: &Verdict, readings: &Readings) {
        headers.push(Header::new(names::STAMINA, decimal(readings.stamina)));
        headers.push(Header::new(names::HEAT, decimal(readings.heat)));
        if let Some(wording) = self.policies.get(verdict.policy) {
            let quotas = wording.quotas[verdict.tier as usize].as_str();
            headers.push(Header::new(names::RATELIMIT_POLICY, quotas));
        }
        headers.push(Header::new(names::RATELIMIT, quota_left(readings.quota)));
    }

    fn message(&self, policy: usize, reason: Reason) -> &str {
        let messages = self.policies.get(policy).map_or(&[][..], |wording| &wording.messages);
        let own = messages.iter().find(|(code, _)| *code == reason);
        own.map_or(reason.message(), |(_, words)| words)
    }
}

/// The primary reason of a refusal; none if the request may pass.
fn refused_with(verdict: &Verdict) -> Option<Reason> {
    let refused = verdict.effect() == Effect::Deny || verdict.disposition == Disposition::Refused;
    // Reasons at rest may come from a later version that knows more of them: still a refusal.
    refused.then(|| verdict.reasons.primary().unwrap_or(Reason::SafetyUnavailable))
}

/// `RateLimit-Policy`, as of draft-ietf-httpapi-ratelimit-headers-11: a quota `q` of requests in `w` seconds.
fn quota_policy(limits: &Limits) -> String {
    format!(
        "\"{}\";q={};w={}, \"{}\";q={};w=60, \"{}\";q={};w={}",
        window_name(QuotaWindow::Rate),
        limits.rate_limit_max,
        whole_seconds(limits.rate_limit_window_ms),
        window_name(QuotaWindow::Minute),
        limits.max_interactions_per_minute,
        window_name(QuotaWindow::Burst),
        limits.max_burst_responses,
        whole_seconds(limits.burst_window_ms),
    )
}

/// `RateLimit`: `r` requests are left of the named quota, more of it in `t` seconds.
fn quota_left(quota: Quota) -> String {
    let (name, remaining) = (window_name(quota.window), quota.remaining);
    if quota.more_in_ms == 0 {
        // Nothing is counted, so nothing comes back.
        return format!("\"{name}\";r={remaining}");
    }
    format!("\"{name}\";r={remaining};t={}", whole_seconds(quota.more_in_ms))
}

const fn window_name(window: QuotaWindow) -> &'static str {
    match window {
        QuotaWindow::Rate => "rate",
        QuotaWindow::Minute => "minute",
        QuotaWindow::Burst => "burst",
    }
}
