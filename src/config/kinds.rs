//! One value: from its text to its type, or an error that names value and bound.

use std::net::SocketAddr;

use serde_json::json;

use crate::config::decimal::{self, DecimalError};
use crate::config::errors::{Errors, nearest, shown};
use crate::config::schema::{Kind, MAX_LIST};
use crate::config::tree::{Node, Value};

/// A value that is what its setting asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Checked {
    /// Turned off.
    Off,
    Text(String),
    Switch(bool),
    /// `scaled / 10^scale`.
    Number {
        scaled: i64,
        scale: u32,
    },
    Address(SocketAddr),
    /// Permission bits.
    Mode(u32),
    List(Vec<String>),
    /// Settings by name, an item each.
    Rules(Vec<Vec<(&'static str, String)>>),
}

impl Checked {
    /// As it could be written in the file.
    pub(super) fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Off => json!("off"),
            Self::Text(text) => json!(text),
            Self::Switch(on) => json!(on),
            Self::Number { scaled, scale } => {
                let text = decimal::rendered(*scaled, *scale);
                // Up to 10^9 with six decimals: a double holds every one of them.
                text.parse::<i64>().map_or_else(|_| json!(text.parse::<f64>().ok()), |whole| json!(whole))
            }
            Self::Address(address) => json!(address.to_string()),
            Self::Mode(mode) => json!(format!("{mode:04o}")),
            Self::List(items) => json!(items),
            Self::Rules(rules) => rules
                .iter()
                .map(|rule| {
                    rule.iter().map(|(name, text)| (*name, text.as_str())).collect::<serde_json::Value>()
                })
                .collect(),
        }
    }
}

impl Kind {
    /// The value in `node`, if it is one. `path` names it in errors.
    pub(super) fn check(&self, node: &Node, path: &str, errors: &mut Errors) -> Option<Checked> {
        if let Self::List { of, may_be_empty } = self {
            return check_list(of, *may_be_empty, node, path, errors);
        }
        let name = path.rsplit('.').next().unwrap_or(path);
        let checked = match (&node.value, self) {
            (Value::Text(text), _) => self.check_text(text, name),
            (Value::Null, Self::Address) => Ok(Checked::Off),
            (Value::Null, _) => Err("has no value; leave the line out for the default".to_owned()),
            (other, _) => Err(format!("is {}, not {}", other.kind(), self.allowed())),
        };
        checked.map_err(|message| errors.push(&node.origin, path, message)).ok()
    }

    /// The value that `text` says.
    pub(super) fn check_text(&self, text: &str, name: &str) -> Result<Checked, String> {
        let checked = match self {
            Self::Whole { .. } | Self::Decimal { .. } => return self.check_number(text, name),
            Self::Text { min, max } => words(text, *min, *max)?,
            Self::Switch => Checked::Switch(switch(text)?),
            Self::Choice(names) => Checked::Text(choice(text, &names())?),
            Self::Address => address(text)?,
            Self::SocketPath => socket_path(text)?,
            Self::FileMode => file_mode(text)?,
            Self::Header => header(text)?,
            Self::Method => method(text)?,
            Self::RequestPath { begins_with_slash } => request_path(text, *begins_with_slash)?,
            Self::List { .. } => return Err("is not a list".to_owned()),
        };
        Ok(checked)
    }

    fn check_number(&self, text: &str, name: &str) -> Result<Checked, String> {
        let (scale, unit, step, least, high) = match self {
            Self::Whole { low, high, unit } => (0, *unit, "", *low, *high),
            Self::Decimal { unit, low, high } => (unit.scale(), unit.name(), unit.step(), low.least(), *high),
            _ => return Err("is not a number".to_owned()),
        };
        let bounds = self.bounds(name).unwrap_or_default();
        let beyond = |above: bool| {
            let (written, unit) =
                (cut(text), if unit.is_empty() { String::new() } else { format!(" {unit}") });
            if above {
                return format!("{written} is above {}{unit} ({bounds})", decimal::rendered(high, scale));
            }
            match self {
                Self::Decimal { low: crate::config::schema::Low::Above(low), .. } => {
                    format!("{written} is not above {}{unit} ({bounds})", decimal::rendered(*low, scale))
                }
                _ => format!("{written} is below {}{unit} ({bounds})", decimal::rendered(least, scale)),
            }
        };
        match decimal::scaled(text, scale) {
            Ok(scaled) if scaled < least => Err(beyond(false)),
            Ok(scaled) if scaled > high => Err(beyond(true)),
            Ok(scaled) => Ok(Checked::Number { scaled, scale }),
            Err(DecimalError::TooLarge { negative }) => Err(beyond(!negative)),
            Err(DecimalError::NotWhole { nearest }) if nearest < least - 1 => Err(beyond(false)),
            Err(DecimalError::NotWhole { nearest }) if nearest > high => Err(beyond(true)),
            Err(DecimalError::NotWhole { nearest }) => {
                let works = decimal::rendered(nearest.max(least), scale);
                let written = cut(text);
                Err(if scale == 0 {
                    format!("{written} is not a whole number; the nearest value that works is {works}")
                } else {
                    format!("{written} is finer than {step}; the nearest value that works is {works}")
                })
            }
            Err(DecimalError::NotANumber) => {
                Err(format!("{} is not a number; give {}", shown(text), self.allowed()))
            }
        }
    }
}

fn check_list(
    of: &Kind,
    may_be_empty: bool,
    node: &Node,
    path: &str,
    errors: &mut Errors,
) -> Option<Checked> {
    let Value::List(items) = &node.value else {
        let message = format!("is {}, not a list such as [a, b]", node.value.kind());
        errors.push(&node.origin, path, message);
        return None;
    };
    if items.is_empty() && !may_be_empty {
        errors.push(&node.origin, path, "is an empty list; it needs an item");
        return None;
    }
    if items.len() > MAX_LIST {
        errors.push(&node.origin, path, format!("has {} items; {MAX_LIST} are the most", items.len()));
        return None;
    }
    let checked = items.iter().enumerate().map(|(i, item)| of.check(item, &format!("{path}[{i}]"), errors));
    let texts: Vec<_> = checked
        .collect::<Vec<_>>()
        .into_iter()
        .flatten()
        .filter_map(|item| if let Checked::Text(text) = item { Some(text) } else { None })
        .collect();
    (texts.len() == items.len()).then_some(Checked::List(texts))
}

/// A number as it was written, without backticks; cut.
fn cut(text: &str) -> String {
    let shown = shown(text);
    shown.trim_matches('`').to_owned()
}

fn words(text: &str, min: usize, max: usize) -> Result<Checked, String> {
    let chars = text.chars().count();
    if text.chars().any(char::is_control) {
        return Err("contains a control character".to_owned());
    }
    if chars < min {
        return Err("is empty".to_owned());
    }
    if chars > max {
        return Err(format!("has {chars} characters; {max} are the most"));
    }
    Ok(Checked::Text(text.to_owned()))
}

/// The switches of the seed: true/false, 1/0, yes/no, on/off.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(format!("{} is neither true nor false", shown(text))),
    }
}

fn choice(text: &str, names: &[&'static str]) -> Result<String, String> {
    if names.contains(&text) {
        return Ok(text.to_owned());
    }
    let nearest = nearest(text, names.iter().copied()).unwrap_or_default();
    Err(format!("{} is none of {}; the nearest is `{nearest}`", shown(text), names.join(", ")))
}

fn address(text: &str) -> Result<Checked, String> {
    if text.is_empty() || text.eq_ignore_ascii_case("off") {
        return Ok(Checked::Off);
    }
    text.parse().map(Checked::Address).map_err(|_| {
        format!("{} is not an address such as 127.0.0.1:50051 (names are not resolved)", shown(text))
    })
}

fn socket_path(text: &str) -> Result<Checked, String> {
    // What fits the system's socket address, with its closing zero.
    const MAX_BYTES: usize = 107;
    if text.len() > MAX_BYTES {
        return Err(format!("has {} bytes; a socket's path has {MAX_BYTES} at most", text.len()));
    }
    words(text, 1, MAX_BYTES)
}

fn file_mode(text: &str) -> Result<Checked, String> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    let octal = !digits.is_empty() && digits.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    match u32::from_str_radix(digits, 8) {
        Ok(mode) if octal && mode <= 0o777 => Ok(Checked::Mode(mode)),
        _ => Err(format!("{} is not a mode such as 0660 (octal digits, 0000 to 0777)", shown(text))),
    }
}

fn is_token(text: &str) -> bool {
    let punctuation = b"!#$%&'*+-.^_`|~";
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || punctuation.contains(&byte))
}

fn header(text: &str) -> Result<Checked, String> {
    let name = text.to_ascii_lowercase();
    if name.is_empty() {
        return Ok(Checked::Text(name));
    }
    if !is_token(&name) || name.len() > 256 {
        return Err(format!("{} is not a header name", shown(text)));
    }
    if name.starts_with("x-safety-pact-") {
        return Err(format!("{} is one of our own answers' headers; the gateway strips it", shown(text)));
    }
    Ok(Checked::Text(name))
}

fn method(text: &str) -> Result<Checked, String> {
    if !is_token(text) || text.len() > 32 || text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Err(format!("{} is not an HTTP method in upper case", shown(text)));
    }
    Ok(Checked::Text(text.to_owned()))
}

fn request_path(text: &str, begins_with_slash: bool) -> Result<Checked, String> {
    const MAX_BYTES: usize = 2_048;
    if begins_with_slash && !text.starts_with('/') {
        return Err(format!("{} does not begin with `/`", shown(text)));
    }
    if text.is_empty() || text.len() > MAX_BYTES {
        return Err(format!("has {} bytes; a path has 1 to {MAX_BYTES}", text.len()));
    }
    if let Some(odd) = text.chars().find(|c| matches!(c, '?' | '#' | '*')) {
        return Err(format!(
            "{} contains `{odd}`: paths match exactly, as written on the wire before `?`",
            shown(text)
        ));
    }
    if text.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return Err(format!("{} contains what no path on the wire does; percent-encode it", shown(text)));
    }
    Ok(Checked::Text(text.to_owned()))
}
