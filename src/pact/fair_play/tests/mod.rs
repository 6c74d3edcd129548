//! Stories and laws of fair play. A clock is a number here; nothing sleeps.

mod laws;
mod stories;

use crate::pact::Pact;
use crate::pact::decision::{Decision, Effect, Reason};
use crate::pact::fair_play::limits::{Limits, TierLimits};
use crate::pact::interaction::{Findings, Interaction, InteractionId, TrustTier};
use crate::pact::points::Points;
use crate::pact::subject_state::SubjectState;
use crate::pact::time::Timestamp;

/// One person, the rules and a clock.
#[derive(Debug, Clone)]
struct Play {
    pact: Pact,
    limits: Limits,
    state: SubjectState,
    now: Timestamp,
}

const START_MS: u64 = 1_800_000_000_000;

impl Play {
    fn with(limits: Limits) -> Self {
        let now = Timestamp::from_ms(START_MS);
        let pact = Pact::new(TierLimits::uniform(limits.clone()));
        Self { state: pact.newcomer(TrustTier::User, now), pact, limits, now }
    }

    fn says(&mut self, chars: u64) -> Answer {
        self.sends(Message { chars, ..Message::default() })
    }

    fn sends(&mut self, message: Message) -> Answer {
        let interaction =
            Interaction { tier: TrustTier::User, chars: message.chars, id: message.id.map(InteractionId) };
        let findings = Findings { detections: message.detections };
        Answer(self.pact.evaluate(&mut self.state, &interaction, &findings, self.now))
    }

    fn waits_ms(&mut self, ms: u64) -> &mut Self {
        self.now = self.now.plus_ms(ms);
        self
    }

    fn is_paused_for_ms(&mut self, ms: u64) {
        self.pact.pause(&mut self.state, TrustTier::User, ms, self.now);
    }

    /// What would be said `ms` from now, without saying it.
    fn would_say_in_ms(&self, ms: u64, message: Message) -> Answer {
        let mut later = self.clone();
        later.waits_ms(ms).sends(message)
    }

    fn stamina(&self) -> Points {
        self.state.level
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Message {
    chars: u64,
    detections: u32,
    id: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer(Decision);

impl Answer {
    #[track_caller]
    fn is_permitted(&self) -> &Self {
        assert_eq!(self.0.effect(), Effect::Permit, "{:?}", self.codes());
        self
    }

    #[track_caller]
    fn is_denied(&self, reasons: &[Reason]) -> &Self {
        assert_eq!(self.0.reasons.iter().collect::<Vec<_>>(), reasons);
        self
    }

    #[track_caller]
    fn retry_after_ms(&self, ms: impl Into<Option<u64>>) -> &Self {
        assert_eq!(self.0.retry_after_ms, ms.into());
        self
    }

    fn codes(&self) -> Vec<&'static str> {
        self.0.reasons.iter().map(Reason::code).collect()
    }
}

/// Defaults without the pacing limits, so that a story can be about one meter.
fn unpaced() -> Limits {
    Limits {
        min_response_interval_ms: 0,
        max_burst_responses: 64,
        burst_window_ms: 1,
        max_interactions_per_minute: 10_000,
        rate_limit_max: 100_000,
        ..Limits::default()
    }
}
