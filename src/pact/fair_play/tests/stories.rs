//! Stories: one person, one rule, one turn of events each.

use super::*;

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
