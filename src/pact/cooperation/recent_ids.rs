//! Which interactions were counted, so that a repeat is not counted again.
//!
//! A set answers, a queue knows the oldest. An interaction is kept as a 128-bit fingerprint of (agent, id) under
//! secret keys; that two of them meet by chance is less likely than a memory error. Exactly the newest `limit`
//! counted ids are known, over all agents together: the oldest is forgotten when another comes, and a repeat of a
//! forgotten id counts again. A repeat does not renew the id it repeats.

use std::collections::VecDeque;

use crate::pact::cooperation::{
    action::AgentId,
    tables::{Fingerprint, FingerprintKeys, Fingerprints},
};

#[derive(Debug)]
// INVARIANT: `known` and `oldest_first` hold the same fingerprints, at most `limit`
pub(super) struct RecentIds {
    limit: usize,
    keys: FingerprintKeys,
    known: Fingerprints,
    oldest_first: VecDeque<Fingerprint>,
}

impl RecentIds {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            keys: FingerprintKeys::new(),
            known: Fingerprints::default(),
            oldest_first: VecDeque::new(),
        }
    }

    /// Remembers that `agent` has acted in `interaction`; false if that was known.
    pub(super) fn remember(&mut self, agent: &AgentId, interaction: &str) -> bool {
        if self.limit == 0 {
            return true;
        }
        let fingerprint = self.keys.fingerprint((agent, interaction));
        if !self.known.insert(fingerprint) {
            return false;
        }
        self.oldest_first.push_back(fingerprint);
        if self.oldest_first.len() > self.limit
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pact::cooperation::action::{Action, AgentAction};

    fn agent(id: &str) -> AgentId {
        AgentAction::new(id, Action::Cooperate).unwrap().agent().clone()
    }

    #[test]
    fn the_newest_ids_are_known_and_the_oldest_is_forgotten() {
        let (ann, mut ids) = (agent("ann"), RecentIds::new(3));
        for id in ["1", "2", "3"] {
            assert!(ids.remember(&ann, id), "{id} is new");
            assert!(!ids.remember(&ann, id), "{id} is known");
        }
        assert!(!ids.remember(&ann, "1"), "a repeat does not push anything out");
        assert!(ids.remember(&ann, "4"));
        assert!(!ids.remember(&ann, "2"), "still among the newest three");
        assert!(ids.remember(&ann, "1"), "forgotten when 4 came, although it was repeated since");
        assert_eq!((ids.known.len(), ids.oldest_first.len()), (3, 3));
    }

    #[test]
    fn an_id_belongs_to_its_agent() {
        let mut ids = RecentIds::new(10);
        assert!(ids.remember(&agent("ann"), "x:1"));
        assert!(ids.remember(&agent("bob"), "x:1"));
        assert!(ids.remember(&agent("annx"), ":1"), "no agent runs into its interaction");
    }

    #[test]
    fn without_room_nothing_is_known() {
        let mut ids = RecentIds::new(0);
        assert!(ids.remember(&agent("ann"), "1"));
        assert!(ids.remember(&agent("ann"), "1"));
        assert!(ids.known.is_empty());
    }
}
