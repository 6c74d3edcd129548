//! States in this process: a sharded map with one lock a shard, held for one step and never over an await or a scan.
//!
//! Bounded by `max_subjects`. A subject goes only once it cannot be told from a new one; when the map is full of others,
//! a newcomer is turned away rather than anybody forgotten.

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use crate::pact::fair_play::advance::recovered_at;
use crate::pact::subject_state::SubjectState;
use crate::pact::time::Timestamp;
use crate::store::packed::Packed;
use crate::store::{Pacts, StoreError, SubjectKey};

/// A full map is swept for a newcomer's sake at most this often.
const FULL_SWEEP_INTERVAL_MS: u64 = 1_000;

/// The memory store.
#[derive(Debug)]
pub struct MemoryStore {
    states: DashMap<SubjectKey, Packed, KeyIsHash>,
    subjects: AtomicUsize,
    max_subjects: usize,
    pacts: Pacts,
    next_full_sweep_ms: AtomicU64,
}

impl MemoryStore {
    /// An empty store for at most `max_subjects` subjects of these policies.
    #[must_use]
    pub fn new(max_subjects: usize, pacts: Pacts) -> Self {
        Self {
            states: DashMap::with_hasher_and_shard_amount(KeyIsHash, shards(max_subjects)),
            subjects: AtomicUsize::new(0),
            max_subjects,
            pacts,
            next_full_sweep_ms: AtomicU64::new(0),
        }
    }

    pub(super) fn update<T>(
        &self,
        key: SubjectKey,
        policy: usize,
        now: Timestamp,
        newcomer: impl FnOnce() -> SubjectState,
        mut step: impl FnMut(&mut SubjectState) -> T,
    ) -> Result<T, StoreError> {
        if let Some(mut packed) = self.states.get_mut(&key) {
            return Ok(stepped(&mut packed, policy, &mut step));
        }
        self.reserve(now)?;
        match self.states.entry(key) {
            // Somebody was quicker: the same subject's first two interactions came together.
            Entry::Occupied(mut entry) => {
                self.subjects.fetch_sub(1, Ordering::Relaxed);
                Ok(stepped(entry.get_mut(), policy, &mut step))
            }
            Entry::Vacant(entry) => {
                let mut state = newcomer();
                let answer = step(&mut state);
                entry.insert(Packed::of(&state, policy));
                Ok(answer)
            }
        }
    }

    pub(super) fn read(&self, key: SubjectKey) -> Option<SubjectState> {
        self.states.get(&key).map(|packed| packed.unpack().1)
    }

    pub(super) fn sweep(&self, now: Timestamp) -> usize {
        let mut dropped = 0;
        self.states.retain(|_, packed| {
            let keep = self.still_needed(packed, now);
            dropped += usize::from(!keep);
            keep
        });
        self.subjects.fetch_sub(dropped, Ordering::Relaxed);
        dropped
    }

    pub(super) fn subjects(&self) -> usize {
        self.subjects.load(Ordering::Relaxed)
    }

    /// Takes a place for a newcomer.
    fn reserve(&self, now: Timestamp) -> Result<(), StoreError> {
        let full = StoreError::Full { max_subjects: self.max_subjects };
        for sweeps_left in [1, 0] {
            let take = |subjects: usize| (subjects < self.max_subjects).then_some(subjects + 1);
            if self.subjects.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
                return Ok(());
            }
            if sweeps_left == 0 || !self.may_sweep_for_newcomer(now) || self.sweep(now) == 0 {
                break;
            }
        }
        Err(full)
    }

    /// A flood of newcomers must not make every one of them walk the map.
    fn may_sweep_for_newcomer(&self, now: Timestamp) -> bool {
        let due = |next: u64| (now.ms() >= next).then(|| now.ms().saturating_add(FULL_SWEEP_INTERVAL_MS));
        self.next_full_sweep_ms.fetch_update(Ordering::Relaxed, Ordering::Relaxed, due).is_ok()
    }

    fn still_needed(&self, packed: &mut Packed, now: Timestamp) -> bool {
        if packed.hint() > now {
            return true;
        }
        let (policy, state) = packed.unpack();
        let recovered_at =
            self.pacts.get(policy).map_or(Timestamp::MAX, |pact| recovered_at(&state, pact.fair_play()));
        packed.set_hint(recovered_at);
        recovered_at > now
    }
}

fn stepped<T>(packed: &mut Packed, policy: usize, step: &mut impl FnMut(&mut SubjectState) -> T) -> T {
    let (_, mut state) = packed.unpack();
    let answer = step(&mut state);
    packed.replace(&state, policy);
    answer
}

/// About a thousand subjects a shard, so that a sweep holds none for long and a growing table moves little at once.
fn shards(max_subjects: usize) -> usize {
    (max_subjects / 1_024).clamp(256, 16_384).next_power_of_two()
}

/// The key is a keyed hash already.
#[derive(Debug, Clone, Copy)]
struct KeyIsHash;

impl BuildHasher for KeyIsHash {
    type Hasher = FirstHalf;

    fn build_hasher(&self) -> FirstHalf {
        FirstHalf(0)
    }
}

struct FirstHalf(u64);

impl Hasher for FirstHalf {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let half = bytes.first_chunk().copied().unwrap_or_default();
        self.0 = u64::from_le_bytes(half);
    }

    #[expect(clippy::cast_possible_truncation, reason = "half of the hash is enough to find a place")]
    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pact::Pact;
    use crate::pact::decision::Effect;
    use crate::pact::fair_play::limits::{Limits, TierLimits};
    use crate::pact::interaction::{Findings, Interaction, TrustTier};

    struct Host {
        store: MemoryStore,
        pact: Pact,
    }

    impl Host {
        fn for_subjects(max_subjects: usize) -> Self {
            let pact = Pact::new(TierLimits::uniform(Limits::default()));
            Self { store: MemoryStore::new(max_subjects, vec![pact.clone()]), pact }
        }

        fn says(&self, subject: u128, ms: u64) -> Result<Effect, StoreError> {
            let now = Timestamp::from_ms(ms);
            let interaction = Interaction { tier: TrustTier::User, chars: 10, id: None };
            self.store.update(
                SubjectKey(subject),
                0,
                now,
                || self.pact.newcomer(TrustTier::User, now),
                |state| self.pact.evaluate(state, &interaction, &Findings::default(), now).effect(),
            )
        }
    }

    #[test]
    fn a_full_store_turns_newcomers_away_and_forgets_nobody() {
        let host = Host::for_subjects(2);
        assert_eq!(host.says(1, 0), Ok(Effect::Permit));
        assert_eq!(host.says(2, 0), Ok(Effect::Permit));
        assert_eq!(host.says(3, 1), Err(StoreError::Full { max_subjects: 2 }));
        // Those who are known are still judged by what is known of them.
        assert_eq!(host.says(1, 1), Ok(Effect::Deny));
        assert_eq!(host.store.subjects(), 2);
    }

    #[test]
    fn a_newcomer_takes_the_place_of_somebody_who_has_recovered() {
        let host = Host::for_subjects(1);
        assert_eq!(host.says(1, 0), Ok(Effect::Permit));
        // The sitting ends after ten minutes; all else is over by then.
        assert!(host.says(2, 599_999).is_err());
        assert_eq!(host.says(2, 601_000), Ok(Effect::Permit));
        assert_eq!(host.store.subjects(), 1);
        assert!(host.store.read(SubjectKey(1)).is_none());
    }

    #[test]
    fn a_sweep_drops_exactly_the_recovered() {
        let host = Host::for_subjects(10);
        for subject in 0..5 {
            host.says(subject, 0).expect("there is room");
        }
        host.says(7, 300_000).expect("there is room");
        assert_eq!(host.store.sweep(Timestamp::from_ms(599_999)), 0);
        assert_eq!(host.store.sweep(Timestamp::from_ms(600_000)), 5);
        assert_eq!(host.store.subjects(), 1);
    }

    #[test]
    fn keys_find_their_place_by_themselves() {
        assert_eq!(KeyIsHash.hash_one(SubjectKey(0xfeed_0000_0000_0000_beef)), 0xbeef);
    }
}
