//! What is wrong with what a program sent, and what it is answered.

use super::reply::{Refusal, Version};
use super::target::TargetError;

/// The longest SOCKS 4 user id; the protocol has no bound.
pub(super) const MAX_USER: usize = 255;

/// A message that leads to no connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::socks) enum Malformed {
    #[error("it speaks HTTP, and this is a SOCKS port: set it as SOCKS proxy, not as HTTP proxy")]
    Http,
    #[error("it speaks neither SOCKS 4 nor 5: the first byte is {0}")]
    Version(u8),
    #[error("the user id is longer than {MAX_USER} bytes")]
    LongUser,
    #[error("{what}: only CONNECT, RESOLVE and RESOLVE_PTR are supported, no BIND and no UDP", what = asked(*.command))]
    Command { version: Version, command: u8 },
    #[error("{source}")]
    Target { version: Version, source: TargetError },
    #[error("it offers neither to go without a name nor user and password")]
    NoMethod,
    #[error("this port wants a password, which SOCKS 4 has none of: use SOCKS 5")]
    NoPassword,
    #[error("this port wants a password, and it does not offer user and password")]
    NoUser,
    #[error("the password is wrong")]
    WrongPassword,
    #[error("user and password have version {0}, not 1")]
    AuthVersion(u8),
    #[error("the request after a SOCKS 5 greeting has version {0}")]
    RequestVersion(u8),
    #[error("it names a host by an address of type {0}: IPv4 is 1, a name 3, IPv6 4")]
    AddressType(u8),
}

fn asked(code: u8) -> String {
    match code {
        2 => "it asks for BIND".to_owned(),
        3 => "it asks for UDP".to_owned(),
        code => format!("it asks for command {code}"),
    }
}

/// What a browser shows, or curl prints.
const HTTP_ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\n\
Content-Type: text/plain; charset=utf-8\r\n\
Content-Length: 109\r\n\
Connection: close\r\n\
\r\n\
This is a SOCKS port (4, 4a and 5) of mixbed, not a web server: set it as\nSOCKS proxy, not as an HTTP proxy.\n";

impl Malformed {
    /// What is sent before the connection is closed; nothing where the dialect has no word for it.
    pub(in crate::socks) fn answer(self) -> Vec<u8> {
        match self {
            Self::Http => HTTP_ANSWER.to_vec(),
            Self::Version(_) => Vec::new(),
            Self::LongUser | Self::NoPassword => Version::Four.refused(Refusal::General),
            Self::Command { version, .. } => version.refused(Refusal::Command),
            Self::Target { version, .. } => version.refused(Refusal::General),
            Self::NoMethod | Self::NoUser => vec![5, 0xff],
            Self::AuthVersion(_) | Self::WrongPassword => vec![1, 1],
            Self::RequestVersion(_) => Version::Five.refused(Refusal::General),
            Self::AddressType(_) => Version::Five.refused(Refusal::AddressType),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_http_is_http() {
        let answer = String::from_utf8(Malformed::Http.answer()).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 400 "));
        assert!(
            head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())),
            "{}",
            body.len()
        );
        assert!(body.contains("SOCKS port"));
    }
}
