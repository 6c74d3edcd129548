//! Random people, clocks and limits from a seed: the rules on the real store against the naive second model.

use safety_pact::pact::Pact;
use safety_pact::pact::decision::{Decision, Effect, Reason};
use safety_pact::pact::fair_play::limits::{Limits, TierLimits};
use safety_pact::pact::interaction::{Findings, Interaction, InteractionId, TrustTier};
use safety_pact::pact::points::Points;
use safety_pact::pact::time::Timestamp;
use safety_pact::store::memory::MemoryStore;
use safety_pact::store::{Store, SubjectKey};

use crate::naive_model::{self, Naive, Outcome};

/// SplitMix64: enough randomness to be unpleasant, and the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % below
    }

    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.roll(high - low + 1)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.roll(100) < percent
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).expect("small")
}

fn count(value: u64) -> u32 {
    u32::try_from(value).expect("small")
}

/// Limits small enough that all of them bind and interact.
fn limits(dice: &mut Dice) -> naive_model::Limits {
    let stamina_cost_min = signed(dice.roll(3)) * 1_000_000;
    let heat_threshold = signed(dice.between(1, 100)) * 1_000_000;
    naive_model::Limits {
        stamina_max: (signed(dice.between(1, 40)) * 1_000_000).max(stamina_cost_min),
        stamina_cost_per_char: signed(dice.between(1, 1_000)) * 1_000,
        stamina_cost_min,
        stamina_regen_per_second: signed(dice.between(1, 20_000)),
        stamina_flow_bonus: signed(dice.between(1_000, 10_000)),
        flow_after: count(dice.between(1, 6)),
        heat_per_cost: signed(dice.roll(2_000)),
        heat_per_detection: signed(dice.roll(20)) * 1_000_000,
        heat_max: heat_threshold + signed(dice.roll(50)) * 1_000_000,
        heat_threshold,
        heat_decay_rate: signed(dice.between(1, 20_000)),
        cooldown_duration: dice.between(1, 5_000),
        min_response_interval: if dice.chance(30) { 0 } else { dice.roll(900) },
        max_burst_responses: usize::try_from(dice.between(1, 8)).expect("small"),
        burst_window: dice.between(1, 5_000),
        max_interactions_per_minute: usize::try_from(dice.between(1, 12)).expect("small"),
        rate_limit_max: usize::try_from(dice.between(1, 9)).expect("small"),
        rate_limit_window: if dice.chance(30) { dice.between(1, 30) } else { dice.between(1, 20_000) },
        max_session_length: dice.between(1, 30_000),
        session_break: dice.between(1, 9_000),
    }
}

/// The same limits for the crate.
fn real(naive: &naive_model::Limits) -> Limits {
    Limits {
        stamina_max: Points::from_micros(naive.stamina_max),
        stamina_cost_per_char: Points::from_micros(naive.stamina_cost_per_char),
        stamina_cost_min: Points::from_micros(naive.stamina_cost_min),
        stamina_regen_per_ms: Points::from_micros(naive.stamina_regen_per_second),
        stamina_flow_bonus_permille: naive.stamina_flow_bonus,
        flow_after: naive.flow_after,
        heat_per_cost_permille: naive.heat_per_cost,
        heat_per_detection: Points::from_micros(naive.heat_per_detection),
        heat_max: Points::from_micros(naive.heat_max),
        heat_threshold: Points::from_micros(naive.heat_threshold),
        heat_decay_per_ms: Points::from_micros(naive.heat_decay_rate),
        cooldown_ms: naive.cooldown_duration,
        min_response_interval_ms: naive.min_response_interval,
        max_burst_responses: count(naive.max_burst_responses as u64),
        burst_log_len: 1,
        burst_window_ms: naive.burst_window,
        max_interactions_per_minute: count(naive.max_interactions_per_minute as u64),
        rate_limit_max: count(naive.rate_limit_max as u64),
        rate_limit_window_ms: naive.rate_limit_window,
        max_session_ms: naive.max_session_length,
        session_break_ms: naive.session_break,
    }
}

fn outcome(decision: &Decision) -> Outcome {
    Outcome {
        permitted: decision.effect() == Effect::Permit,
        reasons: decision.reasons.iter().map(Reason::code).collect(),
        retry_after_ms: decision.retry_after_ms,
        level_up: decision.readings.stamina.micros(),
        heat_up: decision.readings.heat.micros(),
        streak: decision.readings.streak,
        in_flow: decision.readings.in_flow,
        cooldown_until_ms: decision.readings.cooldown_until.map(Timestamp::ms),
    }
}

/// Plays one world of five people for `steps` steps.
fn play(seed: u64, steps: u32) {
    let mut dice = Dice(seed);
    let naive_limits = limits(&mut dice);
    let pact = Pact::new(TierLimits::uniform(real(&naive_limits)));
    let store = Store::Memory(MemoryStore::new(100, vec![pact.clone()]));
    let mut people: Vec<Naive> = (0..5).map(|_| Naive::new(&naive_limits)).collect();
    let mut now_ms = dice.roll(2) * 1_800_000_000_000 + dice.roll(1_000_000);
    let mut told = None;
    let mut swept_at_ms = 0;
    for step in 0..steps {
        now_ms += match dice.roll(10) {
            0..5 => dice.roll(600),
            5..7 => dice.roll(5_000),
            7 => dice.roll(90_000),
            // Exactly as told, or a moment early.
            8 => told.unwrap_or(0),
            _ => told.unwrap_or(1_u64).saturating_sub(1),
        };
        // Now and then a clock that steps back.
        let at_ms =
            if dice.chance(5) { now_ms.saturating_sub(dice.roll(3_000)).max(swept_at_ms) } else { now_ms };
        let now = Timestamp::from_ms(at_ms);
        let person = dice.roll(5);
        let model = &mut people[usize::try_from(person).expect("small")];
        let key = SubjectKey(u128::from(person));
        let newcomer = || pact.newcomer(TrustTier::User, now);
        if dice.chance(3) {
            let pause_ms = dice.roll(4_000);
            store
                .update(key, 0, now, newcomer, |state| pact.pause(state, TrustTier::User, pause_ms, now))
                .expect("there is room");
            model.pause(&naive_limits, at_ms, pause_ms);
            continue;
        }
        let chars = dice.roll(60);
        let detections = if dice.chance(15) { count(dice.roll(4)) } else { 0 };
        let id = dice.chance(30).then(|| dice.roll(12));
        let interaction = Interaction { tier: TrustTier::User, chars, id: id.map(InteractionId) };
        let decision = store
            .update(key, 0, now, newcomer, |state| {
                pact.evaluate(state, &interaction, &Findings { detections }, now)
            })
            .expect("there is room");
        let expected = model.judge(&naive_limits, at_ms, chars, detections, id);
        assert_eq!(outcome(&decision), expected, "seed {seed}, step {step}, limits {naive_limits:#?}");
        told = expected.retry_after_ms.filter(|ms| *ms < 100_000);
        // A subject that was swept must be as one that never was; the model forgets nobody. A clock that steps back
        // behind the sweep finds a subject at rest where the model still holds the one before.
        if dice.chance(2) {
            store.sweep(now);
            swept_at_ms = at_ms;
        }
    }
}

#[test]
fn the_rules_agree_with_a_naive_second_model_in_every_world() {
    let first_seed = 20_261_122;
    println!("seeds {first_seed}..{}", first_seed + 2_000);
    for seed in first_seed..first_seed + 2_000 {
        play(seed, 150);
    }
}
