//! What a Mixnet is made of, and how it comes about.

mod admission;
pub mod build;
mod defaults;
mod instruct;
mod names;
mod observe;
pub mod quantity;
mod reconcile;
mod secrets;
mod sets;
mod status;
mod story;
mod validate;

pub use defaults::Defaults;
pub use names::Names;
pub(crate) use reconcile::{Reconciled, Reconciler};
pub use secrets::{NetworkSecrets, SecretsError};
pub use sets::{NodeKind, NodeSet};
pub(crate) use validate::{Problems, check_images};
pub use validate::{PullImages, ValidMixnet, validate};

pub use crate::problem::Problem;
