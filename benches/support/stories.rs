//! Subjects in the middle of something, whose next step is measured.

use safety_pact::pact::Pact;
use safety_pact::pact::decision::{Decision, Effect};
use safety_pact::pact::fair_play::limits::{Limits, TierLimits};
use safety_pact::pact::interaction::{Findings, Interaction, InteractionId, TrustTier};
use safety_pact::pact::subject_state::SubjectState;
use safety_pact::pact::time::Timestamp;

/// A time of today, in milliseconds.
pub const START: Timestamp = Timestamp::from_ms(1_760_000_000_000);
pub const NOTHING_FOUND: Findings = Findings { detections: 0 };

/// One thing that a subject does again and again.
pub struct Story {
    pub name: &'static str,
    pub begin: fn(&Pact) -> Subject,
    /// Steps after which the subject begins anew.
    pub steps: u32,
    /// Between two steps.
    pub wait_ms: u64,
    pub chars: u64,
    /// Does every interaction have an id of its own?
    pub with_id: bool,
    /// Is every step refused, or every one admitted?
    pub refuses: bool,
}

impl Story {
    /// How many of its steps are refused.
    pub fn refusals(&self) -> u32 {
        if self.refuses { self.steps } else { 0 }
    }
}

pub const STORIES: &[Story] = &[
    Story {
        name: "admitted, windows and burst log in use",
        begin: talking,
        steps: 400,
        wait_ms: 5_000,
        chars: 256,
        with_id: false,
        refuses: false,
    },
    Story {
        name: "admitted, eight interaction ids remembered",
        begin: talking,
        steps: 400,
        wait_ms: 5_000,
        chars: 256,
        with_id: true,
        refuses: false,
    },
    Story {
        name: "refused: interval, burst and stamina, with the search for `retry_after`",
        begin: out_of_breath,
        steps: 400,
        wait_ms: 0,
        chars: 800,
        with_id: false,
        refuses: true,
    },
    Story {
        name: "refused: minute full, with the search for `retry_after`",
        begin: minute_used_up,
        steps: 400,
        wait_ms: 0,
        chars: 1,
        with_id: false,
        refuses: true,
    },
    Story {
        name: "refused: cooling down",
        begin: overheated,
        steps: 400,
        wait_ms: 10,
        chars: 256,
        with_id: false,
        refuses: true,
    },
];

/// The default limits, save that typing does not heat (a refusal must not turn into a cooldown halfway) and that the
/// minute can bind (by default the burst limit lets nobody come so far).
pub fn pact() -> Pact {
    let limits = Limits { heat_per_cost_permille: 0, max_interactions_per_minute: 15, ..Limits::default() };
    Pact::new(TierLimits::uniform(limits))
}

pub fn interaction(chars: u64, id: Option<u64>) -> Interaction {
    Interaction { tier: TrustTier::User, chars, id: id.map(InteractionId) }
}

pub fn refused(decision: &Decision) -> bool {
    decision.effect() == Effect::Deny
}

/// Somebody at some time.
pub struct Subject {
    state: SubjectState,
    now: Timestamp,
    serial: u64,
}

impl Subject {
    /// Does what the story says, once. Returns whether it was refused.
    pub fn step(&mut self, pact: &Pact, story: &Story) -> bool {
        self.serial += 1;
        self.now = self.now.plus_ms(story.wait_ms);
        let interaction = interaction(story.chars, story.with_id.then_some(self.serial));
        refused(&pact.evaluate(&mut self.state, &interaction, &NOTHING_FOUND, self.now))
    }

    /// The subject after one more message, and whether that was refused.
    fn says(mut self, pact: &Pact, chars: u64, wait_ms: u64) -> (Self, bool) {
        self.now = self.now.plus_ms(wait_ms);
        let decision = pact.evaluate(&mut self.state, &interaction(chars, None), &NOTHING_FOUND, self.now);
        (self, refused(&decision))
    }
}

fn newcomer(pact: &Pact) -> Subject {
    Subject { state: pact.newcomer(TrustTier::User, START), now: START, serial: 0 }
}

fn talking(pact: &Pact) -> Subject {
    (0..16).fold(newcomer(pact), |subject, _| subject.says(pact, 200, 5_000).0)
}

fn out_of_breath(pact: &Pact) -> Subject {
    (0..3).fold(newcomer(pact), |subject, _| subject.says(pact, 320, 600).0)
}

fn minute_used_up(pact: &Pact) -> Subject {
    // Slowly enough for the burst limit, too fast for the minute.
    let mut subject = newcomer(pact);
    loop {
        let (later, was_refused) = subject.says(pact, 1, 3_400);
        subject = later;
        if was_refused {
            return subject;
        }
    }
}

fn overheated(pact: &Pact) -> Subject {
    let mut subject = newcomer(pact);
    pact.evaluate(&mut subject.state, &interaction(1, None), &Findings { detections: 20 }, subject.now);
    subject
}
