//! What is odd about valid settings: limits that can never bind beside the others, and what this version does not do.
//!
//! A gate never binds if it cannot refuse what all the others admit. Each claim compares the gate's limit with the most
//! admissions that another rule lets through in the time the gate looks back on, so a claim is never wrong; there may be
//! odd settings that it does not find.

use crate::config::errors::{Loudness, Warning};
use crate::config::kinds::Checked;
use crate::config::read::Values;
use crate::config::schema::MAX_DURATION_MS;
use crate::config::{Config, Policy};
use crate::pact::fair_play::limits::Limits;
use crate::pact::interaction::TrustTier;
use crate::pact::points::Points;

const MINUTE_MS: u64 = 60_000;
const DAY_MS: u64 = 86_400_000;
const MEBIBYTE: usize = 1 << 20;

/// Adds what is odd, the loud ones first.
pub(super) fn advise(values: &Values, config: &Config, warnings: &mut Vec<Warning>) {
    let mut warn = |loudness, path: String, message: String| {
        warnings.push(Warning { loudness, path, message });
    };
    for policy in &values.policies {
        let path = format!("policies.{policy}.developmental.developmental_safety_mode");
        if values.at(&path).value == Checked::Switch(true) {
            let message = "is on, but this version has no developmental rules: ages change nothing and no topic \
                           is kept from anybody";
            warn(Loudness::Loud, path, message.to_owned());
        }
    }
    for policy in &values.policies_from_outside {
        let message = "exists only through the environment or the command line; is its name right?";
        warn(Loudness::Loud, format!("policies.{policy}"), message.to_owned());
    }
    let mut advise = |path: &str, message: String| warn(Loudness::Advice, path.to_owned(), message);
    let headers = &config.identity.headers;
    if headers.user.is_empty() && !(headers.age.is_empty() && headers.tier.is_empty()) {
        let message = "is empty, so the headers for age and tier are never read: a source is taken whole";
        advise("identity.headers.user", message.to_owned());
    }
    if config.routes.max_request_bytes > MEBIBYTE {
        let message = "is above Envoy's connection buffer of 1 MiB: raise \
                       per_connection_buffer_limit_bytes with it";
        advise("routes.max_request_bytes", message.to_owned());
    }
    if config.server.max_text_bytes > config.server.max_message_bytes {
        let message = format!(
            "can never bind: a message has at most {} bytes (server.max_message_bytes)",
            config.server.max_message_bytes
        );
        advise("server.max_text_bytes", message);
    }
    for policy in &config.policies {
        for (path, message) in of_policy(values, policy, config.server.max_text_bytes) {
            advise(&path, message);
        }
        let window = |tier| policy.pact.fair_play().of(tier).rate_limit_window_ms;
        if TrustTier::ALL.into_iter().any(|tier| window(tier) != window(TrustTier::User)) {
            let message = "differ in rate_limit_window: a user has one rate window, so a request under a tier with a \
                           shorter one ends what was counted for a longer one";
            advise(&format!("policies.{}.tiers", policy.name), message.to_owned());
        }
    }
}

/// What is odd about a policy: about its own limits once, and about a tier's where that differs.
fn of_policy(values: &Values, policy: &Policy, max_text_bytes: usize) -> Vec<(String, String)> {
    let of_tier = |tier| of_limits(policy.pact.fair_play().of(tier), max_text_bytes);
    let prefix = |tier: TrustTier| format!("policies.{}.tiers.{}.", policy.name, tier.name());
    let differs = |tier: &TrustTier| values.iter().any(|(path, _)| path.starts_with(&prefix(*tier)));
    let common = TrustTier::ALL.into_iter().find(|tier| !differs(tier)).map(of_tier).unwrap_or_default();
    let mut advice: Vec<_> = common
        .iter()
        .map(|(field, message)| (format!("policies.{}.fair_play.{field}", policy.name), message.clone()))
        .collect();
    for tier in TrustTier::ALL.into_iter().filter(differs) {
        let own = of_tier(tier).into_iter().filter(|finding| !common.contains(finding));
        advice.extend(own.map(|(field, message)| (format!("{}fair_play.{field}", prefix(tier)), message)));
    }
    advice
}

/// What is odd about one set of limits: the field and why.
pub(super) fn of_limits(limits: &Limits, max_text_bytes: usize) -> Vec<(&'static str, String)> {
    let mut found = pacing(limits);
    found.extend(meters(limits, max_text_bytes));
    found.extend(sittings(limits));
    found
}

fn pacing(limits: &Limits) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let (burst, minute, rate) =
        (limits.max_burst_responses, limits.max_interactions_per_minute, limits.rate_limit_max);
    let interval = seconds(limits.min_response_interval_ms);
    let stamina = "the least cost of an interaction and the refill of stamina";
    if burst == 1
        && limits.min_response_interval_ms > 0
        && limits.burst_window_ms >= limits.min_response_interval_ms
    {
        let message =
            format!("can never bind: the burst limit of 1 in {} is longer", seconds(limits.burst_window_ms));
        found.push(("min_response_interval", message));
    }

    let window = seconds(limits.burst_window_ms);
    let never = |limit: u32, span_ms: u64, by: &str, most: u64| {
        format!("can never bind ({limit}): {by} admit at most {most} in {}", seconds(span_ms))
    };
    let span = limits.burst_window_ms;
    let others = [
        (by_interval(limits, span), format!("intervals of {interval}")),
        (in_windows(minute, MINUTE_MS, span), format!("{minute} in 60 s")),
        (
            in_windows(rate, limits.rate_limit_window_ms, span),
            format!("{rate} in {}", seconds(limits.rate_limit_window_ms)),
        ),
        (by_stamina(limits, span), stamina.to_owned()),
    ];
    if let Some((most, by)) = others.into_iter().find(|(most, _)| *most <= u64::from(burst)) {
        found.push(("max_burst_responses", never(burst, span, &by, most)));
    }

    let pace = format!("intervals of {interval} and bursts of {burst} in {window}");
    // Equal windows count alike, so the larger limit has nothing to say.
    let same_windows = limits.rate_limit_window_ms == MINUTE_MS;
    let span = looks_back_ms(MINUTE_MS);
    let by_rate = if same_windows && rate < minute {
        u64::from(rate)
    } else {
        in_windows(rate, limits.rate_limit_window_ms, span)
    };
    let others = [
        (by_pace(limits, span), pace.clone()),
        (by_rate, format!("{rate} in {}", seconds(limits.rate_limit_window_ms))),
        (by_stamina(limits, span), stamina.to_owned()),
    ];
    if let Some((most, by)) = others.into_iter().find(|(most, _)| *most <= u64::from(minute)) {
        found.push(("max_interactions_per_minute", never(minute, span, &by, most)));
    }

    let span = looks_back_ms(limits.rate_limit_window_ms);
    let by_minute =
        if same_windows && minute <= rate { u64::from(minute) } else { in_windows(minute, MINUTE_MS, span) };
    let others = [
        (by_pace(limits, span), pace),
        (by_minute, format!("{minute} in 60 s")),
        (by_stamina(limits, span), stamina.to_owned()),
    ];
    if let Some((most, by)) = others.into_iter().find(|(most, _)| *most <= u64::from(rate)) {
        found.push(("rate_limit_max", never(rate, span, &by, most)));
    }
    found
}

fn meters(limits: &Limits, max_text_bytes: usize) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let gap_ms = least_gap_ms(limits);
    if limits.stamina_regen_per_ms.times(gap_ms) >= limits.stamina_max {
        let message = format!(
            "can never run out: the refill fills it up in the {} between two admitted interactions",
            seconds(gap_ms)
        );
        found.push(("stamina_max", message));
    }
    let longest = limits.stamina_cost_per_char.times(u64::try_from(max_text_bytes).unwrap_or(u64::MAX));
    if longest <= limits.stamina_max {
        let message = format!(
            "no input can be too costly: server.max_text_bytes ({max_text_bytes}) ends sooner than the stamina"
        );
        found.push(("stamina_cost_per_char", message));
    }

    let heat_of = |cost: Points| cost.min(limits.stamina_max).permille(limits.heat_per_cost_permille);
    if limits.heat_per_cost_permille == 0 {
        let message = "is 0, so only sensitive findings warm the meter, and this version has no content rules: \
                       heat_threshold can never be reached";
        found.push(("heat_per_cost", message.to_owned()));
    } else if heat_of(limits.stamina_cost_min) >= limits.heat_threshold {
        let message = "no input is ever admitted: the heat of the least cost alone reaches heat_threshold";
        found.push(("stamina_cost_min", message.to_owned()));
    } else if heat_of(limits.stamina_max) >= limits.heat_threshold {
        let message =
            "an input that costs this much is never admitted: its heat alone reaches heat_threshold";
        found.push(("stamina_max", message.to_owned()));
    }
    let half = limits.heat_threshold.minus(Points::from_micros(limits.heat_threshold.micros() / 2));
    let cooling_ms = half.ms_at(limits.heat_decay_per_ms);
    if limits.cooldown_ms < cooling_ms {
        let message = format!(
            "rewards overheating: it brings the meter to half the threshold in {}, and waiting takes {}",
            seconds(limits.cooldown_ms),
            seconds(cooling_ms)
        );
        found.push(("cooldown_duration", message));
    }
    found
}

fn sittings(limits: &Limits) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    if least_gap_ms(limits) >= limits.session_break_ms {
        let message = format!(
            "every interaction starts a new sitting, because at least {} lie between two: max_session_length \
             can never bind and flow never goes on",
            seconds(least_gap_ms(limits))
        );
        found.push(("session_break", message));
    } else if limits.max_session_ms > DAY_MS {
        let message = format!(
            "hardly ever binds: nobody goes on for {} without a break of {}",
            seconds(limits.max_session_ms),
            seconds(limits.session_break_ms)
        );
        found.push(("max_session_length", message));
    }
    if limits.session_break_ms > DAY_MS {
        let message = format!(
            "a sitting hardly ever ends, and who reaches max_session_length stays out for {}",
            seconds(limits.session_break_ms)
        );
        found.push(("session_break", message));
    }
    found
}

// === the most admissions in any `span_ms` ===

/// The time that a window of slots may look back on: its slots and the one that is being filled.
fn looks_back_ms(window_ms: u64) -> u64 {
    let slot_ms = (window_ms / 12).max(1);
    slot_ms.saturating_mul(window_ms.div_ceil(slot_ms) + 1)
}

fn by_interval(limits: &Limits, span_ms: u64) -> u64 {
    match limits.min_response_interval_ms {
        0 => u64::MAX,
        interval_ms => span_ms.div_ceil(interval_ms),
    }
}

/// As fast as interval and burst allow: `burst` of them an interval apart, then the next as many, a period later.
fn by_pace(limits: &Limits, span_ms: u64) -> u64 {
    let burst = u64::from(limits.max_burst_responses);
    let period_ms = limits.min_response_interval_ms.saturating_mul(burst).max(limits.burst_window_ms).max(1);
    let (periods, rest_ms) = (span_ms / period_ms, span_ms % period_ms);
    let rest = if rest_ms == 0 { 0 } else { by_interval(limits, rest_ms).min(burst) };
    periods.saturating_mul(burst).saturating_add(rest)
}

fn in_windows(limit: u32, window_ms: u64, span_ms: u64) -> u64 {
    u64::from(limit).saturating_mul(span_ms.div_ceil(window_ms.max(1)))
}

/// What a full meter and the refill in flow pay for, at the least cost.
fn by_stamina(limits: &Limits, span_ms: u64) -> u64 {
    let cost = limits.stamina_cost_min.micros();
    if cost == 0 {
        return u64::MAX;
    }
    let refill = limits
        .stamina_regen_per_ms
        .permille(limits.stamina_flow_bonus_permille)
        .times(span_ms.saturating_sub(1));
    u64::try_from(limits.stamina_max.plus(refill).micros() / cost).unwrap_or(0)
}

/// The least time between two admitted interactions.
fn least_gap_ms(limits: &Limits) -> u64 {
    let by_burst = if limits.max_burst_responses == 1 { limits.burst_window_ms } else { 0 };
    limits.min_response_interval_ms.max(by_burst)
}

fn seconds(ms: u64) -> String {
    let ms = i64::try_from(ms).unwrap_or(MAX_DURATION_MS);
    format!("{} s", crate::config::decimal::rendered(ms, 3))
}
