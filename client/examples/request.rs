//! Asks a service of a provider, and prints its answer and how long it took.
//!
//! `cargo run -p mixbed-client --example request -- mixbed://127.0.0.1:7100 NETWORK AUTHORITY_KEY [SERVICE WORDS]`

use std::time::Duration;

use mixbed_client::{Client, ClientConfig};
use mixbed_directory::{Follower, FollowerConfig, Trust};

const USAGE: &str = "usage: request DIRECTORY_URL NETWORK AUTHORITY_KEY [SERVICE WORDS]";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (url, network, authority, service, words) = match &arguments[..] {
        [url, network, authority] => (url, network, authority, "echo", "hello"),
        [url, network, authority, service, words] => {
            (url, network, authority, &service[..], &words[..])
        }
        _ => return Err(USAGE.into()),
    };
    let trust = Trust::single(network, authority.parse()?);
    let directory = Follower::start(FollowerConfig::new(url, trust))?;
    let client = Client::connect(ClientConfig::new(directory));
    let answer = client.request(service, words.as_bytes(), Duration::from_secs(30)).await?;
    println!(
        "{} says {:?} after {:?}, of which {:?} were mixing delays",
        answer.provider,
        String::from_utf8_lossy(&answer.data),
        answer.elapsed,
        answer.mixing_delay,
    );
    Ok(())
}
