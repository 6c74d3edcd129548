//! `safety-pact check`: is this config sound?

use std::io::{self, Write};

use crate::cli::{NO, OK, Settings};
use crate::config::Config;

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
