//! Reply blocks: any bytes, and good ones changed on their way to the replier.

use mixbed_wire::{
    DropReason, HOPS, MAX_DELAY, MAX_PLAINTEXT, REPLY_BLOCK_SIZE, ReplyBlock, SealError,
    SealedReply, Unwrapped,
};

use crate::Seed;
use crate::input::{Edits, Input, padded};
use crate::net::{SECRETS, address, rng, route};

/// Any bytes are refused or make a packet; by a good block the answer comes back unchanged, and by
/// a changed one nothing ever comes that its creator takes for an answer.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    if input.byte().is_multiple_of(2) {
        let bytes: [u8; REPLY_BLOCK_SIZE] = padded(input.rest());
        if let Ok(block) = ReplyBlock::from_bytes(&bytes) {
            assert_eq!(block.to_bytes(), bytes, "there is one encoding");
            let first = block.first_hop();
            let reply = block.reply(b"into the void").expect("a short answer");
            let SealedReply { first_hop, wait, packet } = reply;
            assert!(first_hop == first && wait <= MAX_DELAY);
            assert_eq!(packet.open(&SECRETS[0]).map(|_| ()), Err(DropReason::BadMac));
        }
        return;
    }
    changed(&mut input);
}

fn changed(input: &mut Input<'_>) {
    let edits = Edits::read(input);
    let length = usize::from(input.u16()) % (MAX_PLAINTEXT + 8);
    let mut answer = input.take(length).to_vec();
    answer.resize(length, 0x22);
    let wait = std::time::Duration::from_millis(9);
    let made = ReplyBlock::create(&route(), address(4), [3; 16], wait, &mut rng(5));
    let (block, key) = made.expect("a good route");
    let mut bytes: [u8; REPLY_BLOCK_SIZE] = padded(&block.to_bytes());
    let spoilt = edits.apply(0, &mut bytes);
    let Ok(block) = ReplyBlock::from_bytes(&bytes) else {
        return assert!(spoilt, "a good block is refused");
    };
    let SealedReply { first_hop: first, mut packet, .. } = match block.reply(&answer) {
        Ok(reply) => reply,
        Err(SealError::TooLong(_)) => return assert!(length > MAX_PLAINTEXT),
        Err(SealError::Unnamed) => panic!("it has a name"),
    };
    assert!(spoilt || first == address(0));
    for hop in 0..HOPS {
        match packet.open(&SECRETS[hop]).and_then(|opened| opened.unwrap(packet)) {
            Ok(Unwrapped::Forward { packet: inner, .. }) => packet = inner,
            Ok(Unwrapped::Exit(exit)) => {
                assert_eq!(exit.identifier, [3; 16]);
                // A change in the wait or the first hop's address harms nobody but the replier.
                match key.read(exit) {
                    Ok(read) => assert_eq!(read, answer),
                    Err(reason) => assert!(spoilt, "{reason}"),
                }
                return;
            }
            Err(reason) => return assert!(spoilt, "hop {hop}: {reason}"),
        }
    }
    panic!("the route has no end");
}

/// Blocks as they are, changed in each part, and garbage.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let edit = |at: u16| [&[1, 1, 0], at.to_be_bytes().as_slice(), &[1, 1, 0, 4]].concat();
    vec![
        ("garbage", vec![0, 9, 9, 9, 9]),
        ("good", [&[1, 0, 0, 5], b"hello".as_slice()].concat()),
        ("full", vec![1, 0, 0x0a, 0x93]),
        ("wait", edit(3)),
        ("header", edit(44)),
        ("address", edit(354)),
        ("seed", edit(394)),
    ]
}
