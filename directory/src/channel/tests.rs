//! A channel against whoever stands between.

use std::io;

use mixbed_wire::LinkSecret;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::frames::Channel;
use super::handshake::{Credential, HandshakeError, Initiator, answer};
use super::{accept, dial};
use crate::document::Trust;
use crate::identity::IdentitySecret;

const NETWORK: &str = "testnet";

fn authority(seed: u8) -> IdentitySecret {
    IdentitySecret::from_bytes([seed; 32])
}

fn credential(network: &str, authorities: &[&IdentitySecret]) -> Credential {
    Credential::new(network, LinkSecret::generate(&mut rand::rng()), authorities)
}

fn trust(seed: u8) -> Trust {
    Trust::single(NETWORK, authority(seed).public())
}

/// Both ends of a channel, with room for `room` bytes between.
async fn pair(room: usize) -> (Channel<DuplexStream>, Channel<DuplexStream>) {
    let (near, far) = tokio::io::duplex(room);
    let credential = credential(NETWORK, &[&authority(1)]);
    let trust = trust(1);
    let (dialled, accepted) = tokio::join!(dial(near, &trust), accept(far, &credential));
    (dialled.unwrap(), accepted.unwrap())
}

fn shaken(credential: &Credential, trust: &Trust) -> Result<(), HandshakeError> {
    let (initiator, hello) = Initiator::hello().unwrap();
    initiator.finish(&answer(&hello, credential).unwrap().answer, trust).map(drop)
}

#[test]
fn whom_a_trusted_authority_vouches_for_is_believed_and_nobody_else() {
    let (ours, next) = (authority(1), authority(2));
    assert_eq!(shaken(&credential(NETWORK, &[&ours]), &trust(1)), Ok(()));
    let both = credential(NETWORK, &[&ours, &next]);
    assert_eq!(shaken(&both, &trust(1)), Ok(()), "while one key replaces another,");
    assert_eq!(shaken(&both, &trust(2)), Ok(()), "either is enough");

    let stranger = shaken(&credential(NETWORK, &[&authority(6)]), &trust(1));
    assert_eq!(stranger, Err(HandshakeError::Untrusted { key: authority(6).public() }));
    let elsewhere = shaken(&credential("mainnet", &[&ours]), &trust(1));
    assert!(matches!(elsewhere, Err(HandshakeError::Forged { .. })), "{elsewhere:?}");
    // The authority's signature for another channel key than that of the one who answers.
    let theirs = Credential { key: LinkSecret::generate(&mut rand::rng()), ..both };
    assert!(matches!(shaken(&theirs, &trust(1)), Err(HandshakeError::Forged { .. })));
    let nobody = shaken(&credential(NETWORK, &[]), &trust(1));
    assert_eq!(nobody, Err(HandshakeError::OtherProtocol));
}

#[test]
fn a_flipped_bit_in_an_answer_is_no_answer() {
    let credential = credential(NETWORK, &[&authority(1)]);
    let length = answer(&Initiator::hello().unwrap().1, &credential).unwrap().answer.len();
    for bit in 0..length * 8 {
        let (initiator, hello) = Initiator::hello().unwrap();
        let mut answer = answer(&hello, &credential).unwrap().answer;
        answer[bit / 8] ^= 1 << (bit % 8);
        // The highest bit of a curve point counts for nothing, but it is in the hash.
        assert!(initiator.finish(&answer, &trust(1)).is_err(), "bit {bit}");
    }
    let (first, _) = Initiator::hello().unwrap();
    let (_, other) = Initiator::hello().unwrap();
    let replayed = answer(&other, &credential).unwrap().answer;
    assert!(first.finish(&replayed, &trust(1)).is_err(), "an answer is for one hello");
}

#[tokio::test]
async fn bytes_go_there_and_back_whatever_the_pieces() {
    let seed = rand::random();
    println!("seed {seed}");
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let (mut near, mut far) = pair(1 + rng.random_range(0..3_000)).await;
    let said: Vec<u8> = (0..100_000).map(|_| rng.random()).collect();
    let sent = said.clone();
    let echo = tokio::spawn(async move {
        let mut buf = [0; 777];
        loop {
            match far.read(&mut buf).await.unwrap() {
                0 => break far.shutdown().await.unwrap(),
                length => far.write_all(&buf[..length]).await.unwrap(),
            }
            far.flush().await.unwrap();
        }
    });
    let (mut reader, mut writer) = tokio::io::split(&mut near);
    let write = async {
        let mut rest = sent.as_slice();
        while !rest.is_empty() {
            let piece = rng.random_range(1..=rest.len().min(9_000));
            writer.write_all(&rest[..piece]).await.unwrap();
            writer.flush().await.unwrap();
            rest = &rest[piece..];
        }
        writer.shutdown().await.unwrap();
    };
    let mut heard = Vec::new();
    let ((), read) = tokio::join!(write, reader.read_to_end(&mut heard));
    read.unwrap();
    echo.await.unwrap();
    assert!(heard == said, "the same bytes come back");
}

/// What comes out at the far end when somebody between changes what goes in.
async fn tampered(change: impl Fn(&mut Vec<u8>)) -> io::Result<Vec<u8>> {
    let (near, mut wire) = tokio::io::duplex(1 << 16);
    let (mut behind, far) = tokio::io::duplex(1 << 16);
    let credential = credential(NETWORK, &[&authority(1)]);
    let between = async {
        let mut hello = [0; 34];
        wire.read_exact(&mut hello).await.unwrap();
        behind.write_all(&hello).await.unwrap();
        let length = behind.read_u16().await.unwrap();
        let mut answer = vec![0; usize::from(length)];
        behind.read_exact(&mut answer).await.unwrap();
        wire.write_u16(length).await.unwrap();
        wire.write_all(&answer).await.unwrap();
    };
    let trust = trust(1);
    let (near, far, ()) = tokio::join!(dial(near, &trust), accept(far, &credential), between);
    let (mut near, mut far) = (near.unwrap(), far.unwrap());
    near.write_all(b"one").await.unwrap();
    near.write_all(b"two").await.unwrap();
    near.shutdown().await.unwrap();
    let mut frames = Vec::new();
    wire.read_to_end(&mut frames).await.unwrap();
    change(&mut frames);
    behind.write_all(&frames).await.unwrap();
    drop(behind);
    let mut heard = Vec::new();
    far.read_to_end(&mut heard).await.map(|_| heard)
}

#[tokio::test]
async fn who_stands_between_can_cut_and_nothing_else() {
    const FRAME: usize = 2 + 3 + 16;
    assert_eq!(tampered(|_| {}).await.unwrap(), b"onetwo");
    assert_eq!(tampered(|frames| frames.truncate(FRAME)).await.unwrap(), b"one", "a cut");
    let changed = async |change: fn(&mut Vec<u8>)| tampered(change).await.unwrap_err().kind();
    let invalid = io::ErrorKind::InvalidData;
    assert_eq!(changed(|frames| frames[5] ^= 1).await, invalid, "a changed bit");
    assert_eq!(changed(|frames| drop(frames.drain(..FRAME))).await, invalid, "one left out");
    assert_eq!(changed(|frames| frames.rotate_left(FRAME)).await, invalid, "another order");
    let twice = |frames: &mut Vec<u8>| frames.extend_from_within(..FRAME);
    assert_eq!(changed(twice).await, invalid, "one repeated");
    let torn = |frames: &mut Vec<u8>| frames.truncate(FRAME + 5);
    assert_eq!(changed(torn).await, io::ErrorKind::UnexpectedEof, "a frame cut through");
    assert_eq!(changed(|frames| frames[..2].fill(0xff)).await, invalid, "a length beyond bounds");
    assert_eq!(changed(|frames| frames[..2].fill(0)).await, invalid, "an empty frame");
}

#[tokio::test]
async fn another_protocol_is_said_to_be_one() {
    let trust = trust(1);
    for words in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"", b"\0", b"\0\x10garbage garbage!"] {
        let (near, mut far) = tokio::io::duplex(1 << 10);
        let server = async move {
            far.write_all(words).await.unwrap();
            far.shutdown().await.unwrap();
            let mut rest = Vec::new();
            far.read_to_end(&mut rest).await.unwrap();
        };
        let (dialled, ()) = tokio::join!(dial(near, &trust), server);
        let why = dialled.unwrap_err().to_string();
        assert!(why.contains("another protocol"), "{words:?}: {why}");
    }
    let (mut near, far) = tokio::io::duplex(1 << 10);
    near.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    let refused = accept(far, &credential(NETWORK, &[&authority(1)])).await.unwrap_err();
    assert!(refused.to_string().contains("another protocol"), "clear gRPC is not spoken");
}
