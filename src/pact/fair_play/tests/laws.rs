//! Laws that hold whatever the limits and whatever happens.

use proptest::prelude::*;

use super::*;
use crate::pact::fair_play::advance::{advance, recovered_at};
use crate::pact::fair_play::limits::MINUTE;

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
            let empty = nearly.rate.empty_at(window) <= before && nearly.minute.empty_at(MINUTE) <= before;
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
