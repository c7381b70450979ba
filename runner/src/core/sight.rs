//! What comes back: of the mixnet for a transaction, and of monerods for the chain.

use mixbed_monero::daemon::TxState;

/// What an attempt to broadcast came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A provider's monerod has it.
    Accepted {
        /// The provider.
        provider: String,
        /// The trace, 32 hexadecimal digits.
        trace_id: Option<String>,
    },
    /// monerod refuses it, and will again.
    Rejected {
        /// Why.
        words: String,
    },
    /// Not known; to send it again is safe, and may help.
    Unknown {
        /// Why.
        words: String,
    },
}

/// What one monerod said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sight {
    /// How many blocks it has.
    pub height: u64,
    /// Whether it is in step with its peers: if not, what it does not know says nothing.
    pub synchronized: bool,
    /// Where each of the transactions asked for is, in their order.
    pub states: Vec<TxState>,
}
