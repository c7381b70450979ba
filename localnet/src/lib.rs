//! A whole mixnet in one process: a directory, gateways, three layers of mixes and providers, over
//! real loopback TCP.
//!
//! ```no_run
//! # async fn example() -> Result<(), mixbed_localnet::LocalNetError> {
//! use std::time::Duration;
//! use mixbed_localnet::{LocalNet, LocalNetConfig};
//!
//! let net = LocalNet::start(LocalNetConfig::default()).await?;
//! net.wait_ready(Duration::from_secs(5)).await?;
//! println!("directory {} with key {}", net.directory_url(), net.authority_key());
//! net.stop(Duration::from_secs(5)).await;
//! # Ok(())
//! # }
//! ```

mod books;
mod change;
mod config;
mod directories;
mod net;
mod peer;
mod ready;

pub use books::{Audit, NetBooks};
pub use config::{LocalNetConfig, Shape};
pub use net::{LocalNet, LocalNetError};
pub use peer::HandPeer;
