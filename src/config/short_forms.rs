//! Other ways to write a tier's limits, turned into the one that the rest reads.
//!
//! ```text
//! policies.<name>.fair_play.tiers.<tier>.<field>  ┐
//! policies.<name>.tiers.<tier>.<field>            ┴▶ policies.<name>.tiers.<tier>.fair_play.<field>
//! ```

use crate::config::errors::Errors;
use crate::config::schema::FAIR_PLAY;
use crate::config::tree::{Entry, Node, Value, join};

/// Rewrites the short forms in `tree`; a limit that is written in two forms is an error.
pub(super) fn expand(tree: &mut Node, errors: &mut Errors) {
    let Some(policies) = tree.get_mut("policies") else { return };
    for policy in policies.entries_mut() {
        let path = join("policies", &policy.key);
        for tier in policy
            .node
            .get_mut("fair_play")
            .and_then(|node| node.take("tiers"))
            .into_iter()
            .flat_map(children)
        {
            for field in children(tier.node) {
                write(&mut policy.node, &path, &tier.key, field, errors);
            }
        }
        let mut short = Vec::new();
        for tier in policy.node.get_mut("tiers").into_iter().flat_map(Node::entries_mut) {
            for field in FAIR_PLAY {
                short.extend(tier.node.take_entry(field.name).map(|entry| (tier.key.clone(), entry)));
            }
        }
        for (tier, field) in short {
            write(&mut policy.node, &path, &tier, field, errors);
        }
    }
}

fn write(policy: &mut Node, path: &str, tier: &str, field: Entry, errors: &mut Errors) {
    let segments = ["tiers", tier, "fair_play", &field.key].map(str::to_owned);
    let path = join(path, &segments.join("."));
    let there = policy.get("tiers").and_then(|node| node.get(tier)).and_then(|node| node.get("fair_play"));
    if there.is_some_and(|limits| limits.get(&field.key).is_some()) {
        errors.push(&field.origin, &path, "is set twice, in two ways of writing it");
    } else if let Err(message) = policy.set(&segments, field.node, &field.origin) {
        errors.push(&field.origin, &path, message);
    }
}

fn children(node: Node) -> Vec<Entry> {
    match node.value {
        Value::Map(entries) => entries,
        Value::Null | Value::Text(_) | Value::List(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use crate::config::load::{ConfigFile, Loaded, Sources};
    use crate::pact::interaction::TrustTier;

    fn load(text: &str) -> Result<Loaded, String> {
        let file = Some(ConfigFile { name: "test".to_owned(), text: text.to_owned() });
        Config::load(&Sources { file, ..Sources::default() }).map_err(|errors| errors.to_string())
    }

    fn limit(loaded: &Loaded, tier: TrustTier) -> u32 {
        loaded.config.policies[0].pact.fair_play().of(tier).rate_limit_max
    }

    #[test]
    fn a_tier_s_limits_may_be_written_in_three_ways() {
        for text in [
            "policies: {default: {tiers: {anonymous: {fair_play: {rate_limit_max: 20}}}}}",
            "policies: {default: {tiers: {anonymous: {rate_limit_max: 20}}}}",
            "policies: {default: {fair_play: {tiers: {anonymous: {rate_limit_max: 20}}}}}",
        ] {
            let loaded = load(text).expect(text);
            assert_eq!(
                (limit(&loaded, TrustTier::Anonymous), limit(&loaded, TrustTier::User)),
                (20, 100),
                "{text}"
            );
        }
    }

    #[test]
    fn one_limit_in_two_ways_is_an_error() {
        let twice =
            "policies: {default: {tiers: {user: {rate_limit_max: 20, fair_play: {rate_limit_max: 30}}}}}";
        let errors = load(twice).expect_err("set twice");
        assert!(
            errors.contains("`policies.default.tiers.user.fair_play.rate_limit_max`: is set twice"),
            "{errors}"
        );
    }

    #[test]
    fn mistakes_in_a_short_form_are_named() {
        let errors =
            load("policies: {default: {fair_play: {tiers: {usr: {rate_limit_max: 20}}}}}").expect_err("usr");
        assert!(errors.contains("`policies.default.tiers.usr`: no such tier"), "{errors}");
        let errors = load("policies: {default: {tiers: {user: {rate_limit: 20}}}}").expect_err("rate_limit");
        assert!(errors.contains("`policies.default.tiers.user.rate_limit`"), "{errors}");
    }
}
