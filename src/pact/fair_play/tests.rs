//! Stories and laws of fair play. A clock is a number here; nothing sleeps.

use proptest::prelude::*;

use crate::pact::Pact;
use crate::pact::decision::{Decision, Effect, Reason};
use crate::pact::fair_play::advance::{advance, recovered_at};
use crate::pact::fair_play::limits::{Limits, TierLimits};
use crate::pact::interaction::{Findings, Interaction, InteractionId, TrustTier};
use crate::pact::points::Points;
use crate::pact::subject_state::SubjectState;
use crate::pact::time::Timestamp;

/// One person, the rules and a clock.
#[derive(Debug, Clone)]
struct Play {
    pact: Pact,
    limits: Limits,
    state: SubjectState,
    now: Timestamp,
}

const START_MS: u64 = 1_800_000_000_000;

impl Play {
    fn with(limits: Limits) -> Self {
        let now = Timestamp::from_ms(START_MS);
        let pact = Pact::new(TierLimits::uniform(limits.clone()));
        Self { state: pact.newcomer(TrustTier::User, now), pact, limits, now }
    }

    fn says(&mut self, chars: u64) -> Answer {
        self.sends(Message { chars, ..Message::default() })
    }

    fn sends(&mut self, message: Message) -> Answer {
        let interaction =
            Interaction { tier: TrustTier::User, chars: message.chars, id: message.id.map(InteractionId) };
        let findings = Findings { detections: message.detections };
        Answer(self.pact.evaluate(&mut self.state, &interaction, &findings, self.now))
    }

    fn waits_ms(&mut self, ms: u64) -> &mut Self {
        self.now = self.now.plus_ms(ms);
        self
    }

    fn is_paused_for_ms(&mut self, ms: u64) {
        self.pact.pause(&mut self.state, TrustTier::User, ms, self.now);
    }

    /// What would be said `ms` from now, without saying it.
    fn would_say_in_ms(&self, ms: u64, message: Message) -> Answer {
        let mut later = self.clone();
        later.waits_ms(ms).sends(message)
    }

    fn stamina(&self) -> Points {
        self.state.level
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Message {
    chars: u64,
    detections: u32,
    id: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer(Decision);

impl Answer {
    #[track_caller]
    fn is_permitted(&self) -> &Self {
        assert_eq!(self.0.effect(), Effect::Permit, "{:?}", self.codes());
        self
    }

    #[track_caller]
    fn is_denied(&self, reasons: &[Reason]) -> &Self {
        assert_eq!(self.0.reasons.iter().collect::<Vec<_>>(), reasons);
        self
    }

    #[track_caller]
    fn retry_after_ms(&self, ms: impl Into<Option<u64>>) -> &Self {
        assert_eq!(self.0.retry_after_ms, ms.into());
        self
    }

    fn codes(&self) -> Vec<&'static str> {
        self.0.reasons.iter().map(Reason::code).collect()
    }
}

/// Defaults without the pacing limits, so that a story can be about one meter.
fn unpaced() -> Limits {
    Limits {
        min_response_interval_ms: 0,
        max_burst_responses: 64,
        burst_window_ms: 1,
        max_interactions_per_minute: 10_000,
        rate_limit_max: 100_000,
        ..Limits::default()
    }
}

// === stamina ===

#[test]
fn a_refused_message_costs_no_stamina() {
    let mut play = Play::with(Limits { stamina_max: Points::whole(10), ..unpaced() });
    play.says(90).is_permitted();
    play.says(50).is_denied(&[Reason::StaminaExhausted]).retry_after_ms(400);
    assert_eq!(play.stamina(), Points::whole(1));
    play.waits_ms(399).says(50).is_denied(&[Reason::StaminaExhausted]).retry_after_ms(1);
    play.waits_ms(1).says(50).is_permitted();
}

#[test]
fn an_input_that_nobody_can_afford_is_never_admitted() {
    let mut play = Play::with(unpaced());
    play.says(1_000).is_permitted();
    play.says(1_001).is_denied(&[Reason::InputTooCostly]).retry_after_ms(None);
}

#[test]
fn the_empty_input_costs_the_minimum() {
    let mut play = Play::with(unpaced());
    play.says(0).is_permitted();
    assert_eq!(play.stamina(), Points::whole(99));
}

// === flow ===

#[test]
fn five_admissions_in_a_row_start_flow_and_a_refusal_ends_it() {
    let mut play = Play::with(unpaced());
    for _ in 0..5 {
        play.says(150).is_permitted();
    }
    assert_eq!(play.stamina(), Points::whole(25));
    play.waits_ms(1_000).says(0).is_permitted();
    assert_eq!(play.stamina(), Points::whole(25 + 15 - 1), "1.5 times the refill");
    play.says(900).is_denied(&[Reason::StaminaExhausted]).retry_after_ms(5_100);
    assert_eq!(play.state.streak, 0);
    play.waits_ms(1_000).says(0).is_permitted();
    assert_eq!(play.stamina(), Points::whole(39 + 10 - 1));
}

// === heat ===

#[test]
fn the_cooldown_holds_whatever_the_meter_says() {
    let mut play = Play::with(unpaced());
    let heated = Message { chars: 10, detections: 8, id: None };
    // 80.1 points at once: this input is never admitted, not even by a rested user.
    play.sends(heated).is_denied(&[Reason::CooldownActive]).retry_after_ms(None);
    play.waits_ms(60_000).says(10).is_denied(&[Reason::CooldownActive]).retry_after_ms(240_000);
    assert_eq!(play.state.heat, Points::ZERO);
    play.waits_ms(239_999).says(10).is_denied(&[Reason::CooldownActive]).retry_after_ms(1);
    play.waits_ms(1).says(10).is_permitted();
}

#[test]
fn polling_never_lengthens_a_lock() {
    let mut play = Play::with(unpaced());
    let warm = Message { chars: 10, detections: 4, id: None };
    play.sends(warm).is_permitted();
    play.sends(warm).is_denied(&[Reason::CooldownActive]).retry_after_ms(300_000);
    let until = play.state.cooldown_until;
    for _ in 0..1_000 {
        play.waits_ms(100).says(5_000).is_denied(&[Reason::CooldownActive]);
    }
    assert_eq!(play.state.cooldown_until, until);
    assert_eq!(play.state.heat, Points::ZERO);
}

#[test]
fn a_cooldown_ends_at_half_the_threshold_at_most() {
    let limits = Limits { cooldown_ms: 1_000, heat_decay_per_ms: Points::from_micros(1), ..unpaced() };
    let mut play = Play::with(limits);
    let hot = Message { chars: 10, detections: 7, id: None };
    play.sends(hot).is_permitted();
    play.sends(hot).is_denied(&[Reason::CooldownActive]);
    play.waits_ms(1_000).says(0).is_permitted();
    assert_eq!(play.state.heat, Points::from_micros(40_100_000));
}

#[test]
fn refused_load_warms_like_admitted_load() {
    let mut play = Play::with(unpaced());
    for _ in 0..7 {
        play.says(2_000).is_denied(&[Reason::InputTooCostly]);
    }
    assert_eq!(play.state.heat, Points::whole(70), "each is charged as the dearest input");
    play.says(2_000).is_denied(&[Reason::CooldownActive]);
}

#[test]
fn waiting_for_stamina_takes_the_heat_of_the_retry_into_account() {
    let limits = Limits { heat_decay_per_ms: Points::from_micros(100), ..unpaced() };
    let mut play = Play::with(limits);
    let warm = Message { chars: 900, detections: 2, id: None };
    play.sends(warm).is_permitted();
    // Stamina would do in 8 s, but at 58 points of heat the next 29 would overheat.
    play.sends(warm).is_denied(&[Reason::StaminaExhausted]).retry_after_ms(70_001);
    play.waits_ms(70_001).sends(warm).is_permitted();
}

// === pacing ===

#[test]
fn messages_may_not_come_closer_than_the_interval() {
    let mut play = Play::with(Limits::default());
    play.says(10).is_permitted();
    play.waits_ms(499).says(10).is_denied(&[Reason::IntervalTooShort]).retry_after_ms(1);
    play.waits_ms(1).says(10).is_permitted();
}

#[test]
fn a_burst_is_counted_exactly() {
    let mut play = Play::with(Limits::default());
    for _ in 0..3 {
        play.says(10).is_permitted();
        play.waits_ms(1_000);
    }
    play.says(10).is_denied(&[Reason::BurstLimit]).retry_after_ms(7_000);
    play.waits_ms(7_000).says(10).is_permitted();
    play.says(10).is_denied(&[Reason::IntervalTooShort, Reason::BurstLimit]).retry_after_ms(1_000);
}

#[test]
fn all_failing_gates_are_listed_in_order_and_the_longest_wait_is_told() {
    let limits = Limits {
        rate_limit_max: 1,
        max_burst_responses: 1,
        burst_log_len: 1,
        max_interactions_per_minute: 1,
        max_session_ms: 1,
        ..Limits::default()
    };
    let mut play = Play::with(limits);
    play.says(990).is_permitted();
    let denied = play.waits_ms(1).says(990);
    let all = [
        Reason::StaminaExhausted,
        Reason::RateLimited,
        Reason::IntervalTooShort,
        Reason::BurstLimit,
        Reason::MinuteLimit,
        Reason::SessionLimit,
    ];
    denied.is_denied(&all).retry_after_ms(599_999);
    play.waits_ms(599_999).says(990).is_permitted();
}

#[test]
fn a_sitting_ends_with_a_break_and_not_before() {
    let limits = Limits { max_session_ms: 60_000, session_break_ms: 30_000, ..Limits::default() };
    let mut play = Play::with(limits);
    play.says(10).is_permitted();
    for _ in 0..5 {
        play.waits_ms(11_999).says(10).is_permitted();
    }
    play.waits_ms(505).says(10).is_denied(&[Reason::SessionLimit]).retry_after_ms(29_495);
    assert_eq!(play.state.streak, 0);
    play.waits_ms(29_495).says(10).is_permitted();
    assert_eq!(play.state.session_started_at, Some(play.now));
}

// === pause, retries, clocks ===

#[test]
fn a_paused_user_waits_until_the_pause_ends() {
    let mut play = Play::with(Limits::default());
    play.is_paused_for_ms(10_000);
    play.is_paused_for_ms(5_000);
    play.waits_ms(1).says(10).is_denied(&[Reason::Paused]).retry_after_ms(9_999);
    play.waits_ms(9_999).says(10).is_permitted();
}

#[test]
fn a_pause_hides_a_cooldown_but_does_not_end_it() {
    let mut play = Play::with(unpaced());
    let warm = Message { chars: 10, detections: 4, id: None };
    play.sends(warm).is_permitted();
    play.sends(warm).is_denied(&[Reason::CooldownActive]);
    play.is_paused_for_ms(10_000);
    play.says(10).is_denied(&[Reason::Paused]).retry_after_ms(300_000);
    play.waits_ms(10_000).says(10).is_denied(&[Reason::CooldownActive]).retry_after_ms(290_000);
}

#[test]
fn the_same_interaction_is_charged_once() {
    let mut play = Play::with(Limits::default());
    let first = Message { chars: 100, detections: 0, id: Some(1) };
    play.sends(first).is_permitted();
    let level = play.stamina();
    for _ in 0..20 {
        play.sends(first).is_permitted();
    }
    assert_eq!((play.stamina(), play.state.streak), (level, 1));
    // Another one in the same moment is another one.
    play.sends(Message { id: Some(2), ..first }).is_denied(&[Reason::IntervalTooShort]).retry_after_ms(500);
    let again = play.waits_ms(200).sends(Message { id: Some(2), ..first });
    again.is_denied(&[Reason::IntervalTooShort]).retry_after_ms(300);
    assert!(again.0.repeated);
}

#[test]
fn a_locked_refusal_is_judged_anew_when_the_lock_has_ended() {
    let mut play = Play::with(Limits::default());
    play.is_paused_for_ms(1_000);
    let message = Message { chars: 10, detections: 0, id: Some(1) };
    play.sends(message).is_denied(&[Reason::Paused]).retry_after_ms(1_000);
    play.waits_ms(1_000).sends(message).is_permitted();
}

#[test]
fn a_clock_that_steps_back_pays_nothing_out() {
    let mut play = Play::with(Limits::default());
    play.says(500).is_permitted();
    let (level, now) = (play.stamina(), play.now);
    play.now = Timestamp::from_ms(START_MS - 1_000_000);
    play.says(10).is_denied(&[Reason::IntervalTooShort]).retry_after_ms(500);
    assert_eq!((play.stamina(), play.state.updated_at), (level, now));
}

#[test]
fn tiers_share_the_state_and_keep_their_own_limits() {
    let generous = Limits { stamina_max: Points::whole(500), ..unpaced() };
    let tiers = TierLimits::new([unpaced(), unpaced(), unpaced(), generous]);
    let pact = Pact::new(tiers);
    let now = Timestamp::from_ms(START_MS);
    let mut state = pact.newcomer(TrustTier::Privileged, now);
    let mut judge = |tier, chars| {
        let interaction = Interaction { tier, chars, id: None };
        pact.evaluate(&mut state, &interaction, &Findings::default(), now).reasons.primary()
    };
    assert_eq!(judge(TrustTier::Privileged, 1_500), None);
    assert_eq!(judge(TrustTier::User, 1_500), Some(Reason::InputTooCostly));
    // The user's 100 points are what is left of the privileged 350.
    assert_eq!(judge(TrustTier::User, 900), None);
    assert_eq!(judge(TrustTier::Privileged, 900), Some(Reason::StaminaExhausted));
}

// === laws ===

fn limits() -> impl Strategy<Value = Limits> {
    let meters = (1..40_i64, 1..20_i64, 0..3_i64, 1..20_i64, 1_000..10_000_i64, 1..6_u32);
    let heat = (0..2_000_i64, 0..20_i64, 1..=100_i64, 0..50_i64, 1..20_i64, 1..5_000_u64);
    let pacing = (0..900_u64, 1..=6_u32, 1..5_000_u64, 1..12_u32, 1..9_u32, 1..20_000_u64);
    let sitting = (1..30_000_u64, 1..9_000_u64);
    (meters, heat, pacing, sitting).prop_map(|(meters, heat, pacing, sitting)| Limits {
        stamina_max: Points::whole(meters.0.max(meters.2)),
        stamina_cost_per_char: Points::from_micros(meters.1 * 50_000),
        stamina_cost_min: Points::whole(meters.2),
        stamina_regen_per_ms: Points::from_micros(meters.3 * 777),
        stamina_flow_bonus_permille: meters.4,
        flow_after: meters.5,
        heat_per_cost_permille: heat.0,
        heat_per_detection: Points::whole(heat.1),
        heat_threshold: Points::whole(heat.2),
        heat_max: Points::whole(heat.2 + heat.3),
        heat_decay_per_ms: Points::from_micros(heat.4 * 777),
        cooldown_ms: heat.5,
        min_response_interval_ms: pacing.0,
        max_burst_responses: pacing.1,
        burst_log_len: pacing.1,
        burst_window_ms: pacing.2,
        max_interactions_per_minute: pacing.3,
        rate_limit_max: pacing.4,
        rate_limit_window_ms: pacing.5,
        max_session_ms: sitting.0,
        session_break_ms: sitting.1,
    })
}

#[derive(Debug, Clone, Copy)]
struct Turn {
    wait_ms: u64,
    message: Message,
    pause_ms: Option<u64>,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let wait = prop_oneof![4 => 0..700_u64, 2 => 0..5_000_u64, 1 => 0..90_000_u64];
    let message =
        (0..60_u64, prop_oneof![5 => Just(0_u32), 1 => 1..4_u32], prop::option::weighted(0.3, 0..12_u64))
            .prop_map(|(chars, detections, id)| Message { chars, detections, id });
    let pause = prop::option::weighted(0.05, 0..3_000_u64);
    let turn =
        (wait, message, pause).prop_map(|(wait_ms, message, pause_ms)| Turn { wait_ms, message, pause_ms });
    prop::collection::vec(turn, 1..40)
}

fn take(play: &mut Play, turn: Turn) -> Answer {
    play.waits_ms(turn.wait_ms);
    if let Some(ms) = turn.pause_ms {
        play.is_paused_for_ms(ms);
    }
    play.sends(turn.message)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_refused_input_is_admitted_at_exactly_retry_after_and_refused_before(
        limits in limits(), turns in turns(), probes in prop::collection::vec(any::<u64>(), 8),
    ) {
        let mut play = Play::with(limits);
        for turn in turns {
            let answer = take(&mut play, turn);
            if answer.0.effect() == Effect::Permit || answer.0.repeated {
                continue;
            }
            // The retry is a new interaction: under its old id it would get the old answer.
            let again = Message { id: None, ..turn.message };
            match answer.0.retry_after_ms {
                Some(wait) => {
                    prop_assert!(wait >= 1);
                    play.would_say_in_ms(wait, again).is_permitted();
                    let early = probes.iter().map(|probe| probe % wait).chain([wait - 1, wait / 2, 1]);
                    for ms in early.filter(|ms| (1..wait).contains(ms)) {
                        prop_assert_eq!(play.would_say_in_ms(ms, again).0.effect(), Effect::Deny, "after {} of {} ms", ms, wait);
                    }
                }
                None => {
                    for ms in probes.iter().map(|probe| probe % 10_000_000).chain([1 << 40]) {
                        prop_assert_eq!(play.would_say_in_ms(ms, again).0.effect(), Effect::Deny);
                    }
                }
            }
        }
    }

    #[test]
    fn who_waits_as_told_never_overheats(limits in limits(), turns in turns()) {
        let mut play = Play::with(limits);
        for turn in turns {
            let message = Message { id: None, ..turn.message };
            let mut answer = play.waits_ms(turn.wait_ms).sends(message);
            // A fresh input may overheat; a retry at the told time must not be refused at all.
            if let Some(wait) = answer.0.retry_after_ms {
                answer = play.waits_ms(wait).sends(message);
                answer.is_permitted();
                prop_assert_eq!(play.state.cooldown_until, None);
            }
        }
    }

    #[test]
    fn waiting_is_divisible(limits in limits(), turns in turns(), steps in prop::collection::vec(0..4_000_u64, 1..30)) {
        let mut play = Play::with(limits);
        for turn in turns {
            take(&mut play, turn);
        }
        let mut in_steps = play.state.clone();
        let mut now = play.now;
        for step in steps {
            now = now.plus_ms(step);
            advance(&mut in_steps, &play.limits, now);
        }
        let mut at_once = play.state.clone();
        advance(&mut at_once, &play.limits, now);
        prop_assert_eq!(at_once, in_steps);
    }

    #[test]
    fn a_recovered_subject_cannot_be_told_from_a_new_one_and_not_a_moment_earlier(
        limits in limits(), turns in turns(), later in turns(),
    ) {
        let mut play = Play::with(limits);
        for turn in turns {
            take(&mut play, turn);
        }
        let tiers = TierLimits::uniform(play.limits.clone());
        let recovered = recovered_at(&play.state, &tiers);
        play.now = recovered.max(play.now);
        let mut stranger = Play { state: play.pact.newcomer(TrustTier::User, play.now), ..play.clone() };
        let mut old = play.clone();
        for turn in later {
            prop_assert_eq!(take(&mut old, turn), take(&mut stranger, turn));
        }
        if recovered > play.state.updated_at {
            let mut nearly = play.state.clone();
            let before = Timestamp::from_ms(recovered.ms() - 1);
            advance(&mut nearly, &play.limits, before);
            let rested = nearly.level == play.limits.stamina_max && nearly.heat == Points::ZERO;
            let idle = nearly.session_started_at.is_none() && nearly.remembered.empty_at() <= before;
            let free = nearly.cooldown_until.is_none() && nearly.paused_until.is_none();
            let window = play.limits.rate_window();
            let empty = nearly.rate.empty_at(window) <= before && nearly.minute.empty_at(super::MINUTE) <= before;
            let unpaced = nearly.last_admitted_at.is_none_or(|at| {
                before.ms_since(at) >= play.limits.min_response_interval_ms.max(play.limits.burst_window_ms)
            });
            let sitting_over = nearly.last_admitted_at.is_none_or(|at| before.ms_since(at) >= play.limits.session_break_ms);
            prop_assert!(!(rested && idle && free && empty && unpaced && sitting_over), "recovered a moment earlier");
        }
    }

    #[test]
    fn no_real_window_ever_admits_more_than_its_limit(limits in limits(), turns in turns()) {
        let mut play = Play::with(limits.clone());
        let mut admitted: Vec<Timestamp> = Vec::new();
        for turn in turns {
            let answer = take(&mut play, turn);
            if answer.0.effect() == Effect::Permit && !answer.0.repeated {
                admitted.push(play.now);
            }
            let inside = |window_ms: u64| {
                let count = admitted.iter().filter(|at| at.plus_ms(window_ms) > play.now).count();
                u32::try_from(count).expect("few turns")
            };
            prop_assert!(inside(60_000) <= limits.max_interactions_per_minute);
            prop_assert!(inside(limits.rate_limit_window_ms) <= limits.rate_limit_max);
            prop_assert!(inside(limits.burst_window_ms) <= limits.max_burst_responses);
        }
    }

    #[test]
    fn a_cooldown_is_never_cut_short(limits in limits(), turns in turns()) {
        let mut play = Play::with(limits);
        let mut until = None;
        for turn in turns {
            let answer = take(&mut play, turn);
            if until.is_some_and(|until| play.now < until) && !answer.0.repeated {
                prop_assert_eq!(answer.0.effect(), Effect::Deny);
                prop_assert!(play.state.cooldown_until >= until);
            }
            until = until.max(play.state.cooldown_until);
        }
    }

    #[test]
    fn meters_stay_within_their_bounds_and_refusals_cost_nothing(limits in limits(), turns in turns()) {
        let mut play = Play::with(limits);
        for turn in turns {
            let mut before = play.state.clone();
            let answer = take(&mut play, turn);
            advance(&mut before, &play.limits, play.now);
            prop_assert!(play.state.level >= Points::ZERO && play.state.level <= play.limits.stamina_max);
            prop_assert!(play.state.heat >= Points::ZERO && play.state.heat <= play.limits.heat_max);
            if answer.0.effect() == Effect::Deny {
                prop_assert_eq!(play.state.level, before.level);
                prop_assert_eq!(&play.state.rate, &before.rate);
                prop_assert_eq!(&play.state.burst, &before.burst);
            }
        }
    }

    #[test]
    fn an_explanation_fails_exactly_the_gates_that_refuse(limits in limits(), turns in turns()) {
        let mut play = Play::with(limits);
        for turn in turns {
            play.waits_ms(turn.wait_ms);
            let message = Message { id: None, ..turn.message };
            let interaction = Interaction { tier: TrustTier::User, chars: message.chars, id: None };
            let findings = Findings { detections: message.detections };
            let failing: Vec<_> = play
                .pact
                .explain(&play.state, &interaction, &findings, play.now)
                .into_iter()
                .filter(|gate| !gate.passed)
                .map(|gate| gate.gate)
                .collect();
            let reasons: Vec<_> = play.sends(message).0.reasons.iter().collect();
            // A lock or an overheating is the only reason told, whatever else would have failed.
            if reasons.first().is_some_and(|reason| *reason <= Reason::CooldownActive) {
                prop_assert_eq!(failing.first(), reasons.first());
            } else {
                prop_assert_eq!(failing, reasons);
            }
        }
    }
}
