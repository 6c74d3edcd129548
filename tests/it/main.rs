//! The one integration test binary: a file a story.

mod architecture;
