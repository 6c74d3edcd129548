//! The one integration test binary: a file a story.

mod architecture;
mod cooperation;
mod envoy;
mod evaluate;
mod grpcurl;
mod house;
mod naive_model;
mod privacy;
mod readme;
mod serving;
mod simulation;
mod support;
