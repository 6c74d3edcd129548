//! grpcurl, as a person types it.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::Value;

use crate::support::tool;

/// What grpcurl said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) succeeded: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// The one JSON message of a call that succeeded.
    pub(crate) fn json(&self) -> Value {
        assert!(self.succeeded, "{}", self.stderr);
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}: {}", self.stdout))
    }
}

/// `grpcurl -plaintext [-d DATA] SERVER ARGUMENTS`.
pub(crate) fn grpcurl(server: SocketAddr, data: Option<Value>, arguments: &[&str]) -> Said {
    run(server, data.map(|data| data.to_string()).as_deref(), arguments)
}

/// The same, with any number of JSON messages one after another.
pub(crate) fn grpcurl_text(server: SocketAddr, data: &str, arguments: &[&str]) -> Said {
    run(server, Some(data), arguments)
}

fn run(server: SocketAddr, data: Option<&str>, arguments: &[&str]) -> Said {
    let mut command = Command::new(tool("grpcurl"));
    command.args(["-plaintext", "-max-time", "20"]);
    if let Some(data) = data {
        command.args(["-d", data]);
    }
    let output = command.arg(server.to_string()).args(arguments).output().expect("grpcurl runs");
    Said {
        succeeded: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
