//! What is remembered of each subject.
//!
//! The only seam is `update`: it replaces one subject's state atomically by running a pure step. A store decides where
//! states live; it never decides what is in them.

/// In this process.
pub mod memory;
/// A state as bytes, for the memory store.
pub(crate) mod packed;

use crate::pact::Pact;
use crate::pact::subject_state::SubjectState;
use crate::pact::time::Timestamp;
use memory::MemoryStore;

/// Names a subject: a keyed 128-bit hash of its policy, kind and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SubjectKey(pub u128);

/// Why a subject's state could not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no room for another subject.
    #[error("all {max_subjects} subjects are in use; raise `state.max_subjects`")]
    Full {
        /// The bound that was met.
        max_subjects: usize,
    },
}

/// Where states live.
#[derive(Debug)]
pub enum Store {
    /// In this process.
    Memory(MemoryStore),
}

impl Store {
    /// A short name for people.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Memory(_) => "memory",
        }
    }

    /// Runs `step` on the state of `key`, or on a `newcomer`, and keeps what it leaves. Nobody else changes this
    /// subject meanwhile. `policy` is the position of the subject's policy; `now` is when this happens.
    ///
    /// # Errors
    /// `Full` if the subject is new and there is no room.
    pub fn update<T>(
        &self,
        key: SubjectKey,
        policy: usize,
        now: Timestamp,
        newcomer: impl FnOnce() -> SubjectState,
        step: impl FnMut(&mut SubjectState) -> T,
    ) -> Result<T, StoreError> {
        match self {
            Self::Memory(store) => store.update(key, policy, now, newcomer, step),
        }
    }

    /// The state of `key`, if it is remembered.
    #[must_use]
    pub fn read(&self, key: SubjectKey) -> Option<SubjectState> {
        match self {
            Self::Memory(store) => store.read(key),
        }
    }

    /// Drops subjects that cannot be told from new ones at `now`. Returns how many.
    pub fn sweep(&self, now: Timestamp) -> usize {
        match self {
            Self::Memory(store) => store.sweep(now),
        }
    }

    /// Subjects remembered.
    #[must_use]
    pub fn subjects(&self) -> usize {
        match self {
            Self::Memory(store) => store.subjects(),
        }
    }
}

/// The rules by the position of their policy: what a store needs to know when a subject may be forgotten.
pub type Pacts = Vec<Pact>;
