//! The limits of fair play, as the rules compute with them: integers only. `config` makes them from decimals.

use crate::pact::interaction::TrustTier;
use crate::pact::points::Points;
use crate::pact::window::WindowShape;

/// The limits that hold for one subject.
///
/// Built with [`Limits::default`] and field updates; `config` checks the bounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// What a rested subject holds.
    pub stamina_max: Points,
    /// Cost of one character of new input.
    pub stamina_cost_per_char: Points,
    /// Least cost of one interaction.
    pub stamina_cost_min: Points,
    /// Refill per millisecond.
    pub stamina_regen_per_ms: Points,
    /// Factor on the refill while in flow, in thousandths.
    pub stamina_flow_bonus_permille: i64,
    /// Admitted interactions in a row that start flow.
    pub flow_after: u32,
    /// Heat per point of cost, in thousandths.
    pub heat_per_cost_permille: i64,
    /// Heat per sensitive finding.
    pub heat_per_detection: Points,
    /// The heat meter's end.
    pub heat_max: Points,
    /// Heat at which the cooldown latches.
    pub heat_threshold: Points,
    /// Heat lost per millisecond.
    pub heat_decay_per_ms: Points,
    /// Length of the cooldown.
    pub cooldown_ms: u64,
    /// Least gap between two admitted interactions.
    pub min_response_interval_ms: u64,
    /// Admitted interactions inside any burst window, 1..=64.
    pub max_burst_responses: u32,
    /// How many admissions the burst log keeps: the largest `max_burst_responses` of the policy's tiers.
    pub burst_log_len: u32,
    /// The burst window.
    pub burst_window_ms: u64,
    /// Admitted interactions inside any 60 s.
    pub max_interactions_per_minute: u32,
    /// Admitted interactions inside any rate window.
    pub rate_limit_max: u32,
    /// The rate window.
    pub rate_limit_window_ms: u64,
    /// How long one sitting may last.
    pub max_session_ms: u64,
    /// A gap this long between admitted interactions starts a new sitting.
    pub session_break_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            stamina_max: Points::whole(100),
            stamina_cost_per_char: Points::from_micros(100_000),
            stamina_cost_min: Points::whole(1),
            stamina_regen_per_ms: Points::from_micros(10_000),
            stamina_flow_bonus_permille: 1_500,
            flow_after: 5,
            heat_per_cost_permille: 100,
            heat_per_detection: Points::whole(10),
            heat_max: Points::whole(100),
            heat_threshold: Points::whole(80),
            heat_decay_per_ms: Points::from_micros(5_000),
            cooldown_ms: 300_000,
            min_response_interval_ms: 500,
            max_burst_responses: 3,
            burst_log_len: 3,
            burst_window_ms: 10_000,
            max_interactions_per_minute: 30,
            rate_limit_max: 100,
            rate_limit_window_ms: 60_000,
            max_session_ms: 3_600_000,
            session_break_ms: 600_000,
        }
    }
}

/// The minute window's shape.
pub(super) const MINUTE: WindowShape = WindowShape::of(60_000);

impl Limits {
    pub(super) const fn rate_window(&self) -> WindowShape {
        WindowShape::of(self.rate_limit_window_ms)
    }
}

/// A policy's limits, tier by tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TierLimits {
    // In the order of `TrustTier::ALL`.
    tiers: [Limits; 4],
}

impl TierLimits {
    /// The limits of each tier, in the order of [`TrustTier::ALL`].
    #[must_use]
    pub fn new(mut tiers: [Limits; 4]) -> Self {
        // A subject whose tier changes must not lose the admissions that its next tier asks for.
        let log_len = tiers.iter().map(|limits| limits.max_burst_responses).max().unwrap_or(1);
        for limits in &mut tiers {
            limits.burst_log_len = log_len;
        }
        Self { tiers }
    }

    /// The same limits for everybody.
    #[must_use]
    pub fn uniform(limits: Limits) -> Self {
        Self::new([limits.clone(), limits.clone(), limits.clone(), limits])
    }

    /// The limits of `tier`.
    #[must_use]
    pub const fn of(&self, tier: TrustTier) -> &Limits {
        &self.tiers[tier as usize]
    }

    /// Each different set of limits once.
    pub(crate) fn distinct(&self) -> impl Iterator<Item = &Limits> {
        (0..self.tiers.len()).filter(|&i| !self.tiers[..i].contains(&self.tiers[i])).map(|i| &self.tiers[i])
    }
}
