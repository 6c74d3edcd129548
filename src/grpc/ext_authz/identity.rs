//! Who asks, from the first source that names somebody: a verified JWT, a client certificate, the route's extensions, a
//! header that the gateway guards; else the source address, for whom nobody vouches.
//!
//! A source is taken whole, so nobody borrows another's tier; only the route's own `tier` and `age` count with any of
//! them. A header that is not configured is never looked at.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

use envoy_types::pb::envoy::config::core::v3::address::Address;
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Struct, Value};

use crate::config::{IdentityConfig, JwtIdentity};
use crate::grpc::ext_authz::misconfigured;
use crate::grpc::ext_authz::request::Asked;
use crate::pact::decision::Reason;
use crate::pact::interaction::TrustTier;
use crate::pdp::SubjectKind;

/// The longest id of a subject.
const MAX_ID_BYTES: usize = 256;
/// Beyond this, JSON numbers of a JWT run together: two users would be one.
const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_991.0;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asker<'a> {
    pub(super) kind: SubjectKind,
    pub(super) id: Cow<'a, str>,
    pub(super) tier: TrustTier,
}

/// Somebody whom a source names.
struct Named<'a> {
    id: Cow<'a, str>,
    /// None if the source does not say.
    tier: Option<TrustTier>,
}

type Source = for<'a> fn(&'a Asked<'_>, &IdentityConfig) -> Result<Option<Named<'a>>, Reason>;

/// In the order of trust.
const SOURCES: [Source; 4] = [jwt, certificate, extension, header];

/// Who asks; or why that cannot be told.
pub(super) fn asker<'a>(asked: &'a Asked<'_>, config: &IdentityConfig) -> Result<Asker<'a>, Reason> {
    let route_tier = tier_named("tier", asked.extension("tier"))?;
    check_age("age", asked.extension("age"))?;
    for source in SOURCES {
        if let Some(Named { id, tier }) = source(asked, config)? {
            if id.len() > MAX_ID_BYTES {
                return Err(Reason::MalformedInput);
            }
            let tier = route_tier.or(tier).unwrap_or(config.default_tier);
            return Ok(Asker { kind: SubjectKind::User, id, tier });
        }
    }
    let tier = route_tier.unwrap_or(TrustTier::Anonymous);
    Ok(Asker { kind: SubjectKind::Address, id: source_address(asked), tier })
}

fn jwt<'a>(asked: &'a Asked<'_>, config: &IdentityConfig) -> Result<Option<Named<'a>>, Reason> {
    let Some(config) = &config.jwt else { return Ok(None) };
    let Some(claims) = claims(asked, config)? else { return Ok(None) };
    let Some(id) = claim(claims, &config.user_claim)? else { return Ok(None) };
    check_age(&config.age_claim, claim(claims, &config.age_claim)?.as_deref())?;
    let tier = tier_named(&config.tier_claim, claim(claims, &config.tier_claim)?.as_deref())?;
    Ok(Some(Named { id, tier }))
}

/// The claims of the JWT that the gateway verified; none if it verified none.
fn claims<'a>(asked: &'a Asked<'_>, config: &JwtIdentity) -> Result<Option<&'a Struct>, Reason> {
    let metadata = asked.attributes.metadata_context.as_ref();
    let Some(namespace) = metadata.and_then(|it| it.filter_metadata.get(&config.metadata_namespace)) else {
        return Ok(None);
    };
    if !config.payload_key.is_empty() {
        return Ok(namespace.fields.get(&config.payload_key).and_then(as_struct));
    }
    let mut structs = namespace.fields.values().filter_map(as_struct);
    let only = structs.next();
    // A token's header may lie beside its payload.
    if structs.next().is_some() { Err(misconfigured(&config.metadata_namespace)) } else { Ok(only) }
}

fn as_struct(value: &Value) -> Option<&Struct> {
    match &value.kind {
        Some(Kind::StructValue(fields)) => Some(fields),
        _ => None,
    }
}

/// A claim as text; none if it is not there or empty, or if no name is configured.
fn claim<'a>(claims: &'a Struct, name: &str) -> Result<Option<Cow<'a, str>>, Reason> {
    // A token may well have a claim called "".
    if name.is_empty() {
        return Ok(None);
    }
    match claims.fields.get(name).and_then(|value| value.kind.as_ref()) {
        None | Some(Kind::NullValue(_)) => Ok(None),
        Some(Kind::StringValue(text)) => Ok(Some(Cow::from(text)).filter(|text| !text.is_empty())),
        Some(Kind::NumberValue(number)) if number.fract() == 0.0 && number.abs() <= MAX_EXACT_INTEGER => {
            Ok(Some(Cow::from(number.to_string())))
        }
        Some(_) => Err(misconfigured(name)),
    }
}

fn certificate<'a>(asked: &'a Asked<'_>, config: &IdentityConfig) -> Result<Option<Named<'a>>, Reason> {
    let source = asked.attributes.source.as_ref().filter(|_| config.mtls);
    let principal = source.map(|peer| peer.principal.as_str()).filter(|principal| !principal.is_empty());
    Ok(principal.map(|id| Named { id: Cow::from(id), tier: None }))
}

fn extension<'a>(asked: &'a Asked<'_>, config: &IdentityConfig) -> Result<Option<Named<'a>>, Reason> {
    let key = Some(config.context_extension.as_str()).filter(|key| !key.is_empty());
    let id = key.and_then(|key| asked.extension(key));
    Ok(id.map(|id| Named { id: Cow::from(id), tier: None }))
}

fn header<'a>(asked: &'a Asked<'_>, config: &IdentityConfig) -> Result<Option<Named<'a>>, Reason> {
    let config = &config.headers;
    let Some(id) = asked.headers.only(&config.user)? else { return Ok(None) };
    check_age(&config.age, asked.headers.only(&config.age)?)?;
    let tier = tier_named(&config.tier, asked.headers.only(&config.tier)?)?;
    Ok(Some(Named { id: Cow::from(id), tier }))
}

fn tier_named(key: &str, name: Option<&str>) -> Result<Option<TrustTier>, Reason> {
    name.map(|name| TrustTier::from_name(name).ok_or_else(|| misconfigured(key))).transpose()
}

/// Nothing is judged by age yet, but an age that cannot be one is noticed.
fn check_age(key: &str, years: Option<&str>) -> Result<(), Reason> {
    match years.map(str::parse::<u8>) {
        None | Some(Ok(0..=150)) => Ok(()),
        Some(_) => Err(misconfigured(key)),
    }
}

/// The source address as a subject: whoever can change it at will within a network is one subject.
fn source_address<'a>(asked: &'a Asked<'_>) -> Cow<'a, str> {
    let source = asked.attributes.source.as_ref().and_then(|peer| peer.address.as_ref());
    let Some(Address::SocketAddress(socket)) = source.and_then(|address| address.address.as_ref()) else {
        return Cow::from("unknown");
    };
    let unscoped = socket.address.split_once('%').map_or(socket.address.as_str(), |(address, _)| address);
    match unscoped.parse() {
        Ok(IpAddr::V4(_)) => Cow::from(unscoped),
        Ok(IpAddr::V6(address)) => Cow::from(household(address)),
        Err(_) => Cow::from("unknown"),
    }
}

/// The /64 of an address, which is what a household is given.
fn household(address: Ipv6Addr) -> String {
    if let Some(mapped) = address.to_ipv4_mapped() {
        return mapped.to_string();
    }
    let [a, b, c, d, ..] = address.segments();
    format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
}
