//! By which address others reach a node.
#![deny(clippy::disallowed_methods)]

use std::net::{IpAddr, SocketAddr};

/// Why there is no address to tell others.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AdvertiseError {
    /// It listens everywhere, and that is not where it is.
    #[error(
        "the node listens on all addresses of its machine ({0}): say with advertise which of them others reach it by, such as 10.0.0.7 or host:port"
    )]
    NotSaid(SocketAddr),
    /// What was said is no place to dial.
    #[error(
        "nobody can dial {0:?}: advertise is host:port, or an IP address alone, and neither 0.0.0.0, [::] nor port 0"
    )]
    NoPlace(String),
}

/// The address for the document: what was said, the port completed where it is an IP address alone,
/// or else where the node listens.
pub(crate) fn advertised(
    said: Option<&str>,
    listening: SocketAddr,
) -> Result<String, AdvertiseError> {
    let Some(said) = said.map(str::trim) else {
        if listening.ip().is_unspecified() {
            return Err(AdvertiseError::NotSaid(listening));
        }
        return Ok(listening.to_string());
    };
    let no_place = || AdvertiseError::NoPlace(said.chars().take(64).collect());
    let bare = said.strip_prefix('[').and_then(|said| said.strip_suffix(']')).unwrap_or(said);
    let address = match (bare.parse::<IpAddr>(), said.parse::<SocketAddr>()) {
        (Ok(ip), _) => SocketAddr::new(ip, listening.port()),
        (_, Ok(address)) => address,
        // A host's name; the directory looks at it more closely.
        _ if said.contains(':') => return Ok(said.to_owned()),
        _ => return Err(no_place()),
    };
    if address.ip().is_unspecified() || address.port() == 0 {
        return Err(no_place());
    }
    Ok(address.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(said: Option<&str>, listening: &str) -> Result<String, AdvertiseError> {
        advertised(said, listening.parse().expect("an address"))
    }

    #[test]
    fn an_ip_address_alone_gets_the_port_that_is_listened_on() {
        for (said, listening, told) in [
            ("10.0.0.7", "0.0.0.0:7200", "10.0.0.7:7200"),
            ("10.0.0.7", "[::]:7200", "10.0.0.7:7200"),
            ("fd00::7", "[::]:7200", "[fd00::7]:7200"),
            ("[fd00::7]", "[::]:7200", "[fd00::7]:7200"),
            (" 10.0.0.7\n", "0.0.0.0:7200", "10.0.0.7:7200"),
            ("10.0.0.7:80", "0.0.0.0:7200", "10.0.0.7:80"),
            ("[fd00::7]:80", "[::]:7200", "[fd00::7]:80"),
            ("mix.example:80", "0.0.0.0:7200", "mix.example:80"),
        ] {
            assert_eq!(of(Some(said), listening).as_deref(), Ok(told), "{said} on {listening}");
        }
    }

    #[test]
    fn without_one_it_is_where_it_listens_unless_that_is_everywhere() {
        assert_eq!(of(None, "127.0.0.1:7200").as_deref(), Ok("127.0.0.1:7200"));
        assert_eq!(of(None, "[::1]:7200").as_deref(), Ok("[::1]:7200"));
        for everywhere in ["0.0.0.0:7200", "[::]:7200"] {
            let error = of(None, everywhere).expect_err("where is it?");
            assert!(error.to_string().contains("advertise"), "{error}");
        }
    }

    #[test]
    fn what_nobody_can_dial_is_refused() {
        for said in ["", "0.0.0.0", "::", "[::]", "0.0.0.0:7200", "10.0.0.7:0", "mix.example"] {
            let refused = of(Some(said), "0.0.0.0:7200");
            assert!(matches!(refused, Err(AdvertiseError::NoPlace(_))), "{said}: {refused:?}");
        }
    }
}
