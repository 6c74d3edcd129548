//! Settings that are valid and odd.

use super::*;

fn advice(text: &str) -> Vec<String> {
    let warnings = Written::file(text).loads().warnings;
    warnings.iter().filter(|w| w.loudness == Loudness::Advice).map(ToString::to_string).collect()
}

#[test]
fn the_defaults_own_redundant_limits_are_advice_and_never_loud() {
    let loaded = Written::default().loads();
    assert!(loaded.warnings.iter().all(|warning| warning.loudness == Loudness::Advice));
    let said: Vec<_> = loaded.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "`policies.default.fair_play.max_interactions_per_minute`: can never bind (30): intervals of 0.5 s and \
             bursts of 3 in 10 s admit at most 21 in 65 s",
            "`policies.default.fair_play.rate_limit_max`: can never bind (100): intervals of 0.5 s and bursts of 3 \
             in 10 s admit at most 21 in 65 s",
        ]
    );
}

#[test]
fn odd_limits_are_explained() {
    let of = |fields: &str| advice(&format!("policies: {{default: {{fair_play: {{{fields}}}}}}}")).join("\n");
    for (fields, words) in [
        (
            "min_response_interval: 5",
            "max_burst_responses`: can never bind (3): intervals of 5 s admit at most 2",
        ),
        ("max_burst_responses: 1", "min_response_interval`: can never bind: the burst limit of 1"),
        (
            "max_burst_responses: 64, burst_window: 1, rate_limit_max: 10",
            "max_interactions_per_minute`: can never",
        ),
        ("stamina_cost_min: 100, stamina_regen_per_second: 1", "the least cost of an interaction"),
        ("stamina_regen_per_second: 200", "stamina_max`: can never run out"),
        ("heat_per_cost: 0", "heat_threshold can never be reached"),
        ("heat_per_cost: 0.8", "stamina_max`: an input that costs this much is never admitted"),
        ("heat_per_cost: 80", "no input is ever admitted"),
        ("cooldown_duration: 7.999", "rewards overheating"),
        ("session_break: 0.5", "every interaction starts a new sitting"),
        ("max_session_length: 100000", "hardly ever binds"),
        ("session_break: 100000", "a sitting hardly ever ends"),
        ("stamina_max: 200000, stamina_cost_per_char: 0.1", "no input can be too costly"),
    ] {
        let said = of(fields);
        assert!(said.contains(words), "{fields}: {said}");
    }
    // At the edge there is nothing odd.
    let edge =
        of("cooldown_duration: 8, max_burst_responses: 10, max_session_length: 86400, session_break: 86400");
    assert_eq!(
        edge,
        "`policies.default.fair_play.rate_limit_max`: can never bind (100): intervals of 0.5 s and bursts of 10 in 10 s \
         admit at most 70 in 65 s"
    );
}

#[test]
fn stamina_is_reckoned_with_the_refill_of_flow() {
    let of = |bonus: &str| {
        advice(&format!(
            "policies: {{default: {{fair_play: {{stamina_cost_min: 10, min_response_interval: 0, max_burst_responses: \
             64, burst_window: 0.001, max_interactions_per_minute: 100, stamina_flow_bonus: {bonus}}}}}}}"
        ))
    };
    let said = of("1");
    assert!(
        said.iter().any(|words| words.contains("refill of stamina admit at most 74 in 65 s")),
        "{said:#?}"
    );
    // (100 + 64.999 s × 10 × 2) / 10 = 139: now the minute may bind first.
    assert!(of("2").iter().all(|words| !words.contains("per_minute`")), "{:#?}", of("2"));
}

#[test]
fn a_tier_is_advised_only_about_what_differs() {
    let said = advice("policies: {default: {tiers: {anonymous: {fair_play: {heat_per_cost: 0}}}}}");
    assert_eq!(said.len(), 3, "{said:#?}");
    assert!(said[2].starts_with("`policies.default.tiers.anonymous.fair_play.heat_per_cost`"));
}

#[test]
fn other_odd_settings_are_explained() {
    let said = advice(
        "server: {max_text_bytes: 8388608}\nroutes: {max_request_bytes: 2097152}\nidentity: {headers: {age: x-age}}",
    )
    .join("\n");
    for words in [
        "`identity.headers.user`: is empty",
        "`routes.max_request_bytes`: is above Envoy's",
        "at most 4194304",
    ] {
        assert!(said.contains(words), "{said}");
    }
}

proptest! {
    /// A gate that is said never to bind never is the only one that refuses.
    #[test]
    fn a_limit_that_is_said_never_to_bind_never_does(
        interval in 0_u64..3_000, burst in 1_u32..6, burst_window in 1_u64..30_000, minute in 1_u32..40,
        rate in 1_u32..60, rate_window in prop_oneof![Just(60_000_u64), 1_u64..200_000],
        cost_min in 0_i64..40, regen in 1_i64..200, bonus in 1_000_i64..3_000, start in 0_u64..60_000,
        waits in proptest::collection::vec((0_u64..1_500, any::<bool>()), 300),
    ) {
        let limits = Limits {
            stamina_cost_min: Points::whole(cost_min),
            stamina_regen_per_ms: Points::from_micros(regen * 100),
            stamina_flow_bonus_permille: bonus,
            heat_per_cost_permille: 0,
            min_response_interval_ms: interval,
            max_burst_responses: burst,
            burst_window_ms: burst_window,
            max_interactions_per_minute: minute,
            rate_limit_max: rate,
            rate_limit_window_ms: rate_window,
            ..Limits::default()
        };
        let dead: Vec<Reason> = advice::of_limits(&limits, 1 << 20)
            .into_iter()
            .filter(|(_, message)| message.contains("can never"))
            .filter_map(|(field, _)| match field {
                "min_response_interval" => Some(Reason::IntervalTooShort),
                "max_burst_responses" => Some(Reason::BurstLimit),
                "max_interactions_per_minute" => Some(Reason::MinuteLimit),
                "rate_limit_max" => Some(Reason::RateLimited),
                "stamina_max" => Some(Reason::StaminaExhausted),
                _ => None,
            })
            .collect();
        let pact = Pact::new(TierLimits::uniform(limits));
        let mut now = Timestamp::from_ms(start);
        let mut state = pact.newcomer(TrustTier::User, now);
        let ask = Interaction { tier: TrustTier::User, chars: 0, id: None };
        for (wait, as_told) in waits {
            let decision = pact.evaluate(&mut state, &ask, &Findings::default(), now);
            let reasons: Vec<_> = decision.reasons.iter().collect();
            if let [only] = reasons[..] {
                prop_assert!(!dead.contains(&only), "{only:?} bound alone");
            }
            // Greedy clients come at the earliest moment, others when they like.
            let told = decision.retry_after_ms.filter(|_| as_told && decision.effect() == Effect::Deny);
            now = now.plus_ms(told.unwrap_or(if as_told { 0 } else { wait }));
        }
    }
}

#[test]
fn tiers_with_rate_windows_of_their_own_are_told_what_they_share() {
    let said =
        advice("policies: {default: {tiers: {verified: {fair_play: {rate_limit_window: 3600}}}}}").join("\n");
    assert!(said.contains("`policies.default.tiers`: differ in rate_limit_window"), "{said}");
}
