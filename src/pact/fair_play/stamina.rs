//! Stamina: a token bucket that the length of the input draws from.
//!
//! Full at first sight, refilled while time passes (faster in flow), emptied by typing. A refusal costs nothing.
//!
//! ```text
//! cost  = max(cost_min, chars × cost_per_char)
//! level = min(max, level + rate × dt)         rate = regen, or regen × bonus while streak ≥ flow_after
//! ```

use crate::pact::fair_play::limits::Limits;
use crate::pact::points::Points;
use crate::pact::subject_state::SubjectState;

/// What an input of `chars` characters costs.
pub(super) fn cost(limits: &Limits, chars: u64) -> Points {
    limits.stamina_cost_per_char.times(chars).max(limits.stamina_cost_min)
}

/// Is the faster refill on?
pub(super) const fn in_flow(state: &SubjectState, limits: &Limits) -> bool {
    state.streak >= limits.flow_after
}

/// `level` after `dt_ms` of refill.
pub(super) fn refilled(state: &SubjectState, limits: &Limits, dt_ms: u64) -> Points {
    let mut rate = limits.stamina_regen_per_ms;
    if in_flow(state, limits) {
        rate = rate.permille(limits.stamina_flow_bonus_permille);
    }
    state.level.plus(rate.times(dt_ms)).min(limits.stamina_max)
}
