//! JSON as it lies in the body: a tree that borrows its strings, and paths that name a place in it.
//!
//! One pass; a string without escapes is borrowed; fields that no dialect reads are skipped at the top, where the
//! big ones are (`tools`). Objects keep doubled keys, so that taking one of them can refuse: two parsers may
//! disagree on which of the two counts. To many parsers (Go's, .NET's) case makes no difference, so a key in
//! another case is a double too.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use crate::payload::PayloadError;

/// Levels of arrays and objects; below the limit of serde_json itself, so that ours is the one that speaks.
pub(super) const MAX_DEPTH: usize = 100;
/// Values in the fields that are read: bounds the memory of the tree to some 16 MiB.
pub(super) const MAX_VALUES: usize = 262_144;

/// One value. No `Debug`: it holds user text.
pub(super) enum Json<'a> {
    Null,
    /// A number or a boolean: says nothing.
    Scalar,
    String(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    Object(Object<'a>),
}

/// The fields of an object, in order.
pub(super) struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

/// Where a value lies; written out only when something is wrong there.
pub(super) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step,
}

enum Step {
    Body,
    Field(&'static str),
    Index(usize),
}

/// The whole of `text` as an object, with only these fields.
pub(super) fn body<'a>(text: &'a str, fields: &[&str]) -> Result<Object<'a>, PayloadError> {
    parse(text, Some(fields))?.object(&Path::BODY, "a JSON object")
}

/// The whole of `text`; of an object only these fields, or all.
pub(super) fn parse<'a>(text: &'a str, fields: Option<&[&str]>) -> Result<Json<'a>, PayloadError> {
    let budget = Cell::new(MAX_VALUES);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let tree = Tree { depth: MAX_DEPTH, budget: &budget, fields };
    tree.deserialize(&mut deserializer).and_then(|json| deserializer.end().map(|()| json)).map_err(|e| {
        match e.classify() {
            // Our own objections: the visitor below takes every value there is.
            Category::Data if budget.get() == 0 => {
                PayloadError::TooMany { field: Cow::Borrowed("body"), what: "values", limit: MAX_VALUES }
            }
            Category::Data => PayloadError::TooDeep { limit: MAX_DEPTH },
            Category::Syntax | Category::Eof | Category::Io => {
                PayloadError::NotJson { line: e.line(), column: e.column() }
            }
        }
    })
}

impl<'a> Json<'a> {
    pub(super) fn object(self, at: &Path<'_>, expected: &'static str) -> Result<Object<'a>, PayloadError> {
        match self {
            Json::Object(object) => Ok(object),
            _ => Err(at.expected(expected)),
        }
    }

    pub(super) fn array(self, at: &Path<'_>, expected: &'static str) -> Result<Vec<Json<'a>>, PayloadError> {
        match self {
            Json::Array(items) => Ok(items),
            _ => Err(at.expected(expected)),
        }
    }

    pub(super) fn string(self, at: &Path<'_>) -> Result<Cow<'a, str>, PayloadError> {
        match self {
            Json::String(text) => Ok(text),
            _ => Err(at.expected("a string")),
        }
    }

    /// A string that may be left out.
    pub(super) fn optional_string(self, at: &Path<'_>) -> Result<Option<Cow<'a, str>>, PayloadError> {
        match self {
            Json::Null => Ok(None),
            json => json.string(at).map(Some),
        }
    }
}

impl<'a> Object<'a> {
    /// Takes a field out, with its path; absent and `null` are alike. Refuses a field that is there twice, or in
    /// another case.
    pub(super) fn take<'p>(
        &mut self,
        name: &'static str,
        at: &'p Path<'_>,
    ) -> Result<(Json<'a>, Path<'p>), PayloadError> {
        self.written_exactly(&[name], at)?;
        let here = at.field(name);
        let mut same = self.0.iter_mut().filter(|(key, _)| key == name).map(|(_, json)| json);
        let taken = same.next().map_or(Json::Null, |json| std::mem::replace(json, Json::Null));
        if same.next().is_some() {
            return Err(here.expected("to be given once"));
        }
        Ok((taken, here))
    }

    /// Refuses keys that some readers take for one of these names.
    pub(super) fn written_exactly(&self, names: &[&'static str], at: &Path<'_>) -> Result<(), PayloadError> {
        let inexact = |name: &&&'static str| self.0.iter().any(|(key, _)| key != *name && is_like(key, name));
        match names.iter().find(inexact) {
            Some(name) => Err(at.field(name).expected("to be written exactly so")),
            None => Ok(()),
        }
    }

    /// Whether the field is there, not `null`, and like that.
    pub(super) fn has(&self, name: &str, like: impl Fn(&Json<'a>) -> bool) -> bool {
        self.0.iter().any(|(key, json)| key == name && !matches!(json, Json::Null) && like(json))
    }

    /// All values, of doubled keys too.
    pub(super) fn into_values(self) -> impl Iterator<Item = Json<'a>> {
        self.0.into_iter().map(|(_, json)| json)
    }
}

// === impl Path ===

impl Path<'_> {
    pub(super) const BODY: Path<'static> = Path { parent: None, step: Step::Body };

    pub(super) fn field(&self, name: &'static str) -> Path<'_> {
        Path { parent: Some(self), step: Step::Field(name) }
    }

    pub(super) fn index(&self, index: usize) -> Path<'_> {
        Path { parent: Some(self), step: Step::Index(index) }
    }

    pub(super) fn expected(&self, expected: &'static str) -> PayloadError {
        PayloadError::Shape { field: Cow::Owned(self.to_string()), expected }
    }

    pub(super) fn too_many(&self, what: &'static str, limit: usize) -> PayloadError {
        PayloadError::TooMany { field: Cow::Owned(self.to_string()), what, limit }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parent = self.parent.filter(|parent| !matches!(parent.step, Step::Body));
        if let Some(parent) = parent {
            write!(f, "{parent}")?;
        }
        match self.step {
            Step::Body => f.write_str("body"),
            Step::Field(name) if parent.is_some() => write!(f, ".{name}"),
            Step::Field(name) => f.write_str(name),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}

// === parsing ===

/// Reads one value and all below it; `fields` holds for this level only.
struct Tree<'t> {
    depth: usize,
    budget: &'t Cell<usize>,
    fields: Option<&'t [&'t str]>,
}

impl<'t> Tree<'t> {
    fn below<E: serde::de::Error>(&self) -> Result<Tree<'t>, E> {
        let depth = self.depth.checked_sub(1).ok_or_else(|| E::custom("too deep"))?;
        Ok(Tree { depth, budget: self.budget, fields: None })
    }
}

impl<'a> DeserializeSeed<'a> for Tree<'_> {
    type Value = Json<'a>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Json<'a>, D::Error> {
        let left = self.budget.get().checked_sub(1).ok_or_else(|| D::Error::custom("too many values"))?;
        self.budget.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'a> Visitor<'a> for Tree<'_> {
    type Value = Json<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json<'a>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json<'a>, E> {
        Ok(Json::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Json<'a>, E> {
        Ok(Json::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json<'a>, E> {
        Ok(Json::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json<'a>, E> {
        Ok(Json::Scalar)
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Json<'a>, E> {
        Ok(Json::String(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'a>, E> {
        Ok(Json::String(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<Json<'a>, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(self.below()?)? {
            array.push(item);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'a>>(self, mut entries: A) -> Result<Json<'a>, A::Error> {
        let mut object = Vec::new();
        while let Some(key) = entries.next_key_seed(Key)? {
            if self.fields.is_some_and(|fields| !fields.iter().any(|field| is_like(&key, field))) {
                entries.next_value::<IgnoredAny>()?;
            } else {
                object.push((key, entries.next_value_seed(self.below()?)?));
            }
        }
        Ok(Json::Object(Object(object)))
    }
}

/// Whether a reader that does not look at case would take `key` for `name`.
fn is_like(key: &str, name: &str) -> bool {
    // The two letters outside ASCII that fold into it, which Go's reader knows.
    let fold = |c| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    key.chars().map(fold).eq(name.chars().map(fold))
}

/// A key, borrowed if it can be; `Cow` itself would always copy.
struct Key;

impl<'a> DeserializeSeed<'a> for Key {
    type Value = Cow<'a, str>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Cow<'a, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'a> Visitor<'a> for Key {
    type Value = Cow<'a, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'a str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Borrowed(key))
    }

    fn visit_str<E>(self, key: &str) -> Result<Cow<'a, str>, E> {
        Ok(Cow::Owned(key.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Dialect;
    use crate::payload::tests::refusal;

    #[test]
    fn a_path_is_written_as_a_programmer_would() {
        let messages = Path::BODY.field("messages");
        let message = messages.index(2);
        let content = message.field("content");
        assert_eq!(content.index(0).field("text").to_string(), "messages[2].content[0].text");
        assert_eq!(Path::BODY.to_string(), "body");
        assert_eq!(Path::BODY.index(3).to_string(), "[3]");
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for (body, place) in [
            ("", "line 1, column 0"),
            ("{\"prompt\": \"hi\",}", "line 1, column 17"),
            ("{\"prompt\": \"hi\"} true", "line 1, column 18"),
            ("{\n\"prompt\": hi}", "line 2, column 11"),
        ] {
            assert_eq!(refusal(Dialect::Seed, body), format!("body: not JSON at {place}"));
        }
    }

    #[test]
    fn half_a_surrogate_pair_is_not_json() {
        for text in [r"\ud800", r"\ud800x", r"\udc00", r"\ud800\ud800"] {
            assert!(
                refusal(Dialect::Seed, format!(r#"{{"prompt":"{text}"}}"#)).starts_with("body: not JSON")
            );
            assert!(refusal(Dialect::Seed, format!(r#"{{"{text}":"x"}}"#)).starts_with("body: not JSON"));
        }
    }

    #[test]
    fn a_bottomless_body_is_refused_and_does_not_crash() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(&deep(MAX_DEPTH), None).is_ok());
        for levels in [MAX_DEPTH + 2, 127, 128, 129, 1_000_000] {
            let body = format!(r#"{{"prompt":{}}}"#, deep(levels));
            assert_eq!(refusal(Dialect::Auto, body), "body: nested more than 100 levels deep");
        }
    }

    #[test]
    fn the_number_of_values_is_bounded() {
        let body = format!(r#"{{"prompt":[{}""]}}"#, "\"\",".repeat(MAX_VALUES));
        assert_eq!(refusal(Dialect::OpenAiCompletions, body), "`body`: more than 262144 values");
    }

    #[test]
    fn a_key_counts_by_what_it_says_not_by_how_it_is_escaped() {
        let body = r#"{"prompt":"benign","p\u0072ompt":"evil"}"#;
        assert_eq!(refusal(Dialect::Auto, body), "`prompt`: expected to be given once");
    }
}
