//! The options that some versions have and others refuse.

use std::fmt;

/// An option that some of the supported versions refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Optional {
    /// Lets a wallet read a regtest chain, whose blocks have the newest rules from height 1 on.
    /// From 0.18.1.1 on a wallet needs it; the monero-wallet-rpc of 0.18.0.0 refuses it.
    AllowMismatchedDaemonVersion,
}

impl Optional {
    /// All there are.
    pub const ALL: [Self; 1] = [Self::AllowMismatchedDaemonVersion];

    /// As it is written on a command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllowMismatchedDaemonVersion => "--allow-mismatched-daemon-version",
        }
    }
}

impl fmt::Display for Optional {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
