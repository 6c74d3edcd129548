//! The digest, the effective settings, the reference and the example.

use super::*;

#[test]
fn the_digest_names_what_can_change_an_answer_and_nothing_else() {
    let digest = |text: &str| Written::file(text).loads().config.digest;
    let plain = digest("");
    assert_eq!(plain.len(), 16);
    assert!(plain.bytes().all(|byte| byte.is_ascii_hexdigit()));
    for same in [
        "telemetry: {log_filter: debug}",
        "server: {listen: 127.0.0.1:1, worker_threads: 3, drain_timeout: 1}",
        "admin: {listen: off}",
        "policies: {default: {fair_play: {stamina_max: 1.00e2}}}",
        "policies: {default: {tiers: {user: {fair_play: {stamina_max: 100}}}}}",
        "routes: {rules: []}",
    ] {
        assert_eq!(digest(same), plain, "{same}");
    }
    let different = [
        "policies: {default: {fair_play: {stamina_max: 100.000001}}}",
        "policies: {default: {tiers: {user: {fair_play: {stamina_max: 101}}}}}",
        "policies: {kids: {}}",
        "policies: {default: {refusal: {messages: {PAUSED: wait}}}}",
        "routes: {unseen_text: judge}",
        "routes: {rules: [{path: /a}]}",
        "identity: {jwt: off}",
        "state: {max_subjects: 5}",
        "server: {max_text_bytes: 5}",
    ];
    let mut digests: Vec<_> = different.iter().map(|text| digest(text)).collect();
    digests.push(plain);
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), different.len() + 1);
}

#[test]
fn the_digest_of_the_defaults_is_the_same_on_every_machine() {
    assert_eq!(Written::default().loads().config.digest, "8d8ea2dee28928bb");
}

#[test]
fn the_effective_settings_load_to_the_same_settings() {
    for text in [
        "",
        "server: {listen: off, unix_socket: {path: /run/p, mode: 0600}}\nidentity: {jwt: off}\n\
         policies: {kids: {fair_play: {burst_window: 0.1}, refusal: {messages: {PAUSED: 'yes: \"no\"'}}, \
         tiers: {user: {fair_play: {flow_after: 9}}}}}\nroutes: {rules: [{path: /a, policy: kids}]}\n\
         telemetry: {environment: 'off'}",
    ] {
        let loaded = Written::file(text).loads();
        let again = Written::file(&loaded.effective.to_yaml()).loads();
        assert_eq!(again.effective, loaded.effective);
        assert_eq!(again.config.digest, loaded.config.digest);
        assert_eq!(again.effective.to_json(), loaded.effective.to_json());
    }
    let json = Written::default().loads().effective.to_json();
    assert_eq!(json["policies"]["default"]["fair_play"]["stamina_cost_per_char"], serde_json::json!(0.1));
    assert_eq!(json["server"]["max_connections"], serde_json::json!(10_000));
}

#[test]
fn every_effective_setting_is_in_the_reference() {
    let known = reference::paths();
    for (path, _) in Written::default().loads().effective.by_path() {
        let path = path.replace(".default.", ".<name>.");
        let off_or_list = ["server.unix_socket", "routes.rules"].contains(&path.as_str());
        assert!(off_or_list || known.contains(&path), "{path}");
    }
}

#[test]
fn the_example_loads_and_only_gives_advice() {
    let text = include_str!("../../../examples/config/safety-pact.yaml");
    let loaded = Written::file(text).loads();
    assert!(
        loaded.warnings.iter().all(|warning| warning.loudness == Loudness::Advice),
        "{:?}",
        loaded.warnings
    );
    assert_eq!(
        limits_of(&loaded.config, "default", TrustTier::User),
        Limits { burst_log_len: 10, ..Limits::default() }
    );
    assert_eq!(loaded.config.routes.rules[0].policy, loaded.config.policy_index("kids"));
}
