//! The cooperation audit: who cooperates, who defects on the others, and whether the population collapses.
//!
//! ```text
//! AgentAction ─▶ Ledger::log  O(1), bounded ─▶ counters per agent, recent welfare with its latch
//!                Ledger ─▶ audit(view)  O(agents) ─▶ Report
//! ```
//! History is never kept, so it is never scanned. Both views read the same counters: `View::SeedExact` answers as
//! the reference does, `View::Default` adds an uncertainty bound to the flags and hysteresis to the status.

/// One action of one agent, checked.
pub mod action;
/// What is remembered of all actions.
pub mod ledger;
/// What the counters say.
pub mod audit;

mod recent_ids;
mod recent_welfare;
mod tables;
