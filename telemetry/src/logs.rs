//! The log: to standard error, as text or JSON.

use std::fmt;
use std::io::IsTerminal as _;
use std::str::FromStr;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use tracing_subscriber::EnvFilter;
pub use tracing_subscriber::filter::LevelFilter;

/// The environment variable with the filter: `debug`, or `info,mixbed_node=trace`.
const VARIABLE: &str = "MIXBED_LOG";

/// What others log is their business below `warn`; the OpenTelemetry crates repeat what
/// our exporter says once, and what a cluster answers is told by whoever asked.
const OTHERS: &str = "kube_client::client::builder=off,opentelemetry=off,opentelemetry_sdk=off,\
    opentelemetry_otlp=off,\
    h2=warn,hyper=warn,hyper_util=warn,tonic=warn,tower=warn,reqwest=warn";

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// A line of text an event, for people.
    #[default]
    Text,
    /// A JSON object an event, for collectors.
    Json,
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

impl FromStr for LogFormat {
    type Err = LogError;

    fn from_str(text: &str) -> Result<Self, LogError> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            other => Err(LogError::Format(other.to_owned())),
        }
    }
}

/// Why the log could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter of the environment cannot be read.
    #[error(
        "MIXBED_LOG=`{filter}` is not a log filter: {reason}; write a level (error, warn, info, debug, trace) or, for example, `info,mixbed_node=debug`"
    )]
    Filter {
        /// What is in the variable.
        filter: String,
        /// What is wrong with it.
        reason: String,
    },
    /// There is no such format.
    #[error("`{0}` is not a log format: write `text` or `json`")]
    Format(String),
}

/// Sets the process' log up: to standard error, filtered by the environment variable
/// `MIXBED_LOG`, or else from `default_level` on. Only the first call has an effect; nor has it
/// one where a log is set up already, as in tests.
pub fn init_logs(format: LogFormat, default_level: LevelFilter) -> Result<(), LogError> {
    static DONE: OnceLock<()> = OnceLock::new();
    let given = std::env::var(VARIABLE).ok().filter(|filter| !filter.trim().is_empty());
    let filter = filter(given.as_deref(), default_level)?;
    DONE.get_or_init(|| {
        let builder = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .with_ansi(std::io::stderr().is_terminal());
        // An error means that somebody was first: theirs then stays.
        let _ = match format {
            LogFormat::Text => builder.try_init(),
            LogFormat::Json => builder.json().try_init(),
        };
    });
    Ok(())
}

fn filter(given: Option<&str>, default_level: LevelFilter) -> Result<EnvFilter, LogError> {
    let own = given.unwrap_or_default();
    // Nothing at all would parse as a level, too.
    let mut parts = own.split(',').map(str::trim).filter(|part| !part.is_empty());
    let has_level = parts.any(|part| part.parse::<LevelFilter>().is_ok());
    let level = if has_level { String::new() } else { format!("{default_level},") };
    // What comes later wins for the same target.
    let directives = format!("{level}{OTHERS},{own}");
    EnvFilter::builder()
        .parse(directives.trim_end_matches(','))
        .map_err(|error| LogError::Filter { filter: own.to_owned(), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(given: Option<&str>, default_level: LevelFilter) -> Option<LevelFilter> {
        filter(given, default_level).unwrap().max_level_hint()
    }

    #[test]
    fn the_environment_wins_over_the_default() {
        assert_eq!(level(None, LevelFilter::INFO), Some(LevelFilter::INFO));
        assert_eq!(level(Some("trace"), LevelFilter::INFO), Some(LevelFilter::TRACE));
        assert_eq!(level(Some("warn"), LevelFilter::DEBUG), Some(LevelFilter::WARN));
    }

    #[test]
    fn a_directive_for_one_part_leaves_the_others_at_the_default() {
        let filter = filter(Some("mixbed_node=debug"), LevelFilter::INFO).unwrap().to_string();
        assert!(filter.contains("mixbed_node=debug") && filter.ends_with("info"), "{filter}");
    }

    #[test]
    fn a_broken_filter_is_named() {
        let error = filter(Some("mixbed=loud"), LevelFilter::INFO).unwrap_err().to_string();
        assert!(error.starts_with("MIXBED_LOG=`mixbed=loud` is not a log filter"), "{error}");
        let error = "yaml".parse::<LogFormat>().unwrap_err().to_string();
        assert_eq!(error, "`yaml` is not a log format: write `text` or `json`");
    }

    #[test]
    fn may_be_set_up_twice() {
        init_logs(LogFormat::Text, LevelFilter::WARN).unwrap();
        init_logs(LogFormat::Json, LevelFilter::WARN).unwrap();
    }
}
