//! The questions asked, encoded once; only the digits of ids change from one request to the next.

use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{BufMut, Bytes, BytesMut};
use envoy_types::pb::envoy::config::core::v3::{
    Address, SocketAddress, address, socket_address::PortSpecifier,
};
use envoy_types::pb::envoy::service::auth::v3::{AttributeContext, CheckRequest, attribute_context};
use envoy_types::pb::google::protobuf::Timestamp;
use prost::Message;

use crate::proto;

/// Stand where the number of the request goes: nine digits.
const SERIAL: &[u8] = b"#########";
/// Stand where the subject goes: nine digits, or the last three octets of an address.
const SUBJECT: &[u8] = b"@@@@@@@@@";
const SUBJECT_ADDRESS: &[u8] = b"@@@.@@@.@@@";
/// Distinct subjects; each comes round once in so many requests.
pub const SUBJECTS: u64 = 100_000;

/// Which method is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `SafetyService.Evaluate` with 256 bytes of text.
    Evaluate,
    /// Envoy's `Authorization.Check` with a chat completion of 1 KiB.
    Check,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Evaluate, Self::Check];
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Evaluate => "Evaluate",
            Self::Check => "Check",
        })
    }
}

/// One kind of question, ready to be sent.
pub struct Questions {
    pub kind: Kind,
    /// The number of the next request: a number that came before would be taken for a retry.
    next: AtomicU64,
    frame: Bytes,
    serials: Vec<usize>,
    subjects: Vec<usize>,
    addresses: Vec<usize>,
}

impl Questions {
    pub fn new(kind: Kind) -> Self {
        let message = match kind {
            Kind::Evaluate => evaluate().encode_to_vec(),
            Kind::Check => check().encode_to_vec(),
        };
        let mut frame = BytesMut::with_capacity(message.len() + 5);
        frame.put_u8(0);
        frame.put_u32(u32::try_from(message.len()).expect("a small message"));
        frame.put_slice(&message);
        let frame = frame.freeze();
        let find = |mark: &[u8]| {
            (0..frame.len()).filter(|&at| frame[at..].starts_with(mark)).collect::<Vec<usize>>()
        };
        let (serials, subjects, addresses) = (find(SERIAL), find(SUBJECT), find(SUBJECT_ADDRESS));
        Self { kind, next: AtomicU64::new(1), frame, serials, subjects, addresses }
    }

    /// The numbers of the next `requests` requests.
    pub fn next(&self, requests: u64) -> Range<u64> {
        let from = self.next.fetch_add(requests, Ordering::Relaxed);
        from..from + requests
    }

    pub fn path(&self) -> &'static str {
        match self.kind {
            Kind::Evaluate => "/safety_pact.v1.SafetyService/Evaluate",
            Kind::Check => "/envoy.service.auth.v3.Authorization/Check",
        }
    }

    /// Bytes of one message.
    pub fn message_bytes(&self) -> usize {
        self.frame.len() - 5
    }

    /// The gRPC frame of request number `serial`.
    pub fn frame(&self, serial: u64) -> Bytes {
        // A stride that shares no factor with the number of subjects visits them all, far apart from each other.
        let subject = serial.wrapping_mul(37_619) % SUBJECTS;
        let mut frame = BytesMut::from(&self.frame[..]);
        for &at in &self.serials {
            put_digits(&mut frame[at..at + 9], serial);
        }
        for &at in &self.subjects {
            put_digits(&mut frame[at..at + 9], subject);
        }
        for &at in &self.addresses {
            for (octet, part) in [(0, subject / 10_000), (4, subject / 100), (8, subject)] {
                put_digits(&mut frame[at + octet..at + octet + 3], 100 + part % 100);
            }
        }
        frame.freeze()
    }

    /// Does this answer say that the interaction may go on? Looks at the first field only, which is cheap.
    pub fn permits(&self, answer: &[u8]) -> bool {
        match self.kind {
            Kind::Evaluate => answer.starts_with(&[0x08, 0x01]),
            Kind::Check => answer.starts_with(&[0x0a, 0x00]),
        }
    }
}

fn put_digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).expect("a digit");
        number /= 10;
    }
}

fn text(mark: &[u8]) -> String {
    String::from_utf8_lossy(mark).into_owned()
}

/// Plain prose of exactly `bytes` bytes.
fn prose(bytes: usize) -> String {
    "Could you explain to me how the tides work, and why there are two of them in a day? "
        .chars()
        .cycle()
        .take(bytes)
        .collect()
}

fn evaluate() -> proto::EvaluateRequest {
    proto::EvaluateRequest {
        user_id: format!("user-{}", text(SUBJECT)),
        session_id: format!("session-{}", text(SUBJECT)),
        trust_tier: proto::TrustTier::User.into(),
        phase: Some(proto::evaluate_request::Phase::Input(proto::Input { text: prose(256) })),
        ..Default::default()
    }
}

/// As Envoy 1.40 sends it for a chat completion behind `with_request_body`.
fn check() -> CheckRequest {
    let frame = |text: &str| {
        format!(
            r#"{{"model":"gpt-4o-mini","stream":false,"temperature":0.7,"messages":[{{"role":"system","content":"You are a helpful assistant."}},{{"role":"user","content":"{text}"}}]}}"#
        )
    };
    let body = frame(&prose(1024 - frame("").len()));
    let headers = [
        (":authority", "api.example.com"),
        (":method", "POST"),
        (":path", "/v1/chat/completions"),
        (":scheme", "https"),
        ("accept", "application/json"),
        ("accept-encoding", "gzip, deflate"),
        ("authorization", "Bearer sk-0123456789abcdef0123456789abcdef0123456789abcdef"),
        ("content-length", "1024"),
        ("content-type", "application/json"),
        ("user-agent", "OpenAI/Python 1.99.9"),
        ("x-envoy-auth-partial-body", "false"),
        ("x-forwarded-proto", "https"),
        ("x-request-id", "6f2a9c1e-5b7d-4e1f-8a3c-000#########"),
        ("x-stainless-lang", "python"),
        ("x-stainless-retry-count", "0"),
    ];
    let socket = |address: String, port: u32| Address {
        address: Some(address::Address::SocketAddress(SocketAddress {
            address,
            port_specifier: Some(PortSpecifier::PortValue(port)),
            ..Default::default()
        })),
    };
    let peer = |address, port| attribute_context::Peer {
        address: Some(socket(address, port)),
        ..Default::default()
    };
    let http = attribute_context::HttpRequest {
        id: format!("17000000000{}", text(SERIAL)),
        method: "POST".into(),
        path: "/v1/chat/completions".into(),
        host: "api.example.com".into(),
        scheme: "https".into(),
        protocol: "HTTP/1.1".into(),
        size: 1024,
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        body,
        ..Default::default()
    };
    CheckRequest {
        attributes: Some(AttributeContext {
            source: Some(peer(format!("10.{}", text(SUBJECT_ADDRESS)), 51_234)),
            destination: Some(peer("10.0.0.7".into(), 8443)),
            request: Some(attribute_context::Request {
                time: Some(Timestamp { seconds: 1_760_000_000, nanos: 123_456_000 }),
                http: Some(http),
            }),
            ..Default::default()
        }),
    }
}
