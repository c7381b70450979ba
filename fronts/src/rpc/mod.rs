//! The daemon RPC endpoint: a wallet's daemon, as far as the wallet can tell.
//!
//! It speaks HTTP on this machine and holds no chain. Each request of a wallet becomes one message to a
//! provider and one answer back:
//!
//! | request | goes as | when a provider fails |
//! |---|---|---|
//! | `/sendrawtransaction`, `/send_raw_transaction` | `monero.submit`: the raw bytes, without the hexadecimal | the client's broadcast asks another; to submit twice is safe |
//! | anything else | `monero.rpc`: path, content type, body | another is asked: it only asks for something |
//! | the same, if the answer is longer than a message | a stream of `monero.rpc` | the wallet's connection breaks, and the wallet asks again |
//!
//! What the provider does not allow comes back as 403 with its reason. With
//! [`RpcConfig::sync`] everything but submission goes to a daemon of the user's choice instead,
//! directly.
//!
//! One provider answers for as long as it works, so that a wallet sees one chain. Nothing else
//! ties one request to another: each has routes and reply blocks of its own.

mod answer;
mod ask;
mod body;
mod config;
mod connection;
mod direct;
mod front;
mod guarded;
mod long;
mod mixnet;
mod readings;
mod request;
mod sizes;
mod submit;
#[cfg(test)]
mod tests;

pub use config::RpcConfig;
pub use front::RpcFront;
pub use readings::RpcReadings;
