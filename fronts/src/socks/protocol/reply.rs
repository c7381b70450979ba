//! What a program is answered at the end.

use std::net::IpAddr;

/// Which dialect a program speaks: 4a is 4 with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::socks) enum Version {
    Four,
    Five,
}

/// Why a program gets no connection, as SOCKS 5 tells it apart. SOCKS 4 has one code for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(in crate::socks) enum Refusal {
    /// Anything that has no code of its own; the log says what.
    General = 1,
    /// The provider may not connect there.
    Forbidden = 2,
    /// There is no way from the provider to the host.
    NetworkUnreachable = 3,
    /// The provider finds no such host.
    HostUnreachable = 4,
    /// The host refused the connection.
    Refused = 5,
    /// No answer in time ("TTL expired").
    TimedOut = 6,
    /// Neither BIND nor UDP is to be had.
    Command = 7,
    /// Addresses of this kind are not known.
    AddressType = 8,
}

/// SOCKS 4: request granted.
const GRANTED_4: u8 = 90;
/// SOCKS 4: request rejected or failed.
const REJECTED_4: u8 = 91;

impl Version {
    /// The answer to a request: connected.
    pub(in crate::socks) fn granted(self) -> Vec<u8> {
        match self {
            Self::Four => four(GRANTED_4),
            Self::Five => five(0),
        }
    }

    /// The answer to RESOLVE. SOCKS 4 knows no IPv6.
    pub(in crate::socks) fn address(self, ip: IpAddr) -> Vec<u8> {
        match (self, ip) {
            (Self::Four, IpAddr::V4(ip)) => [&[0, GRANTED_4, 0, 0][..], &ip.octets()].concat(),
            (Self::Four, IpAddr::V6(_)) => self.refused(Refusal::AddressType),
            (Self::Five, IpAddr::V4(ip)) => [&[5, 0, 0, 1][..], &ip.octets(), &[0, 0]].concat(),
            (Self::Five, IpAddr::V6(ip)) => [&[5, 0, 0, 4][..], &ip.octets(), &[0, 0]].concat(),
        }
    }

    /// The answer to `RESOLVE_PTR`. No name is longer than 255 bytes.
    pub(in crate::socks) fn name(self, name: &str) -> Vec<u8> {
        match (self, u8::try_from(name.len())) {
            (Self::Five, Ok(length)) => {
                [&[5, 0, 0, 3, length][..], name.as_bytes(), &[0, 0]].concat()
            }
            _ => self.refused(Refusal::General),
        }
    }

    /// The answer to a request: not connected.
    pub(in crate::socks) fn refused(self, why: Refusal) -> Vec<u8> {
        match self {
            Self::Four => four(REJECTED_4),
            Self::Five => five(why as u8),
        }
    }
}

fn four(code: u8) -> Vec<u8> {
    vec![0, code, 0, 0, 0, 0, 0, 0]
}

/// Which address the provider connects from is nobody's business: 0.0.0.0, port 0.
fn five(code: u8) -> Vec<u8> {
    vec![5, code, 0, 1, 0, 0, 0, 0, 0, 0]
}
