//! Claims about loading, told with the sources that people write. The helpers are here, the claims beside.

mod defaults;
mod mistakes;
mod numbers;
mod odd;
mod rendering;
mod shape;
mod sources;

use proptest::prelude::*;

use super::environment::Environment;
use super::errors::Loudness;
use super::load::{ConfigFile, Loaded, Sources};
use super::*;
use crate::pact::decision::{Effect, Reason};
use crate::pact::fair_play::limits::{Limits, TierLimits};
use crate::pact::interaction::{Findings, Interaction, TrustTier};
use crate::pact::points::Points;
use crate::pact::time::Timestamp;
use crate::payload::Role;

/// What somebody configured.
#[derive(Default)]
struct Written(Sources);

impl Written {
    fn file(text: &str) -> Self {
        let file = ConfigFile { name: "pact.yaml".to_owned(), text: text.to_owned() };
        Self(Sources { file: Some(file), ..Sources::default() })
    }

    fn variables(mut self, variables: &[(&str, &str)]) -> Self {
        let owned = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        self.0.environment = Environment::new(owned);
        self
    }

    fn flag(mut self, path: &str, value: &str) -> Self {
        self.0.flags.push((path.to_owned(), value.to_owned()));
        self
    }

    fn loads(&self) -> Loaded {
        Config::load(&self.0).unwrap_or_else(|errors| panic!("{errors}"))
    }

    fn fails(&self) -> Vec<String> {
        let errors = Config::load(&self.0).expect_err("mistakes");
        errors.to_string().lines().map(str::to_owned).collect()
    }
}

fn limits_of(config: &Config, policy: &str, tier: TrustTier) -> Limits {
    let index = config.policy_index(policy).expect("the policy");
    config.policies[index].pact.fair_play().of(tier).clone()
}

fn default_limits(loaded: &Loaded) -> Limits {
    limits_of(&loaded.config, "", TrustTier::User)
}

/// The mistake in `policies.default.fair_play` that says `field: written`.
fn fair_play_mistake(field: &str, written: &str) -> String {
    let text = format!("policies: {{default: {{fair_play: {{{field}: {written}}}}}}}");
    let mut mistakes = Written::file(&text).fails();
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    let mistake = mistakes.remove(0);
    mistake.split_once("`: ").expect("a path").1.to_owned()
}
