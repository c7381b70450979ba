//! What cannot be asked of a link.

use std::time::Duration;

/// A value out of its range.
#[derive(Clone, Copy, Debug, thiserror::Error, PartialEq)]
pub enum ImpairmentError {
    /// See [`Impairment::latency`](super::Impairment::latency).
    #[error("latency, its mean and its deviation are at most 60 s, not {0:?}")]
    Latency(Duration),
    /// See [`Impairment::jitter`](super::Impairment::jitter).
    #[error("jitter is at most 60 s, not {0:?}")]
    Jitter(Duration),
    /// See [`Impairment::loss`](super::Impairment::loss).
    #[error("loss is 0 % to 100 %, not {percent} %")]
    Loss {
        /// The refused value, in percent.
        percent: f64,
    },
    /// See [`Impairment::bandwidth`](super::Impairment::bandwidth).
    #[error("bandwidth is 1 kB/s to 1 TB/s, not {0} bytes a second")]
    Bandwidth(u64),
}
