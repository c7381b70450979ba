//! What a program is answered at the end.

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
