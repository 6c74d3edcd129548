//! `grpc.health.v1`: the usual service, but a watch ends behind NOT_SERVING.
//!
//! A service here stops serving only when the server drains, and then never serves again. A watch that went on would
//! hold its connection, and with it the drain, until `drain_timeout`.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio_stream::Stream;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse, health_server};
use tonic_health::server::{HealthService, WatchStream};

/// Answers `Check` and `Watch`.
#[derive(Debug)]
pub(crate) struct Health(pub(crate) HealthService);

/// What a watcher is told; none once it was told NOT_SERVING.
#[derive(Debug)]
pub(crate) struct Watch(Option<WatchStream>);

impl Stream for Watch {
    type Item = Result<HealthCheckResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(watched) = &mut self.0 else { return Poll::Ready(None) };
        let told = ready!(Pin::new(watched).poll_next(cx));
        if let Some(Ok(told)) = &told
            && told.status() == ServingStatus::NotServing
        {
            self.0 = None;
        }
        Poll::Ready(told)
    }
}

#[tonic::async_trait]
impl health_server::Health for Health {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        self.0.check(request).await
    }

    type WatchStream = Watch;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Ok(self.0.watch(request).await?.map(|watched| Watch(Some(watched))))
    }
}
