//! Orders, as Envoy understands them. The only maker of `CheckResponse`: an empty one would let everything pass.

use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{HeaderValue, HeaderValueOption};
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::envoy::service::auth::v3::{CheckResponse, DeniedHttpResponse, OkHttpResponse};
use envoy_types::pb::envoy::r#type::v3::HttpStatus;
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{BoolValue, Struct, Value};
use envoy_types::pb::google::rpc::Status;
use tonic::Code;

use crate::grpc::ext_authz::request::Headers;
use crate::pdp::{Disposition, Verdict};
use crate::pep::Orders;
use crate::pep::header::names;
use crate::pep::refusal::Refusal;
use crate::store::SubjectKey;

/// What an answer depends on besides the verdict.
#[derive(Debug)]
pub(super) struct Origin<'a> {
    /// The name of the verdict's policy.
    pub(super) policy: &'a str,
    pub(super) config_digest: &'a str,
    /// The headers of the request; none if it was not told.
    pub(super) headers: Option<&'a Headers<'a>>,
}

/// The answer that makes Envoy follow `orders`.
pub(super) fn to_envoy(orders: Orders<'_>, verdict: &Verdict, origin: &Origin<'_>) -> CheckResponse {
    let dynamic_metadata = Some(metadata(&orders, verdict, origin));
    let (status, http_response) = match &orders.refusal {
        Some(refusal) => {
            let status = Status {
                code: status_code(orders.http_status) as i32,
                message: refusal.reason.code().to_owned(),
                details: Vec::new(),
            };
            (status, HttpResponse::DeniedResponse(denied(&orders, refusal, origin)))
        }
        None => {
            let status = Status { code: Code::Ok as i32, message: String::new(), details: Vec::new() };
            (status, HttpResponse::OkResponse(ok(orders, origin)))
        }
    };
    CheckResponse { status: Some(status), dynamic_metadata, http_response: Some(http_response) }
}

/// Let it pass: our headers go to the upstream and to the client, a client's forgeries go nowhere.
fn ok(orders: Orders<'_>, origin: &Origin<'_>) -> OkHttpResponse {
    let mut remove: Vec<String> = orders.unset().map(str::to_owned).collect();
    for name in origin.headers.iter().flat_map(|headers| headers.names()) {
        let known = || names::ALL.iter().any(|ours| ours.eq_ignore_ascii_case(name));
        if is_reserved(name) && !known() && !remove.iter().any(|removed| removed == name) {
            remove.push(name.to_owned());
        }
    }
    let headers: Vec<_> =
        orders.headers.into_iter().map(|header| set(header.name, header.into_value())).collect();
    OkHttpResponse {
        response_headers_to_add: headers.clone(),
        headers,
        headers_to_remove: remove,
        ..OkHttpResponse::default()
    }
}

/// Refuse: only these headers reach the client.
fn denied(orders: &Orders<'_>, refusal: &Refusal<'_>, origin: &Origin<'_>) -> DeniedHttpResponse {
    // Envoy makes the body the message of a gRPC status.
    let content_type = origin.headers.and_then(|headers| headers.get("content-type"));
    let (content_type, body) = if content_type.is_some_and(|it| starts_with(&it, "application/grpc")) {
        ("text/plain", refusal.message.to_owned())
    } else {
        ("application/json", refusal.json())
    };
    let mut headers: Vec<_> =
        orders.headers.iter().map(|header| set(header.name, header.value().to_owned())).collect();
    headers.push(set("content-type", content_type.to_owned()));
    // Envoy sends 403 for 0, and a client waits for ever after an informational status.
    let code = i32::from(orders.http_status.clamp(200, 599));
    DeniedHttpResponse { status: Some(HttpStatus { code }), headers, body }
}

/// Never shown to an HTTP client, but never 0 either: that would let the request pass.
const fn status_code(http_status: u16) -> Code {
    match http_status {
        429 => Code::ResourceExhausted,
        503 => Code::Unavailable,
        _ => Code::PermissionDenied,
    }
}

/// The header `name: value`, in place of any that is there.
#[expect(
    deprecated,
    reason = "Envoy 1.37 appends when only the newer field is set, and a forgery would survive"
)]
fn set(name: &str, value: String) -> HeaderValueOption {
    HeaderValueOption {
        header: Some(HeaderValue { key: name.to_owned(), value, raw_value: Vec::new() }),
        append: Some(BoolValue { value: false }),
        append_action: HeaderAppendAction::OverwriteIfExistsOrAdd as i32,
        keep_empty_value: false,
    }
}

/// What Envoy logs, and hands on to filters after this one.
fn metadata(orders: &Orders<'_>, verdict: &Verdict, origin: &Origin<'_>) -> Struct {
    let mut fields = vec![
        ("decision_id", text(verdict.decision_id.text())),
        ("effect", text(orders.effect)),
        ("config_digest", text(origin.config_digest)),
    ];
    if verdict.disposition != Disposition::Bypassed {
        fields.push(("policy", text(origin.policy)));
    }
    if let Some(SubjectKey(key)) = verdict.subject_key {
        fields.push(("subject", text(format!("{key:032x}"))));
    }
    if let Some(refusal) = &orders.refusal {
        fields.push(("reason", text(refusal.reason.code())));
    }
    if let Some(readings) = &verdict.readings {
        fields.push(("stamina", Kind::NumberValue(readings.stamina.as_f64())));
        fields.push(("heat", Kind::NumberValue(readings.heat.as_f64())));
    }
    let field = |(name, kind): (&str, Kind)| (name.to_owned(), Value { kind: Some(kind) });
    Struct { fields: fields.into_iter().map(field).collect() }
}

fn text(text: impl Into<String>) -> Kind {
    Kind::StringValue(text.into())
}

/// May nobody but us set this header?
fn is_reserved(name: &str) -> bool {
    starts_with(name, names::PREFIX)
}

/// Does `text` begin with `prefix`, in any case?
pub(super) fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}
