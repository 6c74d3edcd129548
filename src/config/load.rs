//! Loading: defaults, one file, the environment, flags; each one wins over those before it.
//!
//! ```text
//! file ─▶ tree ─▶ + variables ─▶ + flags ─▶ read (every mistake) ─▶ typed (what must fit together) ─▶ Config
//! ```
//! Pure but for `ConfigFile::read`, and for the number of cores when `server.worker_threads` is 0.

use std::path::Path;

use crate::config::effective::Effective;
use crate::config::environment::{Environment, apply_flags};
use crate::config::errors::{ConfigError, ConfigErrors, Errors, Origin, Warning};
use crate::config::tree::Node;
use crate::config::{Config, advice, read, short_forms, typed};

/// The largest file read, in bytes.
const MAX_FILE_BYTES: usize = 1 << 20;

/// Where settings come from, in rising precedence.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The file.
    pub file: Option<ConfigFile>,
    /// The variables.
    pub environment: Environment,
    /// Dotted paths and their values, from the command line; a later one wins.
    pub flags: Vec<(String, String)>,
}

/// A YAML file.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    /// Its name, for errors.
    pub name: String,
    /// What it says.
    pub text: String,
}

impl ConfigFile {
    /// Reads the file at `path`.
    pub fn read(path: &Path) -> Result<Self, ConfigErrors> {
        let name = path.display().to_string();
        match std::fs::read(path).map(String::from_utf8) {
            Ok(Ok(text)) => Ok(Self { name, text }),
            Ok(Err(_)) => Err(unreadable(&name, "is not UTF-8 text".to_owned())),
            Err(error) => Err(unreadable(&name, format!("cannot be read: {error}"))),
        }
    }
}

fn unreadable(name: &str, message: String) -> ConfigErrors {
    let origin = Origin::File { line: 0, column: 0 };
    ConfigErrors { file: name.to_owned(), errors: vec![ConfigError { origin, path: String::new(), message }] }
}

/// Settings that are valid, and what is odd about them.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// What is odd: the loud ones first.
    pub warnings: Vec<Warning>,
    /// The settings as they could be written, defaults included.
    pub effective: Effective,
}

impl Config {
    /// Loads the settings, or says everything that is wrong with them.
    pub fn load(sources: &Sources) -> Result<Loaded, ConfigErrors> {
        let mut errors = Errors::default();
        let mut warnings = Vec::new();
        let name = sources.file.as_ref().map_or("", |file| file.name.as_str());
        let mut tree = Node::empty();
        if let Some(file) = &sources.file {
            if file.text.len() > MAX_FILE_BYTES {
                let message = format!("has {} bytes; {MAX_FILE_BYTES} are the most", file.text.len());
                return Err(unreadable(name, message));
            }
            match Node::parse(&file.text, &mut errors) {
                Some(parsed) => tree = parsed,
                // What a broken file would have said is unknown, so nothing else can be judged.
                None => return Err(errors.listed(name)),
            }
        }
        sources.environment.apply(&mut tree, &mut errors, &mut warnings);
        apply_flags(&sources.flags, &mut tree, &mut errors);
        short_forms::expand(&mut tree, &mut errors);
        let values = read::read(&tree, &mut errors);
        let config = typed::typed(&values, &mut errors);
        errors.into_result(name)?;
        advice::advise(&values, &config, &mut warnings);
        Ok(Loaded { config, warnings, effective: Effective::of(&values) })
    }
}
