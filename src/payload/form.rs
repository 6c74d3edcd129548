//! Forms: `user_input=hello+world&lang=en`. No turns: everything is new.
//!
//! The fields that usually hold text are read, every occurrence of each; when there is none of them, all values. JSON
//! under a form's content type, as curl posts it, is read as JSON; as a form besides, where it could be one.

use std::borrow::Cow;

use crate::payload::json::Path;
use crate::payload::turns::Turns;
use crate::payload::{Part, PayloadError, Role, auto};

const TEXT_FIELDS: [&str; 8] = ["user_input", "prompt", "input", "message", "text", "q", "query", "content"];
/// Fields of one form; as many as there may be pieces of text.
const MAX_FIELDS: usize = 65_536;

/// What is new in a form.
pub(super) fn read(text: &str) -> Result<Vec<Part<'_>>, PayloadError> {
    // A browser escapes these. Readers that do not look at the content type see a JSON body.
    if !text.trim_start().starts_with(['{', '[']) {
        return read_fields(text);
    }
    let mut parts = auto::read(text)?;
    if text.contains('=') {
        parts.append(&mut read_fields(text)?);
    }
    Ok(parts)
}

fn read_fields(text: &str) -> Result<Vec<Part<'_>>, PayloadError> {
    let form = Path::BODY.field("form");
    let mut fields = Vec::new();
    for (index, field) in text.split('&').filter(|field| !field.is_empty()).enumerate() {
        if index == MAX_FIELDS {
            return Err(form.too_many("fields", MAX_FIELDS));
        }
        // By its place: the name is the caller's too.
        let at = form.index(index);
        let decoded = |text| decode(text).ok_or_else(|| at.expected("percent-encoded UTF-8"));
        fields.push(match field.split_once('=') {
            Some((name, value)) => (decoded(name)?, decoded(value)?),
            None if holds_text(field) => (Cow::Borrowed(field), Cow::Borrowed("")),
            // Whoever posts bare text as a form still says something.
            None => (Cow::Borrowed(""), decoded(field)?),
        });
    }
    let named = fields.iter().any(|(name, _)| holds_text(name));
    let mut turns = Turns::default();
    for (name, value) in fields {
        if !named || holds_text(&name) {
            turns.say(Role::User, value, &form)?;
        }
    }
    Ok(turns.finish())
}

/// Whether a field of that name usually holds text. Many readers take `q[]` and `q[0]` for `q`, ASP.NET takes `Q` for
/// it, and PHP ` q`.
fn holds_text(name: &str) -> bool {
    let name = name.split_once('[').map_or(name, |(name, _)| name);
    TEXT_FIELDS.iter().any(|field| field.eq_ignore_ascii_case(name.trim()))
}

/// Takes the encoding off; `None` if there is an escape that is none, or bytes that are not UTF-8.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.bytes().any(|byte| matches!(byte, b'%' | b'+')) {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Dialect::Form;
    use crate::payload::Role::User;
    use crate::payload::tests::{assert_new, refusal};

    #[test]
    fn text_fields_are_read_every_time_they_occur() {
        assert_new(
            Form,
            "lang=en&user_input=hello+world&q=1%2B1%3D2&user_input=h%C3%A9",
            &[(User, "hello world"), (User, "1+1=2"), (User, "hé")],
        );
    }

    #[test]
    fn a_name_counts_by_what_it_says_not_by_how_it_is_escaped() {
        assert_new(Form, "q=benign&%70rompt=evil", &[(User, "benign"), (User, "evil")]);
    }

    #[test]
    fn a_name_in_another_case_or_behind_a_space_is_read_too() {
        assert_new(Form, "q=hi&Prompt=evil", &[(User, "hi"), (User, "evil")]);
        assert_new(Form, "q=hi&+prompt[]=evil", &[(User, "hi"), (User, "evil")]);
    }

    #[test]
    fn a_list_goes_by_the_name_of_its_field() {
        assert_new(
            Form,
            "q=one&prompt[]=two&text%5B0%5D=three",
            &[(User, "one"), (User, "two"), (User, "three")],
        );
    }

    #[test]
    fn a_form_without_text_fields_is_read_as_a_whole() {
        assert_new(Form, "frage=wie+geht%27s&&ort=Berlin", &[(User, "wie geht's"), (User, "Berlin")]);
        assert_new(Form, "just+some+text", &[(User, "just some text")]);
        assert_new(Form, "", &[]);
    }

    #[test]
    fn json_that_is_posted_as_a_form_hides_nothing_behind_a_text_field() {
        // Many JSON readers do not look at the content type: curl sends this one with `-d`.
        assert_new(Form, r#"{"prompt":"100% \u0068i"}"#, &[(User, "100% hi")]);
        assert_new(Form, r#" {"prompt":"evil","x":"&q=hi"}"#, &[(User, "evil"), (User, "hi\"}")]);
        assert_eq!(refusal(Form, "[evil&q=hi"), "body: not JSON at line 1, column 2");
        // What a browser sends for a field of that name.
        assert_new(Form, "%7Ba%7D=b&q=hi", &[(User, "hi")]);
    }

    #[test]
    fn a_value_without_escapes_is_borrowed() {
        assert!(matches!(decode("plain"), Some(Cow::Borrowed("plain"))));
    }

    #[test]
    fn broken_escapes_are_refused_even_in_fields_that_are_not_read() {
        for body in ["q=hi&x=%", "q=hi&x=%4", "q=hi&x=%zz", "q=hi&%ff=x", "q=hi&x=%c3%28", "q=hi&%"] {
            assert_eq!(refusal(Form, body), "`form[1]`: expected percent-encoded UTF-8", "{body}");
        }
    }

    #[test]
    fn the_number_of_fields_is_bounded() {
        assert_eq!(refusal(Form, "a=b&".repeat(MAX_FIELDS + 1)), "`form`: more than 65536 fields");
    }
}
