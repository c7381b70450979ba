//! What the service `tcp` is told when it starts.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::rule::{RuleError, TargetRule};
use super::target::{Host, Target, name, parse_port};

/// Which targets are allowed, and where some of them are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TcpConfig {
    /// What is allowed. If nothing is, the service is not offered.
    pub targets: Vec<TargetRule>,
    /// Names that this provider knows by itself: the first one that fits counts. A name alone allows
    /// nothing.
    pub names: Vec<TcpName>,
}

impl TcpConfig {
    /// Where a target is that was asked for by any name.
    pub(super) fn place(&self, asked: Target) -> Target {
        self.names.iter().find(|known| known.fits(&asked)).map_or(asked, |known| known.at.clone())
    }
}

/// A name and its place: `NAME=HOST:PORT`, or `NAME:PORT=HOST:PORT` for one port of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct TcpName {
    name: String,
    port: Option<u16>,
    at: Target,
}

impl TcpName {
    fn fits(&self, asked: &Target) -> bool {
        asked.host == Host::Name(self.name.clone())
            && self.port.is_none_or(|port| port == asked.port)
    }
}

impl From<TcpName> for String {
    fn from(name: TcpName) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for TcpName {
    type Error = RuleError;

    fn try_from(text: String) -> Result<Self, RuleError> {
        text.parse()
    }
}

impl FromStr for TcpName {
    type Err = RuleError;

    fn from_str(text: &str) -> Result<Self, RuleError> {
        parse(text).ok_or_else(|| RuleError::Name(text.to_owned()))
    }
}

fn parse(text: &str) -> Option<TcpName> {
    let (known, at) = text.split_once('=')?;
    let (known, port) = match known.split_once(':') {
        Some((known, port)) => (known, Some(parse_port(port)?)),
        None => (known, None),
    };
    Some(TcpName { name: name(known)?, port, at: Target::parse(at)? })
}

impl fmt::Display for TcpName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "={}", self.at)
    }
}
