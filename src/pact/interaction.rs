//! What is judged.

/// How far the caller vouches for the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrustTier {
    /// Nobody vouches.
    Anonymous,
    /// A signed-in user.
    User,
    /// A user whose identity was checked.
    Verified,
    /// Staff, internal jobs, paying integrations.
    Privileged,
}

impl TrustTier {
    /// Every tier, least trusted first.
    pub const ALL: [Self; 4] = [Self::Anonymous, Self::User, Self::Verified, Self::Privileged];

    /// The name in configs and timelines.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::User => "user",
            Self::Verified => "verified",
            Self::Privileged => "privileged",
        }
    }

    /// The tier called `name`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tier| tier.name() == name)
    }
}

/// Names one interaction of one subject, so that a retry is not charged twice: a hash of what the caller sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InteractionId(pub u64);

/// One input to judge. It holds the length of the text, never the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interaction {
    /// Whose limits apply.
    pub tier: TrustTier,
    /// Length of the new text in Unicode scalar values.
    pub chars: u64,
    /// For retries.
    pub id: Option<InteractionId>,
}

/// What a look at the text found. Made once, outside any lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Findings {
    /// Sensitive findings; each warms the heat meter.
    pub detections: u32,
}
