//! Whom a program names, and where it wants to be connected to.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

/// The longest name there is in the DNS, and in SOCKS 5.
pub(super) const MAX_NAME: usize = 255;

/// A host, by address or by a name that nobody here looks up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::socks) enum Host {
    Address(IpAddr),
    Name(String),
}

/// A host, and a port. Shown as `host:port`, an
/// IPv6 address in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::socks) enum Target {
    Address(SocketAddr),
    Name(String, u16),
}

/// What is no host or cannot be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::socks) enum TargetError {
    #[error("port 0 is no port")]
    NoPort,
    #[error("the host has no name")]
    NoName,
    #[error("the host's name is longer than {MAX_NAME} bytes")]
    LongName,
    #[error("the host's name has other than letters, digits and .-_ in it")]
    BadName,
    #[error("a name is asked for the name, not an address")]
    NoAddress,
}

impl Host {
    /// A name as it came. Some programs put an address there as text.
    pub(super) fn named(name: &[u8]) -> Result<Self, TargetError> {
        if name.is_empty() {
            return Err(TargetError::NoName);
        }
        if name.len() > MAX_NAME {
            return Err(TargetError::LongName);
        }
        let name = str::from_utf8(name).map_err(|_| TargetError::BadName)?;
        let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
        if let Ok(ip) = bare.parse::<IpAddr>() {
            return Ok(Self::Address(ip));
        }
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if !name.bytes().all(fine) {
            return Err(TargetError::BadName);
        }
        Ok(Self::Name(name.to_owned()))
    }

    pub(super) fn with_port(self, port: u16) -> Result<Target, TargetError> {
        match (self, port) {
            (_, 0) => Err(TargetError::NoPort),
            (Self::Address(ip), port) => Ok(Target::Address(SocketAddr::new(ip, port))),
            (Self::Name(name), port) => Ok(Target::Name(name, port)),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &[u8], port: u16) -> Result<Target, TargetError> {
        Host::named(name).and_then(|host| host.with_port(port))
    }

    fn address(ip: impl Into<IpAddr>, port: u16) -> Result<Target, TargetError> {
        Host::Address(ip.into()).with_port(port)
    }

    #[test]
    fn names_are_passed_on_as_they_are_and_addresses_are_known_as_such() {
        let shown = |name: &str| named(name.as_bytes(), 80).map(|target| target.to_string());
        assert_eq!(shown("Monerod.mixbed"), Ok("Monerod.mixbed:80".to_owned()));
        assert_eq!(shown("a_b-c.onion"), Ok("a_b-c.onion:80".to_owned()));
        assert_eq!(shown("10.0.0.1"), Ok("10.0.0.1:80".to_owned()));
        assert_eq!(shown("::1"), Ok("[::1]:80".to_owned()));
        assert_eq!(shown("[::1]"), Ok("[::1]:80".to_owned()));
        assert_eq!(named(b"::1", 80), address([0, 0, 0, 0, 0, 0, 0, 1u16], 80));
        assert_eq!(shown(&"a".repeat(255)).map(|shown| shown.len()), Ok(258));
    }

    #[test]
    fn what_is_no_target_is_refused_by_its_own_words() {
        assert_eq!(named(b"", 80), Err(TargetError::NoName));
        assert_eq!(named(&[b'a'; 256], 80), Err(TargetError::LongName));
        for bad in ["a b", "a/b", "a:80", "[a]", "b\u{fc}cher.de", "a\r\nb", "a\0"] {
            assert_eq!(named(bad.as_bytes(), 80), Err(TargetError::BadName), "{bad:?}");
        }
        assert_eq!(named(&[0xff], 80), Err(TargetError::BadName));
        assert_eq!(named(b"a", 0), Err(TargetError::NoPort));
        assert_eq!(named(b"::1", 0), Err(TargetError::NoPort));
        assert_eq!(address([127, 0, 0, 1], 0), Err(TargetError::NoPort));
    }
}
