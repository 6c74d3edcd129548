//! (placeholder)

pub mod cooperation;

/// The generated API.
pub mod proto {
    #![allow(
        missing_docs,
        unreachable_pub,
        unused_qualifications,
        clippy::all,
        clippy::allow_attributes_without_reason,
        reason = "generated"
    )]
    tonic::include_proto!("safety_pact.v1");
}
