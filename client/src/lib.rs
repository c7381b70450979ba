//! Send messages through a mixbed mixnet, and receive their answers.
//!
//! A [`Client`] keeps a link to a gateway and sends requests to the services of providers. Each
//! packet takes its own route through three layers of mixes and brings a reply block, by which the
//! provider answers without learning who asked. What is not answered in time is sent again on
//! another route, until the caller's deadline. Success means: the far end said so. There is never
//! a fallback to the open network.
//!
//! ```no_run
//! use std::time::Duration;
//! use mixbed_client::{Client, ClientConfig};
//! use mixbed_directory::{Follower, FollowerConfig, Trust};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let authority = std::env::args().nth(1).expect("the directory's public key").parse()?;
//! let trust = Trust::single("mixbed", authority);
//! let directory = Follower::start(FollowerConfig::new("mixbed://127.0.0.1:7100", trust))?;
//! let client = Client::connect(ClientConfig::new(directory));
//! let answer = client.request("echo", b"hello", Duration::from_secs(30)).await?;
//! println!("{} after {:?}", String::from_utf8_lossy(&answer.data), answer.elapsed);
//! # Ok(())
//! # }
//! ```
//!
//! With the rates of the network's document above 0, packets leave on Poisson clocks, and drops
//! and loops besides them ([`core::Cover`]): from outside nobody sees whether there was something
//! to say. [`Client::loops`] tells which loops came back.
//!
//! [`Client::open`] gives a [`Stream`] to a service of a provider, such as `tcp`, which connects it to
//! a target of yours: bytes in order both ways, `AsyncRead` and `AsyncWrite` like a TCP connection,
//! so that HTTP and others run over it (`examples/http.rs`).
//!
//! ```no_run
//! # async fn open(client: mixbed_client::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use mixbed_client::StreamOptions;
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! let mut stream = client.open("tcp", "monerod.mixbed:18081", StreamOptions::default()).await?;
//! stream.write_all(b"GET /get_height HTTP/1.0\r\n\r\n").await?;
//! let mut answer = String::new();
//! stream.read_to_string(&mut answer).await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Client::broadcast`] hands a raw Monero transaction to a provider's monerod; [`Broadcasts`] are
//! written down first, and outlive the process. The rules are in
//! [`core`], without I/O; what is here besides moves bytes and time.

mod broadcast;
mod client;
mod config;
pub mod core;
mod durable;
mod file;
pub mod letters;
mod request;
mod shell;
mod state;
mod streams;

pub use broadcast::{
    BroadcastError, BroadcastOptions, BroadcastReport, LocateError, Located, MAX_MEAN_WAIT,
    Promise, Sighting, SuspectProvider,
};
pub use client::Client;
pub use config::ClientConfig;
pub use durable::{
    BroadcastOrderError, BroadcastRecord, BroadcastState, Broadcasts, JournalBounds, JournalError,
};
pub use request::{Answer, RequestError, RequestOptions};
pub use state::{NotReady, State};
pub use streams::{Code, Reason, Stream, StreamError, StreamOptions};
