//! What an operator allows.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::target::{Host, Target, name, parse_port};

/// A rule: `HOST:PORT`, `*.SUFFIX:PORT` or `IP/PREFIX:PORT`; the port may be `*`. An IPv6 address or
/// network stands in brackets, as in `[fd00::/8]:18081`.
///
/// Rules with names are about names as clients write them, rules with addresses about addresses:
/// a name is never looked up to see whether its address is allowed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TargetRule {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Hosts {
    Name(String),
    /// All names below this one.
    Below(String),
    Net(IpAddr, u8),
}

/// Why a text is no rule, or no name with a place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Nothing that names targets.
    #[error(
        "`{0}` names no targets: give HOST:PORT, *.SUFFIX:PORT or IP/PREFIX:PORT (IPv6 in brackets, \
         as in [fd00::/8]:18081); PORT may be *"
    )]
    Target(String),
    /// Nothing that gives a name a place.
    #[error(
        "`{0}` gives no name a place: give NAME=HOST:PORT, or NAME:PORT=HOST:PORT for one port of it"
    )]
    Name(String),
}

impl From<TargetRule> for String {
    fn from(rule: TargetRule) -> Self {
        rule.to_string()
    }
}

impl TryFrom<String> for TargetRule {
    type Error = RuleError;

    fn try_from(text: String) -> Result<Self, RuleError> {
        text.parse()
    }
}

impl FromStr for TargetRule {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        parse(text).ok_or_else(|| RuleError::Target(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<TargetRule> {
    let (hosts, port) = text.rsplit_once(':')?;
    let port = if port == "*" { None } else { Some(parse_port(port)?) };
    if let Some(suffix) = hosts.strip_prefix("*.") {
        return Some(TargetRule { hosts: Hosts::Below(name(suffix)?), port });
    }
    if let Some((address, prefix)) = hosts.split_once('/') {
        // The brackets are around both: [fd00::/8].
        let (address, prefix): (IpAddr, &str) = match address.strip_prefix('[') {
            Some(address) => (IpAddr::V6(address.parse().ok()?), prefix.strip_suffix(']')?),
            None => (IpAddr::V4(address.parse().ok()?), prefix),
        };
        let prefix: u8 = prefix.parse().ok()?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        return (prefix <= longest)
            .then_some(TargetRule { hosts: Hosts::Net(address, prefix), port });
    }
    let hosts = match Host::parse(hosts)? {
        Host::Name(name) => Hosts::Name(name),
        Host::Ip(address) => Hosts::Net(address, if address.is_ipv4() { 32 } else { 128 }),
    };
    Some(TargetRule { hosts, port })
}

impl TargetRule {
    /// Whether a target is among those allowed.
    pub(super) fn allows(&self, target: &Target) -> bool {
        let host = match (&self.hosts, &target.host) {
            (Hosts::Name(allowed), Host::Name(name)) => allowed == name,
            (Hosts::Below(suffix), Host::Name(name)) => name
                .strip_suffix(suffix.as_str())
                .is_some_and(|front| front.len() > 1 && front.ends_with('.')),
            (Hosts::Net(net, prefix), Host::Ip(address)) => within(*address, *net, *prefix),
            _ => false,
        };
        host && self.port.is_none_or(|port| port == target.port)
    }
}

/// Whether the first bits are the same.
fn within(address: IpAddr, net: IpAddr, prefix: u8) -> bool {
    let (address, net, length) = match (address, net) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (u128::from(a.to_bits()), u128::from(b.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits(), b.to_bits(), 128),
        _ => return false,
    };
    let rest = length - u32::from(prefix);
    // A shift by all bits leaves nothing to compare.
    address.checked_shr(rest).unwrap_or(0) == net.checked_shr(rest).unwrap_or(0)
}

impl fmt::Display for TargetRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.hosts {
            Hosts::Name(name) => f.write_str(name)?,
            Hosts::Below(suffix) => write!(f, "*.{suffix}")?,
            Hosts::Net(address @ IpAddr::V4(_), 32) => write!(f, "{address}")?,
            Hosts::Net(address @ IpAddr::V4(_), prefix) => write!(f, "{address}/{prefix}")?,
            Hosts::Net(address, 128) => write!(f, "[{address}]")?,
            Hosts::Net(address, prefix) => write!(f, "[{address}/{prefix}]")?,
        }
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => f.write_str(":*"),
        }
    }
}
