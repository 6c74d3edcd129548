//! (placeholder)

pub mod auditor;
