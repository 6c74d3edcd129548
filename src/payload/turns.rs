//! Whose turn is whose, and what came after the model's last answer.
//!
//! ```text
//! user  assistant  user  assistant │ user  tool  assistant
//! judged when it was new           │ new         a prefill
//! ```
//!
//! The cut falls behind the last assistant turn that somebody answered. An assistant turn at the very end was
//! written by the caller for the model to go on from: it is new, and does not make what precedes it old.

use std::borrow::Cow;

use crate::payload::json::{Json, Path};
use crate::payload::{Part, PayloadError, Role};

/// Turns that one list may hold.
pub(super) const MAX_TURNS: usize = 4096;
/// Pieces of text in all turns together.
pub(super) const MAX_PARTS: usize = 65_536;

/// The turns of a conversation, as they are read.
// INVARIANT: new_from <= parts.len()
#[derive(Default)]
pub(super) struct Turns<'a> {
    parts: Vec<Part<'a>>,
    new_from: usize,
    assistant_spoke_last: bool,
}

impl<'a> Turns<'a> {
    /// A turn begins; what is said from here on is part of it.
    pub(super) fn begin(&mut self, role: Role) {
        if self.assistant_spoke_last && role != Role::Assistant {
            self.new_from = self.parts.len();
        }
        self.assistant_spoke_last = role == Role::Assistant;
    }

    pub(super) fn say(&mut self, role: Role, text: Cow<'a, str>, at: &Path<'_>) -> Result<(), PayloadError> {
        if self.parts.len() == MAX_PARTS {
            return Err(at.too_many("pieces of text", MAX_PARTS));
        }
        self.parts.push(Part { role, text });
        Ok(())
    }

    /// Every string at or below this value: for places where anything may stand.
    pub(super) fn say_all(&mut self, role: Role, json: Json<'a>, at: &Path<'_>) -> Result<(), PayloadError> {
        match json {
            Json::Null | Json::Scalar => Ok(()),
            Json::String(text) => self.say(role, text, at),
            Json::Array(items) => items.into_iter().try_for_each(|item| self.say_all(role, item, at)),
            Json::Object(fields) => fields.into_values().try_for_each(|value| self.say_all(role, value, at)),
        }
    }

    /// What is new.
    pub(super) fn finish(mut self) -> Vec<Part<'a>> {
        self.parts.drain(..self.new_from);
        self.parts
    }
}

/// The elements of a list of turns, each with its index.
pub(super) fn list<'a>(
    json: Json<'a>,
    at: &Path<'_>,
    expected: &'static str,
) -> Result<impl Iterator<Item = (usize, Json<'a>)>, PayloadError> {
    let items = json.array(at, expected)?;
    if items.len() > MAX_TURNS {
        return Err(at.too_many("elements", MAX_TURNS));
    }
    Ok(items.into_iter().enumerate())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is new when these turns were taken, one letter each: `u`ser, `a`ssistant, `s`ystem, `t`ool.
    fn new(turns: &str) -> String {
        let mut conversation = Turns::default();
        for letter in turns.chars() {
            let role = match letter {
                'a' => Role::Assistant,
                's' => Role::System,
                't' => Role::Tool,
                _ => Role::User,
            };
            conversation.begin(role);
            conversation.say(role, letter.to_string().into(), &Path::BODY).unwrap();
        }
        conversation.finish().into_iter().map(|part| part.text.into_owned()).collect()
    }

    #[test]
    fn everything_is_new_until_the_model_has_answered() {
        assert_eq!(new(""), "");
        assert_eq!(new("su"), "su");
        assert_eq!(new("suu"), "suu");
    }

    #[test]
    fn what_precedes_the_last_answer_is_old() {
        assert_eq!(new("suau"), "u");
        assert_eq!(new("suauatt"), "tt");
        assert_eq!(new("uaasu"), "su");
    }

    #[test]
    fn a_prefill_is_new_and_hides_nothing() {
        assert_eq!(new("ua"), "ua");
        assert_eq!(new("uaa"), "uaa");
        assert_eq!(new("uauaa"), "uaa");
        assert_eq!(new("a"), "a");
    }

    #[test]
    fn the_number_of_pieces_is_bounded() {
        let mut turns = Turns::default();
        let strings = |count| Json::Array((0..count).map(|_| Json::String("x".into())).collect());
        let at = Path::BODY.field("input");
        turns.say_all(Role::User, strings(MAX_PARTS), &at).unwrap();
        let refused = turns.say_all(Role::User, strings(1), &at).unwrap_err();
        assert_eq!(refused.to_string(), "`input`: more than 65536 pieces of text");
    }
}
