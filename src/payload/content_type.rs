//! The dialect that a content type asks for, when the route names none.

use crate::payload::Dialect;

/// The dialect of a body with this `content-type`; `None` if its text cannot be read: the body is opaque.
///
/// JSON is [`Dialect::Auto`]. Parameters are tolerated, but a charset other than UTF-8 or US-ASCII is opaque.
pub fn dialect_of_content_type(content_type: &str) -> Option<Dialect> {
    let mut pieces = content_type.split(';').map(str::trim);
    let media_type = pieces.next()?.to_ascii_lowercase();
    if !pieces.all(is_readable) {
        return None;
    }
    match media_type.as_str() {
        "application/json" => Some(Dialect::Auto),
        "text/plain" => Some(Dialect::PlainText),
        "application/x-www-form-urlencoded" => Some(Dialect::Form),
        // Framed, whatever is in the frames.
        grpc if grpc.starts_with("application/grpc") => None,
        other => other.ends_with("+json").then_some(Dialect::Auto),
    }
}

/// Whether a parameter leaves the body readable: any but a charset that we do not read.
fn is_readable(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    if !name.trim().eq_ignore_ascii_case("charset") {
        return true;
    }
    let charset = value.trim().trim_matches('"');
    ["utf-8", "utf8", "us-ascii"].iter().any(|known| charset.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_text_and_forms_have_a_dialect() {
        for (content_type, dialect) in [
            ("application/json", Dialect::Auto),
            ("Application/JSON; charset=UTF-8", Dialect::Auto),
            ("application/vnd.api+json;profile=x", Dialect::Auto),
            ("text/plain", Dialect::PlainText),
            (" text/plain ; charset=\"us-ascii\"; format=flowed", Dialect::PlainText),
            ("application/x-www-form-urlencoded;charset=utf-8;", Dialect::Form),
        ] {
            assert_eq!(dialect_of_content_type(content_type), Some(dialect), "{content_type}");
        }
    }

    #[test]
    fn everything_else_is_opaque() {
        for content_type in [
            "",
            "multipart/form-data; boundary=x",
            "application/octet-stream",
            "application/grpc",
            "application/grpc+json",
            "application/x-ndjson",
            "text/html",
            "application/jsonp",
            "json",
        ] {
            assert_eq!(dialect_of_content_type(content_type), None, "{content_type}");
        }
    }

    #[test]
    fn another_charset_is_opaque_wherever_it_stands() {
        for parameters in
            ["charset=utf-16", "charset=utf-8; Charset=utf-7", "charset", "charset=", "x=y;charset=latin1"]
        {
            assert_eq!(
                dialect_of_content_type(&format!("application/json; {parameters}")),
                None,
                "{parameters}"
            );
        }
    }
}
