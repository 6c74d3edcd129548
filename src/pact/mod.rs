//! The rules (placeholder front page).

pub mod cooperation;
