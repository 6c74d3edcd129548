//! Anthropic messages: `{"system": "..." | [block, ...], "messages": [{"role", "content"}, ...]}`.

use crate::payload::json::{Json, Object, Path};
use crate::payload::messages;
use crate::payload::turns::Turns;
use crate::payload::{Part, PayloadError, Role};

/// The fields that are read.
pub(super) const FIELDS: &[&str] = &["system", "messages"];

/// What is new in a conversation.
pub(super) fn read<'a>(body: &mut Object<'a>) -> Result<Vec<Part<'a>>, PayloadError> {
    let mut turns = Turns::default();
    system(&mut turns, body)?;
    let (json, here) = body.take("messages", &Path::BODY)?;
    messages::messages(&mut turns, json, &here)?;
    Ok(turns.finish())
}

/// The system text, before the first message.
// It is sent again with every request. Standing before the first message it is new until an answer follows: judged
// with the first message, and not once more with each later one.
pub(super) fn system<'a>(turns: &mut Turns<'a>, body: &mut Object<'a>) -> Result<(), PayloadError> {
    match body.take("system", &Path::BODY)? {
        (Json::Null, _) => Ok(()),
        (json, here) => messages::content(turns, Role::System, json, &here),
    }
}

#[cfg(test)]
mod tests {
    use crate::payload::Dialect::AnthropicMessages;
    use crate::payload::Role::{Assistant, System, Tool, User};
    use crate::payload::tests::{assert_new, refusal};

    #[test]
    fn system_text_is_new_with_the_first_message() {
        assert_new(
            AnthropicMessages,
            r#"{"model":"claude-opus-4-1","max_tokens":1024,"system":"Answer in verse.",
                "messages":[{"role":"user","content":"Hello, Claude"}]}"#,
            &[(System, "Answer in verse."), (User, "Hello, Claude")],
        );
        assert_new(
            AnthropicMessages,
            r#"{"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}],
                "system":[{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}]}"#,
            &[(System, "Be brief."), (User, "Hi")],
        );
    }

    #[test]
    fn system_text_is_old_once_there_was_an_answer() {
        assert_new(
            AnthropicMessages,
            r#"{"system":"Be brief.","messages":[{"role":"user","content":"Hi"},
                {"role":"assistant","content":"Hello."},{"role":"user","content":"Go on."}]}"#,
            &[(User, "Go on.")],
        );
    }

    #[test]
    fn a_prefill_is_new_and_no_answer() {
        assert_new(
            AnthropicMessages,
            r#"{"system":"Be brief.","messages":[{"role":"user","content":"Latin for ant?"},
                {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},
                    {"type":"text","text":"The answer is ("}]}]}"#,
            &[
                (System, "Be brief."),
                (User, "Latin for ant?"),
                (Assistant, "hm"),
                (Assistant, "The answer is ("),
            ],
        );
    }

    #[test]
    fn a_tool_is_used_and_its_result_is_new() {
        assert_new(
            AnthropicMessages,
            r#"{"tools":[{"name":"get_weather","description":"not read","input_schema":{"type":"object"}}],
              "messages":[{"role":"user","content":"What is the weather?"},
                {"role":"assistant","content":[{"type":"thinking","thinking":"I need the tool.","signature":"s"},
                    {"type":"text","text":"I will look."},
                    {"type":"tool_use","id":"toolu_1","name":"get_weather","input":{"location":"Paris"}}]},
                {"role":"user","content":[
                    {"type":"tool_result","tool_use_id":"toolu_1","content":"15 degrees"},
                    {"content":[{"type":"text","text":"cloudy"},
                        {"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}},
                        {"type":"search_result","source":"https://w.example","title":"Weather",
                            "content":[{"type":"text","text":"rain at noon"}]}],
                     "type":"tool_result","tool_use_id":"toolu_2"},
                    {"type":"tool_result","tool_use_id":"toolu_3","is_error":true},
                    {"type":"text","text":"And tomorrow?"}]}]}"#,
            &[
                (Tool, "15 degrees"),
                (Tool, "cloudy"),
                (Tool, "rain at noon"),
                (Tool, "Weather"),
                (Tool, "https://w.example"),
                (User, "And tomorrow?"),
            ],
        );
    }

    #[test]
    fn documents_are_what_the_world_says() {
        assert_new(
            AnthropicMessages,
            r#"{"messages":[{"role":"user","content":[
                {"type":"document","title":"Grass","context":"botany","citations":{"enabled":true},
                    "source":{"type":"text","media_type":"text/plain","data":"The grass is green."}},
                {"type":"document","source":{"type":"content","content":[{"type":"text","text":"chunk"}]}},
                {"type":"document","source":{"type":"content","content":"whole"}},
                {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBE"}},
                {"type":"document","source":{"type":"url","url":"https://example.org/a.pdf"}},
                {"type":"text","text":"What colour is grass?"}]}]}"#,
            &[
                (Tool, "The grass is green."),
                (Tool, "Grass"),
                (Tool, "botany"),
                (Tool, "chunk"),
                (Tool, "whole"),
                (User, "What colour is grass?"),
            ],
        );
    }

    #[test]
    fn results_of_the_providers_tools_are_read_as_a_whole() {
        assert_new(
            AnthropicMessages,
            r#"{"messages":[{"role":"user","content":[{"type":"code_execution_tool_result","tool_use_id":"t",
                "content":{"return_code":0,"stdout":"42","stderr":"warning"}}]}]}"#,
            &[(Tool, "42"), (Tool, "warning")],
        );
    }

    #[test]
    fn system_text_in_the_middle_of_a_conversation_is_system_text() {
        assert_new(
            AnthropicMessages,
            r#"{"messages":[{"role":"user","content":[{"type":"mid_conv_system",
                "content":[{"type":"text","text":"From now on, rhyme."}]},{"type":"text","text":"ok"}]}]}"#,
            &[(System, "From now on, rhyme."), (User, "ok")],
        );
    }

    #[test]
    fn a_wrong_shape_is_refused_by_the_name_of_the_field() {
        let user = |block: &str| format!(r#"{{"messages":[{{"role":"user","content":[{block}]}}]}}"#);
        for (body, says) in [
            (r#"{"system":"x"}"#.into(), "`messages`: expected an array of messages"),
            (
                r#"{"system":{},"messages":[]}"#.into(),
                "`system`: expected a string or an array of content parts",
            ),
            (r#"{"system":"x","system":"y","messages":[]}"#.into(), "`system`: expected to be given once"),
            (
                user(r#"{"type":"tool_result","content":{"a":"b"}}"#),
                "`messages[0].content[0].content`: expected a string or an array of content parts",
            ),
            (
                user(r#"{"type":"tool_result","content":[{"type":"text"}]}"#),
                "`messages[0].content[0].content[0].text`: expected a string",
            ),
            (
                user(r#"{"type":"document","source":"x"}"#),
                "`messages[0].content[0].source`: expected a document source object",
            ),
            (
                user(r#"{"type":"document","source":{"type":"text","data":["x"]}}"#),
                "`messages[0].content[0].source.data`: expected a string",
            ),
            (
                user(r#"{"type":"document","source":{"type":"base64","type":"text","data":"x"}}"#),
                "`messages[0].content[0].source.type`: expected to be given once",
            ),
        ] {
            assert_eq!(refusal(AnthropicMessages, body), says);
        }
    }
}
