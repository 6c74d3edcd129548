//! The gRPC doors: wire to domain on top, domain to wire at the bottom.

/// Envoy's `Authorization`.
pub mod ext_authz;
