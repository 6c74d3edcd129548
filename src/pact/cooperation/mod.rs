//! The cooperation audit (placeholder).
