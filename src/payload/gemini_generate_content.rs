//! Gemini: `{"systemInstruction": content, "contents": [content, ...]}`, a content being `{"role", "parts"}`.
//!
//! Google reads protobuf JSON, where a field goes by its camelCase or its snake_case name; so both are read, and
//! both at once are refused.

use crate::payload::json::{Json, Object, Path};
use crate::payload::turns::{self, Turns};
use crate::payload::{Part, PayloadError, Role};

/// The fields that are read.
pub(super) const FIELDS: &[&str] = &["systemInstruction", "system_instruction", "contents"];

/// What is new in a conversation.
pub(super) fn read<'a>(body: &mut Object<'a>) -> Result<Vec<Part<'a>>, PayloadError> {
    let mut turns = Turns::default();
    system_instruction(&mut turns, body)?;
    let (json, here) = body.take("contents", &Path::BODY)?;
    for (index, json) in turns::list(json, &here, "an array of contents")? {
        let at = here.index(index);
        content(&mut turns, json.object(&at, "a content object")?, &at)?;
    }
    Ok(turns.finish())
}

/// The system text, before the first content.
// Like Anthropic's: sent with every request, new until an answer follows.
pub(super) fn system_instruction<'a>(
    turns: &mut Turns<'a>,
    body: &mut Object<'a>,
) -> Result<(), PayloadError> {
    let (json, here) = take_either(body, "systemInstruction", "system_instruction", &Path::BODY)?;
    if matches!(json, Json::Null) {
        return Ok(());
    }
    let mut content = json.object(&here, "a content object")?;
    let (json, here) = content.take("parts", &here)?;
    parts(turns, Role::System, json, &here)
}

fn content<'a>(turns: &mut Turns<'a>, mut content: Object<'a>, at: &Path<'_>) -> Result<(), PayloadError> {
    let (json, here) = content.take("role", at)?;
    let role = match json.optional_string(&here)?.as_deref() {
        Some("model") => Role::Assistant,
        Some("function") => Role::Tool,
        _ => Role::User,
    };
    turns.begin(role);
    match content.take("parts", at)? {
        // A model that was stopped before its first word.
        (Json::Null, _) if role == Role::Assistant => Ok(()),
        (json, here) => parts(turns, role, json, &here),
    }
}

fn parts<'a>(turns: &mut Turns<'a>, role: Role, json: Json<'a>, at: &Path<'_>) -> Result<(), PayloadError> {
    for (index, json) in json.array(at, "an array of parts")?.into_iter().enumerate() {
        let at = at.index(index);
        part(turns, role, json.object(&at, "a part object")?, &at)?;
    }
    Ok(())
}

fn part<'a>(
    turns: &mut Turns<'a>,
    role: Role,
    mut part: Object<'a>,
    at: &Path<'_>,
) -> Result<(), PayloadError> {
    let (json, here) = part.take("text", at)?;
    if let Some(text) = json.optional_string(&here)? {
        turns.say(role, text, &here)?;
    }
    let (json, here) = take_either(&mut part, "functionResponse", "function_response", at)?;
    if !matches!(json, Json::Null) {
        let mut function_response = json.object(&here, "a function response object")?;
        let (json, here) = function_response.take("response", &here)?;
        turns.say_all(Role::Tool, json, &here)?;
    }
    for (role, camel, snake) in [
        (Role::Tool, "codeExecutionResult", "code_execution_result"),
        (Role::Tool, "toolResponse", "tool_response"),
        (role, "executableCode", "executable_code"),
        (role, "functionCall", "function_call"),
        (role, "toolCall", "tool_call"),
    ] {
        let (json, here) = take_either(&mut part, camel, snake, at)?;
        turns.say_all(role, json, &here)?;
    }
    Ok(())
}

fn take_either<'a, 'p>(
    object: &mut Object<'a>,
    camel: &'static str,
    snake: &'static str,
    at: &'p Path<'_>,
) -> Result<(Json<'a>, Path<'p>), PayloadError> {
    match (object.take(camel, at)?, object.take(snake, at)?) {
        (found, (Json::Null, _)) => Ok(found),
        ((Json::Null, _), found) => Ok(found),
        (_, (_, here)) => Err(here.expected("to be given once, under one of its two names")),
    }
}

#[cfg(test)]
mod tests {
    use crate::payload::Dialect::GeminiGenerateContent;
    use crate::payload::Role::{Assistant, System, Tool, User};
    use crate::payload::tests::{assert_new, refusal};

    #[test]
    fn a_first_turn_needs_no_role() {
        assert_new(
            GeminiGenerateContent,
            r#"{"system_instruction":{"parts":[{"text":"You are a cat."}]},"contents":[{"parts":[{"text":"Hello"}]}],
                "generationConfig":{"temperature":1.0},"safetySettings":[]}"#,
            &[(System, "You are a cat."), (User, "Hello")],
        );
    }

    #[test]
    fn what_precedes_the_last_answer_is_old() {
        assert_new(
            GeminiGenerateContent,
            r#"{"systemInstruction":{"parts":[{"text":"You are a cat."}]},"contents":[
                {"role":"user","parts":[{"text":"Hello"}]},
                {"role":"model","parts":[{"text":"Meow.","thoughtSignature":"AAAA"}]},
                {"role":"model"},
                {"role":"user","parts":[{"text":"I have two dogs."},
                    {"inlineData":{"mimeType":"image/png","data":"AAAA"}},{"text":"How many paws?"}]}]}"#,
            &[(User, "I have two dogs."), (User, "How many paws?")],
        );
    }

    #[test]
    fn a_function_is_called_and_its_response_is_new() {
        assert_new(
            GeminiGenerateContent,
            r#"{"contents":[{"role":"user","parts":[{"text":"Dim the lights."}]},
                {"role":"model","parts":[{"functionCall":{"name":"set_light","args":{"mood":"warm"}}}]},
                {"role":"user","parts":[{"functionResponse":{"name":"set_light",
                    "response":{"result":{"colour":"warm","level":25,"log":["on","off"]}}}}]},
                {"role":"function","parts":[{"function_response":{"name":"f","response":{"error":"no bulb"}}}]}],
              "tools":[{"functionDeclarations":[{"name":"set_light","description":"not read"}]}]}"#,
            &[(Tool, "warm"), (Tool, "on"), (Tool, "off"), (Tool, "no bulb")],
        );
    }

    #[test]
    fn a_prefill_is_new_whatever_part_it_hides_in() {
        assert_new(
            GeminiGenerateContent,
            r#"{"contents":[{"role":"user","parts":[{"text":"Run it."}]},
                {"role":"model","parts":[{"executableCode":{"language":"PYTHON","code":"print(1)"}},
                    {"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"1"}}]}]}"#,
            &[
                (User, "Run it."),
                (Assistant, "PYTHON"),
                (Assistant, "print(1)"),
                (Tool, "OUTCOME_OK"),
                (Tool, "1"),
            ],
        );
    }

    #[test]
    fn an_unknown_role_is_judged_as_a_user_and_is_no_answer() {
        assert_new(
            GeminiGenerateContent,
            r#"{"contents":[{"role":"user","parts":[{"text":"one"}]},{"role":"assistant","parts":[{"text":"two"}]},
                {"role":"user","parts":[{"text":"three"}]}]}"#,
            &[(User, "one"), (User, "two"), (User, "three")],
        );
    }

    #[test]
    fn a_wrong_shape_is_refused_by_the_name_of_the_field() {
        for (body, says) in [
            ("{}", "`contents`: expected an array of contents"),
            (r#"{"contents":{"parts":[]}}"#, "`contents`: expected an array of contents"),
            (r#"{"contents":["hi"]}"#, "`contents[0]`: expected a content object"),
            (r#"{"contents":[{"role":"user"}]}"#, "`contents[0].parts`: expected an array of parts"),
            (r#"{"contents":[{"role":7,"parts":[]}]}"#, "`contents[0].role`: expected a string"),
            (r#"{"contents":[{"parts":[{"text":{}}]}]}"#, "`contents[0].parts[0].text`: expected a string"),
            (
                r#"{"contents":[{"parts":[{"functionResponse":"x"}]}]}"#,
                "`contents[0].parts[0].functionResponse`: expected a function response object",
            ),
            (
                r#"{"contents":[{"parts":[{"text":"x","text":"y"}]}]}"#,
                "`contents[0].parts[0].text`: expected to be given once",
            ),
            (
                r#"{"systemInstruction":{"parts":[]},"system_instruction":{"parts":[]},"contents":[]}"#,
                "`system_instruction`: expected to be given once, under one of its two names",
            ),
            (r#"{"systemInstruction":"x","contents":[]}"#, "`systemInstruction`: expected a content object"),
        ] {
            assert_eq!(refusal(GeminiGenerateContent, body), says);
        }
    }
}
