//! The binary: see `safety_pact::cli` for its commands.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    safety_pact::cli::run()
}
