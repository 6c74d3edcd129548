//! Who asks, and who only says so.

use envoy_types::pb::envoy::config::core::v3::address::Address as AddressKind;
use envoy_types::pb::envoy::config::core::v3::{Address, Metadata, Pipe, SocketAddress};
use envoy_types::pb::envoy::service::auth::v3::attribute_context::Peer;
use envoy_types::pb::google::protobuf::{Struct, Value};

use super::*;
use crate::config::{HeaderIdentity, JwtIdentity};
use crate::pact::interaction::TrustTier;
use crate::pdp::SubjectKind;

const NAMESPACE: &str = "envoy.filters.http.jwt_authn";

/// Every source is configured.
fn every_source() -> IdentityConfig {
    IdentityConfig {
        jwt: Some(JwtIdentity {
            metadata_namespace: NAMESPACE.to_owned(),
            payload_key: String::new(),
            user_claim: "sub".to_owned(),
            age_claim: "age".to_owned(),
            tier_claim: "tier".to_owned(),
        }),
        mtls: true,
        context_extension: "user".to_owned(),
        headers: HeaderIdentity {
            user: "x-user".to_owned(),
            age: "x-age".to_owned(),
            tier: "x-tier".to_owned(),
        },
        default_tier: TrustTier::User,
    }
}

impl Ask {
    fn source(mut self, change: impl FnOnce(&mut Peer)) -> Self {
        change(self.0.source.get_or_insert_with(Peer::default));
        self
    }

    fn address(self, address: AddressKind) -> Self {
        self.source(|peer| peer.address = Some(Address { address: Some(address) }))
    }

    fn from(self, address: &str) -> Self {
        self.address(AddressKind::SocketAddress(SocketAddress {
            address: address.to_owned(),
            ..SocketAddress::default()
        }))
    }

    fn certificate(self, principal: &str) -> Self {
        self.source(|peer| peer.principal = principal.to_owned())
    }

    /// A verified token with this payload.
    fn token<const N: usize>(self, claims: [(&str, Kind); N]) -> Self {
        self.token_under("jwt_payload", claims)
    }

    fn token_under<const N: usize>(mut self, key: &str, claims: [(&str, Kind); N]) -> Self {
        let value = |kind| Value { kind: Some(kind) };
        let fields = claims.into_iter().map(|(name, kind)| (name.to_owned(), value(kind))).collect();
        let metadata = self.0.metadata_context.get_or_insert_with(Metadata::default);
        let namespace = metadata.filter_metadata.entry(NAMESPACE.to_owned()).or_default();
        namespace.fields.insert(key.to_owned(), value(Kind::StructValue(Struct { fields })));
        self
    }

    fn asker(self) -> Result<(SubjectKind, String, TrustTier), Reason> {
        self.asker_by(&every_source())
    }

    fn asker_by(self, config: &IdentityConfig) -> Result<(SubjectKind, String, TrustTier), Reason> {
        let check = self.check();
        let asked = Asked::read(&check).expect("a request");
        identity::asker(&asked, config).map(|asker| (asker.kind, asker.id.into_owned(), asker.tier))
    }
}

fn text(text: &str) -> Kind {
    Kind::StringValue(text.to_owned())
}

fn user(id: &str, tier: TrustTier) -> Result<(SubjectKind, String, TrustTier), Reason> {
    Ok((SubjectKind::User, id.to_owned(), tier))
}

fn address(id: &str) -> Result<(SubjectKind, String, TrustTier), Reason> {
    Ok((SubjectKind::Address, id.to_owned(), TrustTier::Anonymous))
}

#[test]
fn the_most_trusted_source_that_names_somebody_is_taken_whole() {
    let by_address = envoy_asks().from("192.0.2.7");
    assert_eq!(by_address.clone().asker(), address("192.0.2.7"));
    let by_header = by_address.header("x-user", "hedy").header("x-tier", "privileged");
    assert_eq!(by_header.clone().asker(), user("hedy", TrustTier::Privileged));
    let by_extension = by_header.extension("user", "ext");
    assert_eq!(by_extension.clone().asker(), user("ext", TrustTier::User));
    let by_certificate = by_extension.certificate("spiffe://mesh/cert");
    assert_eq!(by_certificate.clone().asker(), user("spiffe://mesh/cert", TrustTier::User));
    let by_token = by_certificate.token([("sub", text("jo")), ("tier", text("verified"))]);
    assert_eq!(by_token.asker(), user("jo", TrustTier::Verified));
}

#[test]
fn a_source_that_is_not_configured_is_never_looked_at() {
    let nothing = fixture::config().identity;
    let ask = envoy_asks()
        .from("192.0.2.7")
        .header("x-user", "root")
        .header("", "root")
        .extension("user", "root")
        .certificate("root")
        .token([("sub", text("root"))]);
    assert_eq!(ask.asker_by(&nothing), address("192.0.2.7"));
}

#[test]
fn a_claim_without_a_configured_name_is_never_looked_at() {
    let mut config = every_source();
    let jwt = config.jwt.as_mut().expect("configured");
    (jwt.tier_claim, jwt.age_claim) = (String::new(), String::new());
    let ask = envoy_asks().token([("sub", text("jo")), ("", text("privileged"))]);
    assert_eq!(ask.asker_by(&config), user("jo", TrustTier::User));
}

#[test]
fn the_routes_own_tier_counts_with_any_source() {
    let ask = envoy_asks().token([("sub", text("jo")), ("tier", text("privileged"))]);
    assert_eq!(ask.extension("tier", "anonymous").asker(), user("jo", TrustTier::Anonymous));
    let ask = envoy_asks().from("192.0.2.7").extension("tier", "verified").extension("age", "12");
    assert_eq!(ask.asker(), Ok((SubjectKind::Address, "192.0.2.7".to_owned(), TrustTier::Verified)));
}

#[test]
fn a_user_who_sends_the_guarded_header_twice_is_refused() {
    let twice = envoy_asks().raw_header("x-user", b"me").raw_header("X-User", b"root");
    assert_eq!(twice.asker(), Err(Reason::MalformedInput));
    let joined = envoy_asks().header("x-user", "me,root");
    assert_eq!(joined.clone().asker(), Err(Reason::MalformedInput));
    let tier = envoy_asks().header("x-user", "me").header("x-tier", "user,privileged");
    assert_eq!(tier.asker(), Err(Reason::MalformedInput));
    let bytes = envoy_asks().raw_header("x-user", b"\xff");
    assert_eq!(bytes.asker(), Err(Reason::MalformedInput));

    let door = door_with(|config| config.identity = every_source());
    joined.post(CHAT).json(HELLO).answered_by(&door).is_refused(Reason::MalformedInput);
}

#[test]
fn headers_are_read_raw_or_joined_in_any_case() {
    assert_eq!(envoy_asks().raw_header("X-USER", b"hedy").asker(), user("hedy", TrustTier::User));
    assert_eq!(envoy_asks().header("X-User", "hedy").asker(), user("hedy", TrustTier::User));
    let both = envoy_asks().header("x-user", "hedy").raw_header("x-user", b"hedy");
    assert_eq!(both.asker(), user("hedy", TrustTier::User));
    assert_eq!(envoy_asks().header("x-user", "").asker(), address("unknown"));
}

#[test]
fn an_id_may_be_long_but_not_endless() {
    let (longest, longer) = ("ü".repeat(128), "x".repeat(257));
    assert_eq!(envoy_asks().header("x-user", &longest).asker(), user(&longest, TrustTier::User));
    for ask in [
        envoy_asks().header("x-user", &longer),
        envoy_asks().extension("user", &longer),
        envoy_asks().certificate(&longer),
        envoy_asks().token([("sub", text(&longer))]),
    ] {
        assert_eq!(ask.asker(), Err(Reason::MalformedInput));
    }
}

#[test]
fn a_claim_may_be_a_whole_number() {
    let ask = envoy_asks().token([("sub", Kind::NumberValue(4_711.0)), ("age", Kind::NumberValue(12.0))]);
    assert_eq!(ask.asker(), user("4711", TrustTier::User));
}

#[test]
fn a_claim_that_names_nobody_leaves_it_to_the_next_source() {
    for nobody in [text(""), Kind::NullValue(0)] {
        let ask = envoy_asks().token([("sub", nobody)]).certificate("cert");
        assert_eq!(ask.asker(), user("cert", TrustTier::User));
    }
    assert_eq!(envoy_asks().token([("tier", text("root"))]).asker(), address("unknown"));
}

#[test]
fn a_claim_that_cannot_be_used_is_refused_not_guessed() {
    let jo = || ("sub", text("jo"));
    for ask in [
        envoy_asks().token([("sub", Kind::BoolValue(true))]),
        envoy_asks().token([("sub", Kind::NumberValue(0.5))]),
        // The next integer up is the same number.
        envoy_asks().token([("sub", Kind::NumberValue(9_007_199_254_740_992.0))]),
        envoy_asks().token([jo(), ("tier", text("gold"))]),
        envoy_asks().token([jo(), ("age", text("ten"))]),
        envoy_asks().token([jo(), ("age", Kind::NumberValue(-1.0))]),
        envoy_asks().token([jo()]).token_under("jwt_header", [("alg", text("RS256"))]),
    ] {
        assert_eq!(ask.asker(), Err(Reason::SafetyUnavailable));
    }
}

#[test]
fn a_payload_key_picks_the_payload() {
    let mut config = every_source();
    config.jwt.as_mut().expect("configured").payload_key = "jwt_payload".to_owned();
    let ask = envoy_asks().token([("sub", text("jo"))]).token_under("jwt_header", [("sub", text("root"))]);
    assert_eq!(ask.asker_by(&config), user("jo", TrustTier::User));
    let other = envoy_asks().token_under("other", [("sub", text("root"))]);
    assert_eq!(other.asker_by(&config), address("unknown"));
}

#[test]
fn an_address_is_a_household() {
    for (from, household) in [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("somewhere", "unknown"),
        ("", "unknown"),
    ] {
        assert_eq!(envoy_asks().from(from).asker(), address(household), "{from}");
    }
    let pipe = AddressKind::Pipe(Pipe { path: "@sock".to_owned(), mode: 0 });
    assert_eq!(envoy_asks().address(pipe).asker(), address("unknown"));
    assert_eq!(envoy_asks().asker(), address("unknown"));
}

#[test]
fn a_user_called_like_an_address_is_not_that_address() {
    let door = door_with(|config| config.identity = every_source());
    let asks = || envoy_asks().post(CHAT).json(HELLO);
    asks().from("192.0.2.7").answered_by(&door).is_permitted(AFTER_HELLO);
    asks().header("x-user", "192.0.2.7").answered_by(&door).is_permitted(AFTER_HELLO);
    asks().from("192.0.2.7").answered_by(&door).is_refused(Reason::IntervalTooShort);
}
