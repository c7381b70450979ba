//! What a Mixnet is made of, and how it comes about.

pub mod build;
mod names;
pub mod quantity;
mod secrets;
mod sets;
mod validate;

pub use names::Names;
pub use secrets::{NetworkSecrets, SecretsError};
pub use sets::{NodeKind, NodeSet};
pub use validate::{DefaultImages, PullImages, ValidMixnet, validate};

pub use crate::problem::Problem;
