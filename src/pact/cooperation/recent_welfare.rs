//! Recent welfare: the share of cooperations, weighted so that old actions fade, and the latch that calls a collapse.
//!
//! ```text
//! on an action:  C = C * decay + (1 if it cooperates)      T = T * decay + 1      w = C / T
//!                decay = 2^(-1 / half_life)                half_life = max(16, 8 * agents) actions
//! latch:         on when w < .30 after at least 10 actions, off when w > .40, else as it was
//! ```
//! Lifetime welfare hides a collapse behind a good past; this one sees it within a few rounds.

use std::f64::consts::LN_2;

use crate::pact::cooperation::action::Action;

const ENTER_COLLAPSE_BELOW: f64 = 0.30;
const LEAVE_COLLAPSE_ABOVE: f64 = 0.40;
/// Fewer actions than this call no collapse.
const MIN_ACTIONS: u64 = 10;
const MIN_HALF_LIFE_ACTIONS: f64 = 16.0;
const HALF_LIFE_ACTIONS_PER_AGENT: f64 = 8.0;

/// How the population fares of late.
// INVARIANT: 0 <= cooperations <= total, because sums and products round monotonically
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RecentWelfare {
    /// Decayed.
    cooperations: f64,
    /// Decayed.
    total: f64,
    decay: f64,
    /// Not decayed.
    actions: u64,
    collapsed: bool,
}

impl RecentWelfare {
    pub(super) fn new() -> Self {
        Self { cooperations: 0.0, total: 0.0, decay: decay_among(0), actions: 0, collapsed: false }
    }

    /// The population has grown: from now on the past fades more slowly.
    pub(super) fn agents_are(&mut self, agents: usize) {
        self.decay = decay_among(agents);
    }

    pub(super) fn count(&mut self, action: Action) {
        let cooperation = if action == Action::Cooperate { 1.0 } else { 0.0 };
        self.cooperations = self.cooperations * self.decay + cooperation;
        self.total = self.total * self.decay + 1.0;
        self.actions += 1;
        let welfare = self.cooperations / self.total;
        if welfare < ENTER_COLLAPSE_BELOW && self.actions >= MIN_ACTIONS {
            self.collapsed = true;
        } else if welfare > LEAVE_COLLAPSE_ABOVE {
            self.collapsed = false;
        }
    }

    /// 0 to 1; nothing before the first action.
    pub(super) fn value(&self) -> Option<f64> {
        (self.actions > 0).then(|| self.cooperations / self.total)
    }

    pub(super) fn is_collapsed(&self) -> bool {
        self.collapsed
    }
}

/// `2^(-1 / half_life)`.
///
/// By the series of `e^-x`, not by `exp2`, which differs in its last bit from one platform's library to the next:
/// two replicas would disagree at the threshold. `x <= ln 2 / 16`, so twelve terms are more than a double holds.
fn decay_among(agents: usize) -> f64 {
    let half_life = (HALF_LIFE_ACTIONS_PER_AGENT * agents as f64).max(MIN_HALF_LIFE_ACTIONS);
    let x = LN_2 / half_life;
    (1..=12).rev().fold(1.0, |tail, term| 1.0 - x / f64::from(term) * tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acts_until(welfare: &mut RecentWelfare, action: Action, done: impl Fn(f64) -> bool) {
        for _ in 0..1000 {
            welfare.count(action);
            if done(welfare.value().unwrap()) {
                return;
            }
        }
        panic!("welfare stays at {:?}", welfare.value());
    }

    #[test]
    fn a_collapse_is_entered_below_30_percent_and_left_above_40() {
        let mut welfare = RecentWelfare::new();
        (0..16).for_each(|_| welfare.count(Action::Cooperate));
        acts_until(&mut welfare, Action::Defect, |w| w < 0.40);
        assert!(!welfare.is_collapsed(), "between the thresholds nothing is entered");
        acts_until(&mut welfare, Action::Defect, |w| w < 0.30);
        assert!(welfare.is_collapsed());
        acts_until(&mut welfare, Action::Cooperate, |w| w > 0.35);
        assert!(welfare.is_collapsed(), "between the thresholds nothing is left");
        acts_until(&mut welfare, Action::Cooperate, |w| w > 0.40);
        assert!(!welfare.is_collapsed());
        acts_until(&mut welfare, Action::Defect, |w| w < 0.35);
        assert!(!welfare.is_collapsed());
        acts_until(&mut welfare, Action::Defect, |w| w < 0.30);
        assert!(welfare.is_collapsed(), "and entered again");
    }

    #[test]
    fn nine_actions_call_no_collapse_and_ten_do() {
        let mut welfare = RecentWelfare::new();
        (0..9).for_each(|_| welfare.count(Action::Defect));
        assert_eq!((welfare.value(), welfare.is_collapsed()), (Some(0.0), false));
        welfare.count(Action::Defect);
        assert!(welfare.is_collapsed());
    }

    #[test]
    fn the_past_weighs_half_after_a_half_life() {
        for (agents, half_life) in [(0, 16), (1, 16), (2, 16), (3, 24), (1000, 8000)] {
            let past = (0..half_life).fold(1.0, |weight, _| weight * decay_among(agents));
            assert!((past - 0.5_f64).abs() < 1e-12, "{past} after {half_life} actions of {agents} agents");
        }
    }

    #[test]
    fn the_decay_is_the_platforms_own_to_the_last_bits() {
        for agents in [1, 2, 3, 10, 1_000, 1_000_000] {
            let half_life = (8.0 * agents as f64).max(16.0);
            let difference = (decay_among(agents) - (-1.0 / half_life).exp2()).abs();
            assert!(difference <= 2.0 * f64::EPSILON, "{difference:e} among {agents}");
        }
    }

    #[test]
    fn there_is_no_recent_welfare_before_the_first_action() {
        assert_eq!(RecentWelfare::new().value(), None);
        assert!(!RecentWelfare::new().is_collapsed());
    }
}
