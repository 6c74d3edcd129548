//! Every setting there is, as data: name, kind, default, bounds and a sentence on what it does.
//!
//! Loading, the reference page, the nearest name of a misspelt one and the effective settings are all walks over `ROOT`,
//! so a setting is described in one place. A JSON Schema can be walked out of it too.

mod fair_play;
mod sections;

pub(super) use fair_play::FAIR_PLAY;

use crate::config::decimal::rendered;

/// A key of a mapping.
pub(super) struct Field {
    /// The key.
    pub(super) name: &'static str,
    /// What it does and when to change it: the reference page's text.
    pub(super) about: &'static str,
    /// What stands behind it.
    pub(super) shape: Shape,
}

/// What stands behind a key.
pub(super) enum Shape {
    /// One value.
    Value {
        kind: Kind,
        /// As it would be written; empty for fields that may be absent.
        default: &'static str,
    },
    /// Settings.
    Section(&'static [Field]),
    /// Settings that `off` turns off as a whole.
    Switchable { fields: &'static [Field], on: bool },
    /// Policies by name.
    Policies(&'static [Field]),
    /// A part of the settings for some tiers.
    Tiers(&'static [Field]),
    /// Words by reason code.
    Messages,
    /// A list of settings.
    Rules(&'static [Field]),
    /// Nothing yet; why.
    NotYet(&'static str),
}

/// What a value may be.
pub(super) enum Kind {
    /// Words of `min..=max` characters, none of them a control character.
    Text { min: usize, max: usize },
    /// `true` or `false`.
    Switch,
    /// A whole number.
    Whole { low: i64, high: i64, unit: &'static str },
    /// A decimal number; bounds in steps of its unit.
    Decimal { unit: Unit, low: Low, high: i64 },
    /// One of these words.
    Choice(fn() -> Vec<&'static str>),
    /// An address to listen on, or `off`.
    Address,
    /// A path in the file system that a socket can have.
    SocketPath,
    /// Permission bits in octal digits.
    FileMode,
    /// The name of a header that the gateway sets; empty for none.
    Header,
    /// An HTTP method in upper case.
    Method,
    /// A path of requests, or the end of one.
    RequestPath { begins_with_slash: bool },
    /// A list of at most `MAX_LIST` of these.
    List { of: &'static Self, may_be_empty: bool },
}

/// The unit of a decimal number; one step of it is one unit of the rules' integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Points; steps of a millionth.
    Points,
    /// Points per second; steps of a thousandth (a micro-point per millisecond).
    PointsPerSecond,
    /// Seconds; steps of a millisecond.
    Seconds,
    /// A factor; steps of a thousandth.
    Factor,
}

impl Unit {
    /// Decimals of one step.
    pub(super) const fn scale(self) -> u32 {
        match self {
            Self::Points => 6,
            Self::PointsPerSecond | Self::Seconds | Self::Factor => 3,
        }
    }

    /// Its name behind a number; empty for a factor.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::PointsPerSecond => "points per second",
            Self::Seconds => "seconds",
            Self::Factor => "",
        }
    }

    /// The finest step, in words.
    pub(super) const fn step(self) -> &'static str {
        match self {
            Self::Points => "a millionth of a point",
            Self::PointsPerSecond => "a thousandth of a point per second",
            Self::Seconds => "a millisecond",
            Self::Factor => "a thousandth",
        }
    }
}

/// The lower bound of a decimal number, in steps.
#[derive(Debug, Clone, Copy)]
pub(super) enum Low {
    /// More than this.
    Above(i64),
    /// This or more.
    AtLeast(i64),
}

impl Low {
    /// The least value, in steps.
    pub(super) const fn least(self) -> i64 {
        match self {
            Self::Above(low) => low + 1,
            Self::AtLeast(low) => low,
        }
    }
}

/// The most items in a list, and the most policies.
pub(super) const MAX_LIST: usize = 1_000;
/// The longest duration: ten years in milliseconds.
pub(super) const MAX_DURATION_MS: i64 = 3_650 * 86_400 * 1_000;

impl Kind {
    /// The bounds of a number called `name`: `0 < name <= 100`.
    pub(super) fn bounds(&self, name: &str) -> Option<String> {
        match self {
            Self::Whole { low, high, .. } => Some(format!("{low} <= {name} <= {high}")),
            Self::Decimal { unit, low, high } => {
                let high = rendered(*high, unit.scale());
                Some(match low {
                    Low::Above(low) => format!("{} < {name} <= {high}", rendered(*low, unit.scale())),
                    Low::AtLeast(low) => format!("{} <= {name} <= {high}", rendered(*low, unit.scale())),
                })
            }
            _ => None,
        }
    }

    /// What may be written, for the reference page; numbers in their unit and between their bounds.
    pub(super) fn allowed(&self) -> String {
        match self {
            Self::Text { min: 0, max } => format!("text, up to {max} characters"),
            Self::Text { min, max } => format!("text, {min} to {max} characters"),
            Self::Switch => "true or false".to_owned(),
            Self::Whole { low, high, unit } => format!("{low} to {high} {unit}"),
            Self::Decimal { unit, low, high } => {
                let high = rendered(*high, unit.scale());
                let low = match low {
                    Low::Above(low) => format!("above {} up to", rendered(*low, unit.scale())),
                    Low::AtLeast(low) => format!("{} to", rendered(*low, unit.scale())),
                };
                format!("{low} {high} {}", unit.name()).trim_end().to_owned()
            }
            Self::Choice(names) => names().join(", "),
            Self::Address => "address and port, or off".to_owned(),
            Self::SocketPath => "path, up to 107 bytes".to_owned(),
            Self::FileMode => "octal digits, 0000 to 0777".to_owned(),
            Self::Header => "header name, or empty".to_owned(),
            Self::Method => "HTTP method".to_owned(),
            Self::RequestPath { begins_with_slash: true } => "path that begins with /".to_owned(),
            Self::RequestPath { begins_with_slash: false } => "end of a path".to_owned(),
            Self::List { of, may_be_empty } => {
                let empty = if *may_be_empty { "" } else { ", not empty" };
                format!("list of: {}{empty}", of.allowed())
            }
        }
    }
}

/// The top level.
pub(super) const ROOT: &[Field] = sections::ROOT;

/// Calls `visit` with the path and the field of every setting below `fields`; `<name>`, `<tier>` and `<CODE>` stand for names.
pub(super) fn walk(path: &str, fields: &'static [Field], visit: &mut dyn FnMut(&str, &'static Field)) {
    for field in fields {
        let path = crate::config::tree::join(path, field.name);
        visit(&path, field);
        match &field.shape {
            Shape::Section(fields) | Shape::Switchable { fields, .. } => walk(&path, fields, visit),
            Shape::Policies(fields) => walk(&format!("{path}.<name>"), fields, visit),
            Shape::Rules(fields) => walk(&format!("{path}[]"), fields, visit),
            Shape::Value { .. } | Shape::Tiers(_) | Shape::Messages | Shape::NotYet(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_level_has_exactly_the_promised_keys() {
        let mut keys: Vec<_> = ROOT.iter().map(|field| field.name).collect();
        keys.sort_unstable();
        assert_eq!(
            keys,
            [
                "admin",
                "cooperation",
                "identity",
                "monitor",
                "policies",
                "routes",
                "server",
                "state",
                "telemetry"
            ]
        );
    }

    #[test]
    fn every_setting_says_what_it_does() {
        walk("", ROOT, &mut |path, field| assert!(field.about.ends_with('.'), "{path}: {}", field.about));
    }
}
