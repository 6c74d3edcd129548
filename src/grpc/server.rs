//! All gRPC services behind one router, and the loop that serves a worker's connections.

use std::sync::Arc;
use std::time::Duration;

use envoy_types::pb::envoy::service::auth::v3::authorization_server::AuthorizationServer;
use tokio::sync::{mpsc, watch};
use tokio_stream::StreamExt;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use crate::config::Config;
use crate::grpc::DESCRIPTORS;
use crate::grpc::connection::{Accepted, Connection, Place};
use crate::grpc::cooperation::Cooperation;
use crate::grpc::ext_authz::ExtAuthz;
use crate::grpc::health::Health;
use crate::grpc::proto::cooperation_service_server::CooperationServiceServer;
use crate::grpc::proto::safety_service_server::SafetyServiceServer;
use crate::grpc::safety::Safety;
use crate::pdp::DecisionPoint;
use crate::pdp::auditor::Auditor;
use crate::pep::Renderer;
use crate::telemetry::metrics::Metrics;

/// The services whose health is told one by one, beside the whole server's (the empty name).
pub const SERVICES: [&str; 3] = [
    "safety_pact.v1.SafetyService",
    "safety_pact.v1.CooperationService",
    "envoy.service.auth.v3.Authorization",
];

/// A peer that says nothing for this long is asked whether it is still there, and dropped if it does not answer.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(60);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Why reflection cannot fail to start.
const DESCRIBED: &str = "the descriptors are those that the build has just made of proto/";

/// The services, and what they share.
#[derive(Clone)]
pub struct Services {
    routes: Routes,
    health: HealthReporter,
    draining: watch::Sender<bool>,
    max_concurrent_streams: u32,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}

impl Services {
    /// Every service of this server.
    #[must_use]
    pub fn new(
        config: &Config,
        decision_point: &Arc<DecisionPoint>,
        auditor: &Arc<Auditor>,
        metrics: &Arc<Metrics>,
    ) -> Self {
        let renderer = Arc::new(Renderer::new(decision_point.policies()));
        let limit = config.server.max_message_bytes;
        let (draining, drained) = watch::channel(false);
        let safety =
            Safety::new(Arc::clone(decision_point), Arc::clone(&renderer), config.server.max_text_bytes)
                .until(drained);
        let cooperation = Cooperation::new(Arc::clone(auditor), Arc::clone(metrics));
        let ext_authz = ExtAuthz::new(Arc::clone(decision_point), renderer, config);
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let health = HealthReporter::new();
        let mut routes = Routes::builder();
        routes
            .add_service(SafetyServiceServer::new(safety).max_decoding_message_size(limit))
            .add_service(CooperationServiceServer::new(cooperation).max_decoding_message_size(limit))
            .add_service(AuthorizationServer::new(ext_authz).max_decoding_message_size(limit))
            .add_service(HealthServer::new(Health(HealthService::from_health_reporter(health.clone()))))
            .add_service(reflection().build_v1().expect(DESCRIBED))
            .add_service(reflection().build_v1alpha().expect(DESCRIBED));
        Self {
            routes: routes.routes().prepare(),
            health,
            draining,
            max_concurrent_streams: config.server.max_concurrent_streams,
        }
    }

    /// Tells health checks whether new requests are welcome. Once they are not, streams that only wait end: a health
    /// watch behind its NOT_SERVING, `EvaluateStream` behind its last answer. They would hold up every drain.
    pub async fn set_serving(&self, serving: bool) {
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        for service in SERVICES.into_iter().chain([""]) {
            self.health.set_service_status(service, status).await;
        }
        self.draining.send_replace(!serving);
    }

    /// Serves the connections of one worker until `drain` turns true and the last of them has ended.
    ///
    /// # Errors
    /// When a connection cannot be handed to the transport; single connections fail without an error.
    pub async fn serve(
        self,
        connections: mpsc::UnboundedReceiver<(Accepted, Place)>,
        mut drain: watch::Receiver<bool>,
    ) -> Result<(), tonic::transport::Error> {
        let draining = drain.clone();
        let incoming = UnboundedReceiverStream::new(connections)
            .map(move |(accepted, place)| Connection::new(accepted, place, draining.clone()));
        let drained = async move {
            // An error means that the app is gone: drain as well.
            let _ = drain.wait_for(|drain| *drain).await;
        };
        Server::builder()
            .max_concurrent_streams(self.max_concurrent_streams)
            .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
            .add_routes(self.routes)
            .serve_with_incoming_shutdown(incoming, drained)
            .await
    }
}
