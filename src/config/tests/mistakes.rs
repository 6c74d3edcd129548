//! Every mistake at once.

use super::*;

#[test]
fn ten_mistakes_are_reported_in_one_run_in_the_order_of_the_file() {
    let mistakes = Written::file(
        "serber: {}\n\
         server:\n  listn: 1\n  listen: localhost:1\n  drain_timeout: soon\n\
         state: {redis: {url: x}}\n\
         routes:\n  bypass_paths: [/a, 'b?']\n  unseen_text: reject\n  rules: [{payload: seed}]\n\
         policies:\n  Big: {}\n  default:\n    refusal: {messages: {RATE_LIMIT: no}}\n    tiers: {users: {}}\n\
         telemetry: [1]\n",
    )
    .fails();
    assert_eq!(
        mistakes,
        [
            "pact.yaml:1:1: `serber`: no such setting; the nearest is `server`",
            "pact.yaml:3:3: `server.listn`: no such setting; the nearest is `server.listen`",
            "pact.yaml:4:11: `server.listen`: `localhost:1` is not an address such as 127.0.0.1:50051 (names are \
             not resolved)",
            "pact.yaml:5:18: `server.drain_timeout`: `soon` is not a number; give 0 to 3600 seconds",
            "pact.yaml:6:16: `state.redis`: this version keeps state in memory only: each replica counts on its own",
            "pact.yaml:8:22: `routes.bypass_paths[1]`: `b?` does not begin with `/`",
            "pact.yaml:9:16: `routes.unseen_text`: `reject` is none of refuse, judge; the nearest is `refuse`",
            "pact.yaml:10:11: `routes.rules[0]`: has 0 of path, path_prefix and path_suffix; each rule has exactly \
             one",
            "pact.yaml:12:3: `policies.Big`: is not a policy's name: 1 to 64 of a-z, 0-9, `_` and `-`",
            "pact.yaml:14:26: `policies.default.refusal.messages.RATE_LIMIT`: no such reason code; the nearest is \
             `RATE_LIMITED`",
            "pact.yaml:15:13: `policies.default.tiers.users`: no such tier; the nearest is `user` (anonymous, user, \
             verified, privileged)",
            "pact.yaml:16:12: `telemetry`: is a list, not a mapping of settings",
        ]
    );
}

#[test]
fn mistakes_in_file_variables_and_flags_come_together() {
    let mistakes = Written::file("admin: {listen: 5}")
        .variables(&[
            ("SAFETY_PACT__SERVER__LISTN", "x"),
            ("SAFETY_PACT__STATE__JOURNAL__PATH", "/x"),
            ("HEAT_THRESHOLD", "hot"),
        ])
        .flag("server.max_connections", "0")
        .fails();
    assert_eq!(mistakes.len(), 5, "{mistakes:#?}");
    assert!(mistakes[0].starts_with("pact.yaml:1:17: `admin.listen`"));
    assert!(
        mistakes[1].starts_with("$HEAT_THRESHOLD: `policies.default.fair_play.heat_threshold`: `hot` is not")
    );
    assert_eq!(
        mistakes[2],
        "$SAFETY_PACT__SERVER__LISTN: `server.listn`: no such setting; the nearest is `SAFETY_PACT__SERVER__LISTEN`"
    );
    assert!(
        mistakes[3].contains("$SAFETY_PACT__STATE__JOURNAL__PATH: `state.journal`: this version keeps state")
    );
    assert!(mistakes[4].starts_with("command line: `server.max_connections`: 0 is below 1"));
}

#[test]
fn a_field_in_the_wrong_place_is_sent_to_the_right_one() {
    let mistakes = Written::file("policies: {default: {rate_limit_max: 20}}").fails();
    assert_eq!(
        mistakes,
        ["pact.yaml:1:22: `policies.default.rate_limit_max`: no such setting here; it belongs in \
             `policies.<name>.fair_play`"]
    );
}

#[test]
fn a_broken_file_is_named_with_line_and_column() {
    let mistakes = Written::file("server:\n  listen: [1\nadmin: }\n").fails();
    assert_eq!(mistakes.len(), 1);
    assert!(mistakes[0].starts_with("pact.yaml:3:"), "{mistakes:?}");
}

#[test]
fn a_key_set_twice_is_an_error_beside_the_others() {
    let mistakes = Written::file("admin: {}\nadmin: {}\nx: 1\n").fails();
    assert_eq!(mistakes[0], "pact.yaml:2:1: `admin`: set twice in this file; keep one of the two");
    assert_eq!(mistakes.len(), 2);
}

#[test]
fn a_missing_file_is_an_error_that_names_it() {
    let path = std::path::Path::new("no/such/file.yaml");
    let error = ConfigFile::read(path).expect_err("no file").to_string();
    assert!(error.starts_with("no/such/file.yaml: cannot be read: "), "{error}");
}

#[test]
fn what_yaml_repeats_for_us_is_read_like_what_is_written_out() {
    let loaded = Written::file(
        "policies:\n  kids: &kids\n    fair_play: &limits {stamina_max: 50, flow_after: 2}\n  teens:\n    fair_play:\n      \
         <<: *limits\n      flow_after: 3\n",
    )
    .loads();
    let teens = limits_of(&loaded.config, "teens", TrustTier::User);
    assert_eq!((teens.stamina_max, teens.flow_after), (Points::whole(50), 3));
}

proptest! {
    /// Whatever stands in the file: settings or mistakes, never a panic.
    #[test]
    fn no_file_makes_loading_panic(
        words in proptest::collection::vec(
            prop_oneof![
                Just("policies"), Just("default"), Just("fair_play"), Just("stamina_max"), Just("routes"),
                Just("rules"), Just("server"), Just("unix_socket"), Just("tiers"), Just("user"), Just(": "),
                Just("\n"), Just("\n  "), Just("\n    "), Just("- "), Just("["), Just("]"), Just("{"), Just("}"),
                Just(","), Just("&a "), Just("*a"), Just("<<: "), Just("? "), Just("~"), Just("1e9"), Just("off"),
                Just("'"), Just("\""), Just("|"), Just("!!int "), Just("\u{1}"), Just("é"), Just("# "), Just("---"),
            ],
            0..40,
        ),
    ) {
        let file = ConfigFile { name: "pact.yaml".to_owned(), text: words.concat() };
        let loaded = Config::load(&Sources { file: Some(file), ..Sources::default() });
        if let Err(errors) = loaded {
            prop_assert!(!errors.errors.is_empty() && !errors.to_string().is_empty());
        }
    }
}
