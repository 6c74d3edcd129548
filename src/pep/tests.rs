//! Claims about every branch of the renderer.

use std::sync::Arc;

use super::*;
use crate::clock::Clock;
use crate::pact::decision::Reasons;
use crate::pact::time::Timestamp;
use crate::pdp::{DecisionPoint, Question, RetryKey, Subject, SubjectKind};
use crate::telemetry::metrics::{Metrics, Service};

const KIDS: usize = 1;

struct Desk {
    point: DecisionPoint,
    renderer: Renderer,
}

impl Desk {
    fn new() -> Self {
        let config = fixture::config();
        let metrics = Arc::new(Metrics::new(&["default", "kids"], &config.digest));
        let clock = Clock::manual(Timestamp::from_ms(1_000_000));
        let renderer = Renderer::new(&config.policies);
        Self { point: DecisionPoint::new(&config, clock, metrics), renderer }
    }

    fn judged(&self, policy: usize, chars: u64) -> Verdict {
        self.point.evaluate(&Question {
            service: Service::ExtAuthz,
            policy,
            subject: Subject { kind: SubjectKind::User, id: "alice" },
            tier: TrustTier::User,
            chars,
            retry_key: RetryKey { id: "", content: b"", chars: 0 },
            peek: false,
            explain: false,
        })
    }

    fn judged_as(&self, reasons: Reasons) -> Verdict {
        Verdict { reasons, ..self.judged(0, 1) }
    }

    fn refused(&self, reason: Reason) -> Verdict {
        self.point.refuse(Service::ExtAuthz, 0, reason)
    }
}

fn value<'a>(orders: &'a Orders<'_>, name: &str) -> Option<&'a str> {
    orders.headers.iter().find(|header| header.name == name).map(Header::value)
}

/// One verdict of every branch there is.
fn every_branch(desk: &Desk) -> Vec<Verdict> {
    let mut verdicts = vec![desk.judged(0, 25), desk.point.bypass(Service::ExtAuthz)];
    for reason in Reason::ALL {
        verdicts.push(desk.judged_as(Reasons::of(*reason)));
        verdicts.push(desk.refused(*reason));
    }
    verdicts
}

#[test]
fn every_answer_carries_the_promises_its_id_and_its_effect() {
    let desk = Desk::new();
    for verdict in every_branch(&desk) {
        let orders = desk.renderer.orders(&verdict);
        assert_eq!(value(&orders, "x-safety-pact-awaiting"), Some("AWAITED"), "{verdict:?}");
        assert_eq!(value(&orders, "x-safety-pact-concurrency"), Some("STAMINA_YIELDED"));
        assert_eq!(value(&orders, "x-safety-pact-sovereignty"), Some("DETERMINISTIC"));
        assert_eq!(value(&orders, "x-safety-pact-decision"), Some(&*verdict.decision_id.text()));
        assert_eq!(value(&orders, "x-safety-pact-effect"), Some(orders.effect));
    }
}

#[test]
fn what_an_answer_sets_and_what_it_leaves_unset_are_all_our_names() {
    let desk = Desk::new();
    for verdict in every_branch(&desk) {
        let orders = desk.renderer.orders(&verdict);
        let mut told: Vec<_> = orders.headers.iter().map(|header| header.name).collect();
        told.extend(orders.unset());
        told.sort_unstable();
        let mut all = names::ALL;
        all.sort_unstable();
        assert_eq!(told, all, "{verdict:?}");
    }
}

#[test]
fn every_reason_has_its_status_and_refuses() {
    let desk = Desk::new();
    let statuses = [
        (Reason::Paused, 429),
        (Reason::CooldownActive, 429),
        (Reason::InputTooCostly, 413),
        (Reason::StaminaExhausted, 429),
        (Reason::RateLimited, 429),
        (Reason::IntervalTooShort, 429),
        (Reason::BurstLimit, 429),
        (Reason::MinuteLimit, 429),
        (Reason::SessionLimit, 429),
        (Reason::MalformedInput, 400),
        (Reason::BodyTooLarge, 413),
        (Reason::TextUnseen, 403),
        (Reason::SafetyUnavailable, 503),
        (Reason::CapacityExhausted, 503),
    ];
    assert_eq!(statuses.map(|(reason, _)| reason), Reason::ALL);
    for (reason, status) in statuses {
        for verdict in [desk.judged_as(Reasons::of(reason)), desk.refused(reason)] {
            let orders = desk.renderer.orders(&verdict);
            assert_eq!((orders.http_status, orders.effect), (status, "DENY"), "{reason:?}");
            assert_eq!(value(&orders, "x-safety-pact-reason"), Some(reason.code()));
            assert_eq!(orders.refusal.map(|refusal| refusal.message), Some(reason.message()));
        }
    }
}

#[test]
fn a_permit_shows_the_meters_and_the_quotas() {
    let desk = Desk::new();
    let verdict = desk.judged(0, 25);
    let orders = desk.renderer.orders(&verdict);
    assert_eq!((orders.http_status, orders.effect, &orders.refusal), (200, "PERMIT", &None));
    assert_eq!(value(&orders, "x-safety-pact-stamina"), Some("97.5"));
    assert_eq!(value(&orders, "x-safety-pact-heat"), Some("0.25"));
    let policy = r#""rate";q=100;w=60, "minute";q=30;w=60, "burst";q=3;w=10"#;
    assert_eq!(value(&orders, "ratelimit-policy"), Some(policy));
    assert_eq!(value(&orders, "ratelimit"), Some(r#""burst";r=2;t=10"#));
    assert_eq!(orders.unset().collect::<Vec<_>>(), ["x-safety-pact-reason", "retry-after"]);
}

#[test]
fn a_policy_has_its_own_quotas_and_its_own_words() {
    let desk = Desk::new();
    let mut verdict = desk.judged(KIDS, 25);
    verdict.reasons = Reasons::of(Reason::BurstLimit).with(Reason::MinuteLimit);
    verdict.retry_after_ms = Some(2_001);
    let orders = desk.renderer.orders(&verdict);
    let policy = r#""rate";q=20;w=60, "minute";q=30;w=60, "burst";q=3;w=3"#;
    assert_eq!(value(&orders, "ratelimit-policy"), Some(policy));
    assert_eq!(value(&orders, "retry-after"), Some("3"));
    let body = orders.refusal.expect("a refusal").json();
    let body: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let expected = serde_json::json!({
        "refused": true,
        "reason_code": "BURST_LIMIT",
        "message": "Slow \"down\",\nplease.",
        "retry_after_seconds": 3,
        "decision_id": verdict.decision_id.text(),
    });
    assert_eq!(body, expected);
}

#[test]
fn a_refusal_that_no_wait_ends_says_null_and_sends_no_retry_after() {
    let desk = Desk::new();
    let verdict = desk.refused(Reason::MalformedInput);
    let orders = desk.renderer.orders(&verdict);
    assert_eq!(value(&orders, "retry-after"), None);
    let body = orders.refusal.expect("a refusal").json();
    assert!(body.contains(r#""retry_after_seconds":null"#), "{body}");
}

#[test]
fn a_wait_of_a_millisecond_is_a_whole_second() {
    let desk = Desk::new();
    let verdict =
        Verdict { retry_after_ms: Some(1), ..desk.judged_as(Reasons::of(Reason::IntervalTooShort)) };
    assert_eq!(value(&desk.renderer.orders(&verdict), "retry-after"), Some("1"));
}

#[test]
fn a_bypass_says_so_and_shows_no_meters() {
    let desk = Desk::new();
    let verdict = desk.point.bypass(Service::ExtAuthz);
    let orders = desk.renderer.orders(&verdict);
    assert_eq!((orders.http_status, orders.effect, &orders.refusal), (200, "BYPASS", &None));
    assert_eq!(value(&orders, "x-safety-pact-stamina"), None);
}

#[test]
fn a_reason_that_this_version_does_not_know_still_refuses() {
    let desk = Desk::new();
    let unknown = desk.judged_as(Reasons::from_bits(1 << 31));
    let unexplained = Verdict { reasons: Reasons::NONE, ..desk.refused(Reason::TextUnseen) };
    for verdict in [unknown, unexplained] {
        let orders = desk.renderer.orders(&verdict);
        assert_eq!((orders.http_status, orders.effect), (503, "DENY"));
        assert_eq!(value(&orders, "x-safety-pact-reason"), Some("SAFETY_UNAVAILABLE"));
    }
}
