//! What a refused client is told: a status, a code, fixed words, and how long to wait. Never a rule's name, never what
//! the user wrote.

use serde::Serialize;

use crate::pact::decision::Reason;

/// What a refused client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal<'a> {
    /// The primary reason.
    pub reason: Reason,
    /// Fixed words for the reason: the policy's own, or the built-in ones.
    pub message: &'a str,
    /// Seconds to wait, rounded up, at least 1; none if no wait helps.
    pub retry_after_seconds: Option<u64>,
    /// Names the decision.
    pub decision_id: String,
}

impl Refusal<'_> {
    /// The body for an HTTP client.
    #[must_use]
    pub fn json(&self) -> String {
        #[derive(Serialize)]
        struct Body<'a> {
            refused: bool,
            reason_code: &'a str,
            message: &'a str,
            retry_after_seconds: Option<u64>,
            decision_id: &'a str,
        }
        let body = Body {
            refused: true,
            reason_code: self.reason.code(),
            message: self.message,
            retry_after_seconds: self.retry_after_seconds,
            decision_id: &self.decision_id,
        };
        serde_json::to_string(&body).expect("texts and a number are always JSON")
    }
}

/// The HTTP status of a refusal whose primary reason is `reason`.
#[must_use]
pub const fn http_status(reason: Reason) -> u16 {
    // Without a wildcard: whoever adds a reason chooses its status.
    match reason {
        Reason::MalformedInput => 400,
        Reason::TextUnseen => 403,
        Reason::InputTooCostly | Reason::BodyTooLarge => 413,
        Reason::Paused
        | Reason::CooldownActive
        | Reason::StaminaExhausted
        | Reason::RateLimited
        | Reason::IntervalTooShort
        | Reason::BurstLimit
        | Reason::MinuteLimit
        | Reason::SessionLimit => 429,
        Reason::SafetyUnavailable | Reason::CapacityExhausted => 503,
    }
}
