//! What is wrong with a rule.

use std::time::Duration;

use mixbed_wire::ImpairmentError;

use super::MAX_IMPAIRMENTS;

/// Why a rule cannot be followed, or be read.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum RuleError {
    /// A value out of its range.
    #[error(transparent)]
    Impairment(#[from] ImpairmentError),
    /// Times travel as whole microseconds.
    #[error("times are whole microseconds, not {0:?}")]
    TooFine(Duration),
    /// A rule without an effect is a mistake.
    #[error(
        "it does nothing: it needs latency, jitter, loss, bandwidth, partition: true, or only_from"
    )]
    Nothing,
    /// No word that could mean somebody.
    #[error(
        "{0:?} is nobody: from, to, node and only_from are a node's name or id, a client's id, \
         gateway, mix, provider, client, or a layer: mix-1, mix-2 or mix-3"
    )]
    Selector(String),
    /// It is a node that is dishonest, not a link.
    #[error("only_from is what a node lets in, so it stands beside node, without from and to")]
    OnlyFromNowhere,
    /// Both ways to choose links at once.
    #[error("node means all its links, both ways, so it stands without from and to")]
    NodeAndEnds,
    /// No latency.
    #[error(
        "a latency is a time (20ms), normal(20ms, 5ms) with mean and deviation, or \
         exponential(20ms) with its mean, not {0:?}"
    )]
    Latency(String),
    /// No time.
    #[error("jitter is a time such as 5ms, not {0:?}")]
    Jitter(String),
    /// No share.
    #[error("loss is a share such as 5% or 0.05, not {0:?}")]
    Loss(String),
    /// No bandwidth.
    #[error("a bandwidth is such as 500kB/s, 1.5MB/s or 8Mbit/s, not {0:?}")]
    Bandwidth(String),
}

/// Why a list of rules is refused.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum RulesError {
    /// More than [`MAX_IMPAIRMENTS`].
    #[error("{rules} rules are more than {MAX_IMPAIRMENTS}")]
    TooMany {
        /// How many.
        rules: usize,
    },
    /// One of them.
    #[error("rule {number}: {error}")]
    Rule {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it.
        error: RuleError,
    },
}
