//! A second, naive implementation of fair play, to hold the real one against.
//!
//! Written from the specification page alone and imports nothing from the crate. It keeps every admission for ever,
//! counts a window by going through the whole list, calculates in `i128` and clamps as the page says, and finds
//! `retry_after` by its definition: the first moment at which a copy of the state admits the same input. The moments
//! tried are all those at which any single condition can turn from failing to passing, so none can be missed:
//!
//! ```text
//! now + 1 | lock ends | admission + burst window | admission leaves a slot window | last admission + interval or break
//!         | stamina reaches the cost | heat leaves room for the input (from now, or from the end of the cooldown)
//! ```
//! Slow on purpose; when it disagrees with the crate, read the page before touching either.

const MINUTE_MS: u64 = 60_000;
const ID_MEMORY_MS: u64 = 60_000;
const IDS_KEPT: usize = 8;

/// A policy's limits for one tier, converted as at load; named like the config's fields.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Micro-points.
    pub(crate) stamina_max: i64,
    /// Micro-points.
    pub(crate) stamina_cost_per_char: i64,
    /// Micro-points.
    pub(crate) stamina_cost_min: i64,
    /// Micro-points a millisecond, in spite of the name.
    pub(crate) stamina_regen_per_second: i64,
    /// Permille.
    pub(crate) stamina_flow_bonus: i64,
    pub(crate) flow_after: u32,
    /// Permille.
    pub(crate) heat_per_cost: i64,
    /// Micro-points.
    pub(crate) heat_per_detection: i64,
    /// Micro-points.
    pub(crate) heat_max: i64,
    /// Micro-points.
    pub(crate) heat_threshold: i64,
    /// Micro-points a millisecond.
    pub(crate) heat_decay_rate: i64,
    /// Milliseconds, like all that follow but the counts.
    pub(crate) cooldown_duration: u64,
    pub(crate) min_response_interval: u64,
    pub(crate) max_burst_responses: usize,
    pub(crate) burst_window: u64,
    pub(crate) max_interactions_per_minute: usize,
    pub(crate) rate_limit_max: usize,
    pub(crate) rate_limit_window: u64,
    pub(crate) max_session_length: u64,
    pub(crate) session_break: u64,
}

/// What one judged input came to, with the readings after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) permitted: bool,
    pub(crate) reasons: Vec<&'static str>,
    pub(crate) retry_after_ms: Option<u64>,
    /// Micro-points.
    pub(crate) level_up: i64,
    /// Micro-points.
    pub(crate) heat_up: i64,
    pub(crate) streak: u32,
    pub(crate) in_flow: bool,
    pub(crate) cooldown_until_ms: Option<u64>,
}

/// One judged interaction id; `retry_at` is absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Judged {
    id: u64,
    at: u64,
    permitted: bool,
    reasons: Vec<&'static str>,
    retry_at: Option<u64>,
}

/// One subject, with everything that ever happened to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Naive {
    level: i64,
    heat: i64,
    /// None until the first line.
    updated_at: Option<u64>,
    streak: u32,
    cooldown_until: Option<u64>,
    paused_until: Option<u64>,
    session_started_at: Option<u64>,
    last_admitted_at: Option<u64>,
    admitted: Vec<u64>,
    judged: Vec<Judged>,
}

impl Naive {
    pub(crate) fn new(limits: &Limits) -> Self {
        Naive {
            level: limits.stamina_max,
            heat: 0,
            updated_at: None,
            streak: 0,
            cooldown_until: None,
            paused_until: None,
            session_started_at: None,
            last_admitted_at: None,
            admitted: Vec::new(),
            judged: Vec::new(),
        }
    }

    pub(crate) fn judge(
        &mut self,
        limits: &Limits,
        at_ms: u64,
        chars: u64,
        detections: u32,
        id: Option<u64>,
    ) -> Outcome {
        let now = self.advance(limits, at_ms);
        let input = Input::new(limits, chars, detections);
        // A remembered id is answered even under a lock, and changes nothing else.
        if let Some(known) = id.and_then(|id| self.remembered(id, now)) {
            let retry_after = known.retry_at.map(|at| at.saturating_sub(now).max(1));
            return self.outcome(limits, known.permitted, known.reasons, retry_after);
        }
        let (reasons, locked) = self.step(limits, now, &input);
        let permitted = reasons.is_empty();
        let retry_at = if permitted { None } else { self.retry_at(limits, now, &input) };
        if let (Some(id), false) = (id, locked) {
            self.judged.push(Judged { id, at: now, permitted, reasons: reasons.clone(), retry_at });
        }
        self.outcome(limits, permitted, reasons, retry_at.map(|at| at - now))
    }

    pub(crate) fn pause(&mut self, limits: &Limits, at_ms: u64, pause_ms: u64) {
        let now = self.advance(limits, at_ms);
        self.paused_until = self.paused_until.max(Some(now.saturating_add(pause_ms)));
    }

    fn outcome(
        &self,
        limits: &Limits,
        permitted: bool,
        reasons: Vec<&'static str>,
        retry_after_ms: Option<u64>,
    ) -> Outcome {
        Outcome {
            permitted,
            reasons,
            retry_after_ms,
            level_up: self.level,
            heat_up: self.heat,
            streak: self.streak,
            in_flow: self.streak >= limits.flow_after,
            cooldown_until_ms: self.cooldown_until,
        }
    }

    fn remembered(&self, id: u64, now: u64) -> Option<Judged> {
        let mut kept = self.judged.iter().rev().take(IDS_KEPT);
        kept.find(|one| one.id == id && now - one.at <= ID_MEMORY_MS).cloned()
    }

    /// Walks to `at_ms`, or stays where it is if that lies behind; returns the time it stands at.
    fn advance(&mut self, limits: &Limits, at_ms: u64) -> u64 {
        let from = self.updated_at.unwrap_or(at_ms);
        let now = from.max(at_ms);
        let sitting_ends = self.last_admitted_at.map(|at| at.saturating_add(limits.session_break));
        let mut ends: Vec<u64> = [self.cooldown_until, self.paused_until, sitting_ends]
            .into_iter()
            .flatten()
            .filter(|end| (from..=now).contains(end))
            .collect();
        ends.sort_unstable();
        ends.push(now);
        self.updated_at = Some(from);
        for end in ends {
            self.stretch(limits, end);
        }
        now
    }

    fn stretch(&mut self, limits: &Limits, to: u64) {
        let dt = i128::from(to - self.updated_at.unwrap_or(to));
        let mut rate = i128::from(limits.stamina_regen_per_second);
        if self.streak >= limits.flow_after {
            rate = i128::from(clamp(rate * i128::from(limits.stamina_flow_bonus)) / 1000);
        }
        let cooled = i128::from(self.heat) - i128::from(limits.heat_decay_rate) * dt;
        self.level = clamp(i128::from(self.level) + rate * dt).min(limits.stamina_max);
        self.heat = clamp(cooled).max(0);
        self.updated_at = Some(to);
        if self.cooldown_until.is_some_and(|end| end <= to) {
            self.cooldown_until = None;
            self.heat = self.heat.min(limits.heat_threshold / 2);
        }
        if self.paused_until.is_some_and(|end| end <= to) {
            self.paused_until = None;
        }
        if self.last_admitted_at.is_some_and(|at| to - at >= limits.session_break) {
            self.session_started_at = None;
            self.streak = 0;
        }
    }

    /// Judges at `now`, to which the state has been advanced: the reasons to refuse, and whether it was locked.
    fn step(&mut self, limits: &Limits, now: u64, input: &Input) -> (Vec<&'static str>, bool) {
        let streak = std::mem::take(&mut self.streak);
        if self.paused_until.is_some() {
            return (vec!["PAUSED"], true);
        }
        if self.cooldown_until.is_some() {
            return (vec!["COOLDOWN_ACTIVE"], true);
        }
        self.heat = self.heat.saturating_add(input.charge).min(limits.heat_max);
        if self.heat >= limits.heat_threshold {
            self.cooldown_until = Some(now.saturating_add(limits.cooldown_duration));
            return (vec!["COOLDOWN_ACTIVE"], false);
        }
        let reasons = self.failing_gates(limits, now, input.cost);
        if reasons.is_empty() {
            self.level -= input.cost;
            self.admitted.push(now);
            self.last_admitted_at = Some(now);
            self.session_started_at = self.session_started_at.or(Some(now));
            self.streak = streak.saturating_add(1);
        }
        (reasons, false)
    }

    fn failing_gates(&self, limits: &Limits, now: u64, cost: i64) -> Vec<&'static str> {
        let since = |at: Option<u64>| at.map(|at| now - at);
        let in_burst = self.admitted.iter().filter(|&&at| now - at < limits.burst_window).count();
        let in_rate = self.held(limits.rate_limit_window, now);
        let in_minute = self.held(MINUTE_MS, now);
        let table = [
            ("INPUT_TOO_COSTLY", cost > limits.stamina_max),
            ("STAMINA_EXHAUSTED", self.level < cost && cost <= limits.stamina_max),
            ("RATE_LIMITED", in_rate >= limits.rate_limit_max),
            (
                "INTERVAL_TOO_SHORT",
                since(self.last_admitted_at).is_some_and(|gap| gap < limits.min_response_interval),
            ),
            ("BURST_LIMIT", in_burst >= limits.max_burst_responses),
            ("MINUTE_LIMIT", in_minute >= limits.max_interactions_per_minute),
            (
                "SESSION_LIMIT",
                since(self.session_started_at).is_some_and(|length| length >= limits.max_session_length),
            ),
        ];
        table.into_iter().filter(|(_, fails)| *fails).map(|(reason, _)| reason).collect()
    }

    fn held(&self, window_ms: u64, now: u64) -> usize {
        self.admitted.iter().filter(|&&at| now < leaves_at(at, window_ms)).count()
    }

    /// The first moment after `now` at which the same input is admitted; `self` is the state after its refusal.
    fn retry_at(&self, limits: &Limits, now: u64, input: &Input) -> Option<u64> {
        let mut times = vec![now.saturating_add(1)];
        times.extend([self.cooldown_until, self.paused_until].into_iter().flatten());
        for &at in &self.admitted {
            times.push(at.saturating_add(limits.burst_window));
            times.push(leaves_at(at, limits.rate_limit_window));
            times.push(leaves_at(at, MINUTE_MS));
        }
        if let Some(last) = self.last_admitted_at {
            times.push(last.saturating_add(limits.min_response_interval));
            times.push(last.saturating_add(limits.session_break));
        }
        let missing = i128::from(input.cost) - i128::from(self.level);
        times.push(reaches_at(now, missing, limits.stamina_regen_per_second));
        // Heat falls steadily but for the drop where a cooldown ends: it can make room from either start.
        for start in [Some(now), self.cooldown_until].into_iter().flatten() {
            let mut probe = self.clone();
            probe.advance(limits, start);
            let room = i128::from(limits.heat_threshold) - 1 - i128::from(input.charge);
            times.push(reaches_at(start, i128::from(probe.heat) - room, limits.heat_decay_rate));
        }
        times.retain(|&at| at > now);
        times.sort_unstable();
        times.dedup();
        times.into_iter().find(|&at| self.admits(limits, at, input))
    }

    fn admits(&self, limits: &Limits, at: u64, input: &Input) -> bool {
        let mut probe = self.clone();
        probe.advance(limits, at);
        probe.step(limits, at, input).0.is_empty()
    }
}

/// What an input costs and how much it heats, whatever the state.
struct Input {
    cost: i64,
    charge: i64,
}

impl Input {
    fn new(limits: &Limits, chars: u64, detections: u32) -> Self {
        let cost = clamp(i128::from(chars) * i128::from(limits.stamina_cost_per_char));
        let cost = cost.max(limits.stamina_cost_min);
        let by_cost =
            clamp(i128::from(limits.heat_per_cost) * i128::from(cost.min(limits.stamina_max))) / 1000;
        let by_findings = clamp(i128::from(limits.heat_per_detection) * i128::from(detections));
        Input { cost, charge: by_cost.saturating_add(by_findings) }
    }
}

fn clamp(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX })
}

/// When `missing` is made up at `per_ms`; `from` if nothing is missing.
fn reaches_at(from: u64, missing: i128, per_ms: i64) -> u64 {
    let per_ms = i128::from(per_ms);
    let wait_ms = (missing.max(0) + per_ms - 1) / per_ms;
    u64::try_from(i128::from(from) + wait_ms).unwrap_or(u64::MAX)
}

/// When an admission stops being counted: the first boundary after the slots that cover its window.
fn leaves_at(at: u64, window_ms: u64) -> u64 {
    let slot_ms = (window_ms / 12).max(1);
    (at / slot_ms).saturating_add(window_ms.div_ceil(slot_ms)).saturating_add(1).saturating_mul(slot_ms)
}

// === the model against itself ===

/// Small numbers, so that every limit binds within a few hundred milliseconds.
fn tight() -> Limits {
    Limits {
        stamina_max: 10_000,
        stamina_cost_per_char: 700,
        stamina_cost_min: 300,
        stamina_regen_per_second: 37,
        stamina_flow_bonus: 1_500,
        flow_after: 2,
        heat_per_cost: 333,
        heat_per_detection: 2_001,
        heat_max: 9_000,
        heat_threshold: 7_001,
        heat_decay_rate: 19,
        cooldown_duration: 211,
        min_response_interval: 7,
        max_burst_responses: 3,
        burst_window: 61,
        max_interactions_per_minute: 10_000,
        rate_limit_max: 5,
        rate_limit_window: 131,
        max_session_length: 400,
        session_break: 90,
    }
}

/// The definition word for word: every millisecond is asked.
#[test]
fn the_told_wait_is_the_first_millisecond_that_admits() {
    let limits = tight();
    let mut seed = 1_u64;
    let mut next = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let (mut subject, mut now, mut refusals) = (Naive::new(&limits), 0, 0);
    for _ in 0..600 {
        now += next(24) * next(4);
        if next(25) == 0 {
            subject.pause(&limits, now, next(80));
        }
        let (chars, detections) = (next(15), u32::from(next(12) == 0) * 3);
        let outcome = subject.judge(&limits, now, chars, detections, None);
        let input = Input::new(&limits, chars, detections);
        if !outcome.permitted {
            let first = (1..2_000).find(|wait| subject.admits(&limits, now + wait, &input));
            assert_eq!(outcome.retry_after_ms, first, "at {now}: {outcome:?}");
            refusals += 1;
        }
    }
    assert!(refusals > 50 && refusals < 550, "{refusals} refusals of 600: the story no longer mixes");
}

#[test]
fn walking_in_one_go_or_millisecond_by_millisecond_is_the_same() {
    let limits = tight();
    for chars in 0..15 {
        let mut leaps = Naive::new(&limits);
        for at in [0, 10, 20, 70] {
            leaps.judge(&limits, at, chars, 0, None);
        }
        leaps.pause(&limits, 75, 13);
        let mut walks = leaps.clone();
        leaps.advance(&limits, 600);
        for at in 75..=600 {
            walks.advance(&limits, at);
        }
        assert_eq!(leaps, walks);
    }
}
