//! What monerod says of itself.

use serde::Deserialize;

/// monerod's state, as `get_info` reports it. Fields that a daemon leaves out are zero or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Info {
    /// The number of blocks, the first one included: a fresh chain has 1.
    pub height: u64,
    /// The height of the network as far as the daemon knows it; 0 when it is in step.
    pub target_height: u64,
    /// `OK`, or `BUSY` while synchronising.
    pub status: String,
    /// Whether the daemon is in step with the network.
    pub synchronized: bool,
    /// `mainnet`, `testnet`, `stagenet` or, on regtest, `fakechain`.
    pub nettype: String,
    /// Whether it answered at a restricted listener, which does nothing that is its operator's to do.
    pub restricted: bool,
    /// Whether the daemon has no peers by choice.
    pub offline: bool,
    /// Peers that dialled it.
    pub incoming_connections_count: u64,
    /// Peers that it dialled.
    pub outgoing_connections_count: u64,
    /// The number of transactions that wait for a block.
    pub tx_pool_size: u64,
    /// The number of transactions in the chain, those that pay miners not counted.
    pub tx_count: u64,
    /// The hash of the newest block, hexadecimal.
    pub top_block_hash: String,
    /// The daemon's version; empty on a restricted listener.
    pub version: String,
}

impl Info {
    /// All its peers. monerod takes those that it dialled from all there are, and now and then says of
    /// those that dialled it that they are fewer than none.
    #[must_use]
    pub fn peers(&self) -> u64 {
        self.incoming_connections_count.wrapping_add(self.outgoing_connections_count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_as_many_as_monerod_counted() {
        let info = |incoming, outgoing| Info {
            incoming_connections_count: incoming,
            outgoing_connections_count: outgoing,
            ..Info::default()
        };
        assert_eq!(info(2, 1).peers(), 3);
        assert_eq!(info(u64::MAX, 1).peers(), 0, "none, of which it dialled one");
    }
}
