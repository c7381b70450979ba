//! A change of some parameters.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use mixbed_directory::Parameters;
use serde::{Deserialize, Serialize};

use crate::settings::Period;

/// A longer file is a mistake.
const MAX_BYTES: u64 = 64 << 10;

/// What is to be changed; what is not named stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Change {
    pub(crate) mean_hop_delay: Option<Period>,
    pub(crate) epoch_length: Option<Period>,
    pub(crate) tracing_allowed: Option<bool>,
    pub(crate) rates: RateChanges,
}

/// The rates that are to be changed, in packets a second.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RateChanges {
    pub(crate) payload: Option<f64>,
    pub(crate) drop: Option<f64>,
    pub(crate) client_loop: Option<f64>,
    pub(crate) node_loop: Option<f64>,
    pub(crate) downlink: Option<f64>,
}

/// What is wrong with a file of parameters.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// It cannot be read.
    #[error("cannot read the parameters {path}: {source}", path = shown(path))]
    Read { path: PathBuf, source: io::Error },
    /// It is something else.
    #[error("{path} is longer than 64 KiB: is it a file of parameters?", path = shown(path))]
    TooLong { path: PathBuf },
    /// It is not YAML, or has an unknown key, or a value of another kind.
    #[error("{path}: {what}", path = shown(path))]
    Yaml { path: PathBuf, what: String },
}

fn shown(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

impl Change {
    /// Whether it names nothing.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Makes it.
    pub(crate) fn apply(&self, parameters: &mut Parameters) {
        let Self { mean_hop_delay, epoch_length, tracing_allowed, rates } = self;
        let RateChanges { payload, drop, client_loop, node_loop, downlink } = *rates;
        set(&mut parameters.mean_hop_delay, mean_hop_delay.map(|period| period.0));
        set(&mut parameters.epoch_length, epoch_length.map(|period| period.0));
        set(&mut parameters.tracing_allowed, *tracing_allowed);
        set(&mut parameters.rates.payload, payload);
        set(&mut parameters.rates.drop, drop);
        set(&mut parameters.rates.client_loop, client_loop);
        set(&mut parameters.rates.node_loop, node_loop);
        set(&mut parameters.rates.downlink, downlink);
    }
}

fn set<T>(value: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *value = new;
    }
}

/// Reads a change from a YAML file, or from standard input if it is `-`.
pub(crate) fn read_change(path: &Path) -> Result<Change, FileError> {
    let failed = |source| FileError::Read { path: path.to_owned(), source };
    let source: Box<dyn io::Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(std::fs::File::open(path).map_err(failed)?)
    };
    let mut text = String::new();
    source.take(MAX_BYTES + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(FileError::TooLong { path: path.to_owned() });
    }
    serde_yaml::from_str(&text)
        .map_err(|error| FileError::Yaml { path: path.to_owned(), what: error.to_string() })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_not_named_stays() {
        let change: Change =
            serde_yaml::from_str("mean_hop_delay: 20ms\nrates: {payload: 10, node_loop: 0}\n")
                .unwrap();
        let mut parameters = Parameters::default();
        (parameters.rates.drop, parameters.rates.node_loop) = (3.0, 4.0);
        change.apply(&mut parameters);
        assert_eq!(parameters.mean_hop_delay, Duration::from_millis(20));
        assert_eq!(parameters.epoch_length, Parameters::default().epoch_length);
        let rates = parameters.rates;
        assert_eq!((rates.payload, rates.drop, rates.node_loop), (10.0, 3.0, 0.0));
        assert!(serde_yaml::from_str::<Change>("rates: {paylaod: 10}").is_err());
    }
}
