//! JSON of any shape: recognised by its fields, and read as a whole when it is not recognised.
//!
//! | field | read as |
//! |---|---|
//! | `messages` | OpenAI and Anthropic messages; one reader serves both, and `system` is read if it is there |
//! | `contents` | Gemini |
//! | `input` as text or items | OpenAI responses |
//! | `user_input`, `prompt`, any other `input` | the seed, completions |
//!
//! The text of all that are there is returned, one after the other: a body made for two readers hides nothing from
//! either. When none is there, every string of the document counts as the user's.

use crate::payload::json::{self, Json, Object, Path};
use crate::payload::turns::Turns;
use crate::payload::{
    Part, PayloadError, Role, anthropic_messages, gemini_generate_content, openai_completions,
    openai_responses,
};

/// A body with none of these is not recognised.
const MARKS: [&str; 5] = ["messages", "contents", "input", "prompt", "user_input"];
/// The fields that are read: those of every dialect.
const FIELDS: &[&str] = &[
    "messages",
    "system",
    "contents",
    "systemInstruction",
    "system_instruction",
    "instructions",
    "input",
    "prompt",
    "suffix",
    "user_input",
];

/// What is new in a body of unknown make.
pub(super) fn read(text: &str) -> Result<Vec<Part<'_>>, PayloadError> {
    match json::parse(text, Some(FIELDS))? {
        Json::Object(body) if MARKS.iter().any(|mark| body.has(mark, |_| true)) => recognised(body),
        Json::Object(_) => everything(json::parse(text, None)?),
        other => everything(other),
    }
}

fn everything(json: Json<'_>) -> Result<Vec<Part<'_>>, PayloadError> {
    let mut turns = Turns::default();
    turns.say_all(Role::User, json, &Path::BODY)?;
    Ok(turns.finish())
}

fn recognised(mut body: Object<'_>) -> Result<Vec<Part<'_>>, PayloadError> {
    body.written_exactly(FIELDS, &Path::BODY)?;
    let there = |mark: &str| body.has(mark, |_| true);
    let [messages, contents, input] = ["messages", "contents", "input"].map(there);
    let alone = MARKS.iter().filter(|mark| there(mark)).count() == 1;

    // The operator's text grows old with the turns of its own family. Beside another family it stays new, for
    // whoever reads that one may read the operator's text with it.
    let mut operator = Turns::default();
    if !(alone && messages) {
        anthropic_messages::system(&mut operator, &mut body)?;
    }
    if !(alone && contents) {
        gemini_generate_content::system_instruction(&mut operator, &mut body)?;
    }
    if !(alone && input) {
        openai_responses::instructions(&mut operator, &mut body)?;
    }

    let mut parts = operator.finish();
    if messages {
        parts.append(&mut anthropic_messages::read(&mut body)?);
    }
    if contents {
        parts.append(&mut gemini_generate_content::read(&mut body)?);
    }
    if input {
        parts.append(&mut any_input(&mut body)?);
    }
    parts.append(&mut texts(&mut body)?);
    Ok(parts)
}

fn any_input<'a>(body: &mut Object<'a>) -> Result<Vec<Part<'a>>, PayloadError> {
    let mut turns = Turns::default();
    openai_responses::instructions(&mut turns, body)?;
    if body.has("input", |json| matches!(json, Json::Object(_))) {
        let (json, here) = body.take("input", &Path::BODY)?;
        turns.say_all(Role::User, json, &here)?;
    } else {
        openai_responses::input(&mut turns, body)?;
    }
    Ok(turns.finish())
}

fn texts<'a>(body: &mut Object<'a>) -> Result<Vec<Part<'a>>, PayloadError> {
    let mut turns = Turns::default();
    let (json, here) = body.take("user_input", &Path::BODY)?;
    if let Some(text) = json.optional_string(&here)? {
        turns.say(Role::User, text, &here)?;
    }
    match body.take("prompt", &Path::BODY)? {
        (Json::Null, _) => {}
        // A stored prompt or something of the kind.
        (json @ Json::Object(_), here) => turns.say_all(Role::User, json, &here)?,
        (json, here) => openai_completions::prompt(&mut turns, json, &here)?,
    }
    openai_completions::suffix(&mut turns, body)?;
    Ok(turns.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Dialect::Auto;
    use crate::payload::Role::{System, Tool, User};
    use crate::payload::seed;
    use crate::payload::tests::{assert_new, refusal};

    #[test]
    fn every_field_of_every_dialect_is_read() {
        for fields in [
            crate::payload::openai_chat::FIELDS,
            openai_completions::FIELDS,
            openai_responses::FIELDS,
            anthropic_messages::FIELDS,
            gemini_generate_content::FIELDS,
            seed::FIELDS,
        ] {
            assert!(fields.iter().all(|field| FIELDS.contains(field)), "{fields:?}");
        }
    }

    #[test]
    fn a_mark_in_another_case_beside_a_mark_is_refused_and_alone_is_unknown() {
        for (body, field) in [
            (r#"{"prompt":"benign","Prompt":"evil"}"#, "prompt"),
            (r#"{"prompt":"benign","Messages":[{"role":"user","content":"evil"}]}"#, "messages"),
            (r#"{"messages":[],"System":"evil"}"#, "system"),
        ] {
            assert_eq!(refusal(Auto, body), format!("`{field}`: expected to be written exactly so"));
        }
        assert_new(Auto, r#"{"Prompt":"hi","Lang":"en"}"#, &[(User, "hi"), (User, "en")]);
    }

    #[test]
    fn each_dialect_is_recognised() {
        for (body, new) in [
            (r#"{"messages":[{"role":"user","content":"chat"}]}"#, [(User, "chat")].as_slice()),
            (
                r#"{"system":"kind","messages":[{"role":"user","content":[{"type":"tool_result","content":"x"}]}]}"#,
                &[(System, "kind"), (Tool, "x")],
            ),
            (
                r#"{"contents":[{"parts":[{"text":"gemini"}]}],"systemInstruction":{"parts":[{"text":"kind"}]}}"#,
                &[(System, "kind"), (User, "gemini")],
            ),
            (r#"{"input":"x","instructions":"kind"}"#, &[(System, "kind"), (User, "x")]),
            (r#"{"input":[{"role":"user","content":"x"}],"previous_response_id":"r"}"#, &[(User, "x")]),
            (r#"{"input":["embed","me"]}"#, &[(User, "embed"), (User, "me")]),
            (r#"{"prompt":["a","b"],"suffix":"c"}"#, &[(User, "a"), (User, "b"), (User, "c")]),
            (r#"{"user_input":"seed"}"#, &[(User, "seed")]),
        ] {
            assert_new(Auto, body, new);
        }
    }

    #[test]
    fn a_body_made_for_two_readers_hides_nothing_from_either() {
        assert_new(
            Auto,
            r#"{"prompt":"e","user_input":"d","input":[{"role":"user","content":"c"}],"instructions":"sys",
                "contents":[{"parts":[{"text":"b"}]}],
                "messages":[{"role":"user","content":"old"},{"role":"assistant","content":"old"},
                    {"role":"user","content":"a"}]}"#,
            &[(System, "sys"), (User, "a"), (User, "b"), (User, "c"), (User, "d"), (User, "e")],
        );
    }

    #[test]
    fn an_answer_in_one_family_makes_nothing_old_in_another() {
        assert_new(
            Auto,
            r#"{"prompt":"new","messages":[{"role":"user","content":"old"},{"role":"assistant","content":"x"},
                {"role":"user","content":"newer"}]}"#,
            &[(User, "newer"), (User, "new")],
        );
    }

    #[test]
    fn an_answer_in_one_family_makes_no_operators_text_old_in_another() {
        let turns = r#"[{"role":"user","content":"old"},{"role":"assistant","content":"x"},
            {"role":"user","content":"newer"}]"#;
        assert_new(Auto, &format!(r#"{{"system":"S","messages":{turns}}}"#), &[(User, "newer")]);
        assert_new(Auto, &format!(r#"{{"instructions":"S","input":{turns}}}"#), &[(User, "newer")]);
        for (system, family) in [
            ("system", "messages"),
            ("system", "input"),
            ("instructions", "messages"),
            ("instructions", "input"),
        ] {
            assert_new(
                Auto,
                &format!(r#"{{"{system}":"S","{family}":{turns},"prompt":"new"}}"#),
                &[(System, "S"), (User, "newer"), (User, "new")],
            );
        }
    }

    #[test]
    fn fields_that_are_null_are_not_there() {
        let body = r#"{"messages":null,"prompt":null,"input":"hi","suffix":null,"system":null}"#;
        assert_new(Auto, body, &[(User, "hi")]);
    }

    #[test]
    fn objects_where_text_is_usual_are_read_as_a_whole() {
        assert_new(Auto, r#"{"input":{"prompt":"a","n":1}}"#, &[(User, "a")]);
        assert_new(Auto, r#"{"prompt":{"text":"a","text":"b"}}"#, &[(User, "a"), (User, "b")]);
    }

    #[test]
    fn a_document_that_is_not_recognised_is_read_as_a_whole() {
        assert_new(
            Auto,
            r#"{"q":"one","deep":[{"er":["two",3,null]}],"q":"three","instructions":"four"}"#,
            &[(User, "one"), (User, "two"), (User, "three"), (User, "four")],
        );
        assert_new(Auto, r#"["one",["two"]]"#, &[(User, "one"), (User, "two")]);
        assert_new(Auto, r#""one""#, &[(User, "one")]);
        assert_new(Auto, "7", &[]);
    }

    #[test]
    fn a_wrong_shape_is_refused_by_the_name_of_the_field() {
        for (body, says) in [
            (r#"{"messages":"hi","prompt":"x"}"#, "`messages`: expected an array of messages"),
            (r#"{"messages":[],"messages":[]}"#, "`messages`: expected to be given once"),
            (r#"{"messages":null,"messages":[]}"#, "`messages`: expected to be given once"),
            (r#"{"input":5}"#, "`input`: expected a string or an array of items"),
            (r#"{"input":"benign","input":{"a":"evil"}}"#, "`input`: expected to be given once"),
            (r#"{"user_input":["x"]}"#, "`user_input`: expected a string"),
            (r#"{"prompt":[1,2]}"#, "`prompt[0]`: expected a string: token ids cannot be judged"),
        ] {
            assert_eq!(refusal(Auto, body), says);
        }
    }
}
