//! The admin HTTP door: probes and metrics. It is not meant for strangers: loopback by default.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::pdp::DecisionPoint;
use crate::telemetry::metrics::Metrics;

/// What the admin door shows.
#[derive(Debug, Clone)]
pub struct Admin {
    /// Knows how many subjects are remembered.
    pub decision_point: Arc<DecisionPoint>,
    /// The instruments.
    pub metrics: Arc<Metrics>,
    /// Is new work welcome? False from the moment the server drains.
    pub ready: Arc<AtomicBool>,
}

impl Admin {
    /// `/healthz`, `/readyz` and `/metrics`.
    pub fn router(self) -> Router {
        Router::new()
            .route("/healthz", get(async || "ok\n"))
            .route("/readyz", get(readyz))
            .route("/metrics", get(metrics))
            .with_state(self)
    }
}

async fn readyz(State(admin): State<Admin>) -> impl IntoResponse {
    if admin.ready.load(Ordering::Relaxed) {
        (StatusCode::OK, "ready\n")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
    }
}

/// OpenMetrics for whoever asks for it, as Prometheus does; else the older text, which every scraper reads.
async fn metrics(State(admin): State<Admin>, headers: HeaderMap) -> impl IntoResponse {
    const OPENMETRICS: &str = "application/openmetrics-text";
    let subjects = admin.decision_point.store().subjects();
    let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let (kind, page) = if accepted.any(|accepted| accepted.contains(OPENMETRICS)) {
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", admin.metrics.render(subjects))
    } else {
        ("text/plain; version=0.0.4; charset=utf-8", admin.metrics.render_prometheus_text(subjects))
    };
    ([(header::CONTENT_TYPE, kind)], page)
}
