//! A packet's whole way, and every way to spoil it.

mod common;

use std::time::Duration;

use common::{address, rng, route, travel};
use mixbed_wire::{
    DropReason, MAX_DELAY, MAX_PLAINTEXT, PACKET_SIZE, Packet, REPLY_BLOCK_SIZE, ReplyBlock,
    SealError, SealedReply, Unwrapped,
};
use proptest::prelude::*;

/// How long a reply waits at whoever makes it.
const WAIT: Duration = Duration::from_millis(70);

fn seal(plaintext: &[u8]) -> (Vec<mixbed_wire::SphinxSecret>, Packet) {
    let (secrets, route) = route(1);
    let packet = Packet::seal(&route, address(4), [7; 16], plaintext, &mut rng(2)).expect("fits");
    (secrets, packet)
}

#[test]
fn five_hops_find_their_layers_and_the_last_the_plaintext() {
    let plaintext = vec![42; MAX_PLAINTEXT];
    let (secrets, packet) = seal(&plaintext);
    let exit = travel(packet, &secrets);
    assert_eq!(exit.destination, address(4));
    assert_eq!(exit.identifier, [7; 16]);
    assert_eq!(exit.plaintext(), Ok(plaintext));
}

#[test]
fn the_sizes_are_those_of_the_design() {
    assert_eq!((PACKET_SIZE, REPLY_BLOCK_SIZE, MAX_PLAINTEXT), (3072, 400, 2707));
}

#[test]
fn more_than_fits_is_refused() {
    let (_, route) = route(1);
    let result = Packet::seal(&route, address(4), [0; 16], &[0; MAX_PLAINTEXT + 1], &mut rng(2));
    assert!(matches!(result, Err(SealError::TooLong(n)) if n == MAX_PLAINTEXT + 1));
}

#[test]
fn a_reply_travels_its_block_and_only_its_key_reads_it() {
    let (secrets, route) = route(3);
    let (block, key) =
        ReplyBlock::create(&route, address(4), [9; 16], WAIT, &mut rng(4)).expect("a good route");
    let (_, other_key) =
        ReplyBlock::create(&route, address(4), [9; 16], WAIT, &mut rng(5)).expect("a good route");
    let bytes: [u8; REPLY_BLOCK_SIZE] = block.to_bytes().try_into().expect("one size");
    let answer = vec![1; MAX_PLAINTEXT];

    let reply = |bytes| {
        let SealedReply { first_hop, wait, packet } =
            ReplyBlock::from_bytes(bytes).expect("a block").reply(&answer).expect("fits");
        assert_eq!((first_hop, wait), (address(0), WAIT));
        let exit = travel(packet, &secrets);
        assert_eq!(exit.identifier, [9; 16]);
        exit
    };
    assert_eq!(key.read(reply(&bytes)), Ok(answer.clone()));
    assert_eq!(other_key.read(reply(&bytes)), Err(DropReason::BadPayload));
}

#[test]
fn a_reply_does_not_wait_for_longer_than_a_packet_at_a_hop() {
    let (_, route) = route(3);
    let block = |wait| {
        let made = ReplyBlock::create(&route, address(4), [9; 16], wait, &mut rng(4));
        let (block, _) = made.expect("a good route");
        <[u8; REPLY_BLOCK_SIZE]>::try_from(block.to_bytes()).expect("one size")
    };
    let wait = |bytes: [u8; REPLY_BLOCK_SIZE]| {
        let block = ReplyBlock::from_bytes(&bytes)?;
        Ok::<_, DropReason>(block.reply(b"").expect("fits").wait)
    };
    assert_eq!(wait(block(Duration::MAX)), Ok(MAX_DELAY));
    let mut longer = block(Duration::ZERO);
    longer[..4].copy_from_slice(&60_000_001_u32.to_be_bytes());
    assert_eq!(wait(longer), Err(DropReason::DelayTooLong));
}

#[test]
fn the_replay_tag_is_the_packets_own() {
    let (secrets, packet) = seal(b"once");
    let tag = |packet: &Packet| packet.open(&secrets[0]).expect("genuine").replay_tag();
    let (_, route) = route(1);
    let other = Packet::seal(&route, address(4), [7; 16], b"once", &mut rng(3)).expect("fits");
    assert_eq!(tag(&packet), tag(&packet));
    assert_ne!(tag(&packet), tag(&other));
}

#[test]
fn another_key_does_not_open_it() {
    let (secrets, packet) = seal(b"for the first hop");
    assert_eq!(packet.open(&secrets[1]).map(|_| ()), Err(DropReason::BadMac));
}

#[test]
fn the_asked_delay_is_bounded() {
    let (secrets, mut route) = route(1);
    route[0].delay = mixbed_wire::MAX_DELAY + std::time::Duration::from_nanos(1);
    let packet = Packet::seal(&route, address(4), [0; 16], b"", &mut rng(2)).expect("fits");
    let result = packet.open(&secrets[0]).expect("genuine").unwrap(packet).map(|_| ());
    assert_eq!(result, Err(DropReason::DelayTooLong));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Header: caught by the hop's MAC. Payload: passes unseen, as Sphinx means it to, until the
    /// exit finds it garbled.
    #[test]
    fn a_flipped_bit_in_any_part_is_found(byte in 0..PACKET_SIZE, bit in 0..8_u8) {
        let (secrets, packet) = seal(b"do not touch");
        let mut bytes = *packet.as_bytes();
        bytes[byte] ^= 1 << bit;
        let mut changed = Packet::from_bytes(&bytes);
        let header = PACKET_SIZE - MAX_PLAINTEXT - 17;
        if byte < header {
            // The top bit of the group element is ignored by x25519 (RFC 7748, section 5).
            if !(byte == 31 && bit == 7) {
                prop_assert_eq!(changed.open(&secrets[0]).map(|_| ()), Err(DropReason::BadMac));
            }
        } else {
            for secret in &secrets {
                match changed.open(secret).expect("the header is whole").unwrap(changed).expect("fine") {
                    Unwrapped::Forward { packet, .. } => changed = packet,
                    Unwrapped::Exit(exit) => {
                        prop_assert_eq!(exit.plaintext(), Err(DropReason::BadPayload));
                        return Ok(());
                    }
                }
            }
        }
    }

    #[test]
    fn any_bytes_open_without_a_panic(seed: u64) {
        use rand::Rng;
        let mut bytes = [0; PACKET_SIZE];
        rng(seed).fill_bytes(&mut bytes);
        let (secrets, _) = route(1);
        prop_assert!(Packet::from_bytes(&bytes).open(&secrets[0]).is_err());
    }

    #[test]
    fn any_bytes_read_as_reply_block_without_a_panic(seed: u64) {
        use rand::Rng;
        let mut bytes = [0; REPLY_BLOCK_SIZE];
        rng(seed).fill_bytes(&mut bytes);
        if let Ok(block) = ReplyBlock::from_bytes(&bytes) {
            prop_assert!(block.reply(b"into the void").is_ok());
        }
    }
}
