//! The commands. Each has a file; this one holds what they share: the arguments, the settings, the exit codes.

/// `check`: is this config sound?
mod check;
/// `evaluate`: ask a server, or the rules without one.
mod evaluate;
/// `serve`: run the server.
mod serve;
/// `simulate`: a timeline in, decisions out.
pub mod simulate;

use std::io::{self, BufReader, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::config::Config;
use crate::config::environment::Environment;
use crate::config::errors::ConfigErrors;
use crate::config::load::{ConfigFile, Loaded, Sources};

/// Something was done and the answer is yes.
const OK: u8 = 0;
/// It was done and the answer is no: refused, or a config with errors.
const NO: u8 = 1;
/// It could not be done.
const FAILED: u8 = 2;

/// A policy decision point for gateways in front of AI inference: asked per request, over gRPC or Envoy ext_authz, whether
/// it may go on, and with which headers.
///
/// Without a command it serves: gRPC on 127.0.0.1:50051, probes and metrics on 127.0.0.1:8081.
#[derive(Debug, Parser)]
#[command(name = "safety-pact", version, after_help = EXAMPLES)]
struct Arguments {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Option<Command>,
}

const EXAMPLES: &str = "\
Examples:
  safety-pact                                         serve on the built-in defaults
  safety-pact --config safety-pact.yaml check         what is wrong with a config, all at once
  safety-pact evaluate --user alice --text 'hello'    ask the running server
  safety-pact simulate < timeline.jsonl               what would be decided, on a virtual clock

Settings rise in precedence: defaults, --config FILE, environment (SAFETY_PACT__SERVER__LISTEN=..., or the short names
such as STAMINA_MAX), --set.";

/// Where the settings come from.
#[derive(Debug, clap::Args)]
struct Settings {
    /// The YAML file with the settings.
    #[arg(long, short, global = true, value_name = "FILE", env = "SAFETY_PACT_CONFIG")]
    config: Option<PathBuf>,
    /// One setting by its path; may be given more than once. Example: --set policies.default.fair_play.stamina_max=50
    #[arg(long, global = true, value_name = "PATH=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(path, value)| (path.trim().to_owned(), value.to_owned()))
        .ok_or_else(|| "must look like `policies.default.fair_play.stamina_max=50`".to_owned())
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server until SIGTERM or Ctrl-C (the default).
    Serve,
    /// Check the settings: prints every error at once, and warnings about limits that can never bind.
    ///
    /// Exits with 0 if they are sound (warnings allowed), 1 if not.
    Check(check::Arguments),
    /// Run a timeline through the rules on a virtual clock: JSON lines in, JSON lines out.
    ///
    /// Each line: {"at_ms": 0, "user": "u1", "text": "hello"}. "chars": 400 may stand for a text of that length,
    /// "detections": 2 adds sensitive findings, "id" is the interaction id, "tier" a trust tier, "pause_ms": 300000
    /// pauses the user instead of judging. A malformed line stops the run with its number and exit code 2.
    Simulate {
        /// The policy to judge by.
        #[arg(long, default_value = "default")]
        policy: String,
    },
    /// Ask one question: a running server, or with --offline the rules alone.
    ///
    /// Exits with 0 on a permit, 1 on a refusal, 2 if it could not be asked.
    Evaluate(evaluate::Arguments),
    /// Print a completion script for a shell.
    ///
    /// Example: safety-pact completions bash > /etc/bash_completion.d/safety-pact
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Runs the command that the process was started with.
#[must_use]
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(FAILED)
        }
    }
}

fn dispatch(arguments: Arguments) -> anyhow::Result<u8> {
    let settings = &arguments.settings;
    match arguments.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(settings.load()?),
        Command::Check(check) => check::run(settings, &check),
        Command::Simulate { policy } => {
            let config = settings.load()?.config;
            let output = io::BufWriter::new(io::stdout().lock());
            simulate::simulate(&config, &policy, BufReader::new(io::stdin().lock()), output)?;
            Ok(OK)
        }
        Command::Evaluate(evaluate) => evaluate::run(settings, &evaluate),
        Command::Completions { shell } => {
            // By way of memory: clap panics if it cannot write.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "safety-pact", &mut script);
            io::stdout().lock().write_all(&script)?;
            Ok(OK)
        }
    }
}

impl Settings {
    fn load(&self) -> anyhow::Result<Loaded> {
        Ok(Config::load(&self.sources()?)?)
    }

    fn sources(&self) -> Result<Sources, ConfigErrors> {
        Ok(Sources {
            file: self.config.as_deref().map(ConfigFile::read).transpose()?,
            environment: Environment::from_process(),
            flags: self.set.clone(),
        })
    }
}

/// Prints a line for the person who started the command.
fn complain(line: &str) {
    // Nobody is listening if this fails.
    let _ = writeln!(io::stderr(), "safety-pact: {line}");
}
