//! Real connections to a real port; what it dials is in memory.

mod ends;
mod handshakes;
mod played;
mod streams;

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{SocksConfig, SocksFront};
use played::Played;

/// How long anything may take that takes a moment.
const SOON: Duration = Duration::from_secs(20);

const GRANTED_4: [u8; 8] = [0, 90, 0, 0, 0, 0, 0, 0];
const REJECTED_4: [u8; 8] = [0, 91, 0, 0, 0, 0, 0, 0];

fn config() -> SocksConfig {
    SocksConfig { listen: "127.0.0.1:0".parse().unwrap(), ..SocksConfig::default() }
}

async fn start(played: &Played, config: SocksConfig) -> SocksFront {
    SocksFront::start_with(played.clone(), config).await.expect("a free port")
}

/// SOCKS 4a for this host, port 18081.
fn four(host: &str) -> Vec<u8> {
    [b"\x04\x01\x46\xa1\x00\x00\x00\x01\x00", host.as_bytes(), b"\x00"].concat()
}

/// The same in SOCKS 5, after its greeting.
fn five(host: &str) -> Vec<u8> {
    let length = [u8::try_from(host.len()).unwrap()];
    [b"\x05\x01\x00\x03", &length[..], host.as_bytes(), b"\x46\xa1"].concat()
}

/// The answer of SOCKS 5 with this code.
fn five_says(code: u8) -> [u8; 10] {
    [5, code, 0, 1, 0, 0, 0, 0, 0, 0]
}

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, what).await.expect("soon")
}

/// Connects and says this.
async fn say(front: &SocksFront, bytes: &[u8]) -> TcpStream {
    let mut program = TcpStream::connect(front.addr()).await.expect("it listens");
    program.write_all(bytes).await.expect("room");
    program
}

async fn hear<const N: usize>(program: &mut TcpStream) -> [u8; N] {
    let mut heard = [0; N];
    soon(program.read_exact(&mut heard)).await.expect("an answer");
    heard
}

/// Everything until the connection ends.
async fn hear_all(program: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut heard = Vec::new();
    soon(program.read_to_end(&mut heard)).await.map(|_| heard)
}

/// A connection that stands.
async fn connected(front: &SocksFront, host: &str) -> TcpStream {
    let mut program = say(front, &four(host)).await;
    assert_eq!(hear(&mut program).await, GRANTED_4);
    program
}
