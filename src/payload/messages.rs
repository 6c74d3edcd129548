//! Messages and their content blocks, as OpenAI, Anthropic and those who copy them have them.
//!
//! One reader for all: the shapes differ only in which blocks occur, so a body that mixes them hides nothing from
//! it. A block gives the fields that its `type` says hold text; a block of an unknown type gives its `text`.

use std::borrow::Cow;

use crate::payload::json::{Json, Object, Path};
use crate::payload::turns::{self, Turns};
use crate::payload::{PayloadError, Role};

/// Blocks that are nothing but text.
const TEXT_TYPES: [&str; 5] = ["text", "input_text", "output_text", "summary_text", "reasoning_text"];

/// What an assistant message can say beside its content: judged only in a prefill, where the caller wrote it.
const ASSISTANT_FIELDS: [&str; 6] =
    ["refusal", "reasoning", "reasoning_content", "thinking", "tool_calls", "function_call"];

/// A list of messages.
pub(super) fn messages<'a>(turns: &mut Turns<'a>, json: Json<'a>, at: &Path<'_>) -> Result<(), PayloadError> {
    for (index, json) in turns::list(json, at, "an array of messages")? {
        let at = at.index(index);
        message(turns, json.object(&at, "a message object")?, &at)?;
    }
    Ok(())
}

/// One message.
pub(super) fn message<'a>(
    turns: &mut Turns<'a>,
    mut message: Object<'a>,
    at: &Path<'_>,
) -> Result<(), PayloadError> {
    let (role, here) = message.take("role", at)?;
    let role = role_named(&role.string(&here)?);
    turns.begin(role);
    match message.take("content", at)? {
        // A call of a tool, and a tool that returned nothing.
        (Json::Null, _) if matches!(role, Role::Assistant | Role::Tool) => {}
        (json, here) => content(turns, role, json, &here)?,
    }
    if role == Role::Assistant {
        for name in ASSISTANT_FIELDS {
            let (json, here) = message.take(name, at)?;
            turns.say_all(role, json, &here)?;
        }
    }
    Ok(())
}

/// The role of that name; who is not known is judged as a user.
fn role_named(name: &str) -> Role {
    match name {
        "assistant" => Role::Assistant,
        "system" | "developer" => Role::System,
        "tool" | "function" => Role::Tool,
        _ => Role::User,
    }
}

/// A string, or an array of blocks.
pub(super) fn content<'a>(
    turns: &mut Turns<'a>,
    role: Role,
    json: Json<'a>,
    at: &Path<'_>,
) -> Result<(), PayloadError> {
    match json {
        Json::String(text) => turns.say(role, text, at),
        Json::Array(blocks) => blocks.into_iter().enumerate().try_for_each(|(index, json)| {
            let at = at.index(index);
            block(turns, role, json.object(&at, "a content part object")?, &at)
        }),
        _ => Err(at.expected("a string or an array of content parts")),
    }
}

/// One content block.
pub(super) fn block<'a>(
    turns: &mut Turns<'a>,
    role: Role,
    mut block: Object<'a>,
    at: &Path<'_>,
) -> Result<(), PayloadError> {
    let (kind, here) = block.take("type", at)?;
    let kind = kind.optional_string(&here)?.unwrap_or(Cow::Borrowed(""));
    let kind = kind.as_ref();
    // By the role of the message: a block of one of the types below has no `text` of its own.
    match block.take("text", at)? {
        (Json::String(text), here) => turns.say(role, text, &here)?,
        (_, here) if TEXT_TYPES.contains(&kind) => return Err(here.expected("a string")),
        _ => {}
    }
    // Bedrock Converse names the kind of a block by its key, and passes over any type.
    let (json, here) = block.take("guardContent", at)?;
    guarded(turns, role, json, &here)?;
    let (json, here) = block.take("toolResult", at)?;
    turns.say_all(Role::Tool, json, &here)?;

    let role = match kind {
        "document" | "search_result" => Role::Tool,
        "mid_conv_system" => Role::System,
        _ if kind.ends_with("tool_result") => Role::Tool,
        _ => role,
    };
    match kind {
        "tool_result" | "mcp_tool_result" | "mid_conv_system" => {
            let (json, here) = block.take("content", at)?;
            optional_content(turns, role, json, &here)
        }
        // Results of tools that the provider runs: each has a shape of its own.
        _ if kind.ends_with("tool_result") => say_fields(turns, role, block, &["content"], at),
        "search_result" => {
            let (json, here) = block.take("content", at)?;
            optional_content(turns, role, json, &here)?;
            say_fields(turns, role, block, &["title", "source"], at)
        }
        "document" => {
            let (json, here) = block.take("source", at)?;
            source(turns, json, &here)?;
            // `document`: Cohere's, under an OpenAI-like message.
            say_fields(turns, role, block, &["title", "context", "document"], at)
        }
        "thinking" => say_fields(turns, role, block, &["thinking"], at),
        "refusal" => say_fields(turns, role, block, &["refusal"], at),
        _ if kind.ends_with("tool_use") => say_fields(turns, role, block, &["input"], at),
        _ => Ok(()),
    }
}

/// A text that Bedrock is to watch, `{"text": {"text", "qualifiers"}}`; or a picture.
fn guarded<'a>(turns: &mut Turns<'a>, role: Role, json: Json<'a>, at: &Path<'_>) -> Result<(), PayloadError> {
    if matches!(json, Json::Null) {
        return Ok(());
    }
    let (json, at) = json.object(at, "an object")?.take("text", at)?;
    if matches!(json, Json::Null) {
        return Ok(());
    }
    let (json, here) = json.object(&at, "an object")?.take("text", &at)?;
    turns.say(role, json.string(&here)?, &here)
}

/// Where a document's text comes from: inline, or from blocks. Encoded files and addresses cannot be read here.
fn source<'a>(turns: &mut Turns<'a>, json: Json<'a>, at: &Path<'_>) -> Result<(), PayloadError> {
    if matches!(json, Json::Null) {
        return Ok(());
    }
    let mut source = json.object(at, "a document source object")?;
    let (kind, here) = source.take("type", at)?;
    if kind.optional_string(&here)?.as_deref() != Some("base64") {
        let (data, here) = source.take("data", at)?;
        if let Some(text) = data.optional_string(&here)? {
            turns.say(Role::Tool, text, &here)?;
        }
    }
    let (json, here) = source.take("content", at)?;
    optional_content(turns, Role::Tool, json, &here)
}

fn optional_content<'a>(
    turns: &mut Turns<'a>,
    role: Role,
    json: Json<'a>,
    at: &Path<'_>,
) -> Result<(), PayloadError> {
    match json {
        Json::Null => Ok(()),
        json => content(turns, role, json, at),
    }
}

fn say_fields<'a>(
    turns: &mut Turns<'a>,
    role: Role,
    mut block: Object<'a>,
    names: &[&'static str],
    at: &Path<'_>,
) -> Result<(), PayloadError> {
    for name in names {
        let (json, here) = block.take(name, at)?;
        turns.say_all(role, json, &here)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Dialect::OpenAiChat;
    use crate::payload::tests::{assert_new, refusal};

    fn user(block: &str) -> String {
        format!(r#"{{"messages":[{{"role":"user","content":[{block}]}}]}}"#)
    }

    #[test]
    fn a_role_is_known_by_its_exact_name() {
        for (name, role) in [
            ("user", Role::User),
            ("assistant", Role::Assistant),
            ("system", Role::System),
            ("developer", Role::System),
            ("tool", Role::Tool),
            ("function", Role::Tool),
            ("ASSISTANT", Role::User),
            ("model", Role::User),
            ("", Role::User),
        ] {
            assert_eq!(role_named(name), role, "{name}");
        }
    }

    #[test]
    fn the_order_of_the_fields_of_a_block_does_not_matter() {
        for block in [r#"{"type":"tool_result","content":"x"}"#, r#"{"content":"x","type":"tool_result"}"#] {
            assert_new(OpenAiChat, &user(block), &[(Role::Tool, "x")]);
        }
    }

    #[test]
    fn what_only_a_model_should_say_is_the_users_when_the_user_says_it() {
        assert_new(
            OpenAiChat,
            &user(
                r#"{"type":"thinking","thinking":"a"},{"type":"refusal","refusal":"b"},{"type":"tool_use","input":{"c":"d"}}"#,
            ),
            &[(Role::User, "a"), (Role::User, "b"), (Role::User, "d")],
        );
    }

    #[test]
    fn documents_and_results_of_the_imitators_are_read_too() {
        assert_new(
            OpenAiChat,
            &user(
                r#"{"type":"document","document":{"data":"cohere"}},{"toolResult":{"content":[{"text":"bedrock"}]}}"#,
            ),
            &[(Role::Tool, "cohere"), (Role::Tool, "bedrock")],
        );
    }

    #[test]
    fn a_type_that_has_no_text_does_not_take_the_text_from_who_said_it() {
        // Bedrock goes by the keys of a block and passes over the type.
        for kind in ["document", "search_result", "mid_conv_system", "tool_result", "my_tool_result"] {
            let body = user(&format!(r#"{{"type":"{kind}","text":"free of charge"}}"#));
            assert_new(OpenAiChat, &body, &[(Role::User, "free of charge")]);
        }
    }

    #[test]
    fn a_guarded_text_is_read_as_the_text_that_it_is() {
        let body = user(
            r#"{"guardContent":{"text":{"text":"hi","qualifiers":["query"]}}},{"guardContent":{"image":{}}}"#,
        );
        assert_new(OpenAiChat, &body, &[(Role::User, "hi")]);
        let body = user(r#"{"type":"document","guardContent":{"text":{"text":"hi"}},"toolResult":"done"}"#);
        assert_new(OpenAiChat, &body, &[(Role::User, "hi"), (Role::Tool, "done")]);
        assert_eq!(
            refusal(OpenAiChat, user(r#"{"guardContent":{"text":"hi"}}"#)),
            "`messages[0].content[0].guardContent.text`: expected an object"
        );
    }

    #[test]
    fn a_text_block_needs_its_text_and_others_do_not() {
        assert_new(OpenAiChat, &user(r#"{"type":"image_url","text":null}"#), &[]);
        for kind in TEXT_TYPES {
            let body = user(&format!(r#"{{"type":"{kind}","text":null}}"#));
            assert_eq!(refusal(OpenAiChat, body), "`messages[0].content[0].text`: expected a string");
        }
    }
}
