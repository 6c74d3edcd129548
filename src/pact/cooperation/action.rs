//! What an agent did, checked once at the edge: an `AgentAction` is valid by construction.
//!
//! An empty id means "not given", as on the wire; only the agent's own is required.

use std::borrow::Borrow;

/// Bytes an id may have. Ids are opaque UTF-8: nothing in them is parsed or forbidden.
pub const MAX_ID_BYTES: usize = 256;

/// A move in the game.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It cooperated.
    Cooperate,
    /// It defected.
    Defect,
}

/// Who acted; ordered by bytes.
// INVARIANT: 1 to MAX_ID_BYTES bytes
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(Box<str>);

/// One action of one agent, and what is known of the round it was part of.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentAction {
    agent: AgentId,
    action: Action,
    counterparty: Option<AgentId>,
    counterparty_action: Option<Action>,
    /// Not empty.
    interaction: Option<Box<str>>,
    /// In the population's own unit; finite.
    payoff: Option<f64>,
    /// Finite, at least 0.
    stake: Option<f64>,
}

/// Why an action cannot be logged. The words name the field as the API spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// The agent's id is empty or too long.
    #[error("`agent_id`: required, 1 to {MAX_ID_BYTES} bytes")]
    AgentLength,
    /// The counterparty's id is too long.
    #[error("`counterparty_id`: 0 to {MAX_ID_BYTES} bytes")]
    CounterpartyLength,
    /// An agent cannot play against itself.
    #[error("`counterparty_id`: not the same as `agent_id`")]
    CounterpartyIsAgent,
    /// A move of nobody.
    #[error("`counterparty_action`: needs `counterparty_id`")]
    CounterpartyMissing,
    /// The interaction's id is too long.
    #[error("`interaction_id`: 0 to {MAX_ID_BYTES} bytes")]
    InteractionLength,
    /// NaN or an infinity.
    #[error("`payoff`: a finite number")]
    Payoff,
    /// NaN, an infinity, or less than nothing.
    #[error("`stake`: a finite number, at least 0")]
    Stake,
}

impl AgentId {
    /// The id as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn checked(id: String, error: ActionError) -> Result<Self, ActionError> {
        if id.is_empty() || id.len() > MAX_ID_BYTES { Err(error) } else { Ok(Self(id.into_boxed_str())) }
    }
}

/// Lets a table keyed by `AgentId` be asked by text.
impl Borrow<str> for AgentId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<AgentId> for String {
    fn from(id: AgentId) -> Self {
        id.0.into_string()
    }
}

impl AgentAction {
    /// The least that can be logged: who did what.
    pub fn new(agent: impl Into<String>, action: Action) -> Result<Self, ActionError> {
        Ok(Self {
            agent: AgentId::checked(agent.into(), ActionError::AgentLength)?,
            action,
            counterparty: None,
            counterparty_action: None,
            interaction: None,
            payoff: None,
            stake: None,
        })
    }

    /// Towards whom; an empty id says nothing.
    pub fn towards(mut self, counterparty: impl Into<String>) -> Result<Self, ActionError> {
        let counterparty = counterparty.into();
        if counterparty.is_empty() {
            return Ok(self);
        }
        let counterparty = AgentId::checked(counterparty, ActionError::CounterpartyLength)?;
        if counterparty == self.agent {
            return Err(ActionError::CounterpartyIsAgent);
        }
        self.counterparty = Some(counterparty);
        Ok(self)
    }

    /// What the counterparty did in the same round. Say first who that is.
    pub fn answered_by(mut self, action: Action) -> Result<Self, ActionError> {
        if self.counterparty.is_none() {
            return Err(ActionError::CounterpartyMissing);
        }
        self.counterparty_action = Some(action);
        Ok(self)
    }

    /// Names the interaction, so that a repeat is recognised; an empty id names nothing.
    pub fn in_interaction(mut self, interaction: impl Into<String>) -> Result<Self, ActionError> {
        let interaction = interaction.into();
        if interaction.len() > MAX_ID_BYTES {
            return Err(ActionError::InteractionLength);
        }
        self.interaction = (!interaction.is_empty()).then(|| interaction.into_boxed_str());
        Ok(self)
    }

    /// What the agent gained.
    pub fn gaining(mut self, payoff: f64) -> Result<Self, ActionError> {
        if !payoff.is_finite() {
            return Err(ActionError::Payoff);
        }
        self.payoff = Some(payoff);
        Ok(self)
    }

    /// How much was at stake.
    pub fn staking(mut self, stake: f64) -> Result<Self, ActionError> {
        if !stake.is_finite() || stake < 0.0 {
            return Err(ActionError::Stake);
        }
        self.stake = Some(stake);
        Ok(self)
    }

    /// Who acted.
    pub fn agent(&self) -> &AgentId {
        &self.agent
    }

    /// What it did.
    pub fn action(&self) -> Action {
        self.action
    }

    /// Towards whom, if known.
    pub fn counterparty(&self) -> Option<&AgentId> {
        self.counterparty.as_ref()
    }

    /// What the counterparty did in the same round, if known.
    pub fn counterparty_action(&self) -> Option<Action> {
        self.counterparty_action
    }

    /// The interaction's name, if it has one; never empty.
    pub fn interaction(&self) -> Option<&str> {
        self.interaction.as_deref()
    }

    /// What the agent gained, if known.
    pub fn payoff(&self) -> Option<f64> {
        self.payoff
    }

    /// How much was at stake, if known.
    pub fn stake(&self) -> Option<f64> {
        self.stake
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> AgentAction {
        AgentAction::new("ann", Action::Defect).unwrap()
    }

    #[test]
    fn an_id_is_counted_in_bytes_and_may_hold_any_text() {
        for id in ["a:b@c", "🦀", "\u{0}\n\u{7f}", " ", &"ü".repeat(128)] {
            assert_eq!(AgentAction::new(id, Action::Cooperate).unwrap().agent().as_str(), id);
        }
        let too_long = "ü".repeat(129);
        assert_eq!(AgentAction::new(&too_long, Action::Cooperate), Err(ActionError::AgentLength));
        assert_eq!(AgentAction::new("", Action::Cooperate), Err(ActionError::AgentLength));
        assert_eq!(ann().towards(&too_long), Err(ActionError::CounterpartyLength));
        assert_eq!(ann().in_interaction(&too_long), Err(ActionError::InteractionLength));
    }

    #[test]
    fn an_empty_optional_id_is_not_given() {
        let action = ann().towards("").unwrap().in_interaction("").unwrap();
        assert_eq!(action, ann());
        assert_eq!(action.answered_by(Action::Defect), Err(ActionError::CounterpartyMissing));
    }

    #[test]
    fn nobody_plays_against_itself() {
        assert_eq!(ann().towards("ann"), Err(ActionError::CounterpartyIsAgent));
        let against_bob = ann().towards("bob").unwrap().answered_by(Action::Cooperate).unwrap();
        assert_eq!(against_bob.counterparty().map(AgentId::as_str), Some("bob"));
        assert_eq!(against_bob.counterparty_action(), Some(Action::Cooperate));
    }

    #[test]
    fn amounts_are_finite_and_stakes_are_not_negative() {
        for payoff in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(ann().gaining(payoff), Err(ActionError::Payoff));
        }
        for stake in [f64::NAN, f64::INFINITY, -f64::MIN_POSITIVE] {
            assert_eq!(ann().staking(stake), Err(ActionError::Stake));
        }
        assert_eq!(ann().gaining(f64::MIN).unwrap().payoff(), Some(f64::MIN));
        assert_eq!(ann().staking(0.0).unwrap().stake(), Some(0.0));
    }
}
