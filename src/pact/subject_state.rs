//! All that is remembered of one subject. Every collection has a fixed upper size.

use crate::pact::decision::Reasons;
use crate::pact::fair_play::limits::Limits;
use crate::pact::interaction::InteractionId;
use crate::pact::points::Points;
use crate::pact::time::Timestamp;
use crate::pact::window::SlotWindow;

/// The most admissions that a burst log can hold (the bound of `max_burst_responses`).
pub const MAX_BURST: usize = 64;
/// How many judged interaction ids are remembered.
pub const MAX_REMEMBERED: usize = 8;
/// How long a judged interaction id is remembered, in milliseconds.
pub const REMEMBERED_MS: u64 = 60_000;

/// What is remembered of one subject under one policy.
// INVARIANT: 0 <= level <= limits.stamina_max and 0 <= heat <= limits.heat_max after every step
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectState {
    /// Stamina left.
    pub level: Points,
    /// Heat.
    pub heat: Points,
    /// Up to when the state has been advanced; never moves back.
    pub updated_at: Timestamp,
    /// Admitted interactions in a row.
    pub streak: u32,
    /// When the cooldown ends, while there is one.
    pub cooldown_until: Option<Timestamp>,
    /// When the pause ends, while there is one.
    pub paused_until: Option<Timestamp>,
    /// When the sitting began, while one is in progress.
    pub session_started_at: Option<Timestamp>,
    /// The newest admission.
    pub last_admitted_at: Option<Timestamp>,
    /// The newest admissions, exactly.
    pub burst: BurstLog,
    /// Admissions of the last minute.
    pub minute: SlotWindow,
    /// Admissions of the rate window.
    pub rate: SlotWindow,
    /// The newest judged interaction ids.
    pub remembered: Remembered,
}

impl SubjectState {
    /// A subject seen for the first time: rested, cool and unknown.
    #[must_use]
    pub fn new(limits: &Limits, now: Timestamp) -> Self {
        Self {
            level: limits.stamina_max,
            heat: Points::ZERO,
            updated_at: now,
            streak: 0,
            cooldown_until: None,
            paused_until: None,
            session_started_at: None,
            last_admitted_at: None,
            burst: BurstLog::default(),
            minute: SlotWindow::default(),
            rate: SlotWindow::default(),
            remembered: Remembered::default(),
        }
    }
}

/// The newest admission times, oldest first.
#[derive(Clone, PartialEq, Eq)]
pub struct BurstLog {
    times: [Timestamp; MAX_BURST],
    len: usize,
}

impl Default for BurstLog {
    fn default() -> Self {
        Self { times: [Timestamp::default(); MAX_BURST], len: 0 }
    }
}

impl std::fmt::Debug for BurstLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.times()).finish()
    }
}

impl BurstLog {
    /// The times, oldest first.
    #[must_use]
    pub fn times(&self) -> &[Timestamp] {
        &self.times[..self.len]
    }

    /// Adds `at` and keeps the newest `keep` times (at least 1, at most `MAX_BURST`).
    pub fn push(&mut self, at: Timestamp, keep: usize) {
        let keep = keep.clamp(1, MAX_BURST);
        if self.len >= keep {
            let surplus = self.len + 1 - keep;
            self.times.copy_within(surplus..self.len, 0);
            self.times[self.len - surplus..self.len].fill(Timestamp::default());
            self.len -= surplus;
        }
        self.times[self.len] = at;
        self.len += 1;
    }
}

/// What was decided about an interaction id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// The interaction.
    pub id: InteractionId,
    /// When it was judged.
    pub judged_at: Timestamp,
    /// Why it was refused; none for a permit.
    pub reasons: Reasons,
    /// When the same input would be admitted, if it was refused and ever will be.
    pub retry_at: Option<Timestamp>,
}

/// The newest outcomes by interaction id, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remembered {
    outcomes: [Option<Outcome>; MAX_REMEMBERED],
}

impl Remembered {
    /// The outcomes, oldest first.
    pub fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.outcomes.iter().flatten()
    }

    /// What was decided about `id` within the last minute.
    #[must_use]
    pub fn find(&self, id: InteractionId, now: Timestamp) -> Option<Outcome> {
        self.outcomes()
            .find(|outcome| outcome.id == id && now.ms_since(outcome.judged_at) <= REMEMBERED_MS)
            .copied()
    }

    /// Remembers `outcome` in place of what is too old, of the same id's last outcome, or else of the oldest.
    pub fn push(&mut self, outcome: Outcome) {
        let mut kept = [None; MAX_REMEMBERED];
        let mut len = 0;
        for old in self.outcomes() {
            let in_use = old.id != outcome.id && outcome.judged_at.ms_since(old.judged_at) <= REMEMBERED_MS;
            if in_use {
                kept[len] = Some(*old);
                len += 1;
            }
        }
        if len == MAX_REMEMBERED {
            kept.copy_within(1.., 0);
            len -= 1;
        }
        kept[len] = Some(outcome);
        self.outcomes = kept;
    }

    /// The first moment at which no id is remembered any more; the epoch if none ever was.
    #[must_use]
    pub fn empty_at(&self) -> Timestamp {
        self.outcomes().map(|outcome| outcome.judged_at.plus_ms(REMEMBERED_MS + 1)).max().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    fn outcome(id: u64, ms: u64) -> Outcome {
        Outcome { id: InteractionId(id), judged_at: at(ms), reasons: Reasons::NONE, retry_at: None }
    }

    #[test]
    fn the_burst_log_keeps_the_newest_times() {
        let mut log = BurstLog::default();
        for ms in 0..5 {
            log.push(at(ms), 3);
        }
        assert_eq!(log.times(), [at(2), at(3), at(4)]);
        log.push(at(5), 2);
        assert_eq!(log.times(), [at(4), at(5)]);
        log.push(at(6), 64);
        assert_eq!(log.times(), [at(4), at(5), at(6)]);
    }

    #[test]
    fn eight_ids_are_remembered_and_the_ninth_pushes_out_the_oldest() {
        let mut remembered = Remembered::default();
        for id in 0..9 {
            remembered.push(outcome(id, 1_000 + id));
        }
        assert_eq!(remembered.find(InteractionId(0), at(2_000)), None);
        assert_eq!(remembered.find(InteractionId(1), at(2_000)), Some(outcome(1, 1_001)));
        assert_eq!(remembered.outcomes().count(), MAX_REMEMBERED);
    }

    #[test]
    fn an_id_is_remembered_for_a_minute() {
        let mut remembered = Remembered::default();
        remembered.push(outcome(7, 1_000));
        assert!(remembered.find(InteractionId(7), at(61_000)).is_some());
        assert!(remembered.find(InteractionId(7), at(61_001)).is_none());
        assert_eq!(remembered.empty_at(), at(61_001));
    }
}
