//! The names by which a port may be addressed.
#![deny(clippy::disallowed_methods)]

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest name, as in DNS.
const MAX_NAME: usize = 253;

/// Where Kubernetes names its services: nobody can register a name there.
const CLUSTER: [&str; 2] = [".svc", ".cluster.local"];

/// A name that the user has listed: `HOST`, at any port, or `HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AllowedHost {
    name: Name,
    port: Option<u16>,
}

/// Why a text is no host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no host: give NAME, ADDRESS or one of them with :PORT (IPv6 in brackets)")]
pub struct ParseHostError(String);

/// An address, or a name in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Address(IpAddr),
    Word(String),
}

/// What a request's `Host` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) name: Name,
    pub(crate) port: Option<u16>,
}

impl Asked {
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (host, port) = split_port(text)?;
        Some(Self { name: Name::read(host)?, port })
    }

    /// Whether this is the port at `listens`, by an address or a name that nobody else can own.
    pub(crate) fn is(&self, listens: SocketAddr) -> bool {
        let own_port = self.port.is_none_or(|port| port == listens.port());
        if listens.ip().to_canonical().is_loopback() {
            // Wallets leave the port out. A browser does not, unless it is 80.
            return own_port && self.name.is_this_machine();
        }
        // Somebody let other machines in. They use an address, maybe behind a forwarded port, or a name
        // of their own network's. A page cannot: to be of the same origin it needs a name of its own.
        match &self.name {
            Name::Address(_) => true,
            Name::Word(word) => {
                !word.contains('.') || CLUSTER.iter().any(|domain| word.ends_with(domain))
            }
        }
    }

    pub(crate) fn is_listed(&self, listed: &[AllowedHost]) -> bool {
        listed.iter().any(|allowed| {
            allowed.name == self.name && allowed.port.is_none_or(|port| Some(port) == self.port)
        })
    }
}

impl Name {
    fn read(text: &str) -> Option<Self> {
        if let Some(inner) = text.strip_prefix('[') {
            let address: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
            return Some(Self::Address(IpAddr::V6(address).to_canonical()));
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            // An address with colons and no brackets is no host.
            return address.is_ipv4().then_some(Self::Address(address));
        }
        let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let is_name = !text.is_empty() && text.len() <= MAX_NAME && text.bytes().all(fits);
        is_name.then(|| Self::Word(text.to_ascii_lowercase()))
    }

    fn is_this_machine(&self) -> bool {
        match self {
            Self::Address(address) => address.is_loopback(),
            Self::Word(word) => word == "localhost",
        }
    }
}

/// `host:port` or `host`; none if the port is no number.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let ends_host = text.rfind(']').map_or(0, |at| at + 1);
    let Some(colon) = text[ends_host..].find(':') else { return Some((text, None)) };
    let (host, port) = (&text[..ends_host + colon], &text[ends_host + colon + 1..]);
    if port.is_empty() || !port.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some((host, Some(port.parse().ok()?)))
}

impl FromStr for AllowedHost {
    type Err = ParseHostError;

    fn from_str(text: &str) -> Result<Self, ParseHostError> {
        let Asked { name, port } = Asked::read(text).ok_or_else(|| ParseHostError(text.into()))?;
        Ok(Self { name, port })
    }
}

impl TryFrom<String> for AllowedHost {
    type Error = ParseHostError;

    fn try_from(text: String) -> Result<Self, ParseHostError> {
        text.parse()
    }
}

impl From<AllowedHost> for String {
    fn from(value: AllowedHost) -> Self {
        value.to_string()
    }
}

impl fmt::Display for AllowedHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Name::Address(IpAddr::V6(address)) => write!(f, "[{address}]")?,
            Name::Address(IpAddr::V4(address)) => write!(f, "{address}")?,
            Name::Word(word) => f.write_str(word)?,
        }
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(host: &str, listens: &str) -> bool {
        Asked::read(host).is_some_and(|asked| asked.is(listens.parse().unwrap()))
    }

    #[test]
    fn a_loopback_port_is_addressed_as_this_machine_with_its_own_port() {
        for host in ["127.0.0.1:7070", "localhost:7070", "LOCALHOST", "[::1]:7070", "127.8.9.1"] {
            assert!(is(host, "127.0.0.1:7070"), "{host}");
        }
        for host in [
            "evil.example:7070",
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:7070",
            "127.0.0.1:80",
            "localhost:7071",
            "10.0.0.1:7070",
            "0.0.0.0:7070",
            "127.0.0.1:",
            "127.0.0.1:x",
            "127.0.0.1:70700",
            "user@127.0.0.1:7070",
            "[::1",
            "::1",
            "[::1]x:7070",
            "",
            ":7070",
            "local host",
        ] {
            assert!(!is(host, "127.0.0.1:7070"), "{host}");
        }
    }

    #[test]
    fn a_port_for_other_machines_is_addressed_by_number_or_by_a_name_of_their_network() {
        for host in [
            "10.0.0.7:9100",
            "127.0.0.1:40001",
            "[fd00::7]:9100",
            "localhost:40001",
            "net-miner",
            "net-miner.mixnets.svc:7301",
            "net-miner.mixnets.svc.cluster.local",
        ] {
            assert!(is(host, "0.0.0.0:9100"), "{host}");
        }
        for host in ["evil.example:9100", "10.0.0.7.evil.example", ""] {
            assert!(!is(host, "0.0.0.0:9100"), "{host}");
        }
    }

    #[test]
    fn listed_names_are_taken_as_listed() {
        let listed = ["Node.example", "other:80", "[fd00::1]:1"].map(|host| host.parse().unwrap());
        let shown: Vec<_> = listed.iter().map(AllowedHost::to_string).collect();
        assert_eq!(shown, ["node.example", "other:80", "[fd00::1]:1"]);
        let is = |host: &str| Asked::read(host).unwrap().is_listed(&listed);
        assert!(is("node.example") && is("NODE.example:9") && is("other:80") && is("[fd00::1]:1"));
        assert!(!is("other") && !is("other:81") && !is("x.node.example") && !is("[fd00::1]"));
        for bad in ["", "a b", "http://a", "a:b", "a/", "*"] {
            assert!(bad.parse::<AllowedHost>().is_err(), "{bad}");
        }
    }
}
