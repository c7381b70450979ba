//! Fetches a page over HTTP by way of a provider's `tcp` service: hyper runs over a stream as it
//! runs over a TCP connection.
//!
//! `cargo run -p mixbed-client --example http -- mixbed://127.0.0.1:7100 NETWORK AUTHORITY_KEY HOST:PORT PATH`
//!
//! With `mixbed up`, `monerod.mixbed:18081 /get_info` asks the network's own monerod: a name that
//! only the provider knows.

use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use hyper::header::HOST;
use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use mixbed_client::{Client, ClientConfig, StreamOptions};
use mixbed_directory::{Follower, FollowerConfig, Trust};
use tokio::io::AsyncWriteExt;

const USAGE: &str = "usage: http DIRECTORY_URL NETWORK AUTHORITY_KEY HOST:PORT PATH";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [url, network, authority, host, path] = &arguments[..] else { return Err(USAGE.into()) };
    let trust = Trust::single(network, authority.parse()?);
    let directory = Follower::start(FollowerConfig::new(url, trust))?;
    let client = Client::connect(ClientConfig::new(directory));

    // Early: the request rides along with the question for the stream.
    let options = StreamOptions { early: true, ..StreamOptions::default() };
    let stream = client.open("tcp", host, options).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get(path).header(HOST, host).body(Empty::<Bytes>::new())?;
    let mut response = sender.send_request(request).await?;
    eprintln!("{}", response.status());
    let mut out = tokio::io::stdout();
    while let Some(frame) = response.frame().await {
        if let Ok(data) = frame?.into_data() {
            out.write_all(&data).await?;
        }
    }
    out.flush().await?;
    client.stop().await;
    Ok(())
}
