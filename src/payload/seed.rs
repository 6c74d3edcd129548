//! The seed's own JSON: `{"user_input" | "prompt" | "input": "..."}`. No turns: everything is new.

use crate::payload::json::{Json, Object, Path};
use crate::payload::turns::Turns;
use crate::payload::{Part, PayloadError, Role};

/// The fields that are read; at least one must be there.
pub(super) const FIELDS: &[&str] = &["user_input", "prompt", "input"];

/// What is new: all of them.
pub(super) fn read<'a>(body: &mut Object<'a>) -> Result<Vec<Part<'a>>, PayloadError> {
    let mut turns = Turns::default();
    for name in FIELDS {
        match body.take(name, &Path::BODY)? {
            (Json::Null, _) => {}
            (json, here) => turns.say(Role::User, json.string(&here)?, &here)?,
        }
    }
    let parts = turns.finish();
    if parts.is_empty() {
        return Err(Path::BODY.expected("`user_input`, `prompt` or `input`"));
    }
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use crate::payload::Dialect::Seed;
    use crate::payload::Role::User;
    use crate::payload::tests::{assert_new, refusal};

    #[test]
    fn any_of_the_three_fields_is_the_users_text() {
        assert_new(Seed, r#"{"user_input":"one","user_id":"u1"}"#, &[(User, "one")]);
        assert_new(Seed, r#"{"prompt":"two"}"#, &[(User, "two")]);
        assert_new(Seed, r#"{"input":""}"#, &[(User, "")]);
    }

    #[test]
    fn none_of_them_hides_another() {
        assert_new(
            Seed,
            r#"{"input":"three","user_input":"one","prompt":"two"}"#,
            &[(User, "one"), (User, "two"), (User, "three")],
        );
    }

    #[test]
    fn a_wrong_shape_is_refused_by_the_name_of_the_field() {
        for (body, says) in [
            ("{}", "`body`: expected `user_input`, `prompt` or `input`"),
            (r#"{"prompt":null}"#, "`body`: expected `user_input`, `prompt` or `input`"),
            (r#""hi""#, "`body`: expected a JSON object"),
            (r#"{"user_input":["hi"]}"#, "`user_input`: expected a string"),
            (r#"{"prompt":"benign","input":7}"#, "`input`: expected a string"),
            (r#"{"prompt":"benign","prompt":"evil"}"#, "`prompt`: expected to be given once"),
        ] {
            assert_eq!(refusal(Seed, body), says);
        }
    }
}
