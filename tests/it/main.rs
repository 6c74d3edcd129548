//! The one integration test binary: a file a story.

mod architecture;
mod cooperation;
mod naive_model;
mod simulation;
