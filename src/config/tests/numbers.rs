//! Exact decimals and their bounds.

use super::*;

#[test]
fn decimals_become_exact_micro_points_and_milliseconds() {
    let loaded = Written::file(
        "policies: {default: {fair_play: {stamina_max: 1e2, stamina_cost_per_char: 0.000001, \
         stamina_regen_per_second: 0.001, heat_decay_rate: '7.25', burst_window: 0.3, stamina_flow_bonus: 1.001, \
         max_interactions_per_minute: 1_000}}}",
    )
    .loads();
    let limits = default_limits(&loaded);
    assert_eq!(limits.stamina_max, Points::whole(100));
    assert_eq!(limits.stamina_cost_per_char, Points::from_micros(1));
    assert_eq!(limits.stamina_regen_per_ms, Points::from_micros(1));
    assert_eq!(limits.heat_decay_per_ms, Points::from_micros(7_250));
    assert_eq!(limits.burst_window_ms, 300);
    assert_eq!(limits.stamina_flow_bonus_permille, 1_001);
    assert_eq!(limits.max_interactions_per_minute, 1_000);
}

#[test]
fn a_value_that_is_too_fine_names_the_nearest_that_works() {
    for (field, written, mistake) in [
        (
            "stamina_max",
            "100.0000005",
            "100.0000005 is finer than a millionth of a point; the nearest value that works is 100.000001",
        ),
        // 0 is nearer, but it is out of bounds.
        (
            "stamina_max",
            "0.0000001",
            "0.0000001 is finer than a millionth of a point; the nearest value that works is 0.000001",
        ),
        (
            "heat_per_detection",
            "0.0000001",
            "0.0000001 is finer than a millionth of a point; the nearest value that works is 0",
        ),
        (
            "stamina_regen_per_second",
            "1.2345",
            "1.2345 is finer than a thousandth of a point per second; the nearest value that works is 1.235",
        ),
        (
            "burst_window",
            "0.0004",
            "0.0004 is finer than a millisecond; the nearest value that works is 0.001",
        ),
        (
            "stamina_flow_bonus",
            "1.00004",
            "1.00004 is finer than a thousandth; the nearest value that works is 1",
        ),
        ("flow_after", "2.5", "2.5 is not a whole number; the nearest value that works is 3"),
        (
            "heat_threshold",
            "99.9999999",
            "99.9999999 is finer than a millionth of a point; the nearest value that works is 100",
        ),
    ] {
        assert_eq!(fair_play_mistake(field, written), mistake);
    }
}

#[test]
fn every_bound_is_checked_and_named() {
    for (field, written, mistake) in [
        ("heat_threshold", "120", "120 is above 100 points (0 < heat_threshold <= 100)"),
        ("heat_threshold", "120.00000001", "120.00000001 is above 100 points (0 < heat_threshold <= 100)"),
        ("heat_threshold", "0", "0 is not above 0 points (0 < heat_threshold <= 100)"),
        ("stamina_max", "-1", "-1 is not above 0 points (0 < stamina_max <= 1000000000)"),
        ("stamina_max", "1e30", "1e30 is above 1000000000 points (0 < stamina_max <= 1000000000)"),
        ("stamina_cost_per_char", "10.1", "10.1 is above 10 points (0 < stamina_cost_per_char <= 10)"),
        ("stamina_cost_min", "-0.5", "-0.5 is below 0 points (0 <= stamina_cost_min <= 1000000000)"),
        ("stamina_flow_bonus", "0.999", "0.999 is below 1 (1 <= stamina_flow_bonus <= 10)"),
        ("stamina_flow_bonus", "11", "11 is above 10 (1 <= stamina_flow_bonus <= 10)"),
        ("flow_after", "0", "0 is below 1 interactions (1 <= flow_after <= 1000000)"),
        ("max_burst_responses", "65", "65 is above 64 interactions (1 <= max_burst_responses <= 64)"),
        ("burst_window", "0", "0 is not above 0 seconds (0 < burst_window <= 315360000)"),
        ("session_break", "1e9", "1e9 is above 315360000 seconds (0 < session_break <= 315360000)"),
        ("min_response_interval", "-1", "-1 is below 0 seconds (0 <= min_response_interval <= 315360000)"),
    ] {
        assert_eq!(fair_play_mistake(field, written), mistake);
    }
    for (field, bad) in [
        ("max_interactions_per_minute", "10001"),
        ("rate_limit_max", "100001"),
        ("heat_per_cost", "-0.001"),
        ("heat_decay_rate", "0"),
        ("cooldown_duration", "0"),
        ("rate_limit_window", "0"),
        ("max_session_length", "0"),
        ("stamina_regen_per_second", "0"),
    ] {
        fair_play_mistake(field, bad);
    }
}

#[test]
fn what_is_no_number_is_refused() {
    for written in
        [".nan", ".inf", "-.inf", "1e999e", "many", "true", "0x10", "''", "[1]", "{a: 1}", "null", "~"]
    {
        fair_play_mistake("stamina_max", written);
    }
    assert_eq!(
        fair_play_mistake("stamina_max", "many"),
        "`many` is not a number; give above 0 up to 1000000000 points"
    );
}

#[test]
fn limits_that_contradict_each_other_are_named_where_they_were_written() {
    let mistakes = Written::file(
        "policies:\n  default:\n    fair_play:\n      stamina_cost_min: 200\n      heat_max: 70\n    tiers:\n      \
         verified:\n        fair_play:\n          stamina_max: 50\n",
    )
    .fails();
    assert_eq!(
        mistakes,
        [
            "pact.yaml:4:25: `policies.default.fair_play.stamina_cost_min`: 200 is above \
             `policies.default.fair_play.stamina_max` (100)",
            "pact.yaml:5:17: `policies.default.fair_play.heat_max`: 70 is below \
             `policies.default.fair_play.heat_threshold` (80)",
            "pact.yaml:9:24: `policies.default.tiers.verified.fair_play.stamina_max`: 50 is below \
             `policies.default.fair_play.stamina_cost_min` (200)",
        ]
    );
}
