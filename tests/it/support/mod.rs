//! What the stories share: the real binary, a real upstream, a real Envoy, and clients that talk to them.
//!
//! ```text
//! Client ──▶ EnvoyProxy (.tools/bin/envoy on examples/envoy/envoy.yaml) ──▶ Upstream, GrpcUpstream (in this process)
//!                 └──▶ Server (target/.../safety-pact serve)
//! ```
//!
//! Every listener is on 127.0.0.1 and a port that the system picks, so stories run side by side. Whatever is started
//! here ends when its value is dropped, and also when the test process itself is killed. Nothing waits for a fixed
//! time and hopes: `eventually` asks until it is so, and fails with what it was waiting for.

pub(crate) mod client;
pub(crate) mod envoy;
pub(crate) mod grpcurl;
pub(crate) mod process;
pub(crate) mod server;
pub(crate) mod upstream;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How long anything may take on a machine that is busy with the other tests.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// A file of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A program that `make tools` installs. There is no story without it, so its absence is a failure.
pub(crate) fn tool(name: &str) -> PathBuf {
    let path = repository(".tools/bin").join(name);
    assert!(path.exists(), "`.tools/bin/{name}` is missing: run `make tools` (or `make test`, which does)");
    path
}

/// Asks `probe` until it has an answer; fails after `PATIENCE`, saying that `what` did not come.
pub(crate) async fn eventually<T>(what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = probe().await {
                return answer;
            }
            tokio::time::sleep(POLL).await;
        }
    };
    match tokio::time::timeout(PATIENCE, asking).await {
        Ok(answer) => answer,
        Err(_) => panic!("{what}: not within {PATIENCE:?}"),
    }
}

/// A directory of one test's own; gone with the value.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{name}-{}-{number}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).expect("cargo's directory for tests can be written to");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).expect("a scratch file can be written");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Best effort: `cargo clean` takes what is left.
        let _ = fs::remove_dir_all(&self.0);
    }
}
