//! The gRPC doors: wire to domain on top of each file, domain to wire at its bottom.

/// Asking a running server.
pub mod client;
/// A client connection.
pub mod connection;
/// `CooperationService`.
pub mod cooperation;
/// Envoy's `Authorization`.
pub mod ext_authz;
/// Health that a drain can end.
mod health;
/// All services behind one router.
pub mod server;
/// `SafetyService`.
pub mod safety;
/// Errors for malformed questions.
pub mod status;

/// The generated API.
#[allow(
    missing_docs,
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated from proto/, which documents every item"
)]
pub mod proto {
    tonic::include_proto!("safety_pact.v1");
}

/// The descriptors of our own services, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
