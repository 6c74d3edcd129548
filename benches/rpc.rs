//! What one question costs the server: CPU time per request, as a ratio to a tonic server that does nothing.
//!
//! Two servers run side by side as processes of their own, this process asks them in turn (a round of A, a round
//! of B, ...), and /proc says how long each was on a CPU. The ratio of two neighbouring rounds survives a noisy
//! machine; the microseconds do not, and are printed with their spread. docs/performance.md has the method.
//!
//! ```text
//! cargo bench --bench rpc                the real binary against the no-op server
//! cargo bench --bench rpc -- --quick     the same, a few short rounds
//! cargo bench --bench rpc -- shapes      the no-op server in each runtime shape (docs/decisions/0001)
//! ```
#![expect(clippy::print_stdout, reason = "a report is printed")]
#![expect(unreachable_pub, reason = "a bench is one program: nothing leaves it")]

use anyhow::{Result, bail};

/// Protos as the server has them, compiled again so that the no-op server owes nothing to the library.
#[allow(
    clippy::all,
    clippy::allow_attributes_without_reason,
    missing_docs,
    unused_qualifications,
    reason = "generated code"
)]
mod proto {
    tonic::include_proto!("safety_pact.v1");
}
#[path = "support/compare.rs"]
mod compare;
#[path = "support/load.rs"]
mod load;
#[path = "support/noop.rs"]
mod noop;
#[path = "support/process.rs"]
mod process;
#[path = "support/questions.rs"]
mod questions;
#[path = "support/rounds.rs"]
mod rounds;
#[path = "support/shapes.rs"]
mod shapes;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    // Cargo adds `--bench` to what it runs.
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let words: Vec<&str> = args.iter().map(String::as_str).filter(|arg| *arg != "--quick").collect();
    let quick = words.len() < args.len();
    match words[..] {
        [] => compare::run(quick),
        ["shapes"] => compare::run_shapes(quick),
        ["noop", shape, workers, socket, answers] => {
            shapes::serve(shape.parse()?, workers.parse()?, socket.as_ref(), answers.as_ref())
        }
        _ => bail!("unknown arguments `{}`: want nothing, `shapes` or `--quick`", words.join(" ")),
    }
}
