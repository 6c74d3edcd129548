//! Letting time pass.
//!
//! Time is walked through every moment at which something ends, and each stretch between two of them is linear. So
//! waiting is divisible: one long wait and many short ones give the same state. A clock that steps back changes nothing.

use crate::pact::fair_play::limits::{Limits, MINUTE, TierLimits};
use crate::pact::fair_play::{heat, stamina};
use crate::pact::subject_state::SubjectState;
use crate::pact::time::Timestamp;

/// Advances `state` to `now`, or leaves it where it is if that is later. Returns the time it then stands at.
pub(crate) fn advance(state: &mut SubjectState, limits: &Limits, now: Timestamp) -> Timestamp {
    let now = now.max(state.updated_at);
    // Each of the three ends at most once while time only passes.
    while let Some(end) = next_end(state, limits).filter(|end| *end <= now) {
        stretch(state, limits, end);
        if state.cooldown_until.is_some_and(|until| until <= end) {
            heat::end_cooldown(state, limits);
        }
        if state.paused_until.is_some_and(|until| until <= end) {
            state.paused_until = None;
        }
        if sitting_ends_at(state, limits).is_some_and(|at| at <= end) {
            state.session_started_at = None;
            state.streak = 0;
        }
    }
    stretch(state, limits, now);
    now
}

/// A stretch without an event, up to `to`.
fn stretch(state: &mut SubjectState, limits: &Limits, to: Timestamp) {
    let dt_ms = to.ms_since(state.updated_at);
    state.level = stamina::refilled(state, limits, dt_ms);
    state.heat = heat::cooled(state, limits, dt_ms);
    state.updated_at = to;
}

/// The next moment, from `updated_at` on, at which something ends.
fn next_end(state: &SubjectState, limits: &Limits) -> Option<Timestamp> {
    let ends = [state.cooldown_until, state.paused_until, sitting_ends_at(state, limits)];
    // A tier with a shorter break may find the end in the past: it ends now.
    ends.into_iter().flatten().min().map(|end| end.max(state.updated_at))
}

/// When the sitting and the streak end, while there is one to end.
fn sitting_ends_at(state: &SubjectState, limits: &Limits) -> Option<Timestamp> {
    if state.session_started_at.is_none() && state.streak == 0 {
        return None;
    }
    Some(state.last_admitted_at?.plus_ms(limits.session_break_ms))
}

/// The first moment at which `state`, left alone, cannot be told from a new one, whatever tier asks.
#[must_use]
pub fn recovered_at(state: &SubjectState, limits: &TierLimits) -> Timestamp {
    limits.distinct().map(|limits| recovered_under(state, limits)).max().unwrap_or(Timestamp::MAX)
}

fn recovered_under(state: &SubjectState, limits: &Limits) -> Timestamp {
    let gone_by = |at: Option<Timestamp>, ms: u64| at.map_or(Timestamp::default(), |at| at.plus_ms(ms));
    // Nothing is remembered from here on, so what is left of the way is linear and without flow.
    let forgotten_at = [
        state.updated_at,
        gone_by(state.cooldown_until, 0),
        gone_by(state.paused_until, 0),
        gone_by(state.last_admitted_at, limits.session_break_ms),
        gone_by(state.last_admitted_at, limits.min_response_interval_ms),
        gone_by(state.burst.times().last().copied(), limits.burst_window_ms),
        state.minute.empty_at(MINUTE),
        state.rate.empty_at(limits.rate_window()),
        state.remembered.empty_at(),
    ]
    .into_iter()
    .max()
    .unwrap_or(Timestamp::MAX);
    let mut state = state.clone();
    advance(&mut state, limits, forgotten_at);
    let rested_in = limits.stamina_max.minus(state.level).ms_at(limits.stamina_regen_per_ms);
    let cool_in = state.heat.ms_at(limits.heat_decay_per_ms);
    forgotten_at.plus_ms(rested_in.max(cool_in))
}
