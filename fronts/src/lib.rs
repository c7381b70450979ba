//! What wallets connect to: a SOCKS port and a daemon RPC endpoint, in front of a client.

mod error;
mod port;
mod rpc;
mod socks;

pub use error::FrontError;
pub use rpc::{RpcConfig, RpcFront, RpcReadings};
pub use socks::{SocksConfig, SocksFront};
