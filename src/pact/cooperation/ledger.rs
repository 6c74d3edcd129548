//! The ledger: what is remembered of all actions, and no more than that.
//!
//! Two counters for each agent, their totals, the recent welfare, and the newest interaction ids. Logging is O(1);
//! nothing is kept of an action but its effect on these. What the action says of its counterparty, payoff and stake
//! is checked and not used yet.

use crate::pact::cooperation::{
    action::{Action, AgentAction, AgentId},
    recent_ids::RecentIds,
    recent_welfare::RecentWelfare,
    tables::ByAgent,
};

/// How much is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerLimits {
    /// Agents with counters. Over it, known agents go on and new ones are refused.
    pub max_agents: usize,
    /// Interaction ids, of all agents together, whose repeats are recognised: the newest. 0 recognises none.
    pub max_interaction_ids: usize,
}

/// What became of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Logged {
    /// It was counted.
    Counted,
    /// The agent's action in this interaction had been counted before; nothing changed.
    Repeated,
}

/// An unknown agent acted and there is no room for it; nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("`cooperation.max_agents`: {limit} agents are known already and this one is not among them")]
pub struct LedgerFull {
    /// How many agents there is room for.
    pub limit: usize,
}

/// Cooperations and defections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// How often somebody cooperated.
    pub cooperations: u64,
    /// How often somebody defected.
    pub defections: u64,
}

/// What is remembered of all actions.
// INVARIANT: `totals` is the sum over `agents`, each of which has acted; `agents` holds at most `max_agents`
#[derive(Debug)]
pub struct Ledger {
    limits: LedgerLimits,
    agents: ByAgent<Counts>,
    totals: Counts,
    recent_welfare: RecentWelfare,
    recent_ids: RecentIds,
}

impl Ledger {
    /// Nothing has happened yet.
    pub fn new(limits: LedgerLimits) -> Self {
        Self {
            limits,
            agents: ByAgent::default(),
            totals: Counts::default(),
            recent_welfare: RecentWelfare::new(),
            recent_ids: RecentIds::new(limits.max_interaction_ids),
        }
    }

    /// Counts an action, unless it is a repeat or there is no room for its agent.
    pub fn log(&mut self, action: &AgentAction) -> Result<Logged, LedgerFull> {
        let agent = action.agent();
        let agents = self.agents.len();
        let known = self.agents.get_mut(agent);
        // Before the interaction's id is remembered: an action that was refused may be sent again.
        if known.is_none() && agents >= self.limits.max_agents {
            return Err(LedgerFull { limit: self.limits.max_agents });
        }
        if let Some(interaction) = action.interaction()
            && !self.recent_ids.remember(agent, interaction)
        {
            return Ok(Logged::Repeated);
        }
        if let Some(counts) = known {
            counts.add(action.action());
        } else {
            let mut counts = Counts::default();
            counts.add(action.action());
            self.agents.insert(agent.clone(), counts);
            self.recent_welfare.agents_are(agents + 1);
        }
        self.totals.add(action.action());
        self.recent_welfare.count(action.action());
        Ok(Logged::Counted)
    }

    /// Every agent that acted, in no order: sort what you list.
    pub fn agents(&self) -> impl ExactSizeIterator<Item = (&AgentId, Counts)> {
        self.agents.iter().map(|(id, counts)| (id, *counts))
    }

    /// All actions of all agents.
    pub fn totals(&self) -> Counts {
        self.totals
    }

    /// The decayed share of cooperations, 0 to 1; nothing before the first action.
    pub fn recent_welfare(&self) -> Option<f64> {
        self.recent_welfare.value()
    }

    /// Whether recent welfare has collapsed and not recovered.
    pub fn is_collapsed(&self) -> bool {
        self.recent_welfare.is_collapsed()
    }
}

impl Counts {
    /// How often somebody acted.
    pub fn actions(self) -> u64 {
        self.cooperations + self.defections
    }

    fn add(&mut self, action: Action) {
        match action {
            Action::Cooperate => self.cooperations += 1,
            Action::Defect => self.defections += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    const ROOMY: LedgerLimits = LedgerLimits { max_agents: 100, max_interaction_ids: 1000 };

    fn act(agent: &str, action: Action) -> AgentAction {
        AgentAction::new(agent, action).unwrap()
    }

    fn act_in(agent: &str, action: Action, interaction: &str) -> AgentAction {
        act(agent, action).in_interaction(interaction).unwrap()
    }

    fn counts(ledger: &Ledger) -> BTreeMap<String, Counts> {
        ledger.agents().map(|(id, counts)| (id.as_str().to_owned(), counts)).collect()
    }

    #[test]
    fn a_full_ledger_refuses_newcomers_and_keeps_counting_the_known() {
        let mut ledger = Ledger::new(LedgerLimits { max_agents: 2, ..ROOMY });
        ledger.log(&act("ann", Action::Cooperate)).unwrap();
        ledger.log(&act("bob", Action::Defect)).unwrap();
        let carl = act_in("carl", Action::Defect, "1");
        let before = (counts(&ledger), ledger.totals(), ledger.recent_welfare());
        let full = ledger.log(&carl).unwrap_err();
        assert_eq!(full, LedgerFull { limit: 2 });
        assert!(full.to_string().contains("`cooperation.max_agents`: 2 agents"), "{full}");
        assert_eq!((counts(&ledger), ledger.totals(), ledger.recent_welfare()), before);
        assert_eq!(ledger.log(&carl), Err(LedgerFull { limit: 2 }), "its interaction id was not remembered");
        assert_eq!(ledger.log(&act("ann", Action::Cooperate)), Ok(Logged::Counted));
        assert_eq!(ledger.totals(), Counts { cooperations: 2, defections: 1 });
    }

    #[test]
    fn a_repeat_is_acknowledged_and_changes_nothing() {
        let mut ledger = Ledger::new(ROOMY);
        assert_eq!(ledger.log(&act_in("ann", Action::Cooperate, "7")), Ok(Logged::Counted));
        let before = (counts(&ledger), ledger.recent_welfare());
        assert_eq!(ledger.log(&act_in("ann", Action::Cooperate, "7")), Ok(Logged::Repeated));
        assert_eq!(
            ledger.log(&act_in("ann", Action::Defect, "7")),
            Ok(Logged::Repeated),
            "the first word counts"
        );
        assert_eq!((counts(&ledger), ledger.recent_welfare()), before);
        assert_eq!(
            ledger.log(&act_in("bob", Action::Defect, "7")),
            Ok(Logged::Counted),
            "the other side's log"
        );
        assert_eq!(
            ledger.log(&act("ann", Action::Cooperate)),
            Ok(Logged::Counted),
            "without an id each counts"
        );
        assert_eq!(ledger.log(&act("ann", Action::Cooperate)), Ok(Logged::Counted));
        assert_eq!(ledger.totals(), Counts { cooperations: 3, defections: 1 });
    }

    #[test]
    fn a_repeat_of_a_known_agent_is_recognised_in_a_full_ledger() {
        let mut ledger = Ledger::new(LedgerLimits { max_agents: 1, ..ROOMY });
        ledger.log(&act_in("ann", Action::Cooperate, "7")).unwrap();
        assert_eq!(ledger.log(&act_in("ann", Action::Cooperate, "7")), Ok(Logged::Repeated));
    }

    #[test]
    fn a_forgotten_id_counts_again() {
        let mut ledger = Ledger::new(LedgerLimits { max_interaction_ids: 2, ..ROOMY });
        for id in ["1", "2", "3", "1"] {
            assert_eq!(ledger.log(&act_in("ann", Action::Cooperate, id)), Ok(Logged::Counted), "{id}");
        }
    }

    #[test]
    fn the_past_fades_more_slowly_among_more_agents() {
        let welfare_among = |agents: usize| {
            let mut ledger = Ledger::new(ROOMY);
            for turn in 0..124 {
                let action = if turn < 100 { Action::Cooperate } else { Action::Defect };
                ledger.log(&act(&(turn % agents).to_string(), action)).unwrap();
            }
            ledger.recent_welfare().unwrap()
        };
        // 24 defections are 1.5 half-lives of 16 actions, and .3 of one of 80.
        assert!((welfare_among(1) - 0.35).abs() < 0.01, "{}", welfare_among(1));
        assert!((welfare_among(10) - 0.71).abs() < 0.01, "{}", welfare_among(10));
    }

    fn action() -> impl Strategy<Value = Action> {
        prop_oneof![Just(Action::Cooperate), Just(Action::Defect)]
    }

    proptest! {
        /// Every action is counted for its agent, is a repeat, or is refused for lack of room; and the sums agree.
        #[test]
        fn no_action_is_lost(
            log in prop::collection::vec((0..8_u8, action(), prop::option::of(0..12_u8)), 0..200),
            max_agents in 0..9_usize,
        ) {
            let mut ledger = Ledger::new(LedgerLimits { max_agents, ..ROOMY });
            let (mut expected, mut seen) = (BTreeMap::<String, Counts>::new(), BTreeSet::new());
            for (agent, action, interaction) in log {
                let name = format!("agent {agent}");
                let logged = match interaction {
                    Some(id) => ledger.log(&act_in(&name, action, &id.to_string())),
                    None => ledger.log(&act(&name, action)),
                };
                if !expected.contains_key(&name) && expected.len() == max_agents {
                    prop_assert_eq!(logged, Err(LedgerFull { limit: max_agents }));
                } else if interaction.is_some_and(|id| !seen.insert((agent, id))) {
                    prop_assert_eq!(logged, Ok(Logged::Repeated));
                } else {
                    prop_assert_eq!(logged, Ok(Logged::Counted));
                    expected.entry(name).or_default().add(action);
                }
            }
            prop_assert_eq!(counts(&ledger), expected.clone());
            let sum = |count: fn(&Counts) -> u64| expected.values().map(count).sum::<u64>();
            prop_assert_eq!(ledger.totals().cooperations, sum(|counts| counts.cooperations));
            prop_assert_eq!(ledger.totals().defections, sum(|counts| counts.defections));
        }

        #[test]
        fn logging_everything_twice_counts_it_once(
            log in prop::collection::vec((0..5_u8, action()), 1..100),
        ) {
            let mut ledger = Ledger::new(ROOMY);
            let log: Vec<AgentAction> = log
                .iter()
                .enumerate()
                .map(|(id, (agent, action))| act_in(&agent.to_string(), *action, &id.to_string()))
                .collect();
            for action in &log {
                prop_assert_eq!(ledger.log(action), Ok(Logged::Counted));
            }
            let before = (counts(&ledger), ledger.recent_welfare(), ledger.is_collapsed());
            for action in log.iter().rev() {
                prop_assert_eq!(ledger.log(action), Ok(Logged::Repeated));
            }
            prop_assert_eq!((counts(&ledger), ledger.recent_welfare(), ledger.is_collapsed()), before);
        }

        #[test]
        fn recent_welfare_is_a_share(log in prop::collection::vec((0..40_u8, action()), 1..300)) {
            let mut ledger = Ledger::new(ROOMY);
            for (agent, action) in log {
                ledger.log(&act(&agent.to_string(), action)).unwrap();
                let welfare = ledger.recent_welfare().unwrap();
                prop_assert!((0.0..=1.0).contains(&welfare), "{}", welfare);
            }
        }
    }
}
