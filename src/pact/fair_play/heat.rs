//! Heat: a leaky bucket with a latch.
//!
//! Load and sensitive findings warm it, time cools it. At the threshold the cooldown latches: the subject waits it out,
//! whatever the meter says, and comes back at half the threshold at most.
//!
//! ```text
//! charge = heat_per_cost × min(cost, stamina_max) + heat_per_detection × detections
//! heat   = min(heat_max, heat + charge)           heat ≥ threshold: cooldown_until = now + cooldown
//! ```

use crate::pact::fair_play::limits::Limits;
use crate::pact::points::Points;
use crate::pact::subject_state::SubjectState;
use crate::pact::time::Timestamp;

/// How much an input warms the meter, admitted or not.
pub(super) fn charge(limits: &Limits, cost: Points, detections: u32) -> Points {
    cost.min(limits.stamina_max)
        .permille(limits.heat_per_cost_permille)
        .plus(limits.heat_per_detection.times(u64::from(detections)))
}

/// `heat` after `dt_ms` of cooling.
pub(super) fn cooled(state: &SubjectState, limits: &Limits, dt_ms: u64) -> Points {
    state.heat.minus(limits.heat_decay_per_ms.times(dt_ms)).max(Points::ZERO)
}

/// Ends the cooldown.
pub(super) fn end_cooldown(state: &mut SubjectState, limits: &Limits) {
    state.cooldown_until = None;
    state.heat = state.heat.min(Points::from_micros(limits.heat_threshold.micros() / 2));
}

/// The first moment from `now` at which `charge` stays below the threshold; none if it alone reaches it.
pub(super) fn cool_enough_at(
    state: &SubjectState,
    limits: &Limits,
    charge: Points,
    now: Timestamp,
) -> Option<Timestamp> {
    // heat + charge < threshold, in whole micro-points
    let highest = limits.heat_threshold.minus(charge).minus(Points::from_micros(1));
    if highest < Points::ZERO {
        return None;
    }
    Some(now.plus_ms(state.heat.minus(highest).ms_at(limits.heat_decay_per_ms)))
}
