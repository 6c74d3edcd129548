//! safety-pact: a policy decision point for gateways in front of AI inference.
//!
//! The modules stand in dependency order: each one names only those above it, and `grpc` and `http` do not name
//! each other. `tests/it/architecture.rs` keeps it so; docs/architecture.md tells the story.

/// The rules: pure functions of state, event and time.
pub mod pact;
/// The only reader of the time.
pub mod clock;
/// What a model is asked, out of a request body.
pub mod payload;
/// Settings: file, environment and flags, checked and typed.
pub mod config;
/// Sight: metrics and logs.
pub mod telemetry;
/// What is remembered of each subject.
pub mod store;
/// The decision point: one question in, one decision out.
pub mod pdp;
/// What an enforcement point must do with a decision.
pub mod pep;
/// The gRPC doors.
pub mod grpc;
/// The HTTP doors.
pub mod http;
/// The composition root.
pub mod app;
/// The commands.
pub mod cli;
