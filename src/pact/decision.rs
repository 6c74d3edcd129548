//! What the pact answers. A refusal is an answer, not an error.

use crate::pact::points::Points;
use crate::pact::time::Timestamp;

/// May the interaction go on? There is no default: every verdict is somebody's decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It may.
    Permit,
    /// It may not.
    Deny,
}

impl Effect {
    /// The stable name: `PERMIT` or `DENY`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Permit => "PERMIT",
            Self::Deny => "DENY",
        }
    }
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal, $message:literal;)+) => {
        /// Why an interaction is refused, in the order in which reasons are listed. Codes are stable: they are never
        /// renamed and never reused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Reason { $($(#[doc = $doc])+ $variant),+ }

        impl Reason {
            /// Every reason, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The stable code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// What it means, in fixed words for the person who is refused.
            #[must_use]
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message),+ }
            }
        }
    };
}

reasons! {
    /// An operator paused the subject.
    Paused = "PAUSED", "This account is paused for a while.";
    /// Heat reached the threshold and the cooldown is not over.
    CooldownActive = "COOLDOWN_ACTIVE", "Too much at once; please take a break and come back later.";
    /// One input costs more stamina than anybody can hold.
    InputTooCostly = "INPUT_TOO_COSTLY", "This message is too long; please send a shorter one.";
    /// The input costs more stamina than is left.
    StaminaExhausted = "STAMINA_EXHAUSTED", "Too much text in too little time; please wait a moment.";
    /// The rate window is full.
    RateLimited = "RATE_LIMITED", "Too many messages; please wait a moment.";
    /// The last admitted interaction is too recent.
    IntervalTooShort = "INTERVAL_TOO_SHORT", "Messages are coming too quickly; please wait a moment.";
    /// Too many interactions in a burst.
    BurstLimit = "BURST_LIMIT", "Too many messages in a row; please wait a moment.";
    /// Too many interactions in a minute.
    MinuteLimit = "MINUTE_LIMIT", "Too many messages this minute; please wait a moment.";
    /// The sitting has lasted too long.
    SessionLimit = "SESSION_LIMIT", "This has been a long sitting; please take a break.";
    /// The body cannot be read as what it should be.
    MalformedInput = "MALFORMED_INPUT", "The request body could not be understood.";
    /// The body is longer than what can be judged whole.
    BodyTooLarge = "BODY_TOO_LARGE", "The request body is too large.";
    /// The text was not shown to the decision point.
    TextUnseen = "TEXT_UNSEEN", "The request body could not be read, so it was not let through.";
    /// The decision could not be made.
    SafetyUnavailable = "SAFETY_UNAVAILABLE", "The safety check is not available right now; please try again.";
    /// No room for another subject.
    CapacityExhausted = "CAPACITY_EXHAUSTED", "The service is full right now; please try again.";
}

/// A set of reasons; it lists them in their order, the primary one first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reasons(u32);

impl Reasons {
    /// No reason: a permit.
    pub const NONE: Self = Self(0);

    /// Just `reason`.
    #[must_use]
    pub const fn of(reason: Reason) -> Self {
        Self(1 << reason as u8)
    }

    /// These and `reason`.
    #[must_use]
    pub const fn with(self, reason: Reason) -> Self {
        Self(self.0 | 1 << reason as u8)
    }

    /// Is there none?
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The reasons, the primary one first.
    pub fn iter(self) -> impl Iterator<Item = Reason> {
        Reason::ALL.iter().copied().filter(move |reason| self.0 & Self::of(*reason).0 != 0)
    }

    /// The first reason.
    #[must_use]
    pub fn primary(self) -> Option<Reason> {
        self.iter().next()
    }

    /// As bits, for the state at rest.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// From bits at rest; bits that name no reason are kept as they are.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }
}

/// The decision on one interaction, and the subject's meters after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Why not; none for a permit.
    pub reasons: Reasons,
    /// The least wait after which the same interaction would be admitted, at least 1 ms; none on a permit and where no
    /// wait helps.
    pub retry_after_ms: Option<u64>,
    /// When the interaction was judged: the time it was asked at, or the newest the subject has seen if that is later.
    pub now: Timestamp,
    /// When the outcome was found: `now`, or an earlier time for a repeated interaction id.
    pub judged_at: Timestamp,
    /// Was this the repeat of an interaction id, answered from memory?
    pub repeated: bool,
    /// The meters.
    pub readings: Readings,
}

impl Decision {
    /// Permit or deny: any reason refuses.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        if self.reasons.is_empty() { Effect::Permit } else { Effect::Deny }
    }
}

/// A subject's meters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Readings {
    /// Stamina left.
    pub stamina: Points,
    /// The most stamina the subject can hold.
    pub stamina_max: Points,
    /// Heat.
    pub heat: Points,
    /// The heat at which the cooldown latches.
    pub heat_threshold: Points,
    /// Admitted interactions in a row.
    pub streak: u32,
    /// Is the faster refill on?
    pub in_flow: bool,
    /// When the cooldown ends, if there is one.
    pub cooldown_until: Option<Timestamp>,
    /// The pacing window with the least left.
    pub quota: Quota,
}

/// What is left of the pacing window that will bind first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Which window.
    pub window: QuotaWindow,
    /// Interactions that it still admits.
    pub remaining: u32,
    /// Milliseconds until it admits one more than now; 0 when nothing is counted in it.
    pub more_in_ms: u64,
}

/// A pacing window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuotaWindow {
    /// `rate_limit_max` in `rate_limit_window`.
    Rate,
    /// `max_interactions_per_minute`.
    Minute,
    /// `max_burst_responses` in `burst_window`.
    Burst,
}

/// One gate as it was judged, for an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateReading {
    /// The reason that it refuses with.
    pub gate: Reason,
    /// Did the interaction pass?
    pub passed: bool,
    /// What was measured, and against what.
    pub measure: Measure,
    /// If it failed: the earliest time at which it alone would pass, if there is one.
    pub earliest: Option<Timestamp>,
}

/// A reading beside its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// In points.
    Points {
        /// What was measured.
        reading: Points,
        /// What it was measured against.
        limit: Points,
    },
    /// In milliseconds.
    Ms {
        /// What was measured.
        reading: u64,
        /// What it was measured against.
        limit: u64,
    },
    /// In interactions.
    Interactions {
        /// What was measured.
        reading: u32,
        /// What it was measured against.
        limit: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_listed_in_their_order_whatever_order_they_came_in() {
        let reasons =
            Reasons::of(Reason::MinuteLimit).with(Reason::StaminaExhausted).with(Reason::BurstLimit);
        let codes: Vec<_> = reasons.iter().map(Reason::code).collect();
        assert_eq!(codes, ["STAMINA_EXHAUSTED", "BURST_LIMIT", "MINUTE_LIMIT"]);
        assert_eq!(Reasons::from_bits(reasons.bits()), reasons);
    }

    #[test]
    fn codes_are_unique() {
        let mut codes: Vec<_> = Reason::ALL.iter().map(|reason| reason.code()).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Reason::ALL.len());
    }
}
