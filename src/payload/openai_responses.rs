//! OpenAI responses: `{"instructions": "...", "input": "..." | [item, ...]}`.
//!
//! An item is a message, something the model did (a call, its reasoning: an assistant turn) or what came back.

use std::borrow::Cow;

use crate::payload::json::{Json, Object, Path};
use crate::payload::messages;
use crate::payload::turns::{self, Turns};
use crate::payload::{Part, PayloadError, Role};

/// The fields that are read.
pub(super) const FIELDS: &[&str] = &["instructions", "input", "prompt"];

/// What is new in a request for a response.
pub(super) fn read<'a>(body: &mut Object<'a>) -> Result<Vec<Part<'a>>, PayloadError> {
    if !["input", "prompt"].iter().any(|name| body.has(name, |_| true)) {
        // Doubled nulls are still doubled.
        let (_, here) = body.take("input", &Path::BODY)?;
        return Err(here.expected("a string or an array of items"));
    }
    // Apart from the turns: no answer among those makes the values of this request old.
    let mut variables = Turns::default();
    prompt_variables(&mut variables, body)?;
    let mut turns = Turns::default();
    instructions(&mut turns, body)?;
    input(&mut turns, body)?;
    let mut parts = variables.finish();
    parts.append(&mut turns.finish());
    Ok(parts)
}

/// What the operator says, before the first item.
// Standing there they are new until an answer follows: later they are repeated with every request. An answer that
// only `previous_response_id` names is not in sight and makes nothing old.
pub(super) fn instructions<'a>(turns: &mut Turns<'a>, body: &mut Object<'a>) -> Result<(), PayloadError> {
    let (json, here) = body.take("instructions", &Path::BODY)?;
    if let Some(text) = json.optional_string(&here)? {
        turns.say(Role::System, text, &here)?;
    }
    Ok(())
}

/// Text, or items.
pub(super) fn input<'a>(turns: &mut Turns<'a>, body: &mut Object<'a>) -> Result<(), PayloadError> {
    match body.take("input", &Path::BODY)? {
        (Json::Null, _) => Ok(()),
        (Json::String(text), here) => turns.say(Role::User, text, &here),
        (json, here) => {
            for (index, json) in turns::list(json, &here, "a string or an array of items")? {
                item(turns, json, &here.index(index))?;
            }
            Ok(())
        }
    }
}

/// A stored prompt is the operator's; the values put into it are the user's.
fn prompt_variables<'a>(turns: &mut Turns<'a>, body: &mut Object<'a>) -> Result<(), PayloadError> {
    let (json, here) = body.take("prompt", &Path::BODY)?;
    if matches!(json, Json::Null) {
        return Ok(());
    }
    let mut prompt = json.object(&here, "a prompt object")?;
    let (json, here) = prompt.take("variables", &here)?;
    match json {
        Json::Null => Ok(()),
        json => {
            json.object(&here, "an object of variables")?.into_values().try_for_each(|value| match value {
                Json::String(text) => turns.say(Role::User, text, &here),
                json => {
                    messages::block(turns, Role::User, json.object(&here, "strings or content parts")?, &here)
                }
            })
        }
    }
}

fn item<'a>(turns: &mut Turns<'a>, json: Json<'a>, at: &Path<'_>) -> Result<(), PayloadError> {
    let mut item = match json {
        // Not a response but an embedding: a list of texts.
        Json::String(text) => return turns.say(Role::User, text, at),
        json => json.object(at, "an item object")?,
    };
    let (kind, here) = item.take("type", at)?;
    let kind = kind.optional_string(&here)?.unwrap_or(Cow::Borrowed("message"));
    match kind.as_ref() {
        "message" => messages::message(turns, item, at),
        // A screenshot.
        "computer_call_output" => {
            turns.begin(Role::Tool);
            Ok(())
        }
        "function_call_output" | "custom_tool_call_output" => {
            turns.begin(Role::Tool);
            let (json, here) = item.take("output", at)?;
            messages::content(turns, Role::Tool, json, &here)
        }
        kind if kind.ends_with("_output") => {
            turns.begin(Role::Tool);
            let (json, here) = item.take("output", at)?;
            turns.say_all(Role::Tool, json, &here)
        }
        "reasoning" | "compaction" | "mcp_list_tools" | "mcp_approval_request" => {
            turns.begin(Role::Assistant);
            turns.say_all(Role::Assistant, Json::Object(item), at)
        }
        kind if kind.ends_with("_call") => {
            turns.begin(Role::Assistant);
            turns.say_all(Role::Assistant, Json::Object(item), at)
        }
        // Names an item that the provider has; neither text nor an answer.
        "item_reference" => Ok(()),
        // Not known, so nothing in it is passed over.
        _ => {
            turns.begin(Role::User);
            turns.say_all(Role::User, Json::Object(item), at)
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::payload::Dialect::OpenAiResponses;
    use crate::payload::Role::{Assistant, System, Tool, User};
    use crate::payload::tests::{assert_new, refusal};

    #[test]
    fn the_input_is_text() {
        assert_new(
            OpenAiResponses,
            r#"{"model":"gpt-5","instructions":"Talk like a pirate.","input":"Are semicolons optional?"}"#,
            &[(System, "Talk like a pirate."), (User, "Are semicolons optional?")],
        );
    }

    #[test]
    fn messages_come_with_or_without_a_type() {
        assert_new(
            OpenAiResponses,
            r#"{"input":[{"role":"developer","content":"Be kind."},
                {"type":"message","role":"user","content":[{"type":"input_text","text":"What is this?"},
                    {"type":"input_image","image_url":"https://example.org/a.png"},
                    {"type":"input_file","file_id":"file-1"}]}]}"#,
            &[(System, "Be kind."), (User, "What is this?")],
        );
    }

    #[test]
    fn items_that_the_model_made_are_an_answer() {
        assert_new(
            OpenAiResponses,
            r#"{"instructions":"Be kind.","input":[
                {"role":"user","content":"What is my horoscope?"},
                {"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAA"},
                {"type":"function_call","call_id":"call_1","name":"horoscope","arguments":"{\"sign\":\"Aquarius\"}"},
                {"type":"function_call_output","call_id":"call_1","output":"{\"horoscope\":\"otters\"}"},
                {"type":"function_call_output","call_id":"call_2","output":[{"type":"input_text","text":"fish"}]}]}"#,
            &[(Tool, "{\"horoscope\":\"otters\"}"), (Tool, "fish")],
        );
    }

    #[test]
    fn earlier_outputs_are_carried_along_and_not_judged_again() {
        assert_new(
            OpenAiResponses,
            r#"{"input":[{"role":"user","content":"knock knock"},
                {"id":"msg_1","type":"message","role":"assistant","status":"completed",
                    "content":[{"type":"output_text","text":"Who is there?","annotations":[]}]},
                {"type":"item_reference","id":"msg_0"},
                {"role":"user","content":"Orange."}]}"#,
            &[(User, "Orange.")],
        );
    }

    #[test]
    fn instructions_stay_new_behind_a_previous_response() {
        assert_new(
            OpenAiResponses,
            r#"{"previous_response_id":"resp_1","instructions":"Be kind.","input":[{"role":"user","content":"more"}]}"#,
            &[(System, "Be kind."), (User, "more")],
        );
    }

    #[test]
    fn other_tools_give_all_that_they_put_out_but_no_screenshots() {
        assert_new(
            OpenAiResponses,
            r#"{"input":[{"type":"shell_call","call_id":"c","action":{"commands":["ls"]}},
                {"type":"shell_call_output","call_id":"c","output":[{"stdout":"a.txt","stderr":"none",
                    "outcome":{"type":"exit","exit_code":0}}]},
                {"type":"computer_call_output","call_id":"d","output":{"type":"computer_screenshot",
                    "image_url":"data:image/png;base64,AAAA"}}]}"#,
            &[(Tool, "a.txt"), (Tool, "none"), (Tool, "exit")],
        );
    }

    #[test]
    fn an_item_of_an_unknown_type_is_read_as_a_whole() {
        assert_new(
            OpenAiResponses,
            r#"{"input":[{"type":"whisper","role":"assistant","deep":{"er":["secret"]}}]}"#,
            &[(User, "assistant"), (User, "secret")],
        );
    }

    #[test]
    fn a_call_that_the_caller_made_up_is_a_prefill() {
        assert_new(
            OpenAiResponses,
            r#"{"input":[{"role":"user","content":"hi"},{"type":"function_call","arguments":"do it"}]}"#,
            &[(User, "hi"), (Assistant, "do it")],
        );
    }

    #[test]
    fn what_fills_a_stored_prompt_is_the_users() {
        assert_new(
            OpenAiResponses,
            r#"{"prompt":{"id":"pmpt_1","version":"2","variables":{"city":"Paris",
                "more":{"type":"input_text","text":"and its food"}}}}"#,
            &[(User, "Paris"), (User, "and its food")],
        );
    }

    #[test]
    fn what_fills_a_stored_prompt_is_new_even_after_an_answer() {
        assert_new(
            OpenAiResponses,
            r#"{"prompt":{"id":"pmpt_1","variables":{"city":"Rome"}},"input":[{"role":"user","content":"old"},
                {"role":"assistant","content":"x"},{"role":"user","content":"newer"}]}"#,
            &[(User, "Rome"), (User, "newer")],
        );
    }

    #[test]
    fn a_wrong_shape_is_refused_by_the_name_of_the_field() {
        let input = "`input`: expected a string or an array of items";
        for (body, says) in [
            ("{}", input),
            (r#"{"input":null}"#, input),
            (r#"{"input":{"role":"user"}}"#, input),
            (r#"{"input":[1212]}"#, "`input[0]`: expected an item object"),
            (r#"{"input":[{"type":"message","content":"x"}]}"#, "`input[0].role`: expected a string"),
            (r#"{"input":[{"type":1}]}"#, "`input[0].type`: expected a string"),
            (
                r#"{"input":[{"type":"function_call_output","output":{"a":"b"}}]}"#,
                "`input[0].output`: expected a string or an array of content parts",
            ),
            (r#"{"instructions":["x"],"input":"y"}"#, "`instructions`: expected a string"),
            (r#"{"input":"x","input":"y"}"#, "`input`: expected to be given once"),
            (
                r#"{"input":[{"type":"reasoning","type":"message","role":"user","content":"x"}]}"#,
                "`input[0].type`: expected to be given once",
            ),
            (r#"{"prompt":"x"}"#, "`prompt`: expected a prompt object"),
            (r#"{"prompt":{"variables":["x"]}}"#, "`prompt.variables`: expected an object of variables"),
        ] {
            assert_eq!(refusal(OpenAiResponses, body), says);
        }
    }
}
