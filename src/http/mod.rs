//! The admin HTTP door: probes and metrics. It is not meant for strangers: loopback by default.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
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

async fn metrics(State(admin): State<Admin>) -> impl IntoResponse {
    const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let page = admin.metrics.render(admin.decision_point.store().subjects());
    ([(header::CONTENT_TYPE, OPENMETRICS)], page)
}
