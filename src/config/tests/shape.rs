//! Policies, tiers, routes and doors.

use super::*;

#[test]
fn a_policy_takes_the_built_in_defaults_and_a_tier_its_policys_values() {
    let config = Written::file(
        "policies:\n  kids:\n    fair_play: {heat_threshold: 40}\n    tiers: {verified: {fair_play: {flow_after: 2}}}\n  \
         default:\n    fair_play: {stamina_max: 7}\n",
    )
    .loads()
    .config;
    let names: Vec<_> = config.policies.iter().map(|policy| policy.name.as_str()).collect();
    assert_eq!(names, ["default", "kids"]);
    let mut kids = Limits { heat_threshold: Points::whole(40), ..Limits::default() };
    assert_eq!(limits_of(&config, "kids", TrustTier::User), kids);
    kids.flow_after = 2;
    assert_eq!(limits_of(&config, "kids", TrustTier::Verified), kids);
    assert_eq!(limits_of(&config, "default", TrustTier::User).stamina_max, Points::whole(7));
}

#[test]
fn own_rules_come_before_the_built_in_ones() {
    let config = Written::file(
        "policies: {kids: {}}\nroutes:\n  rules:\n    - {path_suffix: /messages, policy: kids, payload: plain_text, \
         unseen_text: judge}\n",
    )
    .loads()
    .config;
    let rule = &config.routes.rules[0];
    assert_eq!(rule.path, PathMatch::Suffix("/messages".to_owned()));
    assert_eq!((rule.payload, rule.policy), (Some(Dialect::PlainText), Some(1)));
    assert_eq!(rule.unseen_text, Some(UnseenText::Judge));
    assert_eq!(config.routes.rules.len(), 7);
}

#[test]
fn a_rule_with_an_unknown_policy_or_two_paths_is_an_error() {
    let mistakes = Written::file(
        "routes:\n  rules:\n    - {path: /a, policy: defaul}\n    - {path: /a, path_suffix: b}\n",
    )
    .fails();
    assert_eq!(
        mistakes,
        [
            "pact.yaml:3:7: `routes.rules[0].policy`: no policy is called `defaul`; the nearest is `default`",
            "pact.yaml:4:7: `routes.rules[1]`: has 2 of path, path_prefix and path_suffix; each rule has exactly one",
        ]
    );
}

#[test]
fn bypass_paths_are_no_patterns() {
    for (path, word) in
        [("/health*", "`*`"), ("/a?b", "`?`"), ("/a#b", "`#`"), ("health", "begin"), ("/ü", "wire")]
    {
        let mistakes = Written::file(&format!("routes: {{bypass_paths: ['{path}']}}")).fails();
        assert!(mistakes.len() == 1 && mistakes[0].contains(word), "{mistakes:?}");
    }
}

#[test]
fn somebody_must_be_able_to_ask() {
    let off = "pact.yaml:1:18: `server.listen`: is off and there is no unix_socket: nobody could ask";
    assert_eq!(Written::file("server: {listen: off}").fails(), [off]);
    let config = Written::file("server: {listen: off, unix_socket: {path: /run/p.sock}}").loads().config;
    assert_eq!(config.server.listen, None);
    let socket = config.server.unix_socket.expect("a socket");
    assert_eq!((socket.path, socket.mode), (PathBuf::from("/run/p.sock"), 0o660));
}

#[test]
fn a_sockets_mode_is_octal_however_it_is_written() {
    for (written, mode) in [("0660", 0o660), ("'0600'", 0o600), ("666", 0o666), ("0o777", 0o777)] {
        let text = format!("server: {{unix_socket: {{path: p, mode: {written}}}}}");
        assert_eq!(
            Written::file(&text).loads().config.server.unix_socket.map(|s| s.mode),
            Some(mode),
            "{written}"
        );
    }
    for written in ["0680", "1777", "rw", "-1"] {
        let text = format!("server: {{unix_socket: {{path: p, mode: {written}}}}}");
        assert_eq!(Written::file(&text).fails().len(), 1, "{written}");
    }
    let no_path = Written::file("server: {unix_socket: {mode: 0600}}").fails();
    assert!(no_path[0].contains("`server.unix_socket.path`: is needed"), "{no_path:?}");
}

#[test]
fn a_body_must_fit_into_a_message() {
    let fits = "server: {max_message_bytes: 131072}\nroutes: {max_request_bytes: 65536}";
    Written::file(fits).loads();
    let mistakes = Written::file(&fits.replace("65536", "65537")).fails();
    assert!(mistakes.len() == 1 && mistakes[0].contains("need 131073"), "{mistakes:?}");
}

#[test]
fn sections_may_be_empty_and_identity_can_be_turned_off() {
    let config = Written::file("server:\nmonitor: {}\npolicies:\n  kids:\nidentity: {jwt: off, mtls: no}\n")
        .loads()
        .config;
    assert!(config.identity.jwt.is_none());
    assert!(!config.identity.mtls);
    assert_eq!(config.policies.len(), 2);
    for reserved in ["policy", "tier", "age"] {
        assert_eq!(Written::file(&format!("identity: {{context_extension: {reserved}}}")).fails().len(), 1);
    }
    let headers = Written::file("identity: {headers: {user: X-User}}").loads().config.identity.headers;
    assert_eq!(headers.user, "x-user");
    for bad in ["x-safety-pact-user", "':path'", "'a b'"] {
        assert_eq!(
            Written::file(&format!("identity: {{headers: {{user: {bad}}}}}")).fails().len(),
            1,
            "{bad}"
        );
    }
}

#[test]
fn words_of_a_refusal_have_bounds() {
    let say = |words: &str| {
        Written::file(&format!("policies: {{default: {{refusal: {{messages: {{PAUSED: {words}}}}}}}}}"))
    };
    say("x").loads();
    say(&"x".repeat(500)).loads();
    for words in ["''".to_owned(), "x".repeat(501), "\"two\\nlines\"".to_owned()] {
        assert_eq!(say(&words).fails().len(), 1);
    }
}
