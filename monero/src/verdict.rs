//! What monerod says of a submitted transaction.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Flag;
use crate::rpc::words;

/// monerod's answer to a submission.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is in the pool or in a block.
    Accepted {
        /// monerod says that it had it before: a repeated submission, or another's. 0.18.4.0 says
        /// so of a transaction in a block only; 0.18.0.0 of one in its pool, too.
        already_known: bool,
    },
    /// monerod is synchronising and judges nothing yet.
    Busy,
    /// monerod refuses it.
    Rejected(Rejection),
}

/// Why monerod refuses a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejection {
    /// What monerod names as wrong; may be empty.
    pub flags: Vec<Flag>,
    /// monerod's own words; usually empty.
    #[serde(default)]
    pub reason: String,
}

impl Rejection {
    /// A rejection for exactly one thing.
    #[must_use]
    pub fn of(flag: Flag) -> Self {
        Self { flags: vec![flag], reason: String::new() }
    }

    /// Whether monerod named `flag`.
    #[must_use]
    pub fn has(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.flags.is_empty() && self.reason.is_empty() {
            // monerod's way of saying that the text was not hexadecimal digits in pairs.
            return f.write_str("monerod gave no reason: not valid hexadecimal, or not readable");
        }
        for (n, flag) in self.flags.iter().enumerate() {
            write!(f, "{}{flag}", if n == 0 { "" } else { "; " })?;
        }
        match (self.flags.is_empty(), self.reason.is_empty()) {
            (_, true) => Ok(()),
            (true, false) => f.write_str(&self.reason),
            (false, false) => write!(f, " (monerod: {})", self.reason),
        }
    }
}

/// monerod's JSON. A field it leaves out is false: daemons differ in which they know.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "monerod's own shape")]
pub(crate) struct Answer {
    pub(crate) status: String,
    reason: String,
    not_relayed: bool,
    double_spend: bool,
    fee_too_low: bool,
    invalid_input: bool,
    invalid_output: bool,
    low_mixin: bool,
    nonzero_unlock_time: bool,
    not_rct: bool,
    overspend: bool,
    sanity_check_failed: bool,
    too_big: bool,
    too_few_outputs: bool,
    tx_extra_too_big: bool,
}

impl Answer {
    /// The verdict, or `None` when the status is none that monerod is known to give.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        match self.status.as_str() {
            // "OK" is acceptance whatever `not_relayed` says: that one means "had it already".
            "OK" => Some(Verdict::Accepted { already_known: self.not_relayed }),
            "BUSY" => Some(Verdict::Busy),
            "Failed" => Some(Verdict::Rejected(Rejection {
                flags: Flag::ALL.into_iter().filter(|flag| self.flag(*flag)).collect(),
                reason: words(&self.reason),
            })),
            _ => None,
        }
    }

    fn flag(&self, flag: Flag) -> bool {
        match flag {
            Flag::DoubleSpend => self.double_spend,
            Flag::FeeTooLow => self.fee_too_low,
            Flag::InvalidInput => self.invalid_input,
            Flag::InvalidOutput => self.invalid_output,
            Flag::LowMixin => self.low_mixin,
            Flag::NonzeroUnlockTime => self.nonzero_unlock_time,
            Flag::NotRct => self.not_rct,
            Flag::Overspend => self.overspend,
            Flag::SanityCheckFailed => self.sanity_check_failed,
            Flag::TooBig => self.too_big,
            Flag::TooFewOutputs => self.too_few_outputs,
            Flag::TxExtraTooBig => self.tx_extra_too_big,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(json: &str) -> Option<Verdict> {
        serde_json::from_str::<Answer>(json).unwrap().verdict()
    }

    #[test]
    fn ok_is_acceptance_whatever_not_relayed_says() {
        let accepted = |already_known| Some(Verdict::Accepted { already_known });
        assert_eq!(verdict(r#"{"status":"OK"}"#), accepted(false));
        let again = r#"{"status":"OK","not_relayed":true,"reason":"Not relayed"}"#;
        assert_eq!(verdict(again), accepted(true));
    }

    #[test]
    fn each_flag_is_read_by_its_name_and_said_in_words() {
        for flag in Flag::ALL {
            let json = format!(r#"{{"status":"Failed","{}":true}}"#, flag.name());
            let Some(Verdict::Rejected(rejection)) = verdict(&json) else { panic!("{json}") };
            assert_eq!(rejection.flags, [flag]);
            assert_eq!(rejection.to_string(), flag.words());
        }
    }

    #[test]
    fn several_flags_and_a_reason_are_all_said() {
        let json =
            r#"{"status":"Failed","double_spend":true,"invalid_input":true,"reason":"x\ny"}"#;
        let Some(Verdict::Rejected(rejection)) = verdict(json) else { panic!() };
        assert_eq!(
            rejection.to_string(),
            "an input is already spent (double spend); an input or its signature is not valid \
             (monerod: x y)"
        );
    }

    #[test]
    fn failed_without_any_flag_still_says_something() {
        let Some(Verdict::Rejected(rejection)) = verdict(r#"{"status":"Failed"}"#) else {
            panic!()
        };
        assert!(rejection.flags.is_empty());
        assert!(rejection.to_string().contains("not valid hexadecimal"));
    }

    #[test]
    fn busy_is_neither_and_an_unknown_status_is_no_verdict() {
        assert_eq!(verdict(r#"{"status":"BUSY"}"#), Some(Verdict::Busy));
        assert_eq!(verdict(r#"{"status":"PAYMENT REQUIRED"}"#), None);
        assert_eq!(verdict("{}"), None);
    }
}
