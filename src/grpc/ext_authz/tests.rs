//! Stories about what Envoy asks and is answered. Every answer is checked for what every answer must have.

mod answers;
mod bodies;
mod identities;
mod routes;

use envoy_types::pb::envoy::config::core::v3::header_value_option::HeaderAppendAction;
use envoy_types::pb::envoy::config::core::v3::{HeaderMap, HeaderValue, HeaderValueOption};
use envoy_types::pb::envoy::service::auth::v3::AttributeContext;
use envoy_types::pb::envoy::service::auth::v3::attribute_context::{HttpRequest, Request as AskedOf};
use envoy_types::pb::envoy::service::auth::v3::check_response::HttpResponse;
use envoy_types::pb::google::protobuf::BoolValue;
use envoy_types::pb::google::protobuf::value::Kind;

use super::*;
use crate::clock::Clock;
use crate::pact::time::Timestamp;
use crate::pep::fixture;
use crate::pep::header::names;
use crate::pep::refusal::http_status;
use crate::telemetry::metrics::Metrics;

const CHAT: &str = "/v1/chat/completions";
/// A chat of 25 new characters, which costs 2.5 points of stamina.
const HELLO: &str = r#"{"messages":[{"role":"user","content":"twenty-five letters here!"}]}"#;
/// What is left of a rested subject's stamina after `HELLO`.
const AFTER_HELLO: &str = "97.5";

/// A question of Envoy's, as it would be put.
#[derive(Clone)]
struct Ask(AttributeContext);

fn envoy_asks() -> Ask {
    let http = HttpRequest {
        protocol: "HTTP/1.1".to_owned(),
        id: "1234567890".to_owned(),
        size: -1,
        ..HttpRequest::default()
    };
    let request = AskedOf { time: None, http: Some(http) };
    Ask(AttributeContext { request: Some(request), ..AttributeContext::default() })
}

impl Ask {
    fn http(&mut self) -> &mut HttpRequest {
        self.0.request.as_mut().and_then(|request| request.http.as_mut()).expect("envoy_asks sets it")
    }

    fn with(mut self, change: impl FnOnce(&mut HttpRequest)) -> Self {
        change(self.http());
        self
    }

    fn get(self, path: &str) -> Self {
        self.method("GET").path(path)
    }

    fn post(self, path: &str) -> Self {
        self.method("POST").path(path)
    }

    fn method(self, method: &str) -> Self {
        self.with(|http| http.method = method.to_owned())
    }

    fn path(self, path: &str) -> Self {
        self.with(|http| http.path = path.to_owned())
    }

    fn header(self, name: &str, value: &str) -> Self {
        self.with(|http| {
            http.headers.insert(name.to_owned(), value.to_owned());
        })
    }

    /// A header as `encode_raw_headers` shows it.
    fn raw_header(self, name: &str, value: &[u8]) -> Self {
        let header =
            HeaderValue { key: name.to_owned(), raw_value: value.to_owned(), ..HeaderValue::default() };
        self.with(|http| http.header_map.get_or_insert_with(HeaderMap::default).headers.push(header))
    }

    /// A whole body, shown as Envoy shows it.
    fn body(self, content_type: &str, body: &[u8]) -> Self {
        self.header("content-type", content_type)
            .header("content-length", &body.len().to_string())
            .header("x-envoy-auth-partial-body", "false")
            .shown(body)
    }

    fn json(self, body: &str) -> Self {
        self.body("application/json", body.as_bytes())
    }

    /// The bytes alone.
    fn shown(self, body: &[u8]) -> Self {
        self.with(|http| http.raw_body = body.to_owned())
    }

    fn extension(mut self, key: &str, value: &str) -> Self {
        self.0.context_extensions.insert(key.to_owned(), value.to_owned());
        self
    }

    fn check(self) -> CheckRequest {
        CheckRequest { attributes: Some(self.0) }
    }

    /// Asks a door that has heard nothing before.
    fn answered(self) -> Answer {
        self.answered_by(&door())
    }

    fn answered_by(self, door: &ExtAuthz) -> Answer {
        Answer::of(door.answer(&self.check()))
    }
}

fn door() -> ExtAuthz {
    door_with(|_| {})
}

fn door_with(change: impl FnOnce(&mut Config)) -> ExtAuthz {
    let mut config = fixture::config();
    change(&mut config);
    let metrics = Arc::new(Metrics::new(&["default", "kids"], &config.digest));
    let point = DecisionPoint::new(&config, Clock::manual(Timestamp::from_ms(1_000_000)), metrics);
    ExtAuthz::new(Arc::new(point), Arc::new(Renderer::new(&config.policies)), &config)
}

/// An answer that has all that every answer must have.
#[derive(Debug)]
struct Answer {
    response: CheckResponse,
    /// The headers for the client.
    headers: Vec<HeaderValueOption>,
}

impl Answer {
    fn of(response: CheckResponse) -> Self {
        let code = response.status.as_ref().expect("without a status Envoy allows").code;
        let headers = match response.http_response.as_ref().expect("an answer says what to do") {
            HttpResponse::OkResponse(ok) => {
                assert_eq!(code, 0);
                assert_eq!(ok.headers, ok.response_headers_to_add, "upstream and client see the same");
                let set = |name: &String| ok.headers.iter().any(|option| key(option) == name);
                assert!(!ok.headers_to_remove.iter().any(set), "removes what it sets: {ok:?}");
                let handled = |name: &&str| {
                    ok.headers.iter().any(|option| key(option) == *name)
                        || ok.headers_to_remove.iter().any(|removed| removed == name)
                };
                assert!(names::ALL.iter().all(handled), "a forgery would pass: {ok:?}");
                #[expect(deprecated, reason = "it must stay unset")]
                {
                    assert_eq!(ok.dynamic_metadata, None);
                }
                ok.headers.clone()
            }
            HttpResponse::DeniedResponse(denied) => {
                assert_ne!(code, 0, "the status would win, and allow");
                let status = denied.status.as_ref().expect("a status").code;
                assert!((200..=599).contains(&status), "{status}");
                assert!(!denied.body.is_empty());
                assert!(denied.headers.iter().any(|option| key(option) == "content-type"));
                denied.headers.clone()
            }
            HttpResponse::ErrorResponse(_) => panic!("an error may be allowed"),
        };
        for option in &headers {
            #[expect(deprecated, reason = "older versions of Envoy read only this one")]
            {
                assert_eq!(option.append, Some(BoolValue { value: false }));
            }
            assert_eq!(option.append_action, HeaderAppendAction::OverwriteIfExistsOrAdd as i32);
        }
        let answer = Self { response, headers };
        for (name, value) in names::PROMISES {
            assert_eq!(answer.header(name), Some(value));
        }
        assert_eq!(answer.metadata("decision_id"), answer.header(names::DECISION).map(str::to_owned));
        assert_eq!(answer.metadata("effect"), answer.header(names::EFFECT).map(str::to_owned));
        assert_eq!(answer.metadata("config_digest").as_deref(), Some("0123456789abcdef"));
        answer
    }

    fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().filter_map(|option| option.header.as_ref());
        header.filter(|header| header.key == name).map(|header| header.value.as_str()).next()
    }

    fn metadata(&self, name: &str) -> Option<String> {
        let fields = &self.response.dynamic_metadata.as_ref().expect("metadata").fields;
        match fields.get(name)?.kind.as_ref()? {
            Kind::StringValue(text) => Some(text.clone()),
            Kind::NumberValue(number) => Some(number.to_string()),
            other => panic!("{other:?}"),
        }
    }

    /// The primary reason, the HTTP status of which must be the right one; none if it passes.
    fn reason(&self) -> Option<&str> {
        let Some(HttpResponse::DeniedResponse(denied)) = &self.response.http_response else {
            return None;
        };
        let code = self.header(names::REASON).expect("a refusal has a reason");
        let reason = Reason::ALL.iter().find(|reason| reason.code() == code).expect("a known reason");
        assert_eq!(denied.status.as_ref().map(|status| status.code), Some(http_status(*reason).into()));
        assert_eq!(self.metadata("reason").as_deref(), Some(code));
        Some(code)
    }

    #[track_caller]
    fn is_refused(&self, reason: Reason) {
        assert_eq!(self.reason(), Some(reason.code()));
    }

    /// Judged and let through, with this much stamina left.
    #[track_caller]
    fn is_permitted(&self, stamina: &str) {
        assert_eq!((self.reason(), self.header(names::EFFECT)), (None, Some("PERMIT")));
        assert_eq!(self.header(names::STAMINA), Some(stamina));
    }

    #[track_caller]
    fn is_bypassed(&self) {
        assert_eq!((self.reason(), self.header(names::EFFECT)), (None, Some("BYPASS")));
    }

    fn removed(&self) -> &[String] {
        match &self.response.http_response {
            Some(HttpResponse::OkResponse(ok)) => &ok.headers_to_remove,
            _ => &[],
        }
    }

    fn body(&self) -> &str {
        match &self.response.http_response {
            Some(HttpResponse::DeniedResponse(denied)) => &denied.body,
            _ => "",
        }
    }
}

fn key(option: &HeaderValueOption) -> &str {
    option.header.as_ref().map_or("", |header| &header.key)
}
