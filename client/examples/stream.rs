//! Opens a stream, sends something and reads what comes back, both at once: a stream is
//! `AsyncRead + AsyncWrite`, like a TCP connection.
//!
//! `cargo run -p mixbed-client --example stream -- mixbed://127.0.0.1:7100 NETWORK AUTHORITY_KEY [BYTES]`
//!
//! It talks to the `echo` service; with `"tcp"` and `"host:port"` in its place it would be a
//! connection to what the provider allows.

use std::time::Instant;

use mixbed_client::{Client, ClientConfig, StreamOptions};
use mixbed_directory::{Follower, FollowerConfig, Trust};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const USAGE: &str = "usage: stream DIRECTORY_URL NETWORK AUTHORITY_KEY [BYTES]";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let (url, network, authority, bytes) = match &arguments[..] {
        [url, network, authority] => (url, network, authority, 1_000_000),
        [url, network, authority, bytes] => (url, network, authority, bytes.parse()?),
        _ => return Err(USAGE.into()),
    };
    let trust = Trust::single(network, authority.parse()?);
    let directory = Follower::start(FollowerConfig::new(url, trust))?;
    let client = Client::connect(ClientConfig::new(directory));

    let began = Instant::now();
    let stream = client.open("echo", "", StreamOptions::default()).await?;
    println!("granted after {:?}", began.elapsed());

    let began = Instant::now();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let sending = tokio::spawn(async move {
        writer.write_all(&vec![7; bytes]).await?;
        // Half of the stream ends; the other half goes on.
        writer.shutdown().await
    });
    let mut back = 0;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = reader.read(&mut buffer).await?;
        if read == 0 {
            break;
        }
        if back == 0 {
            println!("first bytes after {:?}", began.elapsed());
        }
        back += read;
    }
    sending.await??;
    println!("{bytes} bytes there and {back} back in {:?}", began.elapsed());
    client.stop().await;
    Ok(())
}
