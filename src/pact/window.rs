//! Counting admissions inside a sliding window in constant memory.
//!
//! The window is cut into slots aligned to the epoch. A slot is held for one whole window and at most one slot longer,
//! so no real window ever holds more than the limit.
//!
//! ```text
//! slot_ms = max(1, window_ms / 12)        an admission at t is in slot  t / slot_ms
//! held while  now / slot_ms − slot ≤ ceil(window_ms / slot_ms)
//! ```

use crate::pact::time::Timestamp;

/// The most slots that any window has: a window of 23 ms has slots of 1 ms and holds 24 of them.
pub const MAX_SLOTS: usize = SLOTS as usize;
const SLOTS: u32 = 24;

/// How a window is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowShape {
    slot_ms: u64,
    /// The age in slots up to which a slot is held.
    // INVARIANT: < MAX_SLOTS
    oldest_age: u64,
}

impl WindowShape {
    /// The shape of a window of `window_ms` milliseconds (0 is taken as 1).
    #[must_use]
    pub const fn of(window_ms: u64) -> Self {
        let window_ms = if window_ms == 0 { 1 } else { window_ms };
        let slot_ms = if window_ms < 12 { 1 } else { window_ms / 12 };
        Self { slot_ms, oldest_age: window_ms.div_ceil(slot_ms) }
    }

    const fn slot_of(self, at: Timestamp) -> u64 {
        at.ms() / self.slot_ms
    }

    /// The first moment at which `slot` is no longer held.
    const fn leaves_at(self, slot: u64) -> Timestamp {
        Timestamp::from_ms(slot.saturating_add(self.oldest_age + 1).saturating_mul(self.slot_ms))
    }
}

/// Admissions, counted by slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotWindow {
    /// The slot length that the counts were made with; 0 before the first admission.
    pub slot_ms: u64,
    /// The newest slot with an admission; never later than the slot of the time that the subject stands at.
    pub newest_slot: u64,
    /// `counts[age]` admissions in slot `newest_slot − age`.
    pub counts: [u32; MAX_SLOTS],
}

impl Default for SlotWindow {
    fn default() -> Self {
        Self { slot_ms: 0, newest_slot: 0, counts: [0; MAX_SLOTS] }
    }
}

impl SlotWindow {
    /// Admissions held at `now`.
    // `now` is at or after the newest admission: states only move forward.
    #[must_use]
    pub fn held(&self, shape: WindowShape, now: Timestamp) -> u32 {
        if self.slot_ms != shape.slot_ms {
            return if self.slot_ms == 0 { 0 } else { self.reshaped(shape, now).held(shape, now) };
        }
        let shift = shape.slot_of(now).saturating_sub(self.newest_slot);
        if shift > shape.oldest_age {
            return 0;
        }
        let ages = usize::try_from(shape.oldest_age - shift + 1).unwrap_or(MAX_SLOTS).min(MAX_SLOTS);
        self.counts[..ages].iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// The first moment, not before `now`, at which fewer than `limit` admissions are held.
    #[must_use]
    pub fn below(&self, limit: u32, shape: WindowShape, now: Timestamp) -> Timestamp {
        if self.slot_ms != shape.slot_ms && self.slot_ms != 0 {
            // While a slot lasts its admissions may still come at its end, so the one bound would creep ahead with
            // `now`; and older slots may fall out of the other. Both are lower bounds.
            let [soonest, latest] = [now, Timestamp::MAX].map(|end| self.reshaped(shape, end));
            return soonest.below(limit, shape, now).max(latest.below(limit, shape, now));
        }
        let mut held = self.held(shape, now);
        let mut at = now;
        for (age, count) in (0..SLOTS).zip(self.counts).rev() {
            if held < limit {
                break;
            }
            // A slot before the epoch, or one that has left already, holds nothing and moves nothing.
            let leaves_at = shape.leaves_at(self.newest_slot.saturating_sub(u64::from(age)));
            if count > 0 && leaves_at > now {
                held = held.saturating_sub(count);
                at = leaves_at;
            }
        }
        at
    }

    /// Counts one admission at `now`.
    pub fn admit(&mut self, shape: WindowShape, now: Timestamp) {
        if self.slot_ms != shape.slot_ms {
            *self = self.reshaped(shape, now);
        }
        let slot = shape.slot_of(now);
        let shift = usize::try_from(slot.saturating_sub(self.newest_slot)).unwrap_or(MAX_SLOTS);
        if shift >= MAX_SLOTS {
            self.counts = [0; MAX_SLOTS];
        } else {
            self.counts.copy_within(..MAX_SLOTS - shift, shift);
            self.counts[..shift].fill(0);
        }
        self.newest_slot = self.newest_slot.max(slot);
        self.counts[0] = self.counts[0].saturating_add(1);
    }

    /// The first moment at which nothing is held; the epoch if nothing ever was.
    #[must_use]
    pub fn empty_at(&self, shape: WindowShape) -> Timestamp {
        if self.slot_ms == 0 {
            return Timestamp::default();
        }
        // Asked for any later time, so no `now` bounds when the admissions may have come.
        let reshaped = || self.reshaped(shape, Timestamp::MAX);
        let window = if self.slot_ms == shape.slot_ms { self.clone() } else { reshaped() };
        shape.leaves_at(window.newest_slot)
    }

    /// The same admissions under another slot length (a subject's tier changed). Each is taken to have happened at the
    /// last moment of its slot, or at `now` if that is earlier, so none leaves earlier than it would have.
    fn reshaped(&self, shape: WindowShape, now: Timestamp) -> Self {
        let mut reshaped = Self { slot_ms: shape.slot_ms, ..Self::default() };
        if self.slot_ms == 0 {
            return reshaped;
        }
        for (age, count) in (0..).zip(self.counts) {
            let Some(slot) = self.newest_slot.checked_sub(age).filter(|_| count > 0) else { continue };
            let last_ms = slot.saturating_add(1).saturating_mul(self.slot_ms).saturating_sub(1).min(now.ms());
            let slot = last_ms / shape.slot_ms;
            // The newest slot comes first, so later ones are older.
            reshaped.newest_slot = reshaped.newest_slot.max(slot);
            let age = usize::try_from(reshaped.newest_slot - slot).unwrap_or(MAX_SLOTS);
            if let Some(held) = reshaped.counts.get_mut(age) {
                *held = held.saturating_add(count);
            }
        }
        reshaped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    #[test]
    fn an_admission_is_held_for_at_least_the_window_and_at_most_one_slot_longer() {
        for window_ms in (1..200).chain([1_000, 60_000, 60_001, 59_999, 86_400_000]) {
            let shape = WindowShape::of(window_ms);
            for t in [0, 1, 7, 4_999, 5_000, 123_456_789] {
                let mut window = SlotWindow::default();
                window.admit(shape, at(t));
                assert_eq!(window.held(shape, at(t + window_ms)), 1, "window {window_ms} at {t}");
                let leaves = window.below(1, shape, at(t)).ms();
                assert!(leaves > t + window_ms && leaves <= t + window_ms + 2 * shape.slot_ms);
                assert_eq!(window.held(shape, at(leaves - 1)), 1);
                assert_eq!(window.held(shape, at(leaves)), 0);
                assert_eq!(window.empty_at(shape), at(leaves));
            }
        }
    }

    #[test]
    fn no_window_needs_more_slots_than_there_are() {
        for window_ms in 1..100_000 {
            assert!(WindowShape::of(window_ms).oldest_age < MAX_SLOTS as u64, "window {window_ms}");
        }
    }

    #[test]
    fn a_full_window_opens_as_its_oldest_slots_leave() {
        let shape = WindowShape::of(60_000);
        let mut window = SlotWindow::default();
        for t in [0, 1, 5_000, 10_000] {
            window.admit(shape, at(t));
        }
        assert_eq!(window.below(5, shape, at(10_000)), at(10_000));
        assert_eq!(window.below(4, shape, at(10_000)), at(65_000));
        assert_eq!(window.below(2, shape, at(10_000)), at(70_000));
        assert_eq!(window.below(1, shape, at(10_000)), at(75_000));
    }

    #[test]
    fn another_slot_length_forgets_nothing_that_it_would_hold() {
        let (coarse, fine) = (WindowShape::of(60_000), WindowShape::of(1_200));
        let mut window = SlotWindow::default();
        window.admit(coarse, at(100_000));
        window.admit(coarse, at(101_000));
        // Both may have come at 104 999, the last moment of their slot.
        assert_eq!(window.held(fine, at(104_999)), 2);
        window.admit(fine, at(105_000));
        assert_eq!(window.held(fine, at(105_000)), 3);
    }

    #[test]
    fn after_a_change_of_the_slot_length_the_opening_is_found_in_a_few_steps() {
        for (from_ms, to_ms) in [(86_400_000, 60_000), (60_000, 84_000), (84_000, 60_000), (60_000, 1_200)] {
            let (from, to) = (WindowShape::of(from_ms), WindowShape::of(to_ms));
            for start in [100_000_000, 100_799_000, 100_800_000, 100_804_999] {
                let mut window = SlotWindow::default();
                for after in [0, 700, 1_400] {
                    window.admit(from, at(start + after));
                }
                let mut now = at(start + 1_500);
                let within = (0..3).filter(|i| i * 700 + to_ms > 1_500).count();
                assert!(window.held(to, now) >= u32::try_from(within).unwrap());
                for _ in 0..4 {
                    let open = window.below(1, to, now);
                    assert!(open == now || window.held(to, at(open.ms() - 1)) > 0, "{from_ms} to {to_ms}");
                    now = open;
                }
                assert_eq!(window.held(to, now), 0, "{from_ms} to {to_ms} at {start}");
            }
        }
    }
}
