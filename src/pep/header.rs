//! Our headers: every name that we may ever set, and how a value is written.

use std::borrow::Cow;

use crate::pact::points::Points;

/// The names, in lower case.
pub mod names {
    /// Names the decision.
    pub const DECISION: &str = "x-safety-pact-decision";
    /// `PERMIT`, `DENY` or `BYPASS`.
    pub const EFFECT: &str = "x-safety-pact-effect";
    /// The primary reason's code.
    pub const REASON: &str = "x-safety-pact-reason";
    /// Stamina left, in points.
    pub const STAMINA: &str = "x-safety-pact-stamina";
    /// Heat, in points.
    pub const HEAT: &str = "x-safety-pact-heat";
    /// The quotas that hold.
    pub const RATELIMIT_POLICY: &str = "ratelimit-policy";
    /// What is left of the quota that will bind first.
    pub const RATELIMIT: &str = "ratelimit";
    /// Whole seconds to wait.
    pub const RETRY_AFTER: &str = "retry-after";
    /// What the pact promises on every answer, whatever it is.
    pub const PROMISES: [(&str, &str); 3] = [
        ("x-safety-pact-awaiting", "AWAITED"),
        ("x-safety-pact-concurrency", "STAMINA_YIELDED"),
        ("x-safety-pact-sovereignty", "DETERMINISTIC"),
    ];
    /// How the names begin that nobody but us may set.
    pub const PREFIX: &str = "x-safety-pact-";
    /// Every name that we may ever set.
    pub const ALL: [&str; 11] = [
        PROMISES[0].0,
        PROMISES[1].0,
        PROMISES[2].0,
        DECISION,
        EFFECT,
        REASON,
        STAMINA,
        HEAT,
        RATELIMIT_POLICY,
        RATELIMIT,
        RETRY_AFTER,
    ];
}

/// A header to set.
// INVARIANT: the value is printable ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header<'a> {
    /// In lower case.
    pub name: &'static str,
    value: Cow<'a, str>,
}

impl<'a> Header<'a> {
    /// The header `name: value`; what is not printable ASCII in the value becomes `?`.
    ///
    /// A line break would let a value end the header, and Envoy answers 500 to it.
    pub(super) fn new(name: &'static str, value: impl Into<Cow<'a, str>>) -> Self {
        let value = value.into();
        if value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Self { name, value };
        }
        let printable = |c: char| c == ' ' || c.is_ascii_graphic();
        let value: String = value.chars().map(|c| if printable(c) { c } else { '?' }).collect();
        Self { name, value: Cow::Owned(value) }
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The value as its own text, for a message that owns its fields.
    #[must_use]
    pub fn into_value(self) -> String {
        self.value.into_owned()
    }
}

/// `points` as an exact decimal number without trailing zeros.
pub(super) fn decimal(points: Points) -> String {
    // By hand: two of these stand on every answer, and `format!` takes ten times as long.
    const DECIMALS: usize = 6;
    let mut text = [b'0'; 24];
    let mut at = text.len();
    let mut left = points.micros().unsigned_abs();
    while left > 0 || at > text.len() - DECIMALS - 1 {
        at -= 1;
        text[at] = b'0' + u8::try_from(left % 10).unwrap_or(0);
        left /= 10;
    }
    let (whole, rest) = text[at..].split_at(text.len() - DECIMALS - at);
    let rest_len = rest.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
    let mut written = String::with_capacity(whole.len() + rest_len + 2);
    if points < Points::ZERO {
        written.push('-');
    }
    written.extend(whole.iter().copied().map(char::from));
    if rest_len > 0 {
        written.push('.');
        written.extend(rest[..rest_len].iter().copied().map(char::from));
    }
    written
}

/// `ms` in whole seconds, rounded up; at most what fits an integer of a structured field.
pub(super) fn whole_seconds(ms: u64) -> u64 {
    ms.div_ceil(1000).min(999_999_999_999_999)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_written_exactly_and_without_trailing_zeros() {
        for (micros, text) in [
            (0, "0"),
            (97_500_000, "97.5"),
            (100_000_000, "100"),
            (1, "0.000001"),
            (-2_050_000, "-2.05"),
            (i64::MIN, "-9223372036854.775808"),
        ] {
            assert_eq!(decimal(Points::from_micros(micros)), text);
        }
    }

    #[test]
    fn seconds_are_rounded_up() {
        let seconds = [0, 1, 1000, 1001, u64::MAX].map(whole_seconds);
        assert_eq!(seconds, [0, 1, 1, 2, 999_999_999_999_999]);
    }

    #[test]
    fn a_value_cannot_break_out_of_its_line() {
        let header = Header::new("x", "a\r\nset-cookie: ü");
        assert_eq!(header.value(), "a??set-cookie: ?");
    }
}
