//! The audit: what the counters of the ledger say about the population.
//!
//! ```text
//!               collapse, before all else      an agent is flagged if, for its rate of defections d / n,
//! SEED_EXACT    lifetime welfare < .3          rate > .5  and  rate > 1.5 * everybody's rate
//! DEFAULT       the ledger's latch is on       lower bound of the rate > clamp(1.25 * the others' rate, .40, .85)
//! ```
//! SEED_EXACT is the reference's rule bit for bit, so its sums and quotients keep the reference's order. DEFAULT asks
//! for certainty first: one act flags nobody, and a predator is still named when everybody defects. Without peers
//! there is nobody to be compared with, so DEFAULT does not flag the only agent.

use crate::pact::cooperation::{
    action::AgentId,
    ledger::{Counts, Ledger},
};

/// Lifetime welfare, not rounded, under which SEED_EXACT calls a collapse.
const SEED_COLLAPSE_BELOW: f64 = 0.3;
const SEED_FLAG_ABOVE: f64 = 0.5;
const SEED_FLAG_ABOVE_GLOBAL: f64 = 1.5;

/// One-sided 95 %.
const CONFIDENCE_Z: f64 = 1.645;
const FLAG_ABOVE_PEERS: f64 = 1.25;
/// Whatever the peers do, less than this is nobody's fault and more than the other is.
const FLAG_ABOVE_BETWEEN: (f64, f64) = (0.40, 0.85);

/// Which report is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Status from recent welfare with hysteresis, flags with an uncertainty bound.
    Default,
    /// The reference's rule: lifetime rates only.
    SeedExact,
}

/// How the population fares; the first that holds, from the bottom up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Nobody is flagged and welfare holds.
    Stable,
    /// At least one agent is flagged.
    PredatoryBehaviorDetected,
    /// Welfare has collapsed.
    SystemicCollapseRisk,
}

/// What the flags rest on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Who did what, not towards whom: a retaliator looks like an aggressor.
    ActionOnly,
}

/// What the counters say.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Cooperations over all actions ever counted, rounded to two decimals; 1 when there are none.
    pub social_welfare: f64,
    /// How the population fares.
    pub status: Status,
    /// Agents that prey on others, in byte order.
    pub flagged_agents: Vec<AgentId>,
    /// All actions counted.
    pub totals: Counts,
    /// Agents that acted.
    pub agents: usize,
    /// The decayed share of cooperations, not rounded; absent in SEED_EXACT and before the first action.
    pub recent_welfare: Option<f64>,
    /// What the flags rest on.
    pub evidence: Evidence,
}

/// Reports on all that the ledger has counted, in O(agents).
pub fn audit(ledger: &Ledger, view: View) -> Report {
    let totals = ledger.totals();
    let welfare = if totals.actions() == 0 { 1.0 } else { share(totals.cooperations, totals.actions()) };
    let (collapsed, is_flagged): (bool, fn(Counts, Counts) -> bool) = match view {
        View::Default => (ledger.is_collapsed(), defects_more_than_its_peers),
        View::SeedExact => (welfare < SEED_COLLAPSE_BELOW, defects_more_than_the_seed_allows),
    };
    let mut flagged_agents: Vec<AgentId> =
        ledger.agents().filter(|(_, own)| is_flagged(*own, totals)).map(|(id, _)| id.clone()).collect();
    flagged_agents.sort_unstable();
    Report {
        social_welfare: rounded_to_cents(welfare),
        status: match (collapsed, flagged_agents.is_empty()) {
            (true, _) => Status::SystemicCollapseRisk,
            (false, false) => Status::PredatoryBehaviorDetected,
            (false, true) => Status::Stable,
        },
        flagged_agents,
        totals,
        agents: ledger.agents().len(),
        recent_welfare: ledger.recent_welfare().filter(|_| view != View::SeedExact),
        evidence: Evidence::ActionOnly,
    }
}

impl Evidence {
    /// As the API spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ActionOnly => "ACTION_ONLY",
        }
    }
}

fn defects_more_than_the_seed_allows(own: Counts, totals: Counts) -> bool {
    let rate = share(own.defections, own.actions());
    let global = share(totals.defections, totals.actions());
    rate > SEED_FLAG_ABOVE && rate > SEED_FLAG_ABOVE_GLOBAL * global
}

fn defects_more_than_its_peers(own: Counts, totals: Counts) -> bool {
    let peers_actions = totals.actions() - own.actions();
    if peers_actions == 0 {
        return false;
    }
    let peers_rate = share(totals.defections - own.defections, peers_actions);
    let (floor, ceiling) = FLAG_ABOVE_BETWEEN;
    wilson_lower_bound(own.defections, own.actions()) > (FLAG_ABOVE_PEERS * peers_rate).clamp(floor, ceiling)
}

/// What the true share of `some` in `all` is at least, at `CONFIDENCE_Z`; it nears the observed share as `all` grows.
fn wilson_lower_bound(some: u64, all: u64) -> f64 {
    let (share, n) = (share(some, all), all as f64);
    let z_squared = CONFIDENCE_Z * CONFIDENCE_Z;
    let centre = share + z_squared / (2.0 * n);
    let spread = CONFIDENCE_Z * (share * (1.0 - share) / n + z_squared / (4.0 * n * n)).sqrt();
    (centre - spread) / (1.0 + z_squared / n)
}

fn share(some: u64, all: u64) -> f64 {
    some as f64 / all as f64
}

/// As Python's `round(x, 2)`: the nearest two decimals to the exact binary value, ties to even. Multiplying by 100
/// first would round twice and differ.
fn rounded_to_cents(x: f64) -> f64 {
    format!("{x:.2}").parse().expect("a printed number reads back")
}

#[cfg(test)]
mod tests;
