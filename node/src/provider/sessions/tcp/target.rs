//! What a client wants to be connected to.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// The longest name of a host.
const MAX_NAME: usize = 253;

/// A host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// A name, in small letters and without a dot at its end.
    Name(String),
    /// An address; an IPv4 one never in IPv6's clothes.
    Ip(IpAddr),
}

impl Host {
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(inside) = text.strip_prefix('[') {
            let address: Ipv6Addr = inside.strip_suffix(']')?.parse().ok()?;
            return Some(Self::Ip(IpAddr::V6(address).to_canonical()));
        }
        match text.parse::<IpAddr>() {
            Ok(IpAddr::V6(_)) => None,
            Ok(address) => Some(Self::Ip(address)),
            Err(_) => name(text).map(Self::Name),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Ip(address) => write!(f, "{address}"),
        }
    }
}

/// A name as it is compared. Nothing that a resolver might take for an address in another notation:
/// the last label has a letter.
pub(super) fn name(text: &str) -> Option<String> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let last = text.rsplit('.').next()?;
    // `0x7f000001` has letters, too.
    let number = last.bytes().next().is_some_and(|first| first.is_ascii_digit())
        && (last.bytes().all(|b| b.is_ascii_digit())
            || last.to_ascii_lowercase().starts_with("0x"));
    (text.len() <= MAX_NAME && text.split('.').all(label) && !number)
        .then(|| text.to_ascii_lowercase())
}

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: Host,
    pub(super) port: u16,
}

impl Target {
    /// `HOST:PORT`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        Some(Self { host: Host::parse(host)?, port: parse_port(port)? })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Digits only, and not 0.
pub(super) fn parse_port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port != 0)
}
