//! From the tree to checked values: a walk over the schema that collects every mistake.
//!
//! The result is flat: a dotted path for every setting, defaults included. Where a value is wrong the default stands in,
//! so that the walk can go on; nothing is made of it once an error is known.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::decimal;
use crate::config::errors::{Errors, Origin, nearest, shown};
use crate::config::kinds::Checked;
use crate::config::schema::{self, FAIR_PLAY, Field, Kind, MAX_LIST, ROOT, Shape};
use crate::config::tree::{Entry, Node, Value, join};
use crate::pact::decision::Reason;
use crate::pact::interaction::TrustTier;

/// A checked value and where it was written.
#[derive(Debug, Clone)]
pub(super) struct Read {
    pub(super) value: Checked,
    pub(super) origin: Origin,
    /// The default stands in for a value that is wrong.
    pub(super) broken: bool,
}

/// Every setting by its path.
#[derive(Debug, Default)]
pub(super) struct Values {
    values: BTreeMap<String, Read>,
    /// The names of the policies, `default` first.
    pub(super) policies: Vec<String>,
    /// The places of the rules in `routes.rules`.
    pub(super) rules: Vec<Origin>,
    /// Policies that only a variable or a flag knows.
    pub(super) policies_from_outside: Vec<String>,
}

impl Values {
    /// The setting at `path`, which the schema has.
    pub(super) fn at(&self, path: &str) -> &Read {
        self.get(path).expect("the walk records every setting of the schema")
    }

    pub(super) fn get(&self, path: &str) -> Option<&Read> {
        self.values.get(path)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Checked)> {
        self.values.iter().map(|(path, read)| (path, &read.value))
    }

    /// A field of fair play of a policy's tier, and its path: the tier's own, or else the policy's.
    pub(super) fn fair_play(&self, policy: &str, tier: TrustTier, field: &str) -> (String, &Read) {
        let path = format!("policies.{policy}.tiers.{}.fair_play.{field}", tier.name());
        if let Some(read) = self.get(&path) {
            return (path, read);
        }
        let path = format!("policies.{policy}.fair_play.{field}");
        let read = self.at(&path);
        (path, read)
    }

    fn insert(&mut self, path: &str, value: Checked, origin: &Origin, broken: bool) {
        self.values.insert(path.to_owned(), Read { value, origin: origin.clone(), broken });
    }
}

/// Reads the whole tree.
pub(super) fn read(tree: &Node, errors: &mut Errors) -> Values {
    let mut reader = Reader { values: Values::default(), errors };
    reader.section("", ROOT, Some(tree), Defaults::Filled);
    reader.values
}

/// What becomes of settings that are not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Defaults {
    /// They get their default.
    Filled,
    /// They stay away.
    Left,
}

struct Reader<'e> {
    values: Values,
    errors: &'e mut Errors,
}

impl Reader<'_> {
    fn section(&mut self, path: &str, fields: &'static [Field], node: Option<&Node>, defaults: Defaults) {
        let entries = self.entries(path, node);
        for entry in entries {
            if !fields.iter().any(|field| field.name == entry.key) {
                self.unknown(path, entry, fields);
            }
        }
        for field in fields {
            let child = node.and_then(|node| node.get(field.name));
            self.field(&join(path, field.name), field, child, defaults);
        }
    }

    fn field(&mut self, path: &str, field: &'static Field, node: Option<&Node>, defaults: Defaults) {
        match &field.shape {
            Shape::Value { kind, default } => self.value(path, kind, default, node, defaults),
            Shape::Section(fields) => self.section(path, fields, node, defaults),
            Shape::Switchable { fields, on } => self.switchable(path, fields, *on, node),
            Shape::Policies(fields) => self.policies(path, fields, node),
            Shape::Tiers(fields) => self.tiers(path, fields, node),
            Shape::Messages => self.messages(path, node),
            Shape::Rules(fields) => self.rules(path, fields, node),
            Shape::NotYet(why) => {
                if let Some(node) = node.filter(|node| node.value != Value::Null) {
                    self.errors.push(&node.origin, path, *why);
                }
            }
        }
    }

    fn value(&mut self, path: &str, kind: &Kind, default: &str, node: Option<&Node>, defaults: Defaults) {
        let checked = node.map(|node| kind.check(node, path, self.errors));
        let (origin, broken) = node.map_or((&Origin::Default, false), |node| (&node.origin, true));
        if let Some(Some(value)) = checked {
            self.values.insert(path, value, origin, false);
        } else if defaults == Defaults::Filled {
            self.values.insert(path, default_of(kind, default), origin, broken);
        }
    }

    fn switchable(&mut self, path: &str, fields: &'static [Field], on: bool, node: Option<&Node>) {
        let off = match node.map(|node| &node.value) {
            None => !on,
            Some(Value::Null) => true,
            Some(Value::Text(text)) => {
                matches!(text.to_ascii_lowercase().as_str(), "off" | "false" | "no" | "")
            }
            Some(_) => false,
        };
        if off {
            let origin = node.map_or(&Origin::Default, |node| &node.origin);
            self.values.insert(path, Checked::Off, origin, false);
        } else {
            self.section(path, fields, node, Defaults::Filled);
        }
    }

    fn policies(&mut self, path: &str, fields: &'static [Field], node: Option<&Node>) {
        let entries = self.entries(path, node);
        let mut names = BTreeSet::new();
        for entry in entries {
            if is_policy_name(&entry.key) {
                names.insert(entry.key.as_str());
            } else {
                let message = "is not a policy's name: 1 to 64 of a-z, 0-9, `_` and `-`";
                self.errors.push(&entry.origin, &join(path, &entry.key), message);
            }
            let outside = matches!(entry.origin, Origin::Variable(_) | Origin::Flag(_));
            if outside && entry.key != "default" {
                self.values.policies_from_outside.push(entry.key.clone());
            }
        }
        if let Some(node) = node.filter(|_| entries.len() > MAX_LIST) {
            let message = format!("{} policies; {MAX_LIST} are the most", entries.len());
            self.errors.push(&node.origin, path, message);
        }
        names.remove("default");
        for name in ["default"].into_iter().chain(names) {
            let child = node.and_then(|node| node.get(name));
            self.values.policies.push(name.to_owned());
            self.section(&join(path, name), fields, child, Defaults::Filled);
        }
    }

    fn tiers(&mut self, path: &str, fields: &'static [Field], node: Option<&Node>) {
        for entry in self.entries(path, node) {
            let path = join(path, &entry.key);
            if TrustTier::from_name(&entry.key).is_none() {
                let names = TrustTier::ALL.map(TrustTier::name);
                let nearest = nearest(&entry.key, names).unwrap_or_default();
                let message = format!("no such tier; the nearest is `{nearest}` ({})", names.join(", "));
                self.errors.push(&entry.origin, &path, message);
                continue;
            }
            for inner in self.entries(&path, Some(&entry.node)) {
                if inner.key == "fair_play" {
                    let path = join(&path, "fair_play");
                    self.section(&path, fields, Some(&inner.node), Defaults::Left);
                } else {
                    self.unknown(&path, inner, &TIER);
                }
            }
        }
    }

    fn messages(&mut self, path: &str, node: Option<&Node>) {
        const WORDS: Kind = Kind::Text { min: 1, max: 500 };
        for entry in self.entries(path, node) {
            let path = join(path, &entry.key);
            if !Reason::ALL.iter().any(|reason| reason.code() == entry.key) {
                let codes = Reason::ALL.iter().map(|reason| reason.code());
                let nearest = nearest(&entry.key.to_ascii_uppercase(), codes).unwrap_or_default();
                let message = format!("no such reason code; the nearest is `{nearest}`");
                self.errors.push(&entry.origin, &path, message);
            } else if let Some(words) = WORDS.check(&entry.node, &path, self.errors) {
                self.values.insert(&path, words, &entry.node.origin, false);
            }
        }
    }

    fn rules(&mut self, path: &str, fields: &'static [Field], node: Option<&Node>) {
        let items: &[Node] = match node.map(|node| (&node.value, node)) {
            Some((Value::List(items), _)) if items.len() <= MAX_LIST => items,
            None | Some((Value::Null, _)) => &[],
            Some((other, node)) => {
                let message = match other {
                    Value::List(items) => format!("has {} items; {MAX_LIST} are the most", items.len()),
                    _ => format!("is {}, not a list of rules", other.kind()),
                };
                self.errors.push(&node.origin, path, message);
                &[]
            }
        };
        let mut rules = Vec::new();
        for (i, item) in items.iter().enumerate() {
            let path = format!("{path}[{i}]");
            let mistakes = self.errors.count();
            self.section(&path, fields, Some(item), Defaults::Left);
            let rule: Vec<(&'static str, String)> = fields
                .iter()
                .filter_map(|field| match self.values.values.remove(&join(&path, field.name))?.value {
                    Checked::Text(text) => Some((field.name, text)),
                    _ => None,
                })
                .collect();
            let paths = rule.iter().filter(|(name, _)| name.starts_with("path")).count();
            if paths != 1 && self.errors.count() == mistakes {
                let message =
                    format!("has {paths} of path, path_prefix and path_suffix; each rule has exactly one");
                self.errors.push(&item.origin, &path, message);
            }
            rules.push(rule);
            self.values.rules.push(item.origin.clone());
        }
        self.values.insert(path, Checked::Rules(rules), node.map_or(&Origin::Default, |n| &n.origin), false);
    }

    /// The entries of a mapping; nothing is an empty one.
    fn entries<'n>(&mut self, path: &str, node: Option<&'n Node>) -> &'n [Entry] {
        match node.map(|node| (&node.value, node)) {
            Some((Value::Map(entries), _)) => entries,
            None | Some((Value::Null, _)) => &[],
            Some((other, node)) => {
                self.errors.push(
                    &node.origin,
                    path,
                    format!("is {}, not a mapping of settings", other.kind()),
                );
                &[]
            }
        }
    }

    /// An unknown key: at the place of the key, or for what comes from outside at each variable and flag below it.
    fn unknown(&mut self, path: &str, entry: &Entry, fields: &[Field]) {
        let here = join(path, &entry.key);
        let near = nearest(&entry.key, fields.iter().map(|field| field.name)).map(|name| join(path, name));
        let elsewhere = belongs_in(&entry.key);
        let mut origins = vec![&entry.origin];
        origins.extend(entry.node.origins());
        origins.retain(|origin| !matches!(origin, Origin::File { .. }) || **origin == entry.origin);
        origins.dedup();
        for origin in origins {
            let message = match (&elsewhere, &near, origin) {
                (Some(place), _, _) => format!("no such setting here; it belongs in `{place}`"),
                (None, Some(near), Origin::Variable(_)) => {
                    format!("no such setting; the nearest is `{}`", crate::config::environment::name_of(near))
                }
                (None, Some(near), _) => format!("no such setting; the nearest is `{near}`"),
                (None, None, _) => "no such setting; this version has none here".to_owned(),
            };
            self.errors.push(origin, &here, message);
        }
    }
}

/// What stands in a tier.
const TIER: [Field; 1] = [Field { name: "fair_play", about: "Fair play.", shape: Shape::Section(FAIR_PLAY) }];

/// The default of a setting, as the table writes it.
pub(super) fn default_of(kind: &Kind, default: &str) -> Checked {
    let mut errors = Errors::default();
    // A socket's path may be absent until it is turned on.
    if default.is_empty() {
        return Checked::Text(String::new());
    }
    Node::from_text(default, &Origin::Default)
        .ok()
        .and_then(|node| kind.check(&node, "default", &mut errors))
        .expect("the table's defaults are inside their own bounds, as a test shows")
}

/// The section that has a setting of this name, if exactly one has.
fn belongs_in(name: &str) -> Option<String> {
    let mut places = Vec::new();
    schema::walk("", ROOT, &mut |path, field| {
        if field.name == name && matches!(field.shape, Shape::Value { .. }) {
            places.extend(path.strip_suffix(name).map(|place| place.trim_end_matches('.').to_owned()));
        }
    });
    match places.as_slice() {
        [place] => Some(place.clone()),
        _ => None,
    }
}

fn is_policy_name(name: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(allowed)
}

/// Says that a number is on the wrong side of another.
pub(super) fn cross(written: i64, scale: u32, relation: &str, other: &str, its: i64) -> String {
    let (written, its) = (decimal::rendered(written, scale), decimal::rendered(its, scale));
    format!("{written} is {relation} {} ({its})", shown(other))
}
