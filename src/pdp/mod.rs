//! The decision point: every question gets a verdict.
//!
//! `evaluate` returns no `Result`. What keeps the rules from being asked (no room, no store) is a reason to refuse like
//! any other, and what a door refuses or lets through without asking is recorded here too, so that every answer has an
//! id and is counted.

/// One cooperation ledger for everybody.
pub mod auditor;
/// Names subjects, interactions and decisions.
pub mod ids;

use std::sync::Arc;

use crate::clock::{Clock, Stopwatch};
use crate::config::{Config, Policy};
use crate::pact::decision::{Decision, Effect, GateReading, Readings, Reason, Reasons};
use crate::pact::interaction::{Findings, Interaction, InteractionId, TrustTier};
use crate::pact::time::Timestamp;
use crate::pdp::ids::{DecisionId, Hashes};
use crate::store::memory::MemoryStore;
use crate::store::{Store, StoreError, SubjectKey};
use crate::telemetry::metrics::{Metrics, Outcome, Service};

/// How long a client should wait when the decision could not be made at all.
const UNAVAILABLE_RETRY_MS: u64 = 1_000;

/// Whom an interaction is charged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subject<'a> {
    /// What `id` names: a user called `10.0.0.1` is not that address.
    pub kind: SubjectKind,
    /// Any UTF-8.
    pub id: &'a str,
}

/// What a subject's id names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectKind {
    /// A user that somebody vouches for.
    User,
    /// A source address that nobody vouches for.
    Address,
}

/// What makes a request the same one again: its id and, where a client could reuse the id, its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryKey<'a> {
    /// The interaction id or request id; empty for none.
    pub id: &'a str,
    /// The content that must be the same as well; only a keyed hash of it is kept, and not for long.
    pub content: &'a [u8],
    /// How many characters of the content were charged: the same bytes may be read in another way on another route.
    /// 0 where the id alone names the request.
    pub chars: u64,
}

/// A question for the decision point.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// Who asks.
    pub service: Service,
    /// The position of the policy in `Config::policies`.
    pub policy: usize,
    /// Whom it is charged to.
    pub subject: Subject<'a>,
    /// Whose limits apply.
    pub tier: TrustTier,
    /// Length of the new text in Unicode scalar values.
    pub chars: u64,
    /// For retries.
    pub retry_key: RetryKey<'a>,
    /// Judge without charging.
    pub peek: bool,
    /// List every gate.
    pub explain: bool,
}

/// The answer to one question.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// How it came about.
    pub disposition: Disposition,
    /// Why not; none for a permit or a bypass.
    pub reasons: Reasons,
    /// The least wait after which the same interaction would be admitted.
    pub retry_after_ms: Option<u64>,
    /// The subject's meters, if the rules were asked.
    pub readings: Option<Readings>,
    /// Every gate, if an explanation was wanted.
    pub gates: Vec<GateReading>,
    /// Names the decision.
    pub decision_id: DecisionId,
    /// Names the subject without telling who it is, if the rules were asked.
    pub subject_key: Option<SubjectKey>,
    /// The position of the policy.
    pub policy: usize,
    /// Whose limits applied.
    pub tier: TrustTier,
}

impl Verdict {
    /// Permit or deny: any reason refuses.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        if self.reasons.is_empty() { Effect::Permit } else { Effect::Deny }
    }
}

/// How a verdict came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// The rules were asked.
    Judged,
    /// It was refused before the rules could be asked.
    Refused,
    /// The route is not judged.
    Bypassed,
}

/// Asks the rules on behalf of every door.
#[derive(Debug)]
pub struct DecisionPoint {
    policies: Vec<Policy>,
    config_digest: String,
    store: Store,
    clock: Clock,
    hashes: Hashes,
    metrics: Arc<Metrics>,
}

impl DecisionPoint {
    /// A decision point with an empty store.
    #[must_use]
    pub fn new(config: &Config, clock: Clock, metrics: Arc<Metrics>) -> Self {
        let pacts = config.policies.iter().map(|policy| policy.pact.clone()).collect();
        Self {
            policies: config.policies.clone(),
            config_digest: config.digest.clone(),
            store: Store::Memory(MemoryStore::new(config.state.max_subjects, pacts)),
            clock,
            hashes: Hashes::new(),
            metrics,
        }
    }

    /// The policies by position; the first is `default`.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// The position of the policy called `name`; the empty name is the default policy's.
    #[must_use]
    pub fn policy_index(&self, name: &str) -> Option<usize> {
        Policy::position(&self.policies, name)
    }

    /// The digest of the config that everything is judged by.
    #[must_use]
    pub fn config_digest(&self) -> &str {
        &self.config_digest
    }

    /// What is remembered.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The clock that questions are judged by.
    #[must_use]
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Judges one interaction and charges its subject, unless it is a peek.
    #[must_use]
    pub fn evaluate(&self, question: &Question<'_>) -> Verdict {
        let stopwatch = Stopwatch::start();
        let now = self.clock.now();
        let (policy, subject) = (question.policy, question.subject);
        let Some(rules) = self.policies.get(policy).map(|policy| &policy.pact) else {
            return self.refuse(question.service, policy, Reason::SafetyUnavailable);
        };
        let interaction = Interaction {
            tier: question.tier,
            chars: question.chars,
            id: self.hashes.interaction(question.retry_key).map(InteractionId),
        };
        let findings = Findings::default();
        let key = self.hashes.subject(policy, subject);
        let mut gates = Vec::new();
        let newcomer = || rules.newcomer(question.tier, now);

        let decided: Result<Decision, StoreError> = if question.peek {
            let mut state = self.store.read(key).unwrap_or_else(newcomer);
            if question.explain {
                gates = rules.explain(&state, &interaction, &findings, now);
            }
            Ok(rules.evaluate(&mut state, &interaction, &findings, now))
        } else {
            self.store.update(key, policy, now, newcomer, |state| {
                if question.explain {
                    gates = rules.explain(state, &interaction, &findings, now);
                }
                rules.evaluate(state, &interaction, &findings, now)
            })
        };

        let verdict = match decided {
            Ok(decision) => Verdict {
                disposition: Disposition::Judged,
                decision_id: ids::decision(policy, subject, question.retry_key.id, &decision),
                reasons: decision.reasons,
                retry_after_ms: decision.retry_after_ms,
                readings: Some(decision.readings),
                gates,
                subject_key: Some(key),
                policy,
                tier: question.tier,
            },
            Err(StoreError::Full { .. }) => self.unjudged(
                Disposition::Refused,
                policy,
                Reasons::of(Reason::CapacityExhausted),
                Some(UNAVAILABLE_RETRY_MS),
                now,
            ),
        };
        if !question.peek {
            self.metrics.decided(question.service, policy, label(&verdict), Some(stopwatch.elapsed()));
        }
        verdict
    }

    /// Refuses a request that the rules cannot be asked about.
    #[must_use]
    pub fn refuse(&self, service: Service, policy: usize, reason: Reason) -> Verdict {
        let retry_after_ms = matches!(reason, Reason::SafetyUnavailable | Reason::CapacityExhausted)
            .then_some(UNAVAILABLE_RETRY_MS);
        let policy = if policy < self.policies.len() { policy } else { 0 };
        let (reasons, now) = (Reasons::of(reason), self.clock.now());
        let verdict = self.unjudged(Disposition::Refused, policy, reasons, retry_after_ms, now);
        self.metrics.decided(service, policy, label(&verdict), None);
        verdict
    }

    /// Lets a request through that is not judged.
    #[must_use]
    pub fn bypass(&self, service: Service) -> Verdict {
        let verdict = self.unjudged(Disposition::Bypassed, 0, Reasons::NONE, None, self.clock.now());
        self.metrics.decided(service, 0, label(&verdict), None);
        verdict
    }

    fn unjudged(
        &self,
        disposition: Disposition,
        policy: usize,
        reasons: Reasons,
        retry_after_ms: Option<u64>,
        now: Timestamp,
    ) -> Verdict {
        Verdict {
            disposition,
            reasons,
            retry_after_ms,
            readings: None,
            gates: Vec::new(),
            decision_id: self.hashes.unjudged_decision(now),
            subject_key: None,
            policy,
            tier: TrustTier::Anonymous,
        }
    }
}

/// What a verdict counts as.
fn label(verdict: &Verdict) -> Outcome {
    match (verdict.disposition, verdict.effect()) {
        (Disposition::Bypassed, _) => Outcome::Bypassed,
        (_, Effect::Permit) => Outcome::Permitted,
        // A reason that this version does not know is a refusal all the same.
        (_, Effect::Deny) => Outcome::Refused(verdict.reasons.primary().unwrap_or(Reason::SafetyUnavailable)),
    }
}
