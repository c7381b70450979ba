//! Ours against theirs: the same bytes, for the same inputs.

mod known;
mod packets;
mod points;
mod replies;

use proptest::prelude::*;
use sphinx_packet::SphinxPacketBuilder;
use sphinx_packet::header::delays::Delay;
use sphinx_packet::route::{Destination, DestinationAddressBytes, Node, NodeAddressBytes};
use sphinx_packet::version::SINGLE_SEED_SURB_VERSION;
use x25519_dalek::{PublicKey, StaticSecret};

use super::secrets::HopSecrets;
use super::{HEADER, HOPS, PADDING, Payload, Peeled, Sender, alpha, is_genuine, peel};

/// Bytes of a payload.
const PAYLOAD: usize = 2724;

type Packet = [u8; HEADER + PAYLOAD];

/// What a sender decides.
#[derive(Clone, Debug)]
struct Plan {
    ephemeral: [u8; 32],
    keys: [[u8; 32]; HOPS],
    hops: [([u8; 32], u64); HOPS],
    destination: [u8; 32],
    identifier: [u8; 16],
    plaintext: Vec<u8>,
}

impl Plan {
    /// As ours seals it.
    fn seal(&self, padding: [u8; PADDING]) -> Packet {
        let mut packet = [0; HEADER + PAYLOAD];
        let (header, payload) = packet.split_at_mut(HEADER);
        let sender = Sender::new(&self.ephemeral, &self.keys);
        sender.write(&self.hops, &self.destination, &self.identifier, padding, header);
        let mut payload = Payload(payload);
        payload.write(&self.plaintext);
        for secrets in sender.hops().iter().rev() {
            payload.add_layer(&secrets.payload);
        }
        packet
    }

    /// As theirs does, with a padding of its own.
    fn seal_theirs(&self) -> Packet {
        let (nodes, delays) = self.route();
        let built = SphinxPacketBuilder::new()
            .with_version(SINGLE_SEED_SURB_VERSION)
            .with_payload_size(PAYLOAD)
            .with_initial_secret(&StaticSecret::from(self.ephemeral))
            .build_packet(&self.plaintext, &nodes, &self.their_destination(), &delays);
        built.expect("it fits").to_bytes().try_into().expect("one size")
    }

    fn route(&self) -> (Vec<Node>, Vec<Delay>) {
        let node = |key: [u8; 32], address| {
            Node::new(NodeAddressBytes::from_bytes(address), PublicKey::from(key))
        };
        let hops = self.keys.iter().zip(&self.hops);
        hops.map(|(key, (address, nanos))| (node(*key, *address), Delay::new_from_nanos(*nanos)))
            .unzip()
    }

    fn their_destination(&self) -> Destination {
        let address = DestinationAddressBytes::from_bytes(self.destination);
        Destination::new(address, self.identifier)
    }

    /// The padding that theirs drew for this header: what the last hop finds behind what it reads.
    fn padding(&self, header: &[u8]) -> [u8; PADDING] {
        let sender = Sender::new(&self.ephemeral, &self.keys);
        let mut header = header.to_vec();
        for secrets in &sender.hops()[..HOPS - 1] {
            peel(&mut header, secrets).expect("theirs is well made");
        }
        super::header::padding(&header, &sender.hops()[HOPS - 1])
    }
}

prop_compose! {
    /// A sender's plan, and the secrets of its hops.
    fn plan()(
        ephemeral: [u8; 32],
        secrets: [[u8; 32]; HOPS],
        hops: [([u8; 32], u64); HOPS],
        destination: [u8; 32],
        identifier in any::<[u8; 16]>().prop_filter("a name", |name| *name != [0; 16]),
        plaintext in proptest::collection::vec(any::<u8>(), 0..=PAYLOAD - 17),
    ) -> (Plan, [[u8; 32]; HOPS]) {
        let keys = secrets.map(|secret| *PublicKey::from(&StaticSecret::from(secret)).as_bytes());
        (Plan { ephemeral, keys, hops, destination, identifier, plaintext }, secrets)
    }
}
