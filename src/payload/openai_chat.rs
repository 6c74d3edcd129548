//! OpenAI chat completions: `{"messages": [{"role", "content"}, ...]}`.

use crate::payload::json::{Object, Path};
use crate::payload::messages;
use crate::payload::turns::Turns;
use crate::payload::{Part, PayloadError};

/// The fields that are read.
pub(super) const FIELDS: &[&str] = &["messages"];

/// What is new in a chat.
pub(super) fn read<'a>(body: &mut Object<'a>) -> Result<Vec<Part<'a>>, PayloadError> {
    let mut turns = Turns::default();
    let (json, here) = body.take("messages", &Path::BODY)?;
    messages::messages(&mut turns, json, &here)?;
    Ok(turns.finish())
}

#[cfg(test)]
mod tests {
    use crate::payload::Dialect::OpenAiChat;
    use crate::payload::Role::{Assistant, System, Tool, User};
    use crate::payload::tests::{assert_new, refusal};

    #[test]
    fn the_first_message_comes_with_the_system_text() {
        assert_new(
            OpenAiChat,
            r#"{"model":"gpt-4.1","messages":[
                {"role":"developer","content":"You are a helpful assistant."},
                {"role":"user","content":"Hello!"}],"temperature":0.2,"stream":true}"#,
            &[(System, "You are a helpful assistant."), (User, "Hello!")],
        );
    }

    #[test]
    fn history_was_judged_when_it_was_new() {
        assert_new(
            OpenAiChat,
            r#"{"messages":[
                {"role":"system","content":"Be kind."},
                {"role":"user","content":"Who won?"},
                {"role":"assistant","content":"The Dodgers."},
                {"role":"user","content":"Where?"}]}"#,
            &[(User, "Where?")],
        );
    }

    #[test]
    fn a_tool_answers_the_call_of_the_assistant() {
        assert_new(
            OpenAiChat,
            r#"{"messages":[
                {"role":"user","content":"What is the weather in Boston?"},
                {"role":"assistant","content":null,"tool_calls":[{"id":"call_abc","type":"function",
                    "function":{"name":"get_weather","arguments":"{\"location\":\"Boston\"}"}}]},
                {"role":"tool","tool_call_id":"call_abc","content":"22 degrees"},
                {"role":"tool","tool_call_id":"call_def","content":[{"type":"text","text":"windy"}]}],
              "tools":[{"type":"function","function":{"name":"get_weather","description":"not read",
                    "parameters":{"type":"object","properties":{"location":{"type":"string"}}}}}]}"#,
            &[(Tool, "22 degrees"), (Tool, "windy")],
        );
    }

    #[test]
    fn a_deprecated_function_may_return_nothing() {
        assert_new(
            OpenAiChat,
            r#"{"messages":[{"role":"user","content":"go"},
                {"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},
                {"role":"function","name":"f","content":null},{"role":"function","name":"g","content":"done"}]}"#,
            &[(Tool, "done")],
        );
    }

    #[test]
    fn pictures_sounds_and_files_say_nothing_beside_the_text() {
        assert_new(
            OpenAiChat,
            r#"{"messages":[{"role":"user","content":[
                {"type":"text","text":"What is in this image?"},
                {"type":"image_url","image_url":{"url":"https://example.org/a.png","detail":"low"}},
                {"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}},
                {"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AAAA"}}]}]}"#,
            &[(User, "What is in this image?")],
        );
    }

    #[test]
    fn a_part_of_an_unknown_type_gives_its_text() {
        assert_new(
            OpenAiChat,
            r#"{"messages":[{"role":"user","content":[
                {"type":"hologram","text":"hidden"},{"text":"untyped"},{"type":"hologram","depth":3}]}]}"#,
            &[(User, "hidden"), (User, "untyped")],
        );
    }

    #[test]
    fn a_prefill_is_new_whatever_field_it_hides_in() {
        assert_new(
            OpenAiChat,
            r#"{"messages":[{"role":"user","content":"Tell me."},{"role":"assistant",
                "content":[{"type":"text","text":"Sure:"},{"type":"refusal","refusal":"no"}],
                "reasoning_content":"I will","tool_calls":[{"function":{"arguments":"now"}}]}]}"#,
            &[
                (User, "Tell me."),
                (Assistant, "Sure:"),
                (Assistant, "no"),
                (Assistant, "I will"),
                (Assistant, "now"),
            ],
        );
    }

    #[test]
    fn an_unknown_role_is_judged_as_a_user_and_is_no_answer() {
        assert_new(
            OpenAiChat,
            r#"{"messages":[{"role":"user","content":"one"},{"role":"Assistant","content":"two"},
                {"role":"critic","content":"three"}]}"#,
            &[(User, "one"), (User, "two"), (User, "three")],
        );
    }

    #[test]
    fn unknown_fields_are_not_read() {
        assert_new(
            OpenAiChat,
            r#"{"metadata":{"a":1e3},"messages":[{"role":"user","content":"hi","name":"bo"}]}"#,
            &[(User, "hi")],
        );
    }

    #[test]
    fn a_field_that_another_reader_takes_for_ours_is_refused_at_every_level() {
        // Go's JSON reader takes these for the same field, and the last one wins.
        let good = r#"[{"role":"user","content":"benign"}]"#;
        for (body, field) in [
            (format!(r#"{{"messages":{good},"Messages":{good}}}"#), "messages"),
            (format!(r#"{{"MESSAGES":null,"messages":{good}}}"#), "messages"),
            (format!(r#"{{"messages":{good},"me\u017f\u017fage\u017f":{good}}}"#), "messages"),
            (
                r#"{"messages":[{"role":"user","content":"x","Content":"evil"}]}"#.into(),
                "messages[0].content",
            ),
            (r#"{"messages":[{"Role":"user","role":"assistant","content":"x"}]}"#.into(), "messages[0].role"),
            (
                r#"{"messages":[{"role":"user","content":[{"type":"text","text":"x","Text":"evil"}]}]}"#
                    .into(),
                "messages[0].content[0].text",
            ),
        ] {
            assert_eq!(refusal(OpenAiChat, body), format!("`{field}`: expected to be written exactly so"));
        }
    }

    #[test]
    fn a_wrong_shape_is_refused_by_the_name_of_the_field() {
        for (body, says) in [
            ("[]", "`body`: expected a JSON object"),
            ("{}", "`messages`: expected an array of messages"),
            (r#"{"messages":{}}"#, "`messages`: expected an array of messages"),
            (r#"{"messages":["hi"]}"#, "`messages[0]`: expected a message object"),
            (r#"{"messages":[{"content":"hi"}]}"#, "`messages[0].role`: expected a string"),
            (r#"{"messages":[{"role":1,"content":"hi"}]}"#, "`messages[0].role`: expected a string"),
            (
                r#"{"messages":[{"role":"user","content":null}]}"#,
                "`messages[0].content`: expected a string or an array of content parts",
            ),
            (
                r#"{"messages":[{"role":"user","content":{"text":"hi"}}]}"#,
                "`messages[0].content`: expected a string or an array of content parts",
            ),
            (
                r#"{"messages":[{"role":"user","content":["hi"]}]}"#,
                "`messages[0].content[0]`: expected a content part object",
            ),
            (
                r#"{"messages":[{"role":"user","content":[{"type":"text","text":["hi"]}]}]}"#,
                "`messages[0].content[0].text`: expected a string",
            ),
            (
                r#"{"messages":[{"role":"user","content":[{"type":["text"],"text":"hi"}]}]}"#,
                "`messages[0].content[0].type`: expected a string",
            ),
        ] {
            assert_eq!(refusal(OpenAiChat, body), says);
        }
    }

    #[test]
    fn history_is_not_returned_but_must_be_well_shaped() {
        let body = r#"{"messages":[{"role":"user","content":7},{"role":"assistant","content":"a"},
            {"role":"user","content":"b"}]}"#;
        let says = "`messages[0].content`: expected a string or an array of content parts";
        assert_eq!(refusal(OpenAiChat, body), says);
    }

    #[test]
    fn a_field_given_twice_is_refused_at_every_level() {
        let good = r#"[{"role":"user","content":"benign"}]"#;
        for (body, field) in [
            (format!(r#"{{"messages":{good},"messages":{good}}}"#), "messages"),
            (format!(r#"{{"messages":null,"messages":{good}}}"#), "messages"),
            (r#"{"messages":[{"role":"assistant","role":"user","content":"x"}]}"#.into(), "messages[0].role"),
            (r#"{"messages":[{"role":"user","content":"x","content":"y"}]}"#.into(), "messages[0].content"),
            (
                r#"{"messages":[{"role":"user","content":[{"type":"text","text":"x","text":"y"}]}]}"#.into(),
                "messages[0].content[0].text",
            ),
            (
                r#"{"messages":[{"role":"user","content":[{"type":"image","type":"text","text":"x"}]}]}"#
                    .into(),
                "messages[0].content[0].type",
            ),
        ] {
            assert_eq!(refusal(OpenAiChat, body), format!("`{field}`: expected to be given once"));
        }
    }

    #[test]
    fn the_number_of_messages_is_bounded() {
        let message = r#"{"role":"user","content":"x"}"#;
        let body = |count: usize| {
            format!(r#"{{"messages":[{}{message}]}}"#, format!("{message},").repeat(count - 1))
        };
        assert_new(OpenAiChat, &body(4096), &[(User, "x"); 4096]);
        assert_eq!(refusal(OpenAiChat, body(4097)), "`messages`: more than 4096 elements");
    }
}
