//! The only hash tables in the rules: logging an action has to cost the same however many agents there are.
//!
//! Their order differs from run to run, so it must never show: sums over them are integers, and whatever is listed
//! from them is sorted first. Their keys are secret (the standard library's random SipHash), so that nobody can
//! choose ids which collide.

#![expect(clippy::disallowed_types, reason = "order is never observed: sums are integers, lists are sorted")]

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState},
};

use crate::pact::cooperation::action::AgentId;

/// One entry for every agent.
pub(super) type ByAgent<T> = HashMap<AgentId, T>;

/// Fingerprints, placed by their own first half: hashing a secret hash again would only cost time.
pub(super) type Fingerprints = HashSet<Fingerprint, BuildHasherDefault<FirstHalf>>;

/// 128 bits that stand for something longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fingerprint([u64; 2]);

/// Makes fingerprints which nobody outside can foresee.
#[derive(Debug)]
pub(super) struct FingerprintKeys([RandomState; 2]);

#[derive(Debug, Default)]
pub(super) struct FirstHalf(u64);

impl FingerprintKeys {
    pub(super) fn new() -> Self {
        Self([RandomState::new(), RandomState::new()])
    }

    pub(super) fn fingerprint(&self, of: impl Hash) -> Fingerprint {
        Fingerprint(self.0.each_ref().map(|key| key.hash_one(&of)))
    }
}

impl Hash for Fingerprint {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[0]);
    }
}

impl Hasher for FirstHalf {
    fn write_u64(&mut self, half: u64) {
        self.0 = half;
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("a fingerprint writes its first half and nothing else");
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
