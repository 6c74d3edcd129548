//! A subject's state as bytes: what the memory store holds.
//!
//! In the rules a state is a plain struct with room for every bound, about 1 KB; a usual one holds a tenth of that.
//! Times are written as distances from `updated_at`, counts only where they are not 0, everything as varints (7 bits a
//! byte, the high bit says that more follow).
//!
//! ```text
//! hint: u64 LE | policy | updated_at | level | heat | streak | flags | times... | burst | minute | rate | outcomes | 0-padding
//! ```
//!
//! `hint` is a time before which the subject is certainly not forgettable; the sweep reads only that. These bytes never
//! leave the process: there is no version in them.

use crate::pact::decision::Reasons;
use crate::pact::interaction::InteractionId;
use crate::pact::points::Points;
use crate::pact::subject_state::{BurstLog, MAX_BURST, Outcome, Remembered, SubjectState};
use crate::pact::time::Timestamp;
use crate::pact::window::SlotWindow;

/// No state takes more: 64 burst times, 48 slot counts and 8 outcomes, each at its longest.
const MAX_BYTES: usize = 1_536;
/// Records grow in steps of this, so that most updates are written in place.
const STEP: usize = 32;
/// A record with more than this to spare shrinks.
const SLACK: usize = 2 * STEP;
const HINT_BYTES: usize = 8;

/// A state at rest.
#[derive(Debug, Clone)]
pub(crate) struct Packed(Box<[u8]>);

impl Packed {
    pub(crate) fn of(state: &SubjectState, policy: usize) -> Self {
        let writer = Writer::written(state, policy);
        Self(writer.padded().into())
    }

    /// Writes `state` over this one, in place if its size allows.
    pub(crate) fn replace(&mut self, state: &SubjectState, policy: usize) {
        let writer = Writer::written(state, policy);
        let bytes = writer.padded();
        if self.0.len().checked_sub(bytes.len()).is_some_and(|spare| spare <= SLACK) {
            // What is left of an older, longer record is never read: this one says how long it is.
            self.0[..bytes.len()].copy_from_slice(bytes);
        } else {
            self.0 = bytes.into();
        }
    }

    /// A time before which the subject is certainly not forgettable.
    pub(crate) fn hint(&self) -> Timestamp {
        let hint = self.0.first_chunk::<HINT_BYTES>().copied().unwrap_or_default();
        Timestamp::from_ms(u64::from_le_bytes(hint))
    }

    pub(crate) fn set_hint(&mut self, hint: Timestamp) {
        if let Some(bytes) = self.0.first_chunk_mut::<HINT_BYTES>() {
            *bytes = hint.ms().to_le_bytes();
        }
    }

    /// The position of the policy, and the state.
    pub(crate) fn unpack(&self) -> (usize, SubjectState) {
        let mut reader = Reader(self.0.get(HINT_BYTES..).unwrap_or_default());
        let policy = usize::try_from(reader.next()).unwrap_or(usize::MAX);
        let updated_at = Timestamp::from_ms(reader.next());
        let past = |distance: u64| Timestamp::from_ms(updated_at.ms().saturating_sub(distance));
        let level = reader.points();
        let heat = reader.points();
        let streak = reader.count();
        let flags = reader.next();
        let mut time = |flag: u64| (flags & flag != 0).then(|| reader.next());
        let cooldown_until = time(COOLDOWN).map(|ms| updated_at.plus_ms(ms));
        let paused_until = time(PAUSED).map(|ms| updated_at.plus_ms(ms));
        let session_started_at = time(SITTING).map(past);
        let last_admitted_at = time(ADMITTED).map(past);
        let mut burst = BurstLog::default();
        for _ in 0..reader.next() {
            burst.push(past(reader.next()), MAX_BURST);
        }
        let minute = reader.window(updated_at);
        let rate = reader.window(updated_at);
        let mut remembered = Remembered::default();
        for _ in 0..reader.next() {
            let id = InteractionId(reader.fixed());
            let judged_at = past(reader.next());
            let reasons = Reasons::from_bits(reader.count());
            // 0 is "none": a retry is at least 1 ms away.
            let retry_at = Some(reader.next()).filter(|ms| *ms > 0).map(|ms| judged_at.plus_ms(ms));
            remembered.push(Outcome { id, judged_at, reasons, retry_at });
        }
        let state = SubjectState {
            level,
            heat,
            updated_at,
            streak,
            cooldown_until,
            paused_until,
            session_started_at,
            last_admitted_at,
            burst,
            minute,
            rate,
            remembered,
        };
        (policy, state)
    }
}

const COOLDOWN: u64 = 1;
const PAUSED: u64 = 2;
const SITTING: u64 = 4;
const ADMITTED: u64 = 8;

struct Writer {
    bytes: [u8; MAX_BYTES],
    len: usize,
}

impl Writer {
    fn written(state: &SubjectState, policy: usize) -> Self {
        let mut writer = Self { bytes: [0; MAX_BYTES], len: HINT_BYTES };
        writer.state(state, policy);
        writer
    }

    fn state(&mut self, state: &SubjectState, policy: usize) {
        let now = state.updated_at;
        let locked_until = state.cooldown_until.max(state.paused_until);
        let hint = locked_until.max(state.last_admitted_at).unwrap_or(now);
        self.bytes[..HINT_BYTES].copy_from_slice(&hint.ms().to_le_bytes());

        self.push(policy as u64);
        self.push(now.ms());
        self.points(state.level);
        self.points(state.heat);
        self.push(u64::from(state.streak));
        let flag = |time: Option<Timestamp>, flag: u64| if time.is_some() { flag } else { 0 };
        self.push(
            flag(state.cooldown_until, COOLDOWN)
                | flag(state.paused_until, PAUSED)
                | flag(state.session_started_at, SITTING)
                | flag(state.last_admitted_at, ADMITTED),
        );
        for future in [state.cooldown_until, state.paused_until].into_iter().flatten() {
            self.push(future.ms_since(now));
        }
        for past in [state.session_started_at, state.last_admitted_at].into_iter().flatten() {
            self.push(now.ms_since(past));
        }
        self.push(state.burst.times().len() as u64);
        for past in state.burst.times() {
            self.push(now.ms_since(*past));
        }
        self.window(&state.minute, now);
        self.window(&state.rate, now);
        self.push(state.remembered.outcomes().count() as u64);
        for outcome in state.remembered.outcomes() {
            self.fixed(outcome.id.0);
            self.push(now.ms_since(outcome.judged_at));
            self.push(u64::from(outcome.reasons.bits()));
            self.push(outcome.retry_at.map_or(0, |at| at.ms_since(outcome.judged_at)));
        }
    }

    fn push(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.byte(low_byte(value) | 0x80);
            value >>= 7;
        }
        self.byte(low_byte(value));
    }

    fn points(&mut self, points: Points) {
        // Neither meter is ever negative.
        self.push(points.micros().max(0).unsigned_abs());
    }

    fn fixed(&mut self, value: u64) {
        for byte in value.to_le_bytes() {
            self.byte(byte);
        }
    }

    fn window(&mut self, window: &SlotWindow, now: Timestamp) {
        self.push(window.slot_ms);
        if window.slot_ms == 0 {
            return;
        }
        self.push((now.ms() / window.slot_ms).saturating_sub(window.newest_slot));
        let mut used = 0;
        for (age, count) in window.counts.iter().enumerate() {
            used |= u64::from(*count > 0) << age;
        }
        self.push(used);
        for count in window.counts.iter().filter(|count| **count > 0) {
            self.push(u64::from(*count));
        }
    }

    fn byte(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    fn padded(&self) -> &[u8] {
        &self.bytes[..self.len.next_multiple_of(STEP)]
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low byte is what is wanted")]
const fn low_byte(value: u64) -> u8 {
    value as u8
}

/// Reads what `Writer` wrote in this process; past the end everything reads as 0.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn next(&mut self) -> u64 {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte();
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                break;
            }
        }
        value
    }

    fn count(&mut self) -> u32 {
        u32::try_from(self.next()).unwrap_or(u32::MAX)
    }

    fn points(&mut self) -> Points {
        Points::from_micros(i64::try_from(self.next()).unwrap_or(i64::MAX))
    }

    fn fixed(&mut self) -> u64 {
        let mut bytes = [0; 8];
        bytes.fill_with(|| self.byte());
        u64::from_le_bytes(bytes)
    }

    fn window(&mut self, now: Timestamp) -> SlotWindow {
        let mut window = SlotWindow { slot_ms: self.next(), ..SlotWindow::default() };
        if window.slot_ms == 0 {
            return window;
        }
        window.newest_slot = (now.ms() / window.slot_ms).saturating_sub(self.next());
        let used = self.next();
        for (age, count) in window.counts.iter_mut().enumerate() {
            if used >> age & 1 == 1 {
                *count = self.count();
            }
        }
        window
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pact::Pact;
    use crate::pact::fair_play::limits::{Limits, TierLimits};
    use crate::pact::interaction::{Findings, Interaction, TrustTier};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_happens_to_a_subject_its_state_comes_back_as_it_was(
            start in prop_oneof![Just(0_u64), 1..10_000_u64, Just(1_800_000_000_000)],
            window_ms in prop_oneof![1..100_u64, Just(60_000)],
            steps in prop::collection::vec((0..2_000_000_u64, 0..2_000_u64, 0..3_u32, 0..20_u64, any::<bool>()), 1..120),
        ) {
            let limits = Limits {
                max_burst_responses: 64, min_response_interval_ms: 0, max_interactions_per_minute: 10_000,
                rate_limit_window_ms: window_ms, ..Limits::default()
            };
            let pact = Pact::new(TierLimits::uniform(limits));
            let mut now = Timestamp::from_ms(start);
            let mut state = pact.newcomer(TrustTier::User, now);
            let mut packed = Packed::of(&state, 3);
            for (wait, chars, detections, id, quick) in steps {
                now = now.plus_ms(if quick { wait % 50 } else { wait });
                let interaction = Interaction { tier: TrustTier::User, chars, id: Some(InteractionId(id)) };
                if wait % 7 == 0 {
                    pact.pause(&mut state, TrustTier::User, wait, now);
                }
                pact.evaluate(&mut state, &interaction, &Findings { detections }, now);
                packed.replace(&state, 3);
                prop_assert_eq!(packed.unpack(), (3, state.clone()));
                prop_assert_eq!(Packed::of(&state, 3).unpack().1, state.clone());
            }
        }
    }

    #[test]
    fn a_state_whose_tier_changes_comes_back_as_it_was() {
        let limits = |rate_limit_window_ms| Limits {
            max_burst_responses: 64,
            min_response_interval_ms: 0,
            rate_limit_window_ms,
            ..Limits::default()
        };
        // Slots of 5 000 and of 7 000 ms.
        let (user, staff) = (limits(60_000), limits(84_000));
        let pact = Pact::new(TierLimits::new([user.clone(), user.clone(), user, staff]));
        let start = Timestamp::from_ms(70_000_000);
        let mut state = pact.newcomer(TrustTier::User, start);
        for (after_ms, tier) in
            [(4_999, TrustTier::User), (5_000, TrustTier::User), (5_001, TrustTier::Privileged)]
        {
            let interaction = Interaction { tier, chars: 1, id: None };
            pact.evaluate(&mut state, &interaction, &Findings::default(), start.plus_ms(after_ms));
            assert_eq!(Packed::of(&state, 0).unpack().1, state);
        }
    }

    #[test]
    fn the_largest_state_fits() {
        let far = Timestamp::MAX;
        let mut state = Pact::new(TierLimits::uniform(Limits::default())).newcomer(TrustTier::User, far);
        state.level = Points::from_micros(i64::MAX);
        state.heat = Points::from_micros(i64::MAX);
        state.streak = u32::MAX;
        state.cooldown_until = Some(far);
        state.paused_until = Some(far);
        state.session_started_at = Some(Timestamp::default());
        state.last_admitted_at = Some(Timestamp::default());
        for _ in 0..MAX_BURST {
            state.burst.push(Timestamp::default(), MAX_BURST);
        }
        state.minute = SlotWindow { slot_ms: 1, newest_slot: 0, counts: [u32::MAX; 24] };
        state.rate = state.minute.clone();
        for id in 0..8 {
            state.remembered.push(Outcome {
                id: InteractionId(u64::MAX - id),
                judged_at: Timestamp::default(),
                reasons: Reasons::from_bits(u32::MAX),
                retry_at: Some(far),
            });
        }
        assert_eq!(Packed::of(&state, usize::MAX).unpack(), (usize::MAX, state));
    }
}
