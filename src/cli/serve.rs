//! `safety-pact serve`: starts the server, says where it is, and drains it when told to stop.

use std::fmt::Write as _;
use std::io::{self, Write as _};

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::config::errors::Loudness;
use crate::config::load::Loaded;
use crate::telemetry;

pub(super) fn run(loaded: Loaded) -> anyhow::Result<u8> {
    let Loaded { config, warnings, .. } = loaded;
    telemetry::init(&config.telemetry)?;
    // The quiet ones, about limits that never bind, are for `check`.
    for warning in warnings.iter().filter(|warning| warning.loudness == Loudness::Loud) {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(&config))
}

async fn serve(config: &Config) -> anyhow::Result<u8> {
    // Before the listeners: a signal that comes early must drain, not kill.
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let app = App::start(config, Clock::System).await?;
    // Without a reader of the banner the server serves all the same.
    let _ = io::stderr().write_all(banner(config, &app).as_bytes());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("draining; a second signal ends at once");
    tokio::select! {
        drained = app.drain() => {
            if drained {
                tracing::info!("drained");
            } else {
                tracing::warn!("some requests did not finish within `server.drain_timeout`");
            }
            Ok(super::OK)
        }
        _ = terminate.recv() => Ok(hurried()),
        _ = interrupt.recv() => Ok(hurried()),
    }
}

/// Whoever asks twice does not want to wait for `server.drain_timeout`.
fn hurried() -> u8 {
    tracing::warn!("a second signal: requests in progress are cut");
    super::FAILED
}

/// One screen: where it listens, what it judges by, and a line to paste.
fn banner(config: &Config, app: &App) -> String {
    let mut text = format!("safety-pact {}", env!("CARGO_PKG_VERSION"));
    if !config.telemetry.environment.is_empty() {
        let _ = write!(text, " ({})", config.telemetry.environment);
    }
    let mut line = |name: &str, value: &str| {
        let _ = write!(text, "\n  {name:<9}{value}");
    };
    if let Some(address) = app.grpc_address {
        line("gRPC", &address.to_string());
    }
    if let Some(path) = &app.unix_socket {
        line("gRPC", &format!("unix:{}", path.display()));
    }
    if let Some(address) = app.admin_address {
        line("admin", &format!("http://{address}  /healthz /readyz /metrics"));
    }
    let policies: Vec<_> = config.policies.iter().map(|policy| policy.name.as_str()).collect();
    line("policies", &format!("{} (config {})", policies.join(", "), config.digest));
    line("state", &format!("{}, up to {} subjects", app.state_backend, config.state.max_subjects));
    line("workers", &config.server.worker_threads.to_string());
    if let Some(address) = app.grpc_address {
        let _ = write!(
            text,
            "\nTry it:\n  grpcurl -plaintext -d '{{\"user_id\":\"alice\",\"input\":{{\"text\":\"hello\"}}}}' \
             {address} safety_pact.v1.SafetyService/Evaluate"
        );
    }
    // One line for programs: where everything is.
    text.push_str("\nlistening");
    let mut place = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            let _ = write!(text, " {name}={value}");
        }
    };
    place("grpc", app.grpc_address.map(|address| address.to_string()));
    place("admin", app.admin_address.map(|address| address.to_string()));
    place("unix", app.unix_socket.as_ref().map(|path| path.display().to_string()));
    text.push('\n');
    text
}
