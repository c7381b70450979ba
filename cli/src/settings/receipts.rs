//! Who gets receipts of letters.

use mixbed_client::letters::chat::Receipts;
use serde::{Deserialize, Serialize};

/// Who is told that a letter was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ReceiptsTo {
    /// Nobody.
    Nobody,
    /// Contacts, and whoever answers a letter that was sent without a name.
    Contacts,
    /// Whoever has the address.
    Everybody,
}

impl From<ReceiptsTo> for Receipts {
    fn from(to: ReceiptsTo) -> Self {
        match to {
            ReceiptsTo::Nobody => Self::Nobody,
            ReceiptsTo::Contacts => Self::Contacts,
            ReceiptsTo::Everybody => Self::Everybody,
        }
    }
}
