//! What a program may ask for.

use super::malformed::Malformed;
use super::reply::Version;

/// A command that this port knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Connect,
    /// Tor's: the address of a name.
    Resolve,
    /// Tor's: the name of an address. SOCKS 4 has none.
    ResolvePtr,
}

impl Command {
    pub(super) fn read(version: Version, command: u8) -> Result<Self, Malformed> {
        match (command, version) {
            (1, _) => Ok(Self::Connect),
            (0xf0, _) => Ok(Self::Resolve),
            (0xf1, Version::Five) => Ok(Self::ResolvePtr),
            (command, version) => Err(Malformed::Command { version, command }),
        }
    }
}
