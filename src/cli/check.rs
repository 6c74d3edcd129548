//! `safety-pact check`: is this config sound?

use std::io::{self, Write};

use crate::cli::{NO, OK, Settings};
use crate::config::Config;
use crate::telemetry;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print the effective settings as YAML.
    #[arg(long)]
    print: bool,
}

pub(super) fn run(settings: &Settings, arguments: &Arguments) -> anyhow::Result<u8> {
    let mut out = io::stdout().lock();
    match settings.sources().and_then(|sources| Config::load(&sources)) {
        Ok(loaded) => {
            // Its syntax is the log's own, so the settings cannot tell whether it is sound.
            if let Err(error) = telemetry::check(&loaded.config.telemetry) {
                writeln!(out, "{:#}", anyhow::Error::new(error))?;
                return Ok(NO);
            }
            for warning in &loaded.warnings {
                writeln!(out, "warning: {warning}")?;
            }
            if arguments.print {
                write!(out, "{}", loaded.effective.to_yaml())?;
            }
            writeln!(out, "ok: config {}", loaded.config.digest)?;
            Ok(OK)
        }
        Err(errors) => {
            writeln!(out, "{errors}")?;
            Ok(NO)
        }
    }
}
