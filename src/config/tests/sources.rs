//! File, variables and flags, and which one wins.

use super::*;

#[test]
fn flags_win_over_variables_over_the_seeds_over_the_file() {
    let stamina = |written: &Written| default_limits(&written.loads()).stamina_max;
    let file = || Written::file("policies: {default: {fair_play: {stamina_max: 1}}}");
    let ours = "SAFETY_PACT__POLICIES__DEFAULT__FAIR_PLAY__STAMINA_MAX";
    assert_eq!(stamina(&file()), Points::whole(1));
    assert_eq!(stamina(&file().variables(&[("STAMINA_MAX", "2")])), Points::whole(2));
    assert_eq!(stamina(&file().variables(&[("STAMINA_MAX", "2"), (ours, "3")])), Points::whole(3));
    let flagged = file()
        .variables(&[("STAMINA_MAX", "2"), (ours, "3")])
        .flag("policies.default.fair_play.stamina_max", "4")
        .flag("policies.default.fair_play.stamina_max", "5");
    assert_eq!(stamina(&flagged), Points::whole(5));
}

#[test]
fn every_seed_variable_sets_its_field_in_the_default_policy_alone() {
    let plain = Written::file("policies: {kids: {}}").loads();
    for field in schema::FAIR_PLAY {
        let name = field.name.to_ascii_uppercase();
        // A value that each field allows and none has by default.
        let value =
            if field.name == "stamina_flow_bonus" || field.name == "heat_per_cost" { "2" } else { "7" };
        let value = if field.name == "heat_max" { "90" } else { value };
        let loaded = Written::file("policies: {kids: {}}").variables(&[(&name, value)]).loads();
        assert_ne!(default_limits(&loaded), default_limits(&plain), "{name}");
        let kids = |loaded: &Loaded| limits_of(&loaded.config, "kids", TrustTier::User);
        assert_eq!(kids(&loaded), kids(&plain), "{name}");
    }
}

#[test]
fn every_setting_can_be_set_by_a_variable_of_its_own() {
    for path in reference::paths().iter().filter(|path| !path.contains("[]")) {
        let path =
            path.replace("<name>", "default").replace("<tier>", "user").replace("<CODE>", "RATE_LIMITED");
        let name = environment::name_of(&path);
        // No setting allows a control character: a variable that arrives is refused at its own path.
        let mistakes = Written::default().variables(&[(&name, "a\u{1}b")]).fails();
        assert!(mistakes[0].starts_with(&format!("${name}: `{path}`")), "{mistakes:?}");
    }
}

#[test]
fn lists_mappings_and_words_come_through_variables() {
    let loaded = Written::default()
        .variables(&[
            ("SAFETY_PACT__ROUTES__BYPASS_METHODS", "[GET, TRACE]"),
            ("SAFETY_PACT__ROUTES__RULES", "[{path: /kids, policy: default}]"),
            ("SAFETY_PACT__POLICIES__DEFAULT__REFUSAL__MESSAGES__RATE_LIMITED", "Slow down: please."),
            ("SAFETY_PACT__POLICIES__DEFAULT__TIERS__ANONYMOUS__FAIR_PLAY__RATE_LIMIT_MAX", "5"),
            ("SAFETY_PACT__IDENTITY__CONTEXT_EXTENSION", ""),
            ("SAFETY_PACT__ADMIN__LISTEN", "off"),
            ("SAFETY_PACT_PORT", "unrelated"),
            ("PATH", "/bin"),
        ])
        .loads();
    let config = &loaded.config;
    assert_eq!(config.routes.bypass_methods, ["GET", "TRACE"]);
    assert_eq!(config.routes.rules[0].path, PathMatch::Exact("/kids".to_owned()));
    assert_eq!(config.routes.rules[0].policy, Some(0));
    assert_eq!(config.policies[0].refusal.messages, [(Reason::RateLimited, "Slow down: please.".to_owned())]);
    assert_eq!(limits_of(config, "", TrustTier::Anonymous).rate_limit_max, 5);
    assert_eq!(limits_of(config, "", TrustTier::User).rate_limit_max, 100);
    assert_eq!(config.identity.context_extension, "");
    assert_eq!(config.admin.listen, None);
}

#[test]
fn the_seeds_other_variables_say_plainly_what_is_not_happening() {
    let loaded = Written::default()
        .variables(&[
            ("REDIS_URL", "redis://:secret@host"),
            ("SAFETY_DEGRADED_MODE", "on"),
            ("SAFETY_DEVELOPMENTAL_MODE", "1"),
            ("SAFETY_ENV", "production"),
            ("GRID_ENV", "staging"),
        ])
        .loads();
    assert_eq!(loaded.config.telemetry.environment, "production");
    assert_eq!(loaded.config.telemetry.log_format, LogFormat::Json);
    let loud: Vec<_> = loaded.warnings.iter().filter(|warning| warning.loudness == Loudness::Loud).collect();
    let paths: Vec<_> = loud.iter().map(|warning| warning.path.as_str()).collect();
    let developmental = "policies.default.developmental.developmental_safety_mode";
    assert_eq!(paths, ["REDIS_URL", "SAFETY_DEGRADED_MODE", "GRID_ENV", developmental]);
    assert!(loud[0].message.contains("this version keeps state in memory: each replica counts on its own"));
    assert!(loud.iter().all(|warning| !warning.message.contains("secret")));
}

#[test]
fn a_seed_switch_that_is_off_empty_or_wrong_warns_of_nothing() {
    let quiet = Written::default().variables(&[
        ("REDIS_URL", ""),
        ("SAFETY_DEGRADED_MODE", "false"),
        ("SAFETY_DEVELOPMENTAL_MODE", "no"),
        ("STAMINA_MAX", ""),
        ("GRID_ENV", "test"),
    ]);
    let loaded = quiet.loads();
    assert!(loaded.warnings.iter().all(|warning| warning.loudness == Loudness::Advice));
    assert_eq!(loaded.config.telemetry.environment, "test");
    let mistakes = Written::default()
        .variables(&[("SAFETY_DEGRADED_MODE", "maybe"), ("SAFETY_DEVELOPMENTAL_MODE", "perhaps")])
        .fails();
    assert_eq!(
        mistakes[0],
        "$SAFETY_DEGRADED_MODE: `SAFETY_DEGRADED_MODE`: `maybe` is neither true nor false"
    );
    assert_eq!(mistakes.len(), 2);
}

#[test]
fn a_policy_that_only_a_variable_knows_is_a_loud_warning() {
    let name = "SAFETY_PACT__POLICIES__DEFUALT__FAIR_PLAY__STAMINA_MAX";
    let loaded = Written::default().variables(&[(name, "5")]).loads();
    assert!(loaded.warnings.iter().any(|w| w.loudness == Loudness::Loud && w.path == "policies.defualt"));
}
