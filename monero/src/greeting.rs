//! Greeting a monerod that is alone, as a peer would.
//!
//! A monerod that is not `--offline` waits for a peer before it takes transactions and blocks,
//! for good if there is none: it cannot know that nobody is ahead of it. One handshake of a peer
//! with the same chain tells it. So it needs no `--offline`, and has peers as soon as there are
//! some, without a restart that would cost it its chain.

use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::Daemon;
use crate::rpc::RpcError;

/// How long a handshake may take: it is answered at once.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Levin, the protocol of peers (monero's `contrib/epee/include/net/levin_base.h`): the bytes
/// that every header begins with.
const SIGNATURE: u64 = 0x0101_0101_0101_2101;
/// The command of a handshake (`src/p2p/p2p_protocol_defs.h`).
const HANDSHAKE: u32 = 1001;
/// A header's bytes.
const HEADER: usize = 33;
/// Main network and regtest (`src/cryptonote_config.h`).
const NETWORK_ID: [u8; 16] = [
    0x12, 0x30, 0xf1, 0x71, 0x61, 0x04, 0x41, 0x61, 0x17, 0x31, 0x00, 0x82, 0x16, 0xa1, 0xa1, 0x10,
];

/// What a monerod says of its chain while it waits for a peer. Of its blocks' headers it says
/// nothing then.
#[derive(Clone, Debug, Deserialize)]
struct Chain {
    /// How many blocks it has.
    height: u64,
    #[serde(with = "hex::serde")]
    top_block_hash: [u8; 32],
    cumulative_difficulty: u64,
}

/// Which rules its next block is to follow: all but the first of a regtest chain have the same.
#[derive(Deserialize)]
struct Rules {
    version: u8,
}

/// Why a greeting was not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum GreetingError {
    #[error(transparent)]
    Rpc(#[from] RpcError),
    #[error("{peers} takes no greeting: {source}")]
    Peers { peers: String, source: std::io::Error },
    #[error("{peers} did not answer a greeting within {} s", TIMEOUT.as_secs())]
    Silent { peers: String },
}

/// Greets the monerod with its own chain, at its port for peers.
pub(crate) async fn greet(daemon: &Daemon, peers: &str) -> Result<(), GreetingError> {
    let nothing = serde_json::json!({});
    let chain: Chain = daemon.endpoint().post("/get_info", &nothing).await?;
    let rules: Rules = daemon.endpoint().call("hard_fork_info", nothing).await?;
    let greeting = greeting(&chain, rules.version, rand::random());
    let greeted = async {
        let mut stream = TcpStream::connect(peers).await?;
        stream.write_all(&greeting).await?;
        // It has looked at the greeting when it answers.
        stream.read_exact(&mut [0; HEADER]).await.map(drop)
    };
    match timeout(TIMEOUT, greeted).await {
        Ok(greeted) => {
            greeted.map_err(|source| GreetingError::Peers { peers: peers.to_owned(), source })
        }
        Err(_) => Err(GreetingError::Silent { peers: peers.to_owned() }),
    }
}

/// The request for a handshake of a peer that has this chain, its newest block of this version.
fn greeting(chain: &Chain, version: u8, peer_id: u64) -> Vec<u8> {
    let node = section(&[
        field("network_id", 10, &blob(&NETWORK_ID)),
        field("my_port", 6, &0_u32.to_le_bytes()),
        field("peer_id", 5, &peer_id.to_le_bytes()),
        field("support_flags", 6, &1_u32.to_le_bytes()),
    ]);
    let payload = section(&[
        field("current_height", 5, &chain.height.to_le_bytes()),
        field("cumulative_difficulty", 5, &chain.cumulative_difficulty.to_le_bytes()),
        field("top_id", 10, &blob(&chain.top_block_hash)),
        field("top_version", 8, &[version]),
    ]);
    // Portable storage (monero's `docs/PORTABLE_STORAGE.md`): signature, version, one section.
    let mut body = vec![0x01, 0x11, 0x01, 0x01, 0x01, 0x01, 0x02, 0x01, 1];
    body.extend(section(&[field("node_data", 12, &node), field("payload_data", 12, &payload)]));

    let mut message = Vec::with_capacity(HEADER + body.len());
    message.extend(SIGNATURE.to_le_bytes());
    message.extend((body.len() as u64).to_le_bytes());
    message.push(1); // an answer is wanted
    message.extend(HANDSHAKE.to_le_bytes());
    message.extend(0_i32.to_le_bytes()); // return code
    message.extend(1_u32.to_le_bytes()); // flags: a request
    message.extend(1_u32.to_le_bytes()); // version
    message.extend(body);
    message
}

/// A name, a type and a value.
fn field(name: &str, kind: u8, value: &[u8]) -> Vec<u8> {
    let mut field = count(name.len()).map_or_else(Vec::new, |length| vec![length]);
    field.extend(name.as_bytes());
    field.push(kind);
    field.extend(value);
    field
}

/// Bytes after their number.
fn blob(bytes: &[u8]) -> Vec<u8> {
    [&varint(bytes.len()), bytes].concat()
}

/// Fields after their number.
fn section(fields: &[Vec<u8>]) -> Vec<u8> {
    [varint(fields.len()), fields.concat()].concat()
}

/// A number below 64: the two low bits say that it has one byte. All of ours are below.
fn varint(number: usize) -> Vec<u8> {
    count(number).map_or_else(Vec::new, |number| vec![number << 2])
}

fn count(number: usize) -> Option<u8> {
    u8::try_from(number).ok().filter(|number| *number < 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What monerod 0.18 was greeted with, and synchronized.
    #[test]
    fn a_greeting_is_a_handshake_with_the_newest_block() {
        let chain = Chain { height: 6, top_block_hash: [0xab; 32], cumulative_difficulty: 6 };
        let message = greeting(&chain, 16, 7);
        let text = hex::encode(&message);
        assert!(text.starts_with("0121010101010101"), "{text}");
        let length = u64::try_from(message.len() - HEADER).expect("short");
        assert_eq!(message[8..16], length.to_le_bytes());
        assert_eq!(message[16..HEADER], hex::decode("01e9030000000000000100000001000000").unwrap());
        assert!(text.contains(&format!("06746f705f69640a80{}", "ab".repeat(32))), "top_id");
        let height = format!("{}050600000000000000", hex::encode("current_height"));
        assert!(text.contains(&height), "{text}");
        assert!(text.contains(&format!("{}0810", hex::encode("top_version"))));
    }
}
