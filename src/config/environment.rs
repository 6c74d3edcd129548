//! Variables and flags: which setting each one sets.
//!
//! ```text
//! SAFETY_PACT__POLICIES__DEFAULT__FAIR_PLAY__STAMINA_MAX    policies.default.fair_play.stamina_max
//! STAMINA_MAX (the seed's)                                  policies.default.fair_play.stamina_max
//! ```

use crate::config::errors::{Errors, Loudness, Origin, Warning};
use crate::config::kinds::switch;
use crate::config::schema::FAIR_PLAY;
use crate::config::tree::Node;

/// What every variable of ours begins with.
const PREFIX: &str = "SAFETY_PACT__";

/// The variables of a process, by name.
#[derive(Debug, Clone, Default)]
pub struct Environment(Vec<(String, String)>);

impl Environment {
    /// These variables, in the order of their names.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut variables: Vec<_> = variables.into_iter().collect();
        variables.sort();
        Self(variables)
    }

    /// This process's variables. The one place where the environment enters.
    #[must_use]
    pub fn from_process() -> Self {
        // A name that is not Unicode is none of ours; a value that is not will be refused as what it turns into.
        Self::new(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
        }))
    }

    fn get(&self, name: &str) -> Option<&str> {
        let set = self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.trim());
        // A compose file passes on variables that are not set as empty ones.
        set.filter(|value| !value.is_empty())
    }

    /// Sets what the seed's variables say, then what ours say, into the tree.
    pub(super) fn apply(&self, tree: &mut Node, errors: &mut Errors, warnings: &mut Vec<Warning>) {
        for field in FAIR_PLAY {
            let name = field.name.to_ascii_uppercase();
            self.seed(&name, &format!("policies.default.fair_play.{}", field.name), tree, errors);
        }
        let mode = "policies.default.developmental.developmental_safety_mode";
        self.seed("SAFETY_DEVELOPMENTAL_MODE", mode, tree, errors);
        self.seed("GRID_ENV", "telemetry.environment", tree, errors);
        self.seed("SAFETY_ENV", "telemetry.environment", tree, errors);
        self.warn(errors, warnings);
        for (name, value) in &self.0 {
            if let Some(rest) = name.strip_prefix(PREFIX) {
                set(tree, &segments_of(rest), value, &Origin::Variable(name.clone()), errors);
            }
        }
    }

    fn seed(&self, name: &str, path: &str, tree: &mut Node, errors: &mut Errors) {
        if let Some(value) = self.get(name) {
            let path: Vec<_> = path.split('.').map(str::to_owned).collect();
            set(tree, &path, value, &Origin::Variable(name.to_owned()), errors);
        }
    }

    /// The seed's variables for what this version does not have.
    fn warn(&self, errors: &mut Errors, warnings: &mut Vec<Warning>) {
        let mut loud = |name: &str, message: String| {
            warnings.push(Warning { loudness: Loudness::Loud, path: name.to_owned(), message });
        };
        if self.get("REDIS_URL").is_some() {
            let message = "REDIS_URL is set, but this version keeps state in memory: each replica counts on its \
                           own, and a restart forgets";
            loud("REDIS_URL", message.to_owned());
        }
        match self.get("SAFETY_DEGRADED_MODE").map(switch) {
            Some(Ok(true)) => loud(
                "SAFETY_DEGRADED_MODE",
                "SAFETY_DEGRADED_MODE is on, but this version has no shared state to lose: it always decides from \
                 its own memory, at the full limits"
                    .to_owned(),
            ),
            Some(Err(message)) => {
                let name = "SAFETY_DEGRADED_MODE";
                errors.push(&Origin::Variable(name.to_owned()), name, message);
            }
            Some(Ok(false)) | None => {}
        }
        if let (Some(safety), Some(grid)) = (self.get("SAFETY_ENV"), self.get("GRID_ENV"))
            && safety != grid
        {
            let message = format!(
                "SAFETY_ENV is `{safety}` and GRID_ENV is `{grid}`: SAFETY_ENV wins, GRID_ENV is ignored"
            );
            loud("GRID_ENV", message);
        }
    }
}

/// Sets what the flags say into the tree: dotted paths with their values.
pub(super) fn apply_flags(flags: &[(String, String)], tree: &mut Node, errors: &mut Errors) {
    for (path, value) in flags {
        let segments: Vec<_> = path.split('.').map(str::to_owned).collect();
        set(tree, &segments, value, &Origin::Flag(path.clone()), errors);
    }
}

fn set(tree: &mut Node, path: &[String], value: &str, origin: &Origin, errors: &mut Errors) {
    let done = Node::from_text(value, origin).and_then(|node| tree.set(path, node, origin));
    if let Err(message) = done {
        errors.push(origin, &path.join("."), message);
    }
}

/// The path that a variable names: lower case, but for a reason code.
fn segments_of(rest: &str) -> Vec<String> {
    let mut segments: Vec<_> = rest.split("__").map(str::to_ascii_lowercase).collect();
    if let [policies, _, refusal, messages, code] = segments.as_mut_slice()
        && (policies.as_str(), refusal.as_str(), messages.as_str()) == ("policies", "refusal", "messages")
    {
        code.make_ascii_uppercase();
    }
    segments
}

/// The variable that sets `path`.
pub(super) fn name_of(path: &str) -> String {
    format!("{PREFIX}{}", path.replace('.', "__").to_ascii_uppercase())
}
