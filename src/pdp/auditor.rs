//! The auditor: one ledger of everybody's actions, shared by all who log and ask.
//!
//! A mutex is held for one action's O(1) count, and for an audit's one pass over the agents' counters (no history,
//! no copy: only flagged ids leave the lock). Logging waits that long for an audit and no longer; with hundreds of
//! thousands of agents that is milliseconds, so such audits belong seconds apart.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::pact::cooperation::{
    action::AgentAction,
    audit::{Report, View, audit},
    ledger::{Ledger, LedgerFull, LedgerLimits, Logged},
};

/// Counts actions and reports on them, from any thread.
#[derive(Debug)]
pub struct Auditor {
    ledger: Mutex<Ledger>,
}

impl Auditor {
    /// Nothing has happened yet.
    pub fn new(limits: LedgerLimits) -> Self {
        Self { ledger: Mutex::new(Ledger::new(limits)) }
    }

    /// Counts an action, unless it is a repeat or there is no room for its agent.
    pub fn log(&self, action: &AgentAction) -> Result<Logged, LedgerFull> {
        self.ledger().log(action)
    }

    /// Reports on everything that was counted up to now.
    pub fn audit(&self, view: View) -> Report {
        audit(&self.ledger(), view)
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // A panic elsewhere must not end the audit: at worst the ledger lacks that one action's effect.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::pact::cooperation::{action::Action, audit::Status};

    fn auditor() -> Auditor {
        Auditor::new(LedgerLimits { max_agents: 10, max_interaction_ids: 10 })
    }

    fn cooperates(agent: &str) -> AgentAction {
        AgentAction::new(agent, Action::Cooperate).unwrap()
    }

    #[test]
    fn agents_who_log_at_the_same_time_are_all_counted() {
        let auditor = auditor();
        thread::scope(|scope| {
            for agent in ["ann", "bob", "carl", "dora"] {
                let auditor = &auditor;
                scope.spawn(move || {
                    for _ in 0..500 {
                        auditor.log(&cooperates(agent)).unwrap();
                        assert_eq!(auditor.audit(View::Default).status, Status::Stable);
                    }
                });
            }
        });
        let report = auditor.audit(View::SeedExact);
        assert_eq!((report.totals.cooperations, report.totals.defections, report.agents), (2000, 0, 4));
    }

    #[test]
    fn a_panic_under_the_lock_leaves_the_auditor_usable() {
        let auditor = auditor();
        auditor.log(&cooperates("ann")).unwrap();
        let panicked = thread::scope(|scope| {
            let holds_the_lock = || {
                let _ledger = auditor.ledger();
                panic!("on purpose, to poison the lock");
            };
            scope.spawn(holds_the_lock).join().is_err()
        });
        assert!(panicked && auditor.ledger.is_poisoned());
        assert_eq!(auditor.log(&cooperates("ann")), Ok(Logged::Counted));
        assert_eq!(auditor.audit(View::Default).totals.cooperations, 2);
    }
}
