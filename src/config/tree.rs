//! The settings as they were written: a tree of texts, each with the place where it stands.
//!
//! Numbers stay text, so that 0.1 is exactly 0.1. Variables and flags are set into the tree that the file made.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};

use crate::config::errors::{Errors, Origin};

/// A value and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) origin: Origin,
    pub(super) value: Value,
}

/// A value as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing, `null` or `~`.
    Null,
    /// A number, a switch or words.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order of the file.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) origin: Origin,
    pub(super) node: Node,
}

impl Value {
    /// What it is, for an error.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Text(_) => "a single value",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

impl Node {
    /// The tree of a file that says nothing.
    pub(super) const fn empty() -> Self {
        Self { origin: Origin::Default, value: Value::Map(Vec::new()) }
    }

    /// The value at `key`, if this is a mapping that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Value::Map(entries) = &self.value else { return None };
        entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The same, to be changed.
    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        self.entries_mut().iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node)
    }

    /// The entries of a mapping; none of anything else.
    pub(super) fn entries_mut(&mut self) -> &mut [Entry] {
        match &mut self.value {
            Value::Map(entries) => entries,
            Value::Null | Value::Text(_) | Value::List(_) => &mut [],
        }
    }

    /// Takes the entry at `key` out of a mapping.
    pub(super) fn take_entry(&mut self, key: &str) -> Option<Entry> {
        let Value::Map(entries) = &mut self.value else { return None };
        let index = entries.iter().position(|entry| entry.key == key)?;
        Some(entries.remove(index))
    }

    /// Takes the mapping at `key` out of a mapping; what is no mapping stays, to be reported.
    pub(super) fn take(&mut self, key: &str) -> Option<Self> {
        matches!(self.get(key)?.value, Value::Map(_)).then(|| self.take_entry(key).map(|entry| entry.node))?
    }

    /// Reads a YAML document. Duplicate keys are errors; the first one is kept.
    pub(super) fn parse(source: &str, errors: &mut Errors) -> Option<Self> {
        let options = serde_saphyr::options! {
            duplicate_keys: DuplicateKeyPolicy::PassThrough,
            // `off` is a word of ours, and every other value is read as text anyway.
            strict_booleans: true,
            non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
            budget: serde_saphyr::budget! { max_nodes: 100_000, max_events: 200_000 },
        };
        match serde_saphyr::from_str_with_options::<Spanned<Raw>>(source, options) {
            Ok(raw) => {
                let mut node = place(raw, source, "", errors);
                if node.value == Value::Null {
                    node.value = Value::Map(Vec::new());
                }
                Some(node)
            }
            Err(error) => {
                let origin = error.location().map_or(Origin::File { line: 0, column: 0 }, |at| at_(&at));
                errors.push(&origin, "", format!("not valid YAML: {}", in_one_line(&error)));
                None
            }
        }
    }

    /// What a variable or a flag says: YAML if it looks like a list, a mapping or a quoted text, else the text itself.
    pub(super) fn from_text(text: &str, origin: &Origin) -> Result<Self, String> {
        let trimmed = text.trim();
        if trimmed.starts_with(['[', '{', '"', '\'']) {
            let mut errors = Errors::default();
            let node = Self::parse(trimmed, &mut errors);
            return match (node, errors.into_result("")) {
                (Some(mut node), Ok(())) => {
                    node.stands_at(origin);
                    Ok(node)
                }
                (_, Err(found)) => Err(found.errors.iter().map(|e| e.message.clone()).collect()),
                (None, Ok(())) => Err("not valid YAML".to_owned()),
            };
        }
        let value = match trimmed {
            "null" | "~" => Value::Null,
            _ => Value::Text(trimmed.to_owned()),
        };
        Ok(Self { origin: origin.clone(), value })
    }

    /// Sets the value at `path`, replacing what is there. Fails where the path leads through something else than mappings.
    pub(super) fn set(&mut self, path: &[String], node: Self, origin: &Origin) -> Result<(), String> {
        let mut here = self;
        for (depth, key) in path.iter().enumerate() {
            let nothing = matches!(&here.value, Value::Null)
                || matches!(&here.value, Value::Text(text) if text.eq_ignore_ascii_case("off"));
            if nothing {
                here.value = Value::Map(Vec::new());
            }
            let kind = here.value.kind();
            let Value::Map(entries) = &mut here.value else {
                return Err(format!(
                    "`{}` is {kind}; it can only be set as a whole",
                    path[..depth].join(".")
                ));
            };
            let index = entries.iter().position(|entry| entry.key == *key).unwrap_or_else(|| {
                let node = Self { origin: origin.clone(), value: Value::Null };
                entries.push(Entry { key: key.clone(), origin: origin.clone(), node });
                entries.len() - 1
            });
            here = &mut entries[index].node;
        }
        *here = node;
        Ok(())
    }

    /// Every place in the tree, the tree's own first.
    pub(super) fn origins(&self) -> Vec<&Origin> {
        let mut origins = vec![&self.origin];
        match &self.value {
            Value::List(nodes) => nodes.iter().for_each(|node| origins.extend(node.origins())),
            Value::Map(entries) => {
                for entry in entries {
                    origins.push(&entry.origin);
                    origins.extend(entry.node.origins());
                }
            }
            Value::Null | Value::Text(_) => {}
        }
        origins
    }

    fn stands_at(&mut self, origin: &Origin) {
        self.origin = origin.clone();
        match &mut self.value {
            Value::List(nodes) => nodes.iter_mut().for_each(|node| node.stands_at(origin)),
            Value::Map(entries) => {
                for entry in entries {
                    entry.origin = origin.clone();
                    entry.node.stands_at(origin);
                }
            }
            Value::Null | Value::Text(_) => {}
        }
    }
}

/// A dotted path one step longer.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn at_(location: &serde_saphyr::Location) -> Origin {
    Origin::File { line: location.line(), column: location.column() }
}

/// The parser's words; the place stands before them already.
fn in_one_line(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    let text =
        text.replace("cannot deserialize null into string; use Option<String>", "a key without a name");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

// === YAML -> tree ===

/// What serde hands out. Numbers come as numbers; `place` looks their text up in the source.
enum Raw {
    Null,
    /// A number or a boolean: the text is in the source.
    Plain(String),
    Words(String),
    List(Vec<Spanned<Self>>),
    Map(Vec<(Spanned<String>, Spanned<Self>)>),
}

fn place(raw: Spanned<Raw>, source: &str, path: &str, errors: &mut Errors) -> Node {
    let origin = at_(&raw.referenced);
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Words(text) => Value::Text(text),
        Raw::Plain(parsed) => {
            // Where it was written: for an alias that is at its anchor.
            let span = raw.defined.span();
            let written = span.byte_offset().zip(span.byte_len()).and_then(|(offset, len)| {
                let start = usize::try_from(offset).ok()?;
                source.get(start..start.checked_add(usize::try_from(len).ok()?)?)
            });
            Value::Text(written.map_or(parsed, |text| text.trim().to_owned()))
        }
        Raw::List(items) => Value::List(
            items
                .into_iter()
                .enumerate()
                .map(|(i, item)| place(item, source, &format!("{path}[{i}]"), errors))
                .collect(),
        ),
        Raw::Map(pairs) => {
            let mut entries: Vec<Entry> = Vec::with_capacity(pairs.len());
            for (key, node) in pairs {
                let (origin, here) = (at_(&key.referenced), join(path, &key.value));
                let node = place(node, source, &here, errors);
                if entries.iter().any(|entry| entry.key == key.value) {
                    errors.push(&origin, &here, "set twice in this file; keep one of the two");
                } else {
                    entries.push(Entry { key: key.value, origin, node });
                }
            }
            Value::Map(entries)
        }
    };
    Node { origin, value }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RawVisitor;

        impl<'de> Visitor<'de> for RawVisitor {
            type Value = Raw;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value, a list or a mapping")
            }

            fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
                Ok(Raw::Plain(value.to_string()))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Raw, E> {
                Ok(Raw::Plain(value.to_string()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Raw, E> {
                Ok(Raw::Plain(value.to_string()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Raw, E> {
                Ok(Raw::Plain(value.to_string()))
            }

            fn visit_str<E>(self, value: &str) -> Result<Raw, E> {
                Ok(Raw::Words(value.to_owned()))
            }

            fn visit_unit<E>(self) -> Result<Raw, E> {
                Ok(Raw::Null)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Raw::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Raw::Map(pairs))
            }
        }

        deserializer.deserialize_any(RawVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(source: &str) -> Node {
        let mut errors = Errors::default();
        let node = Node::parse(source, &mut errors).expect("valid YAML");
        errors.into_result("test").expect("no duplicate keys");
        node
    }

    fn text(source: &str) -> String {
        match &parsed(source).get("a").expect("a key `a`").value {
            Value::Text(text) => text.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn problems(source: &str) -> Vec<String> {
        let mut errors = Errors::default();
        let _ = Node::parse(source, &mut errors);
        errors.into_result("f.yaml").expect_err("errors").to_string().lines().map(str::to_owned).collect()
    }

    #[test]
    fn numbers_and_switches_stay_as_they_were_written() {
        for written in [
            "0.1",
            "1e-3",
            "1_000",
            "0660",
            "1.50",
            "0.1000000000000000055",
            ".nan",
            "1e999",
            "0xff",
            "true",
            "off",
            "No",
        ] {
            assert_eq!(text(&format!("ä: 1\na: {written} # comment\n")), written);
            assert_eq!(text(&format!("{{b: ü, a: {written}}}")), written);
        }
        assert_eq!(text("a: '0.1'"), "0.1");
        assert_eq!(text("b: &x 1.50\na: *x"), "1.50");
        assert_eq!(text("a: \"two\\nlines\""), "two\nlines");
    }

    #[test]
    fn an_empty_file_says_nothing() {
        for source in ["", "\n", "# only a comment\n", "---\n", "{}"] {
            assert_eq!(parsed(source).value, Value::Map(Vec::new()), "{source:?}");
        }
    }

    #[test]
    fn values_and_keys_know_their_line_and_column() {
        let tree = parsed("server:\n  listen: 1.2.3.4:5\n");
        let listen = tree.get("server").and_then(|server| server.get("listen")).expect("listen");
        assert_eq!(listen.origin, Origin::File { line: 2, column: 11 });
    }

    #[test]
    fn every_duplicate_key_is_an_error_at_its_place() {
        assert_eq!(
            problems("a:\n  b: 1\n  b: 2\nc: 1\nc: 2\n"),
            [
                "f.yaml:3:3: `a.b`: set twice in this file; keep one of the two",
                "f.yaml:5:1: `c`: set twice in this file; keep one of the two",
            ]
        );
    }

    #[test]
    fn a_syntax_error_has_its_line_and_column() {
        let problems = problems("server:\n  listen: [1, 2\nadmin: }\n");
        assert_eq!(problems, ["f.yaml:3:6: not valid YAML: illegal placement of ':' indicator"]);
    }

    #[test]
    fn two_documents_are_an_error() {
        assert!(problems("a: 1\n---\nb: 2\n")[0].contains("not valid YAML"));
    }

    #[test]
    fn a_value_is_set_into_the_tree_and_makes_its_way() {
        let mut tree = parsed("a: {b: 1, c: 2}\nd: off\n");
        let origin = Origin::Flag("x".to_owned());
        for (path, value) in [("a.b", "3"), ("d.e.f", "4"), ("g", "[1, 'two']")] {
            let path: Vec<_> = path.split('.').map(str::to_owned).collect();
            let node = Node::from_text(value, &origin).expect("a value");
            tree.set(&path, node, &origin).expect("a way");
        }
        let a = tree.get("a").expect("a");
        assert_eq!(a.get("b").map(|node| &node.value), Some(&Value::Text("3".to_owned())));
        assert_eq!(a.get("c").map(|node| &node.value), Some(&Value::Text("2".to_owned())));
        let f = tree.get("d").and_then(|d| d.get("e")).and_then(|e| e.get("f")).expect("f");
        assert_eq!((&f.value, &f.origin), (&Value::Text("4".to_owned()), &origin));
        assert_eq!(tree.get("g").map(|node| node.value.kind()), Some("a list"));
    }

    #[test]
    fn nothing_is_set_inside_a_list() {
        let mut tree = parsed("a: [1]");
        let origin = Origin::Flag("x".to_owned());
        let node = Node::from_text("1", &origin).expect("a value");
        let path = ["a".to_owned(), "0".to_owned()];
        assert_eq!(
            tree.set(&path, node, &origin),
            Err("`a` is a list; it can only be set as a whole".to_owned())
        );
    }
}
