//! Pacing: how closely admitted interactions may follow one another.
//!
//! Interval (to the last one), burst (exact, a few), minute and rate window (counted in slots), sitting (until a break).
//! Refused interactions never count.

use crate::pact::decision::{Quota, QuotaWindow};
use crate::pact::fair_play::limits::{Limits, MINUTE};
use crate::pact::subject_state::SubjectState;
use crate::pact::time::Timestamp;

/// Enters an admission at `now` into every log.
pub(super) fn admit(state: &mut SubjectState, limits: &Limits, now: Timestamp) {
    state.burst.push(now, usize::try_from(limits.burst_log_len).unwrap_or(usize::MAX));
    state.minute.admit(MINUTE, now);
    state.rate.admit(limits.rate_window(), now);
    state.last_admitted_at = Some(now);
    state.session_started_at.get_or_insert(now);
}

/// Until when the interval since the last admission is too short, if it is.
pub(super) fn interval_blocks(state: &SubjectState, limits: &Limits, now: Timestamp) -> Option<Timestamp> {
    let open_at = state.last_admitted_at?.plus_ms(limits.min_response_interval_ms);
    (now < open_at).then_some(open_at)
}

/// The admissions inside the burst window that ends at `now`.
pub(super) fn in_burst(state: &SubjectState, limits: &Limits, now: Timestamp) -> u32 {
    let open = |at: &&Timestamp| at.plus_ms(limits.burst_window_ms) > now;
    u32::try_from(state.burst.times().iter().rev().take_while(open).count()).unwrap_or(u32::MAX)
}

/// Until when the burst window is full, if it is.
pub(super) fn burst_blocks(state: &SubjectState, limits: &Limits, now: Timestamp) -> Option<Timestamp> {
    let newest = usize::try_from(limits.max_burst_responses).unwrap_or(usize::MAX);
    let oldest_of_newest = state.burst.times().len().checked_sub(newest)?;
    let open_at = state.burst.times()[oldest_of_newest].plus_ms(limits.burst_window_ms);
    (now < open_at).then_some(open_at)
}

/// Until when the minute is full, if it is.
pub(super) fn minute_blocks(state: &SubjectState, limits: &Limits, now: Timestamp) -> Option<Timestamp> {
    let limit = limits.max_interactions_per_minute;
    (state.minute.held(MINUTE, now) >= limit).then(|| state.minute.below(limit, MINUTE, now))
}

/// Until when the rate window is full, if it is.
pub(super) fn rate_blocks(state: &SubjectState, limits: &Limits, now: Timestamp) -> Option<Timestamp> {
    let (limit, shape) = (limits.rate_limit_max, limits.rate_window());
    (state.rate.held(shape, now) >= limit).then(|| state.rate.below(limit, shape, now))
}

/// Until when the sitting is over, if it has lasted too long.
pub(super) fn session_blocks(state: &SubjectState, limits: &Limits, now: Timestamp) -> Option<Timestamp> {
    let over = now.ms_since(state.session_started_at?) >= limits.max_session_ms;
    // A sitting begins with an admission, so there is a last one.
    over.then(|| state.last_admitted_at.unwrap_or(now).plus_ms(limits.session_break_ms))
}

/// The window that has the least left; the rate window if several have.
pub(super) fn quota(state: &SubjectState, limits: &Limits, now: Timestamp) -> Quota {
    let rate = limits.rate_limit_max.saturating_sub(state.rate.held(limits.rate_window(), now));
    let minute = limits.max_interactions_per_minute.saturating_sub(state.minute.held(MINUTE, now));
    let burst = limits.max_burst_responses.saturating_sub(in_burst(state, limits, now));
    let remaining = rate.min(minute).min(burst);
    let (window, used, more_at) = if remaining == rate {
        let used = limits.rate_limit_max - rate;
        (QuotaWindow::Rate, used, state.rate.below(used, limits.rate_window(), now))
    } else if remaining == minute {
        let used = limits.max_interactions_per_minute - minute;
        (QuotaWindow::Minute, used, state.minute.below(used, MINUTE, now))
    } else {
        let used = limits.max_burst_responses - burst;
        let times = state.burst.times();
        let oldest = times.len().saturating_sub(usize::try_from(used).unwrap_or(usize::MAX));
        let leaves_at = times.get(oldest).map_or(now, |at| at.plus_ms(limits.burst_window_ms));
        (QuotaWindow::Burst, used, leaves_at)
    };
    Quota { window, remaining, more_in_ms: if used == 0 { 0 } else { more_at.ms_since(now) } }
}
