//! Another directory of the same network.

use std::convert::Infallible;
use std::str::FromStr;

use mixbed_directory::authority::PeerDirectory;
use serde::{Deserialize, Serialize};

use super::PublicKey;
use super::public_key::PublicKeyError;

/// `KEY@URL`: 64 hexadecimal digits or a file with them, and where it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Peer(String);

/// Why it is no directory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PeerError {
    /// One half is missing.
    #[error(
        "peers: `{0}` is not KEY@URL: the key that the other directory signs with, and where it is, such as mixbed://10.0.0.7:7100"
    )]
    Form(String),
    /// The key.
    #[error("peers: {0}")]
    Key(#[from] PublicKeyError),
}

impl Peer {
    /// The directory.
    pub(crate) fn read(&self) -> Result<PeerDirectory, PeerError> {
        let parts = self.0.rsplit_once('@').filter(|(key, url)| !key.is_empty() && !url.is_empty());
        let (key, url) = parts.ok_or_else(|| PeerError::Form(self.0.clone()))?;
        let Ok(key) = key.parse::<PublicKey>();
        Ok(PeerDirectory { key: key.authority()?, url: url.to_owned() })
    }
}

impl FromStr for Peer {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_and_a_url_and_nothing_less() {
        let key = "ab".repeat(32);
        let read = |text: &str| Peer(text.to_owned()).read();
        let peer = read(&format!("{key}@mixbed://10.0.0.7:7100")).unwrap();
        assert_eq!(
            (peer.key.to_string(), peer.url.as_str()),
            (key.clone(), "mixbed://10.0.0.7:7100")
        );
        for bad in ["", "@", &key, "mixbed://10.0.0.7:7100", &format!("{key}@"), "@mixbed://a:1"] {
            assert!(read(bad).unwrap_err().to_string().contains("KEY@URL"), "{bad}");
        }
        assert!(read("abcd@mixbed://a:1").unwrap_err().to_string().contains("`abcd`"));
    }
}
