//! The floor: tonic services of the same protos that answer a constant, one of our server's own answers.
//!
//! The constant is cloned for every answer, for that is the least that tonic's generated services can do.

use std::fs;
use std::path::Path;

use anyhow::Result;
use envoy_types::pb::envoy::service::auth::v3::{
    CheckRequest, CheckResponse,
    authorization_server::{Authorization, AuthorizationServer},
};
use prost::Message;
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};

use crate::proto;
use crate::questions::Kind;
use proto::safety_service_server::{SafetyService, SafetyServiceServer};

/// Both services, answering what stands in the folder `answers`: a message in a file named after each kind.
pub fn routes(answers: &Path) -> Result<Routes> {
    let answer = |kind: Kind| fs::read(answers.join(kind.to_string()));
    let floor = Floor {
        evaluate: proto::EvaluateResponse::decode(&answer(Kind::Evaluate)?[..])?,
        check: CheckResponse::decode(&answer(Kind::Check)?[..])?,
    };
    Ok(Routes::new(SafetyServiceServer::new(floor.clone()))
        .add_service(AuthorizationServer::new(floor))
        .prepare())
}

#[derive(Clone)]
struct Floor {
    evaluate: proto::EvaluateResponse,
    check: CheckResponse,
}

#[tonic::async_trait]
impl SafetyService for Floor {
    type EvaluateStreamStream = tokio_stream::Empty<Result<proto::EvaluateResponse, Status>>;

    async fn evaluate(
        &self,
        _: Request<proto::EvaluateRequest>,
    ) -> Result<Response<proto::EvaluateResponse>, Status> {
        Ok(Response::new(self.evaluate.clone()))
    }

    async fn evaluate_stream(
        &self,
        _: Request<Streaming<proto::EvaluateRequest>>,
    ) -> Result<Response<Self::EvaluateStreamStream>, Status> {
        Err(Status::unimplemented("the floor answers unary calls only"))
    }
}

#[tonic::async_trait]
impl Authorization for Floor {
    async fn check(&self, _: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        Ok(Response::new(self.check.clone()))
    }
}
