//! What is wrong with the settings, all of it at once, and what is only odd.

use std::fmt;

/// Where a value was written. In this order errors are listed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// In the file, counted from 1.
    File {
        /// The line.
        line: u64,
        /// The column, in characters.
        column: u64,
    },
    /// In the environment, by the variable's name.
    Variable(String),
    /// On the command line, by the dotted path.
    Flag(String),
    /// Nowhere: it is the built-in default.
    Default,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConfigError {
    /// Where it was written.
    pub origin: Origin,
    /// The dotted path of the setting; empty for the file as a whole.
    pub path: String,
    /// What is wrong, in words.
    pub message: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "`{}`: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong, in the order in which it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors {
    /// The name of the file, for the listing.
    pub file: String,
    /// What is wrong; never empty.
    pub errors: Vec<ConfigError>,
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.errors.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            match &error.origin {
                Origin::File { line: 0, .. } => write!(f, "{}: ", self.file)?,
                Origin::File { line, column } => write!(f, "{}:{line}:{column}: ", self.file)?,
                Origin::Variable(name) => write!(f, "${name}: ")?,
                Origin::Flag(_) => f.write_str("command line: ")?,
                Origin::Default => {}
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// How loud a warning is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loudness {
    /// Something that was asked for does not happen: said at every start.
    Loud,
    /// The settings are odd together: said by `check`.
    Advice,
}

/// Something that works, but perhaps not as it was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// How loud it is.
    pub loudness: Loudness,
    /// The dotted path of the setting, or the name of the variable.
    pub path: String,
    /// What happens instead, and why.
    pub message: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.path, self.message)
    }
}

/// Collects errors, so that one run shows them all.
#[derive(Debug, Default)]
pub(super) struct Errors(Vec<ConfigError>);

impl Errors {
    pub(super) fn push(&mut self, origin: &Origin, path: &str, message: impl Into<String>) {
        self.0.push(ConfigError { origin: origin.clone(), path: path.to_owned(), message: message.into() });
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Everything that is wrong, if anything is.
    pub(super) fn into_result(self, file: &str) -> Result<(), ConfigErrors> {
        if self.0.is_empty() { Ok(()) } else { Err(self.listed(file)) }
    }

    /// Everything that is wrong, in the order in which it was written, each thing once.
    pub(super) fn listed(mut self, file: &str) -> ConfigErrors {
        self.0.sort();
        self.0.dedup();
        ConfigErrors { file: file.to_owned(), errors: self.0 }
    }
}

/// The name among `known` that is nearest to `unknown`; the earlier one of two that are as near.
pub(super) fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known.into_iter().min_by_key(|name| strsim::damerau_levenshtein(unknown, name))
}

/// A value as it is shown in an error: in backticks, cut, without control characters.
pub(super) fn shown(text: &str) -> String {
    const MAX_CHARS: usize = 60;
    let mut shown: String =
        text.chars().take(MAX_CHARS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(MAX_CHARS).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}
