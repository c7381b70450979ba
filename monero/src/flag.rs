//! What monerod can find wrong with a transaction.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing that monerod finds wrong with a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// An input is spent by another transaction, in the pool or in a block.
    DoubleSpend,
    /// The fee is below what monerod relays.
    FeeTooLow,
    /// An input or its signature does not verify.
    InvalidInput,
    /// An output is not well-formed.
    InvalidOutput,
    /// A ring has too few members.
    LowMixin,
    /// The outputs are locked for longer, which is not relayed.
    NonzeroUnlockTime,
    /// Not a confidential transaction (`RingCT`).
    NotRct,
    /// More goes out than comes in.
    Overspend,
    /// The bytes are not a transaction, or not a sane one.
    SanityCheckFailed,
    /// Over the weight that monerod accepts.
    TooBig,
    /// Fewer than two outputs.
    TooFewOutputs,
    /// The `tx_extra` field is over its bound.
    TxExtraTooBig,
}

impl Flag {
    /// Every flag, in monerod's (alphabetical) order.
    pub const ALL: [Self; 12] = [
        Self::DoubleSpend,
        Self::FeeTooLow,
        Self::InvalidInput,
        Self::InvalidOutput,
        Self::LowMixin,
        Self::NonzeroUnlockTime,
        Self::NotRct,
        Self::Overspend,
        Self::SanityCheckFailed,
        Self::TooBig,
        Self::TooFewOutputs,
        Self::TxExtraTooBig,
    ];

    /// The flag's name in monerod's JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DoubleSpend => "double_spend",
            Self::FeeTooLow => "fee_too_low",
            Self::InvalidInput => "invalid_input",
            Self::InvalidOutput => "invalid_output",
            Self::LowMixin => "low_mixin",
            Self::NonzeroUnlockTime => "nonzero_unlock_time",
            Self::NotRct => "not_rct",
            Self::Overspend => "overspend",
            Self::SanityCheckFailed => "sanity_check_failed",
            Self::TooBig => "too_big",
            Self::TooFewOutputs => "too_few_outputs",
            Self::TxExtraTooBig => "tx_extra_too_big",
        }
    }

    /// What the flag means, as half a sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::DoubleSpend => "an input is already spent (double spend)",
            Self::FeeTooLow => "the fee is too low",
            Self::InvalidInput => "an input or its signature is not valid",
            Self::InvalidOutput => "an output is not valid",
            Self::LowMixin => "a ring has too few members",
            Self::NonzeroUnlockTime => "the unlock time is not zero",
            Self::NotRct => "it is not a RingCT transaction",
            Self::Overspend => "it spends more than its inputs hold",
            Self::SanityCheckFailed => "the bytes are not a complete, sane transaction",
            Self::TooBig => "it is too big",
            Self::TooFewOutputs => "it has too few outputs",
            Self::TxExtraTooBig => "its extra field is too big",
        }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_written_name_of_a_flag_is_monerods() {
        for flag in Flag::ALL {
            assert_eq!(serde_json::to_value(flag).unwrap(), flag.name());
        }
    }
}
