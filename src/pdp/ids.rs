//! Names for subjects, interactions and decisions.
//!
//! Subject keys and interaction ids are keyed hashes of length-prefixed tuples: no two different tuples are written
//! alike, and nobody outside can aim at a collision. A decision's id comes from what was decided, so the same state,
//! input and time give the same id; it is never made of the user's text.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use siphasher::sip128::{Hasher128, SipHasher13};

use crate::pact::decision::Decision;
use crate::pact::time::Timestamp;
use crate::pdp::{RetryKey, Subject, SubjectKind};
use crate::store::SubjectKey;

/// Names a decision: the time in milliseconds (48 bits), then bits of a hash, as a UUID of version 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DecisionId(u128);

impl DecisionId {
    fn new(at: Timestamp, hash: u128) -> Self {
        let time = u128::from(at.ms()) << 80;
        let rest = hash & !(u128::MAX << 80);
        let version = !(0xf << 76);
        let variant = !(0b11 << 62);
        Self((time | rest) & version & variant | 0x8 << 76 | 0b10 << 62)
    }
}

impl DecisionId {
    /// In the usual form: 32 hexadecimal digits in five groups.
    #[must_use]
    pub fn text(self) -> String {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = String::with_capacity(36);
        for (at, byte) in self.0.to_be_bytes().into_iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 0xf)]));
        }
        text
    }
}

/// The id of a decision that the rules made. A repeated interaction gets the id that it got first.
pub(crate) fn decision(policy: usize, subject: Subject<'_>, id: &str, decision: &Decision) -> DecisionId {
    let mut tuple = Tuple::new(SipHasher13::new());
    tuple.subject(policy, subject);
    tuple.text(id.as_bytes());
    tuple.number(decision.judged_at.ms());
    tuple.number(u64::from(decision.reasons.bits()));
    if id.is_empty() {
        // Without an interaction id, what the meters show tells two inputs of the same millisecond apart.
        tuple.number(decision.readings.stamina.micros().unsigned_abs());
        tuple.number(decision.readings.heat.micros().unsigned_abs());
        tuple.number(u64::from(decision.readings.streak));
    }
    DecisionId::new(decision.judged_at, tuple.finish())
}

/// The keyed hashes of one process.
#[derive(Debug)]
pub(crate) struct Hashes {
    keys: [u64; 4],
    unjudged: AtomicU64,
}

impl Hashes {
    /// With keys that nobody knows.
    pub(crate) fn new() -> Self {
        // The standard library seeds each `RandomState` from the system's randomness.
        let keys = [0_u64, 1, 2, 3].map(|i| RandomState::new().hash_one(i));
        Self { keys, unjudged: AtomicU64::new(0) }
    }

    pub(crate) fn subject(&self, policy: usize, subject: Subject<'_>) -> SubjectKey {
        let mut tuple = Tuple::new(SipHasher13::new_with_keys(self.keys[0], self.keys[1]));
        tuple.subject(policy, subject);
        SubjectKey(tuple.finish())
    }

    /// None if the request has no id.
    pub(crate) fn interaction(&self, key: RetryKey<'_>) -> Option<u64> {
        if key.id.is_empty() {
            return None;
        }
        let mut tuple = Tuple::new(SipHasher13::new_with_keys(self.keys[2], self.keys[3]));
        tuple.text(key.id.as_bytes());
        tuple.text(key.content);
        tuple.number(key.chars);
        let hash = tuple.finish();
        Some(u64::try_from(hash >> 64).unwrap_or_default())
    }

    /// The id of an answer that no state went into: unique in this process.
    pub(crate) fn unjudged_decision(&self, now: Timestamp) -> DecisionId {
        let mut tuple = Tuple::new(SipHasher13::new_with_keys(self.keys[0], self.keys[2]));
        tuple.number(self.unjudged.fetch_add(1, Ordering::Relaxed));
        DecisionId::new(now, tuple.finish())
    }
}

/// A tuple being hashed: every text is written behind its length.
struct Tuple(SipHasher13);

impl Tuple {
    const fn new(hasher: SipHasher13) -> Self {
        Self(hasher)
    }

    fn subject(&mut self, policy: usize, subject: Subject<'_>) {
        self.number(policy as u64);
        self.number(match subject.kind {
            SubjectKind::User => 0,
            SubjectKind::Address => 1,
        });
        self.text(subject.id.as_bytes());
    }

    fn text(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        std::hash::Hasher::write(&mut self.0, bytes);
    }

    fn number(&mut self, number: u64) {
        std::hash::Hasher::write_u64(&mut self.0, number);
    }

    fn finish(self) -> u128 {
        self.0.finish128().as_u128()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str) -> Subject<'_> {
        Subject { kind: SubjectKind::User, id }
    }

    #[test]
    fn a_decision_id_is_a_version_8_uuid_that_begins_with_the_time() {
        let id = DecisionId::new(Timestamp::from_ms(0x0123_4567_89ab), u128::MAX).text();
        assert_eq!(id, "01234567-89ab-8fff-bfff-ffffffffffff");
    }

    #[test]
    fn different_tuples_have_different_keys() {
        let hashes = Hashes::new();
        let alice = hashes.subject(0, user("alice"));
        assert_eq!(hashes.subject(0, user("alice")), alice);
        assert_ne!(hashes.subject(1, user("alice")), alice);
        assert_ne!(hashes.subject(0, Subject { kind: SubjectKind::Address, id: "alice" }), alice);
        let retry = |id, content: &'static str, chars| {
            hashes.interaction(RetryKey { id, content: content.as_bytes(), chars })
        };
        assert_ne!(retry("ab", "c", 1), retry("a", "bc", 1));
        assert_ne!(retry("ab", "c", 1), retry("ab", "c", 2));
        assert_eq!(retry("ab", "c", 1), retry("ab", "c", 1));
        assert_eq!(retry("", "anything", 1), None);
    }

    #[test]
    fn unjudged_answers_have_ids_of_their_own() {
        let (hashes, now) = (Hashes::new(), Timestamp::from_ms(1));
        assert_ne!(hashes.unjudged_decision(now), hashes.unjudged_decision(now));
    }
}
