//! Where a web page comes from.
#![deny(clippy::disallowed_methods)]

use std::fmt;
use std::str::FromStr;

use http::Uri;
use serde::{Deserialize, Serialize};

/// A page's scheme, host and port, as browsers write it: `https://wallet.example`,
/// `http://localhost:9100`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Origin(String);

/// Why a text is no origin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no origin of a web page: give one such as https://wallet.example or http://localhost:9100, with no path; there is no wildcard"
)]
pub struct ParseOriginError(String);

impl Origin {
    /// As browsers write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The origin of a URL, such as `Referer` has.
    pub(crate) fn of_url(url: &str) -> Option<Self> {
        let uri: Uri = url.parse().ok()?;
        let scheme = uri.scheme_str()?;
        let authority = uri.authority()?;
        if !matches!(scheme, "http" | "https") || authority.as_str().contains('@') {
            return None;
        }
        let host = authority.host().to_ascii_lowercase();
        let default = if scheme == "http" { 80 } else { 443 };
        let port = match authority.as_str().strip_prefix(authority.host())? {
            "" => default,
            port => port.strip_prefix(':')?.parse().ok()?,
        };
        let port = if port == default { String::new() } else { format!(":{port}") };
        (!host.is_empty()).then(|| Self(format!("{scheme}://{host}{port}")))
    }
}

impl FromStr for Origin {
    type Err = ParseOriginError;

    fn from_str(text: &str) -> Result<Self, ParseOriginError> {
        let wrong = || ParseOriginError(text.to_owned());
        let after = text.split_once("://").ok_or_else(wrong)?.1;
        if after.contains(['/', '?', '#', '*']) {
            return Err(wrong());
        }
        Self::of_url(text).ok_or_else(wrong)
    }
}

impl TryFrom<String> for Origin {
    type Error = ParseOriginError;

    fn try_from(text: String) -> Result<Self, ParseOriginError> {
        text.parse()
    }
}

impl From<Origin> for String {
    fn from(value: Origin) -> Self {
        value.to_string()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_as_browsers_write_them() {
        for (text, read) in [
            ("https://Wallet.example", "https://wallet.example"),
            ("https://wallet.example:443", "https://wallet.example"),
            ("http://localhost:9100", "http://localhost:9100"),
            ("http://[::1]:9100", "http://[::1]:9100"),
        ] {
            assert_eq!(text.parse::<Origin>().unwrap().as_str(), read);
        }
        for bad in [
            "",
            "*",
            "null",
            "wallet.example",
            "https://",
            "https://a/",
            "https://a/b",
            "file:///a",
            "https://u@a",
            "https://a?b",
            "ftp://a",
            "https://*.example",
            "https://a:x",
        ] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
        assert_eq!(Origin::of_url("http://A.b:80/c?d").unwrap().as_str(), "http://a.b");
    }
}
