//! `SafetyService`: the native door.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::watch;
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

use crate::grpc::proto;
use crate::grpc::proto::safety_service_server::SafetyService;
use crate::grpc::status::{MAX_AGE, invalid, optional_id, promising, required_id};
use crate::pact::decision::{Effect, GateReading, Measure, Readings, Reason};
use crate::pact::interaction::TrustTier;
use crate::pact::time::Timestamp;
use crate::pdp::{DecisionPoint, Question, RetryKey, Subject, SubjectKind, Verdict};
use crate::pep::Renderer;
use crate::telemetry::metrics::Service;

/// Answers `Evaluate` and `EvaluateStream`.
#[derive(Debug, Clone)]
pub struct Safety {
    decision_point: Arc<DecisionPoint>,
    renderer: Arc<Renderer>,
    max_text_bytes: usize,
    draining: Option<watch::Receiver<bool>>,
}

impl Safety {
    /// The service over `decision_point`, taking texts of up to `max_text_bytes` bytes.
    #[must_use]
    pub const fn new(
        decision_point: Arc<DecisionPoint>,
        renderer: Arc<Renderer>,
        max_text_bytes: usize,
    ) -> Self {
        Self { decision_point, renderer, max_text_bytes, draining: None }
    }

    /// Ends waiting streams once `draining` turns true.
    #[must_use]
    pub fn until(self, draining: watch::Receiver<bool>) -> Self {
        Self { draining: Some(draining), ..self }
    }

    /// Answers one question.
    ///
    /// # Errors
    /// INVALID_ARGUMENT naming the field, UNIMPLEMENTED for an output; with the pact's promises as metadata.
    pub(crate) fn answer(&self, request: &proto::EvaluateRequest) -> Result<proto::EvaluateResponse, Status> {
        let question = self.question(request).map_err(promising)?;
        let verdict = self.decision_point.evaluate(&question);
        Ok(self.response(&verdict))
    }

    // === wire to domain ===

    fn question<'a>(&self, request: &'a proto::EvaluateRequest) -> Result<Question<'a>, Status> {
        let user = required_id("user_id", &request.user_id)?;
        optional_id("session_id", &request.session_id)?;
        optional_id("agent_id", &request.agent_id)?;
        let interaction_id = optional_id("interaction_id", &request.interaction_id)?;
        if request.user_age.is_some_and(|age| age > MAX_AGE) {
            return Err(invalid("user_age", "more than 150 years"));
        }
        let policy = self
            .decision_point
            .policy_index(&request.policy)
            .ok_or_else(|| invalid("policy", "no such policy in the config"))?;
        Ok(Question {
            service: Service::Safety,
            policy,
            subject: Subject { kind: SubjectKind::User, id: user },
            tier: tier(request.trust_tier)?,
            chars: self.chars(request.phase.as_ref())?,
            retry_key: RetryKey { id: interaction_id, content: &[], chars: 0 },
            peek: request.peek,
            explain: request.explain,
        })
    }

    fn chars(&self, phase: Option<&proto::evaluate_request::Phase>) -> Result<u64, Status> {
        let text = match phase {
            None => return Err(invalid("phase", "required, `input` or `output`")),
            Some(proto::evaluate_request::Phase::Output(_)) => {
                return Err(Status::unimplemented("`output`: this version judges inputs only"));
            }
            Some(proto::evaluate_request::Phase::Input(input)) => &input.text,
        };
        if text.len() > self.max_text_bytes {
            let bound = format!("{} bytes are more than {}", text.len(), self.max_text_bytes);
            return Err(invalid("input.text", &bound));
        }
        Ok(text.chars().count() as u64)
    }

    // === domain to wire ===

    fn response(&self, verdict: &Verdict) -> proto::EvaluateResponse {
        let orders = self.renderer.orders(verdict);
        let effect = match verdict.effect() {
            Effect::Permit => proto::Effect::Permit,
            Effect::Deny => proto::Effect::Deny,
        };
        proto::EvaluateResponse {
            effect: effect.into(),
            reasons: verdict.reasons.iter().map(reason).collect(),
            retry_after: verdict.retry_after_ms.map(duration),
            http_status: u32::from(orders.http_status),
            headers: orders
                .headers
                .into_iter()
                .map(|header| proto::Header { name: header.name.to_owned(), value: header.into_value() })
                .collect(),
            readings: verdict.readings.as_ref().map(readings),
            gates: verdict.gates.iter().map(gate).collect(),
            decision_id: verdict.decision_id.text(),
            config_digest: self.decision_point.config_digest().to_owned(),
        }
    }
}

#[tonic::async_trait]
impl SafetyService for Safety {
    async fn evaluate(
        &self,
        request: Request<proto::EvaluateRequest>,
    ) -> Result<Response<proto::EvaluateResponse>, Status> {
        self.answer(request.get_ref()).map(Response::new)
    }

    type EvaluateStreamStream = Answers;

    async fn evaluate_stream(
        &self,
        request: Request<Streaming<proto::EvaluateRequest>>,
    ) -> Result<Response<Self::EvaluateStreamStream>, Status> {
        let draining = self.draining.clone();
        let drained = Box::pin(async move {
            match draining {
                // An error means that the server is gone: drained as well.
                Some(mut draining) => drop(draining.wait_for(|draining| *draining).await),
                None => std::future::pending().await,
            }
        });
        Ok(Response::new(Answers { service: self.clone(), questions: request.into_inner(), drained }))
    }
}

/// The answers to a stream of questions.
///
/// One at a time: they stay in order, and a slow reader slows its own questions only. The server ends the stream after
/// the first error.
pub struct Answers {
    service: Safety,
    questions: Streaming<proto::EvaluateRequest>,
    drained: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Stream for Answers {
    type Item = Result<proto::EvaluateResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match Pin::new(&mut self.questions).poll_next(cx) {
            Poll::Ready(question) => Poll::Ready(question.map(|question| self.service.answer(&question?))),
            // Every question that is here has been answered; the next one is for another server.
            Poll::Pending => self.drained.as_mut().poll(cx).map(|()| {
                Some(Err(promising(Status::unavailable("the server stops: ask on a new connection"))))
            }),
        }
    }
}

fn tier(number: i32) -> Result<TrustTier, Status> {
    match proto::TrustTier::try_from(number) {
        Ok(proto::TrustTier::Unspecified | proto::TrustTier::User) => Ok(TrustTier::User),
        Ok(proto::TrustTier::Anonymous) => Ok(TrustTier::Anonymous),
        Ok(proto::TrustTier::Verified) => Ok(TrustTier::Verified),
        Ok(proto::TrustTier::Privileged) => Ok(TrustTier::Privileged),
        Err(_) => Err(invalid("trust_tier", "not a value of TrustTier")),
    }
}

fn reason(reason: Reason) -> proto::Reason {
    proto::Reason { code: reason.code().to_owned(), detail: reason.message().to_owned() }
}

fn readings(readings: &Readings) -> proto::Readings {
    proto::Readings {
        stamina: readings.stamina.as_f64(),
        stamina_max: readings.stamina_max.as_f64(),
        heat: readings.heat.as_f64(),
        heat_threshold: readings.heat_threshold.as_f64(),
        streak: readings.streak,
        in_flow: readings.in_flow,
        cooldown_until: readings.cooldown_until.map(timestamp),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a reading for people")]
fn gate(gate: &GateReading) -> proto::Gate {
    let (reading, limit, unit) = match gate.measure {
        Measure::Points { reading, limit } => (reading.as_f64(), limit.as_f64(), "points"),
        Measure::Ms { reading, limit } => (reading as f64, limit as f64, "ms"),
        Measure::Interactions { reading, limit } => (f64::from(reading), f64::from(limit), "interactions"),
    };
    proto::Gate {
        code: gate.gate.code().to_owned(),
        passed: gate.passed,
        reading,
        limit,
        unit: unit.to_owned(),
        earliest: gate.earliest.map(timestamp),
    }
}

/// The longest wait on the wire: what `google.protobuf.Duration` can hold, 10 000 years.
const MAX_WIRE_SECONDS: u64 = 315_576_000_000;

fn duration(ms: u64) -> prost_types::Duration {
    let wire = Duration::from_millis(ms).min(Duration::from_secs(MAX_WIRE_SECONDS));
    prost_types::Duration {
        seconds: i64::try_from(wire.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(wire.subsec_nanos()).unwrap_or(0),
    }
}

/// The last second of the year 9999, which `google.protobuf.Timestamp` ends with.
const MAX_WIRE_TIMESTAMP_MS: u64 = 253_402_300_799_999;

fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    let since_epoch = duration(at.ms().min(MAX_WIRE_TIMESTAMP_MS));
    prost_types::Timestamp { seconds: since_epoch.seconds, nanos: since_epoch.nanos }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::pep::fixture;
    use crate::pep::header::names;
    use crate::telemetry::metrics::Metrics;

    #[test]
    fn a_question_that_cannot_be_answered_still_hears_the_promises() {
        let config = fixture::config();
        let metrics = Arc::new(Metrics::new(&["default", "kids"], &config.digest));
        let point = DecisionPoint::new(&config, Clock::manual(Timestamp::from_ms(0)), metrics);
        let door = Safety::new(Arc::new(point), Arc::new(Renderer::new(&config.policies)), 100);
        let output = Some(proto::evaluate_request::Phase::Output(proto::Output::default()));
        for request in [
            proto::EvaluateRequest::default(),
            proto::EvaluateRequest { user_id: "ann".to_owned(), phase: output, ..Default::default() },
        ] {
            let status = door.answer(&request).expect_err("it is malformed or not built");
            for (name, value) in names::PROMISES {
                let said = status.metadata().get(name).and_then(|said| said.to_str().ok());
                assert_eq!(said, Some(value), "{status}");
            }
        }
    }
}
