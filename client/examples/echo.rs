//! Says something to a provider's `echo` service, and prints how long it took.
//!
//! `cargo run -p mixbed-client --example echo -- http://127.0.0.1:7100 NETWORK AUTHORITY_KEY`

use std::time::Duration;

use mixbed_client::{Client, ClientConfig};
use mixbed_directory::{Follower, FollowerConfig, Trust};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [url, network, authority] = arguments()?;
    let trust = Trust::single(network, authority.parse()?);
    let directory = Follower::start(FollowerConfig::new(url, trust))?;
    let client = Client::connect(ClientConfig::new(directory));
    let answer = client.request("echo", b"hello", Duration::from_secs(30)).await?;
    println!(
        "{} says {:?} after {:?}, of which {:?} were mixing delays",
        answer.provider,
        String::from_utf8_lossy(&answer.data),
        answer.elapsed,
        answer.mixing_delay,
    );
    Ok(())
}

fn arguments() -> Result<[String; 3], &'static str> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    arguments.try_into().map_err(|_| "usage: echo DIRECTORY_URL NETWORK AUTHORITY_KEY")
}
