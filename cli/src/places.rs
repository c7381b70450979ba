//! Where everything of a running net is, as `up` says it.

use std::fmt;

use serde::Serialize;

use crate::net::Running;

/// Where everything is.
#[derive(Debug, Serialize)]
pub(crate) struct Places {
    pub(crate) ready: bool,
    pub(crate) network: String,
    pub(crate) control: String,
    pub(crate) directory: String,
    pub(crate) authority_key: String,
    /// The same, one by one.
    pub(crate) directories: Vec<DirectoryPlace>,
    pub(crate) monerod: Option<String>,
    pub(crate) socks: Option<String>,
    pub(crate) rpc: Option<String>,
    pub(crate) wallet: Option<String>,
    pub(crate) wallet_address: Option<String>,
    pub(crate) miner: Option<String>,
    pub(crate) nodes: Vec<Place>,
}

/// Where a directory is, and the key that it signs with.
#[derive(Debug, Serialize)]
pub(crate) struct DirectoryPlace {
    pub(crate) name: String,
    pub(crate) url: String,
    pub(crate) key: String,
}

/// Where the net's directories are.
pub(crate) fn directories(running: &Running) -> Vec<DirectoryPlace> {
    let place = |(name, authority): (&str, Option<&mixbed_directory::Authority>)| {
        authority.map(|authority| DirectoryPlace {
            name: name.to_owned(),
            url: authority.url(),
            key: authority.public_key().to_string(),
        })
    };
    running.net.authorities().filter_map(place).collect()
}

/// Where a node listens.
#[derive(Debug, Serialize)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) address: String,
}

/// Where the net's nodes are.
pub(crate) fn nodes(running: &Running) -> Vec<Place> {
    let place = |(name, node): (&String, &mixbed_node::Node)| Place {
        name: name.clone(),
        address: node.address().to_string(),
    };
    running.net.nodes().iter().map(place).collect()
}

impl fmt::Display for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![
            format!("network    {}", self.network),
            format!(
                "directory  {}",
                self.directories
                    .iter()
                    .map(|directory| format!("{} (key {})", directory.url, directory.key))
                    .collect::<Vec<_>>()
                    .join("\n           ")
            ),
            format!(
                "nodes      {}",
                self.nodes
                    .iter()
                    .map(|node| format!("{} {}", node.name, node.address))
                    .collect::<Vec<_>>()
                    .join("\n           ")
            ),
        ];
        if let Some(monerod) = &self.monerod {
            lines.push(format!("monerod    {monerod}"));
        }
        if let Some(socks) = &self.socks {
            lines.push(format!("SOCKS      {socks}"));
        }
        if let Some(rpc) = &self.rpc {
            lines.push(format!("daemon RPC {rpc}, for wallets"));
        }
        if let (Some(wallet), Some(address)) = (&self.wallet, &self.wallet_address) {
            lines.push(format!("wallet     {wallet}, with money at {address}"));
        }
        if let Some(miner) = &self.miner {
            lines.push(format!("miner      {miner}; money for a wallet: mixbed fund ADDRESS"));
        }
        lines.push(format!("metrics    {}/metrics", self.control));
        lines.push(format!("ready: control at {}; Ctrl-C stops it", self.control));
        f.write_str(&lines.join("\n"))
    }
}
