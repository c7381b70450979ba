//! By which certificate a server is known.

use std::convert::Infallible;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use mixbed_monero::rpc::{Fingerprint, FingerprintError};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Where what is known of a certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CertificateChoice {
    /// It is the one with this fingerprint.
    Fingerprint(Fingerprint),
    /// One of the authorities in this file has signed it.
    Authorities(PathBuf),
}

impl FromStr for CertificateChoice {
    type Err = FingerprintError;

    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        match text.strip_prefix('@') {
            Some(path) => {
                let Ok(path): Result<PathBuf, Infallible> = path.parse();
                Ok(Self::Authorities(path))
            }
            None => Ok(Self::Fingerprint(text.parse()?)),
        }
    }
}

impl fmt::Display for CertificateChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fingerprint(fingerprint) => fingerprint.fmt(f),
            Self::Authorities(path) => write!(f, "@{}", path.display()),
        }
    }
}

impl Serialize for CertificateChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CertificateChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_or_a_file() {
        for text in ["@/etc/authorities.pem", &"0f".repeat(32)] {
            assert_eq!(text.parse::<CertificateChoice>().unwrap().to_string(), text);
        }
        assert!("/etc/authorities.pem".parse::<CertificateChoice>().is_err());
    }
}
