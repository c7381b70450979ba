//! Broadcasts a raw Monero transaction through the mixnet.
//!
//! `cargo run -p mixbed-client --example broadcast -- mixbed://127.0.0.1:7100 NETWORK AUTHORITY_KEY FILE`

use mixbed_client::{BroadcastOptions, Client, ClientConfig};
use mixbed_directory::{Follower, FollowerConfig, Trust};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [url, network, authority, file] = arguments()?;
    let raw = std::fs::read(&file)?;
    let trust = Trust::single(network, authority.parse()?);
    let directory = Follower::start(FollowerConfig::new(url, trust))?;
    let client = Client::connect(ClientConfig::new(directory));
    let report = client.broadcast(&raw, BroadcastOptions::default()).await?;
    let already = if report.already_known { ", which had it already" } else { "" };
    println!("{} is with {}'s monerod{already}", report.txid, report.provider);
    println!(
        "{} packets there, {} back, {:?} in all: mixing delays {:?}, monerod {:?}",
        report.packets_sent,
        report.packets_received,
        report.elapsed,
        report.mixing_delay,
        report.monerod_time,
    );
    Ok(())
}

fn arguments() -> Result<[String; 4], &'static str> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    arguments.try_into().map_err(|_| "usage: broadcast DIRECTORY_URL NETWORK AUTHORITY_KEY FILE")
}
