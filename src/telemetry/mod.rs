//! Sight: metrics and logs.

/// Every instrument, in one list.
pub mod metrics;
