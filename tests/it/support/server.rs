//! The real binary, serving on ports of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use crate::support::Scratch;
use crate::support::process::{Output, Process};

const ANYWHERE: &str = "127.0.0.1:0";

/// A running `safety-pact serve`.
#[derive(Debug)]
pub(crate) struct Server {
    process: Process,
    scratch: Scratch,
    config: String,
    listening: Listening,
}

/// Where a server listens, in its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listening {
    pub(crate) grpc: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) unix: Option<PathBuf>,
}

impl Server {
    /// Starts it on `config`, a YAML text, and waits until it is ready. Where it listens is not the config's to say.
    pub(crate) async fn start(config: &str) -> Self {
        let scratch = Scratch::new("server");
        let (process, listening) = launch(&scratch, config, ANYWHERE, ANYWHERE).await;
        Self { process, scratch, config: config.to_owned(), listening }
    }

    pub(crate) fn grpc(&self) -> SocketAddr {
        self.listening.grpc
    }

    pub(crate) fn admin(&self) -> SocketAddr {
        self.listening.admin
    }

    pub(crate) fn output(&self) -> &Output {
        self.process.output()
    }

    /// Makes it hang: its connections stay open and nothing is answered.
    pub(crate) fn stop(&self) {
        self.process.signal("STOP");
    }

    /// Lets it go on.
    pub(crate) fn cont(&self) {
        self.process.signal("CONT");
    }

    /// Asks it to end, and does not wait for it.
    pub(crate) fn ask_to_end(&self) {
        self.process.signal("TERM");
    }

    /// Asks it to end, and gives its exit code.
    pub(crate) async fn terminate(&mut self) -> i32 {
        self.process.signal("TERM");
        self.process.ended().await
    }

    /// Ends it without asking.
    pub(crate) async fn kill(&mut self) {
        self.process.signal("KILL");
        self.process.ended().await;
    }

    /// Starts it again where it was before, so that a gateway finds it. It must have ended.
    pub(crate) async fn restart(&mut self) {
        let (grpc, admin) = (self.grpc().to_string(), self.admin().to_string());
        let (process, listening) = launch(&self.scratch, &self.config, &grpc, &admin).await;
        assert_eq!(listening, self.listening, "a restarted server listens where it did");
        self.process = process;
    }
}

/// The built binary, unaware of the settings in this shell.
pub(crate) fn safety_pact() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_safety-pact"));
    command.env_clear().env("RUST_BACKTRACE", "1");
    command
}

async fn launch(scratch: &Scratch, config: &str, grpc: &str, admin: &str) -> (Process, Listening) {
    let file = scratch.write("safety-pact.yaml", config);
    let mut command = safety_pact();
    command.args(["serve", "--config"]).arg(file);
    command.args(["--set", &format!("server.listen={grpc}"), "--set", &format!("admin.listen={admin}")]);
    let mut process = Process::start("safety-pact", command);
    let stderr = process.output().stderr.clone();
    let listening = process.until("it listens", async || stderr.find(listening)).await;
    (process, listening)
}

/// Reads `listening grpc=ADDRESS admin=ADDRESS [unix=PATH]`, the line that says that the server is ready.
fn listening(line: &str) -> Option<Listening> {
    let (_, said) = line.split_once("listening grpc=")?;
    let mut words = said.split_whitespace();
    Some(Listening {
        grpc: words.next()?.parse().ok()?,
        admin: words.next()?.strip_prefix("admin=")?.parse().ok()?,
        unix: words.next().and_then(|word| word.strip_prefix("unix=")).map(PathBuf::from),
    })
}

#[test]
fn the_listening_line_is_read_with_and_without_a_socket() {
    let here = |port| SocketAddr::from(([127, 0, 0, 1], port));
    assert_eq!(
        listening("INFO listening grpc=127.0.0.1:5 admin=127.0.0.1:6"),
        Some(Listening { grpc: here(5), admin: here(6), unix: None })
    );
    assert_eq!(
        listening("listening grpc=127.0.0.1:5 admin=127.0.0.1:6 unix=pact.sock"),
        Some(Listening { grpc: here(5), admin: here(6), unix: Some(PathBuf::from("pact.sock")) })
    );
    assert_eq!(listening("listening soon"), None);
}
