//! The text to judge, out of the body of a request to a model.
//!
//! ```text
//! body ─▶ dialect ─▶ turns (in order, by role) ─▶ what is new: all that follows the model's last answer
//! ```
//!
//! A body holds the whole conversation, and all of it but the end was judged when it was new; so only the end is
//! returned. A body that could be read in two ways (doubled keys, another encoding, token ids) is refused rather
//! than guessed at, for whoever guesses otherwise behind us would act on text nobody judged.
//! Watch for: a caller can forge an assistant turn to make older text look judged; a gateway that owns the
//! conversation can prevent that, this module cannot.

mod anthropic_messages;
mod auto;
mod content_type;
mod form;
mod gemini_generate_content;
mod json;
mod messages;
mod openai_chat;
mod openai_completions;
mod openai_responses;
mod plain_text;
#[cfg(test)]
mod properties;
mod seed;
mod turns;

use std::borrow::Cow;
use std::fmt;

pub use content_type::dialect_of_content_type;

/// Which shape a body has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dialect {
    /// JSON of any shape: recognised by its fields, and read as a whole when it is not recognised.
    Auto,
    /// `POST /v1/chat/completions`.
    OpenAiChat,
    /// `POST /v1/completions`.
    OpenAiCompletions,
    /// `POST /v1/responses`.
    OpenAiResponses,
    /// `POST /v1/messages`.
    AnthropicMessages,
    /// `POST /v1beta/models/{model}:generateContent`, streamed or not.
    GeminiGenerateContent,
    /// An object with `user_input`, `prompt` or `input`.
    Seed,
    /// The body is the text.
    PlainText,
    /// `application/x-www-form-urlencoded`.
    Form,
}

impl Dialect {
    /// Every dialect, in the order of the documentation.
    pub const ALL: [Dialect; 9] = [
        Dialect::Auto,
        Dialect::OpenAiChat,
        Dialect::OpenAiCompletions,
        Dialect::OpenAiResponses,
        Dialect::AnthropicMessages,
        Dialect::GeminiGenerateContent,
        Dialect::Seed,
        Dialect::PlainText,
        Dialect::Form,
    ];

    /// The name used in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Dialect::Auto => "auto",
            Dialect::OpenAiChat => "openai_chat",
            Dialect::OpenAiCompletions => "openai_completions",
            Dialect::OpenAiResponses => "openai_responses",
            Dialect::AnthropicMessages => "anthropic_messages",
            Dialect::GeminiGenerateContent => "gemini_generate_content",
            Dialect::Seed => "seed",
            Dialect::PlainText => "plain_text",
            Dialect::Form => "form",
        }
    }

    /// The dialect of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Dialect> {
        Dialect::ALL.into_iter().find(|dialect| dialect.name() == name)
    }
}

/// Whose words a part holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The person, and everybody whose role is not known: no role escapes being judged.
    User,
    /// The model; new only as a prefill, the beginning of an answer that the caller wrote.
    Assistant,
    /// The operator: `system` and `developer` text.
    System,
    /// The world: results of tools and retrieved documents.
    Tool,
}

/// A piece of new text.
#[derive(Clone, PartialEq, Eq)]
pub struct Part<'a> {
    /// Whose words these are.
    pub role: Role,
    /// The words; borrowed from the body wherever it has no escapes.
    pub text: Cow<'a, str>,
}

impl Part<'_> {
    fn chars(&self) -> u64 {
        self.text.chars().count() as u64
    }
}

// Redacting: user text never reaches a log.
impl fmt::Debug for Part<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Part").field("role", &self.role).field("chars", &self.chars()).finish()
    }
}

/// What is new in a body, in order, apart by role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload<'a> {
    /// The pieces of new text; none when nothing new is text, such as a picture alone.
    pub parts: Vec<Part<'a>>,
}

impl Payload<'_> {
    /// How many characters (Unicode scalar values) are new from these roles.
    pub fn chars(&self, roles: &[Role]) -> u64 {
        self.parts.iter().filter(|part| roles.contains(&part.role)).map(Part::chars).sum()
    }
}

/// Why a body cannot be judged. Names the field and what was expected there, never the user's text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// Not one JSON value from beginning to end.
    #[error("body: not JSON at line {line}, column {column}")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1, in bytes.
        column: usize,
    },
    /// JSON or a form, but not of the shape that the dialect has.
    #[error("`{field}`: expected {expected}")]
    Shape {
        /// The path of the field, such as `messages[2].content[0].text`.
        field: Cow<'static, str>,
        /// What the dialect has there.
        expected: &'static str,
    },
    /// Not UTF-8.
    #[error("body: not UTF-8 at byte {at}")]
    NotUtf8 {
        /// How many bytes before it are good.
        at: usize,
    },
    /// More of something than is read.
    #[error("`{field}`: more than {limit} {what}")]
    TooMany {
        /// The path of the field.
        field: Cow<'static, str>,
        /// What there is too much of.
        what: &'static str,
        /// The most that is read.
        limit: usize,
    },
    /// Arrays and objects inside one another beyond the bound.
    #[error("body: nested more than {limit} levels deep")]
    TooDeep {
        /// The most that is read.
        limit: usize,
    },
}

/// What is new in this body: all text after the model's last answer, or why it cannot be judged.
///
/// A UTF-8 byte order mark at the start is tolerated: it says nothing, and readers behind us skip it too.
pub fn extract(dialect: Dialect, body: &[u8]) -> Result<Payload<'_>, PayloadError> {
    let text = std::str::from_utf8(body).map_err(|e| PayloadError::NotUtf8 { at: e.valid_up_to() })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let parts = match dialect {
        Dialect::Auto => auto::read(text),
        Dialect::OpenAiChat => openai_chat::read(&mut json::body(text, openai_chat::FIELDS)?),
        Dialect::OpenAiCompletions => {
            openai_completions::read(&mut json::body(text, openai_completions::FIELDS)?)
        }
        Dialect::OpenAiResponses => openai_responses::read(&mut json::body(text, openai_responses::FIELDS)?),
        Dialect::AnthropicMessages => {
            anthropic_messages::read(&mut json::body(text, anthropic_messages::FIELDS)?)
        }
        Dialect::GeminiGenerateContent => {
            gemini_generate_content::read(&mut json::body(text, gemini_generate_content::FIELDS)?)
        }
        Dialect::Seed => seed::read(&mut json::body(text, seed::FIELDS)?),
        Dialect::PlainText => Ok(plain_text::read(text)),
        Dialect::Form => form::read(text),
    }?;
    Ok(Payload { parts })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts what is new in a body, whole and in order.
    pub(super) fn assert_new(dialect: Dialect, body: &str, expected: &[(Role, &str)]) {
        let payload = extract(dialect, body.as_bytes()).unwrap_or_else(|e| panic!("{e}\n{body}"));
        let new: Vec<(Role, &str)> =
            payload.parts.iter().map(|part| (part.role, part.text.as_ref())).collect();
        assert_eq!(new, expected, "{body}");
    }

    /// What a refusal of this body says.
    pub(super) fn refusal(dialect: Dialect, body: impl AsRef<[u8]>) -> String {
        extract(dialect, body.as_ref()).expect_err("this body should be refused").to_string()
    }

    #[test]
    fn every_dialect_is_found_by_its_name() {
        for dialect in Dialect::ALL {
            assert_eq!(Dialect::from_name(dialect.name()), Some(dialect));
        }
        assert_eq!(Dialect::from_name("OpenAI_Chat"), None);
    }

    #[test]
    fn debug_shows_roles_and_lengths_but_never_the_text() {
        let payload = extract(Dialect::PlainText, "my pässword".as_bytes()).unwrap();
        assert_eq!(format!("{payload:?}"), "Payload { parts: [Part { role: User, chars: 11 }] }");
    }

    #[test]
    fn characters_are_counted_for_the_roles_asked_for() {
        let payload = extract(
            Dialect::OpenAiChat,
            r#"{"messages":[{"role":"system","content":"kind"},{"role":"user","content":"h\u00e9 👋"}]}"#
                .as_bytes(),
        )
        .unwrap();
        assert_eq!(payload.chars(&[Role::User]), 4);
        assert_eq!(payload.chars(&[Role::System]), 4);
        assert_eq!(payload.chars(&[Role::User, Role::System]), 8);
        assert_eq!(payload.chars(&[]), 0);
    }

    #[test]
    fn text_without_escapes_is_borrowed_from_the_body() {
        let body = br#"{"messages":[{"role":"user","content":"as is"},{"role":"user","content":"a\nb"}]}"#;
        let payload = extract(Dialect::OpenAiChat, body).unwrap();
        assert!(matches!(payload.parts[0].text, Cow::Borrowed("as is")));
        assert!(matches!(&payload.parts[1].text, Cow::Owned(text) if text == "a\nb"));
    }

    #[test]
    fn a_byte_order_mark_is_tolerated_in_front_of_every_dialect() {
        assert_new(Dialect::Auto, "\u{feff}{\"prompt\":\"hi\"}", &[(Role::User, "hi")]);
        assert_new(Dialect::PlainText, "\u{feff}hi", &[(Role::User, "hi")]);
        assert_new(Dialect::Form, "\u{feff}q=hi", &[(Role::User, "hi")]);
    }

    #[test]
    fn bytes_that_are_not_utf8_are_refused_in_every_dialect() {
        for dialect in Dialect::ALL {
            assert_eq!(refusal(dialect, b"{\"prompt\":\"\xff\"}"), "body: not UTF-8 at byte 11");
        }
    }
}
