//! Plain text: the body is what the user says.

use std::borrow::Cow;

use crate::payload::{Part, Role};

/// What is new: all of it.
pub(super) fn read(text: &str) -> Vec<Part<'_>> {
    vec![Part { role: Role::User, text: Cow::Borrowed(text) }]
}

#[cfg(test)]
mod tests {
    use crate::payload::Dialect::PlainText;
    use crate::payload::Role::User;
    use crate::payload::tests::assert_new;

    #[test]
    fn the_body_is_the_text_even_if_it_looks_like_json() {
        assert_new(PlainText, "{\"prompt\": \"hi\"}\n", &[(User, "{\"prompt\": \"hi\"}\n")]);
        assert_new(PlainText, "", &[(User, "")]);
    }
}
