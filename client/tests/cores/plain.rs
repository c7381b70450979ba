//! A carrier without cryptography: same sizes, same delays, a thousand times as fast.

use std::time::Duration;

use mixbed_client::core::{Draft, Messenger, ReplyDue, Sent};
use mixbed_wire::message::Answer;
use mixbed_wire::{
    DropReason, Identifier, MAX_PLAINTEXT, NodeId, REPLY_BLOCK_SIZE, exponential_delay,
};
use rand::Rng;
use rand_chacha::ChaCha20Rng;

use crate::pair::Carrier;

pub(crate) const MEAN: Duration = Duration::from_millis(50);

/// Bytes of a packet before its reply blocks: kind, message id, index, count, number of blocks.
const BEFORE_BLOCKS: usize = 1 + 16 + 2 + 2 + 1;

#[derive(Default)]
pub(crate) struct Plain;

#[derive(Clone)]
pub(crate) struct Reply {
    identifier: Identifier,
    plaintext: Vec<u8>,
}

#[derive(Clone)]
pub(crate) enum Packet {
    There(Vec<u8>),
    Back(Reply),
}

fn delays(count: usize, rng: &mut ChaCha20Rng) -> Duration {
    (0..count).map(|_| exponential_delay(MEAN, rng)).sum()
}

impl Carrier for Plain {
    type Packet = Packet;
    type Key = ();
    type Block = (Identifier, Duration);

    fn seal(&mut self, draft: &Draft, rng: &mut ChaCha20Rng) -> (Sent<()>, Packet) {
        let mut replies = Vec::new();
        let mut blocks = Vec::new();
        for _ in 0..draft.blocks() {
            let mut identifier = [0; 16];
            rng.fill_bytes(&mut identifier);
            // One at the provider.
            let back = delays(5, rng);
            let mut block = [0; REPLY_BLOCK_SIZE];
            block[..16].copy_from_slice(&identifier);
            block[16..32].copy_from_slice(&back.as_nanos().to_be_bytes());
            blocks.push(block);
            replies.push(ReplyDue { identifier, back, route: Vec::new(), key: () });
        }
        let plaintext = draft.encode(&blocks);
        assert!(plaintext.len() <= MAX_PLAINTEXT);
        (Sent { there: delays(4, rng), route: Vec::new(), replies }, Packet::There(plaintext))
    }

    fn arrive(&mut self, packet: Packet) -> Vec<u8> {
        match packet {
            Packet::There(plaintext) => plaintext,
            Packet::Back(_) => panic!("a reply came to the provider"),
        }
    }

    fn block(&mut self, bytes: &[u8; REPLY_BLOCK_SIZE]) -> (Identifier, Duration) {
        let (identifier, rest) = bytes.split_first_chunk().expect("long enough");
        let nanos = u128::from_be_bytes(*rest.first_chunk().expect("long enough"));
        (*identifier, Duration::from_nanos(u64::try_from(nanos).expect("a minute at most")))
    }

    fn reply(&mut self, block: (Identifier, Duration), answer: &Answer) -> (Duration, Packet) {
        let (identifier, back) = block;
        let plaintext = answer.encode();
        assert!(plaintext.len() <= MAX_PLAINTEXT);
        (back, Packet::Back(Reply { identifier, plaintext }))
    }

    fn read(
        &mut self,
        messenger: &Messenger<()>,
        packet: Packet,
    ) -> Result<(Identifier, Vec<u8>), DropReason> {
        match packet {
            Packet::Back(Reply { identifier, plaintext }) => {
                messenger.key(&identifier)?;
                Ok((identifier, plaintext))
            }
            Packet::There(_) => panic!("a request came to the client"),
        }
    }
}

impl Plain {
    /// Writes the ways back into a packet's reply blocks, after their names and delays.
    pub(crate) fn with_routes(packet: Packet, routes: &[Vec<NodeId>]) -> Packet {
        let Packet::There(mut plaintext) = packet else { panic!("it goes there") };
        let blocks = plaintext[BEFORE_BLOCKS..].chunks_mut(REPLY_BLOCK_SIZE);
        for (block, route) in blocks.zip(routes) {
            for (at, node) in block[32..].chunks_mut(8).zip(route) {
                at.copy_from_slice(&node.to_bytes());
            }
        }
        Packet::There(plaintext)
    }

    /// The way back in a block that [`with_routes`](Self::with_routes) wrote.
    pub(crate) fn route_in(block: &[u8; REPLY_BLOCK_SIZE]) -> Vec<NodeId> {
        let (nodes, _) = block[32..64].as_chunks::<8>();
        nodes.iter().map(|node| NodeId::from_bytes(*node)).collect()
    }
}
