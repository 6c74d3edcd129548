//! OpenAI completions: `{"prompt": "..." | ["...", ...], "suffix": "..."}`. No turns: everything is new.

use crate::payload::json::{Json, Object, Path};
use crate::payload::turns::Turns;
use crate::payload::{Part, PayloadError, Role};

/// The fields that are read.
pub(super) const FIELDS: &[&str] = &["prompt", "suffix"];

/// What is new in a completion.
pub(super) fn read<'a>(body: &mut Object<'a>) -> Result<Vec<Part<'a>>, PayloadError> {
    let mut turns = Turns::default();
    let (json, here) = body.take("prompt", &Path::BODY)?;
    prompt(&mut turns, json, &here)?;
    suffix(&mut turns, body)?;
    Ok(turns.finish())
}

/// One prompt or several.
pub(super) fn prompt<'a>(turns: &mut Turns<'a>, json: Json<'a>, at: &Path<'_>) -> Result<(), PayloadError> {
    match json {
        Json::String(text) => turns.say(Role::User, text, at),
        Json::Array(prompts) => prompts.into_iter().enumerate().try_for_each(|(index, json)| {
            let at = at.index(index);
            match json {
                Json::String(text) => turns.say(Role::User, text, &at),
                // Only the model's own tokenizer could say what they mean.
                _ => Err(at.expected("a string: token ids cannot be judged")),
            }
        }),
        _ => Err(at.expected("a string or an array of strings")),
    }
}

/// The text behind the gap that the model fills.
pub(super) fn suffix<'a>(turns: &mut Turns<'a>, body: &mut Object<'a>) -> Result<(), PayloadError> {
    let (json, here) = body.take("suffix", &Path::BODY)?;
    match json.optional_string(&here)? {
        Some(text) => turns.say(Role::User, text, &here),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use crate::payload::Dialect::OpenAiCompletions;
    use crate::payload::Role::User;
    use crate::payload::tests::{assert_new, refusal};

    #[test]
    fn a_prompt_is_text_or_several_texts() {
        let body = r#"{"model":"gpt-3.5-turbo-instruct","prompt":"Say this is a test","max_tokens":7,"suffix":null}"#;
        assert_new(OpenAiCompletions, body, &[(User, "Say this is a test")]);
        assert_new(OpenAiCompletions, r#"{"prompt":["one","two"]}"#, &[(User, "one"), (User, "two")]);
        assert_new(OpenAiCompletions, r#"{"prompt":[]}"#, &[]);
    }

    #[test]
    fn the_suffix_is_the_users_too() {
        assert_new(
            OpenAiCompletions,
            r#"{"suffix":"}","prompt":"fn main() {"}"#,
            &[(User, "fn main() {"), (User, "}")],
        );
    }

    #[test]
    fn token_ids_cannot_be_judged() {
        for (body, field) in [
            (r#"{"prompt":[1212,318]}"#, "prompt[0]"),
            (r#"{"prompt":[[1212],[318]]}"#, "prompt[0]"),
            (r#"{"prompt":["text",318]}"#, "prompt[1]"),
        ] {
            let says = format!("`{field}`: expected a string: token ids cannot be judged");
            assert_eq!(refusal(OpenAiCompletions, body), says);
        }
    }

    #[test]
    fn a_wrong_shape_is_refused_by_the_name_of_the_field() {
        let prompt = "`prompt`: expected a string or an array of strings";
        for (body, says) in [
            ("{}", prompt),
            (r#"{"prompt":null}"#, prompt),
            (r#"{"prompt":{"text":"hi"}}"#, prompt),
            (r#"{"prompt":"a","suffix":["b"]}"#, "`suffix`: expected a string"),
            (r#"{"prompt":"a","prompt":"b"}"#, "`prompt`: expected to be given once"),
        ] {
            assert_eq!(refusal(OpenAiCompletions, body), says);
        }
    }
}
