//! The fields of fair play (`fair_play` in a policy and in its tiers).

use super::{Field, Kind, Low, MAX_DURATION_MS, Shape, Unit};

/// A billion points: far from where micro-points saturate.
const MANY_POINTS: i64 = 1_000_000_000_000_000;
/// A billion points per second, in micro-points per millisecond.
const MANY_POINTS_PER_SECOND: i64 = 1_000_000_000_000;
/// One point.
const POINT: i64 = 1_000_000;

const fn decimal(
    name: &'static str,
    default: &'static str,
    (unit, low, high): (Unit, Low, i64),
    about: &'static str,
) -> Field {
    Field { name, about, shape: Shape::Value { kind: Kind::Decimal { unit, low, high }, default } }
}

const fn count(name: &'static str, default: &'static str, high: i64, about: &'static str) -> Field {
    let kind = Kind::Whole { low: 1, high, unit: "interactions" };
    Field { name, about, shape: Shape::Value { kind, default } }
}

const POSITIVE_POINTS: (Unit, Low, i64) = (Unit::Points, Low::Above(0), MANY_POINTS);
const POSITIVE_RATE: (Unit, Low, i64) = (Unit::PointsPerSecond, Low::Above(0), MANY_POINTS_PER_SECOND);
const POSITIVE_TIME: (Unit, Low, i64) = (Unit::Seconds, Low::Above(0), MAX_DURATION_MS);

/// In the order of the rules.
pub(in crate::config) const FAIR_PLAY: &[Field] = &[
    decimal(
        "stamina_max",
        "100",
        POSITIVE_POINTS,
        "Points that a rested user holds. With the cost per character it is also the longest input ever \
         admitted (1000 characters by default). Raise it for long prompts.",
    ),
    decimal(
        "stamina_cost_per_char",
        "0.1",
        (Unit::Points, Low::Above(0), 10 * POINT),
        "What one character of new input costs. Lower it where people paste documents.",
    ),
    decimal(
        "stamina_cost_min",
        "1",
        (Unit::Points, Low::AtLeast(0), MANY_POINTS),
        "The least cost of one interaction, the empty one included; at most `stamina_max`. Raise it to slow \
         down many tiny messages.",
    ),
    decimal(
        "stamina_regen_per_second",
        "10",
        POSITIVE_RATE,
        "How fast stamina comes back. With `stamina_cost_per_char` it is the typing speed that can be kept up \
         (100 characters per second by default).",
    ),
    decimal(
        "stamina_flow_bonus",
        "1.5",
        (Unit::Factor, Low::AtLeast(1_000), 10_000),
        "Factor on the refill while in flow. 1 turns flow off.",
    ),
    count(
        "flow_after",
        "5",
        1_000_000,
        "Admitted interactions in a row that start flow. Raise it to make the bonus rarer.",
    ),
    decimal(
        "heat_per_cost",
        "0.1",
        (Unit::Factor, Low::AtLeast(0), 1_000_000),
        "Points of heat per point of cost of every judged input, admitted or not. Raise it to send heavy \
         traffic to cool down sooner.",
    ),
    decimal(
        "heat_per_detection",
        "10",
        (Unit::Points, Low::AtLeast(0), 1_000_000 * POINT),
        "Points of heat per sensitive finding in the text. This version has no content rules yet, so only \
         `simulate` reports findings.",
    ),
    decimal(
        "heat_max",
        "100",
        POSITIVE_POINTS,
        "Where the heat meter ends; at least `heat_threshold`. It bounds how long heat takes to go away.",
    ),
    decimal(
        "heat_threshold",
        "80",
        (Unit::Points, Low::Above(0), 100 * POINT),
        "Points of heat at which the user is sent to cool down. Lower it for younger audiences.",
    ),
    decimal(
        "heat_decay_rate",
        "5",
        POSITIVE_RATE,
        "Points of heat lost per second. Raise it to forget bursts sooner.",
    ),
    decimal(
        "cooldown_duration",
        "300",
        POSITIVE_TIME,
        "How long a cooldown lasts once the threshold is reached. Nothing is admitted in it.",
    ),
    decimal(
        "min_response_interval",
        "0.5",
        (Unit::Seconds, Low::AtLeast(0), MAX_DURATION_MS),
        "The least time between two admitted interactions. 0 turns it off.",
    ),
    count(
        "max_burst_responses",
        "3",
        64,
        "Admitted interactions inside any `burst_window`. Raise it for tools that send several requests at once.",
    ),
    decimal(
        "burst_window",
        "10",
        POSITIVE_TIME,
        "The window of `max_burst_responses`. It is exact to the millisecond.",
    ),
    count(
        "max_interactions_per_minute",
        "30",
        10_000,
        "Admitted interactions inside any 60 seconds. Counted in slots of 5 seconds, so never more and at \
         times a little less.",
    ),
    count(
        "rate_limit_max",
        "100",
        100_000,
        "Admitted interactions inside any `rate_limit_window`. Use it for a longer window than the minute, an \
         hour or a day.",
    ),
    decimal(
        "rate_limit_window",
        "60",
        POSITIVE_TIME,
        "The window of `rate_limit_max`, counted in slots of a twelfth.",
    ),
    decimal(
        "max_session_length",
        "3600",
        POSITIVE_TIME,
        "How long one sitting may last; then the user has to take a `session_break`. Lower it for younger audiences.",
    ),
    decimal(
        "session_break",
        "600",
        POSITIVE_TIME,
        "A gap this long between admitted interactions starts a new sitting and ends flow.",
    ),
];
