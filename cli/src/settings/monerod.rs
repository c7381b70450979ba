//! Which monerod the providers of a local net submit to.

use std::fmt;
use std::str::FromStr;

use mixbed_monero::rpc::{self, RpcError};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Which monerod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MonerodChoice {
    /// None: transactions cannot be broadcast.
    None,
    /// One on regtest, a child of this process.
    Regtest,
    /// One that runs already, at this URL.
    Url(String),
}

impl FromStr for MonerodChoice {
    type Err = RpcError;

    fn from_str(text: &str) -> Result<Self, RpcError> {
        match text {
            "none" => Ok(Self::None),
            "regtest" => Ok(Self::Regtest),
            url => Ok(Self::Url(rpc::address(url)?)),
        }
    }
}

impl fmt::Display for MonerodChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Regtest => "regtest",
            Self::Url(url) => url,
        })
    }
}

impl Serialize for MonerodChoice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MonerodChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_urls() {
        for text in ["none", "regtest", "http://127.0.0.1:18081", "https://example.org:18089"] {
            assert_eq!(text.parse::<MonerodChoice>().unwrap().to_string(), text);
        }
        assert!("ftp://example.org".parse::<MonerodChoice>().is_err());
    }
}
