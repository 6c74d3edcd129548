//! What Envoy says about a request, as far as it can be trusted.
//!
//! The path is the raw one and is never decoded. Headers come in a map, joined by ",", or as they were sent
//! (`encode_raw_headers`). A body may be missing, or cut, and the request must not pass for one without text.

use std::borrow::Cow;

use envoy_types::pb::envoy::service::auth::v3::attribute_context::HttpRequest;
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest};

use crate::grpc::ext_authz::answer::starts_with;
use crate::pact::decision::Reason;

/// Set by Envoy where it shows a body, and only by Envoy: it drops a client's own copy.
const PARTIAL_BODY: &str = "x-envoy-auth-partial-body";
/// Methods whose requests seldom have a body.
const BODILESS: [&str; 5] = ["GET", "HEAD", "OPTIONS", "TRACE", "DELETE"];

/// The request that Envoy asks about.
#[derive(Debug)]
pub(super) struct Asked<'a> {
    pub(super) attributes: &'a AttributeContext,
    pub(super) http: &'a HttpRequest,
    pub(super) headers: Headers<'a>,
    /// As on the wire, before `?`; empty if there is none.
    pub(super) path: &'a str,
    /// The body as far as it was shown.
    pub(super) body: &'a [u8],
}

impl<'a> Asked<'a> {
    /// None if the question lacks the request.
    pub(super) fn read(check: &'a CheckRequest) -> Option<Self> {
        let attributes = check.attributes.as_ref()?;
        let http = attributes.request.as_ref()?.http.as_ref()?;
        let path = http.path.split_once('?').map_or(http.path.as_str(), |(path, _)| path);
        let body = if http.raw_body.is_empty() { http.body.as_bytes() } else { &http.raw_body };
        Some(Self { attributes, http, headers: Headers::read(http), path, body })
    }

    /// What the gateway's route says under `key`; clients cannot forge it.
    pub(super) fn extension(&self, key: &str) -> Option<&'a str> {
        self.attributes.context_extensions.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Does it certainly carry no text?
    pub(super) fn is_bare(&self) -> bool {
        self.body.is_empty()
            && !self.announces_body()
            && !self.is_cut()
            && !self.is_tunnel()
            && (self.is_body_shown() || !self.may_hide_body())
    }

    /// Did Envoy show a body, be it an empty or a cut one?
    pub(super) fn is_body_shown(&self) -> bool {
        !self.body.is_empty() || self.headers.has(PARTIAL_BODY)
    }

    /// Does Envoy say that it shows only the beginning of the body?
    pub(super) fn is_cut(&self) -> bool {
        self.headers.get(PARTIAL_BODY).is_some_and(|partial| partial != "false")
    }

    /// Do the headers say that there is a body?
    pub(super) fn announces_body(&self) -> bool {
        self.has_length(0) == Some(false) || self.headers.has("transfer-encoding") || self.http.size > 0
    }

    /// May there be a body that no header announces? From HTTP/2 on, a body needs none, and whoever speaks gRPC has one
    /// whatever the method says.
    pub(super) fn may_hide_body(&self) -> bool {
        !self.http.protocol.starts_with("HTTP/1")
            && !self.headers.has("content-length")
            && (self.is_grpc() || !BODILESS.contains(&self.http.method.as_str()))
    }

    /// Does it say that it is gRPC?
    pub(super) fn is_grpc(&self) -> bool {
        self.headers.get("content-type").is_some_and(|it| starts_with(&it, "application/grpc"))
    }

    /// Is it to become a tunnel, through which anything may be said afterwards?
    pub(super) fn is_tunnel(&self) -> bool {
        self.http.method == "CONNECT" || self.headers.has("upgrade")
    }

    /// Does `content-length` say that the body has this length? None if there is no such header.
    pub(super) fn has_length(&self, length: usize) -> Option<bool> {
        self.headers.get("content-length").map(|value| value.parse() == Ok(length))
    }
}

/// The headers of a request, in no order, names in any case.
#[derive(Debug)]
pub(super) struct Headers<'a>(Vec<(&'a str, &'a [u8])>);

impl<'a> Headers<'a> {
    fn read(http: &'a HttpRequest) -> Self {
        let raw = http.header_map.as_ref().map_or(&[][..], |map| &map.headers);
        let mut headers = Vec::with_capacity(raw.len() + http.headers.len());
        headers.extend(raw.iter().map(|header| {
            let value = if header.raw_value.is_empty() { header.value.as_bytes() } else { &header.raw_value };
            (header.key.as_str(), value)
        }));
        for (name, value) in &http.headers {
            // Raw headers are not joined, so they tell more where a gateway sends both.
            if !raw.iter().any(|header| header.key.eq_ignore_ascii_case(name)) {
                headers.push((name, value.as_bytes()));
            }
        }
        Self(headers)
    }

    /// Every name, as it was sent.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().map(|(name, _)| *name)
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.0.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| *value)
    }

    /// Is there such a header, be it empty?
    pub(super) fn has(&self, name: &str) -> bool {
        self.values(name).next().is_some()
    }

    /// All its values, joined by ",".
    pub(super) fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        let mut values = self.values(name).map(String::from_utf8_lossy);
        let mut joined = values.next()?;
        for value in values {
            let joined = joined.to_mut();
            joined.push(',');
            joined.push_str(&value);
        }
        Some(joined)
    }

    /// Its only value, for headers where a second one would be somebody else's word; none if it is empty, or if no
    /// name is configured.
    pub(super) fn only(&self, name: &str) -> Result<Option<&'a str>, Reason> {
        if name.is_empty() {
            return Ok(None);
        }
        let mut values = self.values(name);
        let Some(value) = values.next() else { return Ok(None) };
        let value = std::str::from_utf8(value).map_err(|_| Reason::MalformedInput)?;
        // Envoy joins what was sent twice, and so may a proxy before it.
        if values.next().is_some() || value.contains(',') {
            return Err(Reason::MalformedInput);
        }
        Ok(Some(value).filter(|value| !value.is_empty()))
    }
}
