//! A real Envoy on the example that we ship, with this story's ports put in.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::client::get;
use crate::support::process::{Output, Process};
use crate::support::{Scratch, repository, tool};

/// What stands around the gateway.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Around {
    pub(crate) pdp: SocketAddr,
    pub(crate) upstream: SocketAddr,
    pub(crate) grpc_upstream: SocketAddr,
}

/// How long Envoy waits for an answer before it says 503.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deadline {
    /// What the example says; for stories about a safety-pact that does not answer.
    Shipped,
    /// Ten seconds: a machine that runs all tests at once may stop anybody for longer than the shipped deadline.
    Long,
}

/// A running Envoy.
#[derive(Debug)]
pub(crate) struct EnvoyProxy {
    /// Where clients connect.
    pub(crate) address: SocketAddr,
    process: Process,
    _scratch: Scratch,
}

impl EnvoyProxy {
    /// Starts `config`, the shipped example or a variant of it, between `around`, and waits until it serves.
    pub(crate) async fn start(config: &str, around: Around, deadline: Deadline) -> Self {
        let config = put_in(config, around, deadline);
        let scratch = Scratch::new("envoy");
        let (file, admin) = (scratch.write("envoy.yaml", &config), scratch.path("admin"));
        let mut command = Command::new(tool("envoy"));
        command
            // Hot restart would share memory with other Envoys, and leave it behind when this one is killed.
            .args(["--disable-hot-restart", "--concurrency", "1", "--file-flush-interval-msec", "50"])
            .args(["--log-level", "warning", "-c"])
            .arg(file)
            .arg("--admin-address-path")
            .arg(&admin);
        let mut process = Process::start("envoy", command);
        let address = process.until("it serves", async || gateway(admin_at(&admin)?).await).await;
        Self { address, process, _scratch: scratch }
    }

    pub(crate) fn output(&self) -> &Output {
        self.process.output()
    }
}

/// The text of the example that we ship.
pub(crate) fn example() -> String {
    fs::read_to_string(repository("examples/envoy/envoy.yaml")).expect("the example is shipped")
}

/// Does Envoy take this file? Its own words if not.
pub(crate) fn validate(file: &Path) -> Result<(), String> {
    let output = Command::new(tool("envoy"))
        .args(["--disable-hot-restart", "--mode", "validate", "--log-level", "warning", "-c"])
        .arg(file)
        .output()
        .expect("envoy runs");
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

/// The example with other ports. Each is there once, or the example has changed under us.
fn put_in(config: &str, around: Around, deadline: Deadline) -> String {
    let mut config = config.to_owned();
    let mut replace = |old: &str, new: &str| {
        assert_eq!(config.matches(old).count(), 1, "`{old}` in examples/envoy/envoy.yaml");
        config = config.replace(old, new);
    };
    for (port, new) in [
        (9901, 0),
        (10000, 0),
        (50051, around.pdp.port()),
        (9000, around.upstream.port()),
        (9001, around.grpc_upstream.port()),
    ] {
        // The old number is marked, so that a port put in before is never taken for one of the example's.
        replace(&format!("port_value: {port} }}"), &format!("port_value:  {new} }}"));
    }
    if deadline == Deadline::Long {
        replace(
            "timeout: 0.25s\n              with_request_body",
            "timeout: 10s\n              with_request_body",
        );
        replace("timeout: 0.5s", "timeout: 10s");
    }
    config
}

fn admin_at(file: &PathBuf) -> Option<SocketAddr> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Where the listener is, once it is there and the clusters are warm.
async fn gateway(admin: SocketAddr) -> Option<SocketAddr> {
    let ready = get("/ready").try_send(admin).await.ok()?;
    if ready.status != 200 {
        return None;
    }
    let listeners = get("/listeners?format=json").try_send(admin).await.ok()?.json();
    let listener =
        listeners["listener_statuses"].as_array()?.iter().find(|listener| listener["name"] == "gateway")?;
    let port = listener["local_address"]["socket_address"]["port_value"].as_u64()?;
    Some(SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).ok()?)))
}
