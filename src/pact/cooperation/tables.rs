//! The only hash tables in the rules: logging an action has to cost the same however many agents there are.
//!
//! Their order differs from run to run, so it must never show: sums over them are integers, and whatever is listed
//! from them is sorted first. Their keys are secret (the standard library's random SipHash), so that nobody can
//! choose ids which collide.

#![expect(clippy::disallowed_types, reason = "order is never observed: sums are integers, lists are sorted")]

use std::collections::{HashMap, HashSet};

use crate::pact::cooperation::action::AgentId;

/// One entry for every agent.
pub(super) type ByAgent<T> = HashMap<AgentId, T>;

/// What stands for an agent's interaction.
pub(super) type Fingerprints = HashSet<u128>;
