//! Fair play: stamina, heat, flow and pacing, and the honest `retry_after`.
//!
//! `judge` holds the order of the rules. A locked subject is refused at once; any other input warms the meter; then all
//! gates are judged together, and only an admission costs stamina and enters the windows.

/// Letting time pass, and knowing when a subject may be forgotten.
pub mod advance;
/// The limits as the rules compute with them.
pub mod limits;

mod heat;
mod pacing;
mod stamina;
#[cfg(test)]
mod tests;

use crate::pact::decision::{GateReading, Measure, Readings, Reason, Reasons};
use crate::pact::points::Points;
use crate::pact::subject_state::SubjectState;
use crate::pact::time::Timestamp;
use limits::{Limits, MINUTE};

/// What one input would draw and warm.
#[derive(Debug, Clone, Copy)]
pub(super) struct Charge {
    cost: Points,
    heat: Points,
}

impl Charge {
    pub(super) fn of(limits: &Limits, chars: u64, detections: u32) -> Self {
        let cost = stamina::cost(limits, chars);
        Self { cost, heat: heat::charge(limits, cost, detections) }
    }
}

/// How a judgement came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    /// A lock refused it: nothing was charged.
    Locked(Reasons),
    /// It was charged; admitted if there is no reason.
    Charged(Reasons),
}

/// Judges an input and commits the outcome to `state`, which stands at `now`.
pub(super) fn judge(state: &mut SubjectState, limits: &Limits, charge: Charge, now: Timestamp) -> Judged {
    if let Some(lock) = locked(state) {
        state.streak = 0;
        return Judged::Locked(Reasons::of(lock));
    }
    // Load is load, admitted or not.
    state.heat = state.heat.plus(charge.heat).min(limits.heat_max);
    if state.heat >= limits.heat_threshold {
        state.cooldown_until = Some(now.plus_ms(limits.cooldown_ms));
        state.streak = 0;
        return Judged::Charged(Reasons::of(Reason::CooldownActive));
    }
    let mut reasons = Reasons::NONE;
    for gate in GATES {
        if blocks(gate, state, limits, charge, now).is_some() {
            reasons = reasons.with(gate);
        }
    }
    if reasons.is_empty() {
        state.level = state.level.minus(charge.cost);
        state.streak = state.streak.saturating_add(1);
        pacing::admit(state, limits, now);
    } else {
        state.streak = 0;
    }
    Judged::Charged(reasons)
}

/// Pauses the subject until `duration_ms` from `now`, or longer if it is paused for longer already.
pub(super) fn pause(state: &mut SubjectState, duration_ms: u64, now: Timestamp) {
    let until = now.plus_ms(duration_ms);
    state.paused_until = Some(state.paused_until.map_or(until, |paused| paused.max(until)));
}

/// The least time after `now` at which the same input is admitted if nothing else is sent; none if there is none.
///
/// Every jump goes to the largest of the earliest times of the gates that fail, each a lower bound, so the first time
/// at which none fails is the least. `state` is the one after the refusal.
pub(super) fn admitted_at(
    state: &SubjectState,
    limits: &Limits,
    charge: Charge,
    now: Timestamp,
) -> Option<Timestamp> {
    // What refuses now gives the first jump; only then is a copy needed.
    let mut candidate = match blocked_until(state, limits, charge, now) {
        // No gate of ours: whatever refused, the next millisecond is the first there is.
        Blocked::No => now.plus_ms(1),
        Blocked::Until(time) => time,
        Blocked::Forever => return None,
    };
    let mut later = state.clone();
    // Locks, then heat, then the gates: each fails at most once or twice on the way, so this bound is never met.
    for _ in 0..32 {
        advance::advance(&mut later, limits, candidate);
        match blocked_until(&later, limits, charge, candidate) {
            Blocked::No => return Some(candidate),
            Blocked::Until(time) => candidate = time,
            Blocked::Forever => return None,
        }
    }
    None
}

enum Blocked {
    No,
    Until(Timestamp),
    Forever,
}

/// What keeps an input out of a state that stands at `now`.
fn blocked_until(state: &SubjectState, limits: &Limits, charge: Charge, now: Timestamp) -> Blocked {
    // A lock's end cools the meter, so no later gate's time is a bound while it lasts.
    if let Some(until) = state.cooldown_until.max(state.paused_until) {
        return Blocked::Until(until);
    }
    let Some(cool_at) = heat::cool_enough_at(state, limits, charge.heat, now) else {
        return Blocked::Forever;
    };
    let mut until = cool_at;
    for gate in GATES {
        match blocks(gate, state, limits, charge, now) {
            None => {}
            Some(None) => return Blocked::Forever,
            Some(Some(time)) => until = until.max(time),
        }
    }
    if until > now { Blocked::Until(until) } else { Blocked::No }
}

/// The lock that holds, the pause first.
const fn locked(state: &SubjectState) -> Option<Reason> {
    if state.paused_until.is_some() {
        Some(Reason::Paused)
    } else if state.cooldown_until.is_some() {
        Some(Reason::CooldownActive)
    } else {
        None
    }
}

/// The gates, in the order in which their reasons are listed.
const GATES: [Reason; 7] = [
    Reason::InputTooCostly,
    Reason::StaminaExhausted,
    Reason::RateLimited,
    Reason::IntervalTooShort,
    Reason::BurstLimit,
    Reason::MinuteLimit,
    Reason::SessionLimit,
];

/// None if `gate` passes; else the earliest time at which it would, if there is one.
fn blocks(
    gate: Reason,
    state: &SubjectState,
    limits: &Limits,
    charge: Charge,
    now: Timestamp,
) -> Option<Option<Timestamp>> {
    match gate {
        Reason::InputTooCostly => (charge.cost > limits.stamina_max).then_some(None),
        Reason::StaminaExhausted => {
            let short = state.level < charge.cost && charge.cost <= limits.stamina_max;
            // Without flow, because the refusal ends it.
            let missing_ms = || charge.cost.minus(state.level).ms_at(limits.stamina_regen_per_ms);
            short.then(|| Some(now.plus_ms(missing_ms())))
        }
        Reason::RateLimited => pacing::rate_blocks(state, limits, now).map(Some),
        Reason::IntervalTooShort => pacing::interval_blocks(state, limits, now).map(Some),
        Reason::BurstLimit => pacing::burst_blocks(state, limits, now).map(Some),
        Reason::MinuteLimit => pacing::minute_blocks(state, limits, now).map(Some),
        Reason::SessionLimit => pacing::session_blocks(state, limits, now).map(Some),
        _ => None,
    }
}

/// The meters of a state that stands at `now`.
pub(super) fn readings(state: &SubjectState, limits: &Limits, now: Timestamp) -> Readings {
    Readings {
        stamina: state.level,
        stamina_max: limits.stamina_max,
        heat: state.heat,
        heat_threshold: limits.heat_threshold,
        streak: state.streak,
        in_flow: stamina::in_flow(state, limits),
        cooldown_until: state.cooldown_until,
        quota: pacing::quota(state, limits, now),
    }
}

/// Every lock and gate as an input would meet it in a state that stands at `now` and has not been charged for it.
pub(super) fn explain(
    state: &SubjectState,
    limits: &Limits,
    charge: Charge,
    now: Timestamp,
) -> Vec<GateReading> {
    let lock = |gate, until: Option<Timestamp>| GateReading {
        gate,
        passed: until.is_none(),
        measure: Measure::Ms { reading: until.map_or(0, |until| until.ms_since(now)), limit: 0 },
        earliest: until,
    };
    let warmed = state.heat.plus(charge.heat).min(limits.heat_max);
    let cooldown = if state.cooldown_until.is_some() {
        lock(Reason::CooldownActive, state.cooldown_until)
    } else {
        GateReading {
            gate: Reason::CooldownActive,
            passed: warmed < limits.heat_threshold,
            measure: Measure::Points { reading: warmed, limit: limits.heat_threshold },
            earliest: heat::cool_enough_at(state, limits, charge.heat, now).filter(|at| *at > now),
        }
    };
    let mut readings = vec![lock(Reason::Paused, state.paused_until), cooldown];
    readings.extend(GATES.into_iter().map(|gate| {
        let blocked = blocks(gate, state, limits, charge, now);
        GateReading {
            gate,
            passed: blocked.is_none(),
            measure: measure(gate, state, limits, charge, now),
            earliest: blocked.flatten(),
        }
    }));
    readings
}

fn measure(gate: Reason, state: &SubjectState, limits: &Limits, charge: Charge, now: Timestamp) -> Measure {
    match gate {
        Reason::InputTooCostly => Measure::Points { reading: charge.cost, limit: limits.stamina_max },
        Reason::StaminaExhausted => Measure::Points { reading: state.level, limit: charge.cost },
        Reason::RateLimited => Measure::Interactions {
            reading: state.rate.held(limits.rate_window(), now),
            limit: limits.rate_limit_max,
        },
        Reason::BurstLimit => Measure::Interactions {
            reading: pacing::in_burst(state, limits, now),
            limit: limits.max_burst_responses,
        },
        Reason::MinuteLimit => Measure::Interactions {
            reading: state.minute.held(MINUTE, now),
            limit: limits.max_interactions_per_minute,
        },
        Reason::SessionLimit => Measure::Ms {
            reading: state.session_started_at.map_or(0, |at| now.ms_since(at)),
            limit: limits.max_session_ms,
        },
        // The interval is the only gate left; who was never admitted has waited long enough.
        _ => {
            let limit = limits.min_response_interval_ms;
            Measure::Ms { reading: state.last_admitted_at.map_or(limit, |at| now.ms_since(at)), limit }
        }
    }
}
