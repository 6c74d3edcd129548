//! Sight: metrics and logs. Neither ever holds what a user wrote.

/// Every instrument, in one list.
pub mod metrics;

use tracing_subscriber::EnvFilter;

use crate::config::{LogFormat, TelemetryConfig};

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The filter cannot be read.
    #[error("`telemetry.log_filter`: `{filter}` is not a filter")]
    Filter {
        /// What it says.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// Something else logs already.
    #[error("the log is set up twice")]
    Twice(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Can the log be set up so?
///
/// # Errors
/// When the filter cannot be read.
pub fn check(config: &TelemetryConfig) -> Result<(), InitError> {
    filter(config).map(drop)
}

fn filter(config: &TelemetryConfig) -> Result<EnvFilter, InitError> {
    EnvFilter::try_new(&config.log_filter)
        .map_err(|source| InitError::Filter { filter: config.log_filter.clone(), source })
}

/// Sends the log to standard error.
///
/// # Errors
/// When the filter cannot be read.
pub fn init(config: &TelemetryConfig) -> Result<(), InitError> {
    let filter = filter(config)?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Json => log.json().try_init(),
        LogFormat::Pretty => log.with_ansi(false).try_init(),
    }
    .map_err(InitError::Twice)
}
