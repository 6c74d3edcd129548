//! The rules: pure functions of state, event and time. No clock, no I/O, no randomness, no floating point in fair play.
//!
//! `Pact::evaluate` is the one function that holds the order of the rules; any gate that fails refuses (deny overrides).

pub mod cooperation;
/// What the pact answers.
pub mod decision;
/// Stamina, heat, flow and pacing.
pub mod fair_play;
/// What is judged.
pub mod interaction;
/// Micro-points.
pub mod points;
/// All that is remembered of one subject.
pub mod subject_state;
/// Milliseconds.
pub mod time;
/// Slot windows.
pub mod window;

use crate::pact::decision::{Decision, GateReading};
use crate::pact::fair_play::advance::advance;
use crate::pact::fair_play::limits::TierLimits;
use crate::pact::fair_play::{Charge, Judged};
use crate::pact::interaction::{Findings, Interaction, TrustTier};
use crate::pact::subject_state::{Outcome, SubjectState};
use crate::pact::time::Timestamp;

/// The rules of one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pact {
    fair_play: TierLimits,
}

impl Pact {
    /// The rules with these limits.
    #[must_use]
    pub const fn new(fair_play: TierLimits) -> Self {
        Self { fair_play }
    }

    /// The limits of each tier.
    #[must_use]
    pub const fn fair_play(&self) -> &TierLimits {
        &self.fair_play
    }

    /// A subject that is seen for the first time.
    #[must_use]
    pub fn newcomer(&self, tier: TrustTier, now: Timestamp) -> SubjectState {
        SubjectState::new(self.fair_play.of(tier), now)
    }

    /// Judges `interaction` and moves `state` on.
    pub fn evaluate(
        &self,
        state: &mut SubjectState,
        interaction: &Interaction,
        findings: &Findings,
        now: Timestamp,
    ) -> Decision {
        let limits = self.fair_play.of(interaction.tier);
        let now = advance(state, limits, now);

        // Proxies retry, and a retry must not burn stamina.
        if let Some(outcome) = interaction.id.and_then(|id| state.remembered.find(id, now)) {
            return Decision {
                reasons: outcome.reasons,
                retry_after_ms: outcome.retry_at.map(|at| at.ms_since(now).max(1)),
                now,
                judged_at: outcome.judged_at,
                repeated: true,
                readings: fair_play::readings(state, limits, now),
            };
        }

        let charge = Charge::of(limits, interaction.chars, findings.detections);
        let judged = fair_play::judge(state, limits, charge, now);
        let (Judged::Locked(reasons) | Judged::Charged(reasons)) = judged;
        let retry_at =
            if reasons.is_empty() { None } else { fair_play::admitted_at(state, limits, charge, now) };
        // A locked refusal changes nothing, so its retry is judged anew once the lock has ended.
        if let (Judged::Charged(_), Some(id)) = (judged, interaction.id) {
            state.remembered.push(Outcome { id, judged_at: now, reasons, retry_at });
        }
        Decision {
            reasons,
            retry_after_ms: retry_at.map(|at| at.ms_since(now)),
            now,
            judged_at: now,
            repeated: false,
            readings: fair_play::readings(state, limits, now),
        }
    }

    /// Every gate as `interaction` would meet it at `now`, in the order in which they are judged.
    #[must_use]
    pub fn explain(
        &self,
        state: &SubjectState,
        interaction: &Interaction,
        findings: &Findings,
        now: Timestamp,
    ) -> Vec<GateReading> {
        let limits = self.fair_play.of(interaction.tier);
        let mut state = state.clone();
        let now = advance(&mut state, limits, now);
        let charge = Charge::of(limits, interaction.chars, findings.detections);
        fair_play::explain(&state, limits, charge, now)
    }

    /// Pauses the subject for `duration_ms` from `now`, or as long as it is paused already if that is longer.
    pub fn pause(&self, state: &mut SubjectState, tier: TrustTier, duration_ms: u64, now: Timestamp) {
        let now = advance(state, self.fair_play.of(tier), now);
        fair_play::pause(state, duration_ms, now);
    }
}
