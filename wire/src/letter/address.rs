//! A mailbox's address as people hand it around.

use std::fmt;
use std::str::FromStr;

use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Hrp};

use crate::{MailboxPublic, NodeId};

use super::MailboxId;

/// What every address begins with, before the `1` that bech32 puts there.
const PREFIX: Hrp = Hrp::parse_unchecked("mixbed");

/// Where letters for somebody go: the gateway that keeps them, and the key that they are sealed
/// to. Written in bech32m (BIP 350): `mixbed1` and 70 letters and digits, of which any one that is
/// mistyped shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MailboxAddress {
    /// The gateway's id.
    pub gateway: NodeId,
    /// The mailbox's key.
    pub key: MailboxPublic,
}

impl MailboxAddress {
    /// What the gateway calls the mailbox.
    #[must_use]
    pub fn mailbox(&self) -> MailboxId {
        MailboxId::of_key(&self.key)
    }
}

impl fmt::Display for MailboxAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = [self.gateway.to_bytes().as_slice(), self.key.as_bytes()].concat();
        // 40 bytes are 64 characters: within what bech32 can hold.
        bech32::encode_to_fmt::<Bech32m, _>(f, PREFIX, &data).map_err(|_| fmt::Error)
    }
}

impl fmt::Debug for MailboxAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no [`MailboxAddress`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseMailboxAddressError {
    /// Not the form that addresses have, or one character is wrong.
    #[error(
        "no address: {0}; an address is mixbed1 and 70 letters and digits, whole and unchanged"
    )]
    Form(String),
    /// Another kind of address.
    #[error("an address begins with mixbed1, this one with {0}1")]
    Prefix(String),
    /// The checksum holds, the length does not.
    #[error("an address holds 40 bytes, this one {0}")]
    Length(usize),
}

impl FromStr for MailboxAddress {
    type Err = ParseMailboxAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = CheckedHrpstring::new::<Bech32m>(text.trim())
            .map_err(|error| ParseMailboxAddressError::Form(error.to_string()))?;
        if read.hrp() != PREFIX {
            let prefix = read.hrp().to_string().chars().take(20).collect();
            return Err(ParseMailboxAddressError::Prefix(prefix));
        }
        let data: Vec<u8> = read.byte_iter().collect();
        let (gateway, key) = data
            .split_first_chunk()
            .and_then(|(gateway, key)| Some((*gateway, <[u8; 32]>::try_from(key).ok()?)))
            .ok_or(ParseMailboxAddressError::Length(data.len()))?;
        Ok(Self { gateway: NodeId::from_bytes(gateway), key: MailboxPublic::from_bytes(key) })
    }
}
