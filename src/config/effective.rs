//! The settings as they could be written, defaults included, and their digest.
//!
//! The digest covers what can change an answer: policies (every tier's limits as they come out, and the words of
//! refusals), routes, identity, caps and the longest text. Listeners, threads, timeouts and logs are left out, and so is
//! the notation: `0.10` is `0.1`, and a default that is written out is the default.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::config::read::Values;
use crate::config::schema::FAIR_PLAY;
use crate::pact::interaction::TrustTier;

/// The settings as they could be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Effective(BTreeMap<String, Json>);

impl Effective {
    pub(super) fn of(values: &Values) -> Self {
        Self(values.iter().map(|(path, value)| (path.clone(), value.to_json())).collect())
    }

    /// Each value by its dotted path.
    pub fn by_path(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(path, value)| (path.as_str(), value))
    }

    /// As nested mappings.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let mut root = Json::Object(serde_json::Map::new());
        for (path, value) in &self.0 {
            let mut here = &mut root;
            for key in path.split('.') {
                let Json::Object(map) = here else { break };
                here = map.entry(key).or_insert_with(|| Json::Object(serde_json::Map::new()));
            }
            *here = value.clone();
        }
        root
    }

    /// As a YAML file that loads to the same settings.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        serde_saphyr::to_string(&self.to_json()).expect("texts, numbers, lists and mappings are all YAML")
    }
}

/// Can the setting at `path` change an answer?
fn matters(path: &str) -> bool {
    let door = ["server.", "admin.", "telemetry."].iter().any(|prefix| path.starts_with(prefix));
    !door || path == "server.max_text_bytes"
}

/// The first 16 hexadecimal digits of the SHA-256 of everything that can change an answer.
pub(super) fn digest(values: &Values) -> String {
    let mut lines: BTreeMap<String, Json> = values
        .iter()
        .filter(|(path, _)| matters(path) && !path.contains(".fair_play."))
        .map(|(path, value)| (path.clone(), value.to_json()))
        .collect();
    for policy in &values.policies {
        for tier in TrustTier::ALL {
            for field in FAIR_PLAY {
                let (_, read) = values.fair_play(policy, tier, field.name);
                let path = format!("policies.{policy}.{}.{}", tier.name(), field.name);
                lines.insert(path, read.value.to_json());
            }
        }
    }
    // One object with sorted keys and no nesting, so no map's order can slip in.
    let text = serde_json::to_string(&lines).expect("texts, numbers and lists are all JSON");
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
