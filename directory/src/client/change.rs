//! Why parameters were not changed.

use std::time::Duration;

use super::ClientError;
use crate::document::ParametersError;

/// Why parameters were not changed.
#[derive(Clone, Debug, thiserror::Error, PartialEq)]
pub enum ChangeError {
    /// The directory could not be asked, or refuses.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The changed parameters are out of bounds.
    #[error("{0}")]
    Parameters(#[from] ParametersError),
    /// A majority of several directories has taken the order, and yet no document has it.
    #[error(
        "most directories have taken the order, but after {waited:?} no document has it: see their logs, and whether they hear each other"
    )]
    NotAgreed {
        /// How long was waited.
        waited: Duration,
    },
}
