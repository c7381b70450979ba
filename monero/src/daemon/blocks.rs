//! Blocks that somebody else than monerod puts together (regtest, where any nonce will do).

use serde::Deserialize;

use super::{Daemon, DaemonError};
use crate::rpc::RpcError;

/// monerod's code for "Core is busy": not synchronised.
const BUSY: i64 = -9;

/// A block that lacks only its proof of work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockTemplate {
    /// The block, serialised, with what is in the pool.
    pub blob: Vec<u8>,
    /// How many blocks are below it.
    pub height: u64,
}

#[derive(Deserialize)]
struct TemplateAnswer {
    #[serde(with = "hex::serde")]
    blocktemplate_blob: Vec<u8>,
    height: u64,
}

#[derive(Deserialize)]
struct HeaderAnswer {
    block_header: Header,
}

#[derive(Deserialize)]
struct Header {
    #[serde(with = "hex::serde")]
    hash: [u8; 32],
}

impl Daemon {
    /// The next block as monerod would have it, its reward going to `address`.
    /// [`DaemonError::Busy`] while monerod is not synchronised.
    pub async fn block_template(&self, address: &str) -> Result<BlockTemplate, DaemonError> {
        let params = serde_json::json!({ "wallet_address": address, "reserve_size": 1 });
        let call = self.endpoint().call("get_block_template", params).await;
        let TemplateAnswer { blocktemplate_blob: blob, height } = call.map_err(|e| self.tell(e))?;
        Ok(BlockTemplate { blob, height })
    }

    /// Hands a whole block to monerod. On a chain of difficulty 1 a template is one, whatever its
    /// nonce.
    ///
    /// Unlike `generateblocks`, which computes hashes of its own with a second `RandomX` cache,
    /// this takes half the time, and leaves monerod at 290 MiB instead of 600.
    pub async fn submit_block(&self, blob: &[u8]) -> Result<(), DaemonError> {
        let call = self.endpoint().call("submit_block", [hex::encode(blob)]).await;
        let _: serde_json::Value = call.map_err(|e| self.tell(e))?;
        Ok(())
    }

    /// The hash of the block that has `height` blocks below it; `None` if the chain is not that
    /// long.
    pub async fn block_hash(&self, height: u64) -> Result<Option<[u8; 32]>, DaemonError> {
        /// "Requested block height … greater than current top block height".
        const TOO_BIG_HEIGHT: i64 = -2;
        let params = serde_json::json!({ "height": height });
        let call = self.endpoint().call::<HeaderAnswer>("get_block_header_by_height", params);
        match call.await {
            Ok(answer) => Ok(Some(answer.block_header.hash)),
            Err(error) if error.code() == Some(TOO_BIG_HEIGHT) => Ok(None),
            Err(error) => Err(self.tell(error)),
        }
    }

    fn tell(&self, error: RpcError) -> DaemonError {
        match error.code() {
            Some(BUSY) => DaemonError::Busy { url: self.url().to_owned() },
            _ => error.into(),
        }
    }
}
