//! The endpoint in front of providers that do what a test says.

mod asking;
mod connections;
mod fake;
mod http;
mod strangers;
mod syncing;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{RpcConfig, RpcFront};
use fake::{Does, Fake};

/// Whatever takes longer hangs.
const LIMIT: Duration = Duration::from_secs(20);

/// Short waits, any port.
fn config() -> RpcConfig {
    RpcConfig {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        deadline: Duration::from_secs(5),
        head: Duration::from_millis(300),
        body: Duration::from_millis(500),
        ..RpcConfig::default()
    }
}

async fn start(fake: &Fake, config: RpcConfig) -> RpcFront {
    RpcFront::start_with(fake.clone(), config).await.expect("it listens")
}

async fn post(front: &RpcFront, path: &str, body: impl Into<reqwest::Body>) -> (u16, Vec<u8>) {
    let url = format!("http://{}{path}", front.addr());
    let sent = mixbed_monero::rpc::http_client()
        .build()
        .expect("a client")
        .post(url)
        .body(body)
        .timeout(LIMIT)
        .send()
        .await;
    let said = sent.expect("an answer");
    (said.status().as_u16(), said.bytes().await.expect("whole").to_vec())
}

fn words(body: &[u8]) -> String {
    let value: Value = serde_json::from_slice(body).expect("JSON");
    value["error"]["message"].as_str().expect("words").to_owned()
}

/// Writes bytes, and reads all that comes until the endpoint closes.
async fn raw(front: &RpcFront, parts: &[&[u8]]) -> String {
    let mut socket = TcpStream::connect(front.addr()).await.expect("it listens");
    for part in parts {
        socket.write_all(part).await.expect("written");
    }
    let mut said = Vec::new();
    // A reset after the answer is as good as an end.
    let _ = timeout(LIMIT, socket.read_to_end(&mut said)).await.expect("it closes in time");
    String::from_utf8_lossy(&said).into_owned()
}

/// A question that monerod has so many bytes more of than of an empty one.
fn asking(size: usize) -> String {
    format!(r#"{{"txs_hashes":["{}"]}}"#, "a".repeat(size))
}

fn echoing() -> Fake {
    Fake::with(&[("a", Does::Echoes(200)), ("b", Does::Echoes(200))])
}
