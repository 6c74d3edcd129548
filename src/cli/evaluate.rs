//! `safety-pact evaluate`: asks one question.

use std::io::{self, Read, Write};
use std::sync::Arc;

use anyhow::Context;

use crate::cli::{NO, OK, Settings};
use crate::clock::Clock;
use crate::config::Config;
use crate::grpc::client;
use crate::grpc::proto;
use crate::grpc::safety::Safety;
use crate::pdp::DecisionPoint;
use crate::pep::Renderer;
use crate::telemetry::metrics::Metrics;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Whom it is charged to.
    #[arg(long)]
    user: String,
    /// The text to judge; - reads it from standard input.
    #[arg(long)]
    text: String,
    /// How far you vouch for the user.
    #[arg(long, value_enum, default_value = "user")]
    tier: Tier,
    /// The user's age in years.
    #[arg(long)]
    age: Option<u32>,
    /// The policy to judge by.
    #[arg(long, default_value = "")]
    policy: String,
    /// Names the interaction, so that a retry is not charged twice.
    #[arg(long, default_value = "")]
    interaction_id: String,
    /// Judge without charging.
    #[arg(long)]
    peek: bool,
    /// Show every gate with its reading and limit.
    #[arg(long)]
    explain: bool,
    /// The server: host:port, http://host:port or unix:PATH. Not used with --offline.
    #[arg(long, default_value = "127.0.0.1:50051", env = "SAFETY_PACT_ADDRESS")]
    address: String,
    /// Ask the rules of the config as for a new user, without a server.
    #[arg(long)]
    offline: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Tier {
    Anonymous,
    User,
    Verified,
    Privileged,
}

pub(super) fn run(settings: &Settings, arguments: &Arguments) -> anyhow::Result<u8> {
    let request = request(arguments)?;
    let response = if arguments.offline {
        offline(&settings.load()?.config, &request)?
    } else {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(client::evaluate(&arguments.address, request))?
    };
    io::stdout().lock().write_all(text(&response).as_bytes())?;
    Ok(if response.effect() == proto::Effect::Permit { OK } else { NO })
}

fn request(arguments: &Arguments) -> anyhow::Result<proto::EvaluateRequest> {
    let mut text = arguments.text.clone();
    if text == "-" {
        text.clear();
        io::stdin().lock().read_to_string(&mut text).context("cannot read the text")?;
    }
    let tier = match arguments.tier {
        Tier::Anonymous => proto::TrustTier::Anonymous,
        Tier::User => proto::TrustTier::User,
        Tier::Verified => proto::TrustTier::Verified,
        Tier::Privileged => proto::TrustTier::Privileged,
    };
    Ok(proto::EvaluateRequest {
        user_id: arguments.user.clone(),
        user_age: arguments.age,
        trust_tier: tier.into(),
        interaction_id: arguments.interaction_id.clone(),
        policy: arguments.policy.clone(),
        phase: Some(proto::evaluate_request::Phase::Input(proto::Input { text })),
        peek: arguments.peek,
        explain: arguments.explain,
        ..proto::EvaluateRequest::default()
    })
}

/// The native door without a server around it.
fn offline(config: &Config, request: &proto::EvaluateRequest) -> anyhow::Result<proto::EvaluateResponse> {
    let names: Vec<_> = config.policies.iter().map(|policy| policy.name.as_str()).collect();
    let metrics = Arc::new(Metrics::new(&names, &config.digest));
    let decision_point = Arc::new(DecisionPoint::new(config, Clock::System, metrics));
    let renderer = Arc::new(Renderer::new(decision_point.policies()));
    let door = Safety::new(decision_point, renderer, config.server.max_text_bytes);
    door.answer(request).map_err(|status| anyhow::anyhow!("{}", status.message()))
}

/// The answer for a person: one fact a line.
fn text(response: &proto::EvaluateResponse) -> String {
    let mut lines = Vec::new();
    let effect = if response.effect() == proto::Effect::Permit { "PERMIT" } else { "DENY" };
    lines.push(format!("{effect} (HTTP {})", response.http_status));
    for reason in &response.reasons {
        lines.push(format!("  {}: {}", reason.code, reason.detail));
    }
    if let Some(wait) = &response.retry_after {
        lines.push(format!("retry after {} s", seconds(wait)));
    }
    if let Some(readings) = &response.readings {
        lines.push(format!(
            "stamina {} of {}, heat {} of {}, streak {}{}",
            readings.stamina,
            readings.stamina_max,
            readings.heat,
            readings.heat_threshold,
            readings.streak,
            if readings.in_flow { " (in flow)" } else { "" },
        ));
    }
    for gate in &response.gates {
        let verdict = if gate.passed { "passes" } else { "fails" };
        lines
            .push(format!("  {:<20}{verdict:<8}{} of {} {}", gate.code, gate.reading, gate.limit, gate.unit));
    }
    lines.push(format!("decision {} (config {})", response.decision_id, response.config_digest));
    lines.join("\n") + "\n"
}

fn seconds(wait: &prost_types::Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let whole = wait.seconds as f64;
    whole + f64::from(wait.nanos) / 1e9
}
