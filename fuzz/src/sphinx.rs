//! Ours against sphinx-packet's: the same bytes and the same verdicts, whoever made what is opened.

use std::time::Duration;

use mixbed_wire::{
    DropReason, HOPS, HopAddress, Identifier, MAX_DELAY, MAX_PLAINTEXT, PACKET_SIZE, Packet,
    REPLY_BLOCK_SIZE, ReplayTag, ReplyBlock, Route, RouteHop, SphinxPublic, SphinxSecret,
    Unwrapped,
};
use rand::Rng;
use sphinx_packet::crypto::{PrivateKey, PublicKey};
use sphinx_packet::header::HEADER_SIZE;
use sphinx_packet::header::delays::Delay;
use sphinx_packet::packet::ProcessedPacketData;
use sphinx_packet::payload::PAYLOAD_OVERHEAD_SIZE;
use sphinx_packet::route::{Destination, DestinationAddressBytes, Node, NodeAddressBytes};
use sphinx_packet::version::SINGLE_SEED_SURB_VERSION;
use sphinx_packet::{SURB, SURBMaterial, SphinxPacket, SphinxPacketBuilder};

use crate::Seed;
use crate::input::{Input, padded};
use crate::net::{SECRETS, address, rng};
use crate::packet::{ROUTING, write};

const PAYLOAD: usize = MAX_PLAINTEXT + PAYLOAD_OVERHEAD_SIZE;

/// What a hop makes of a packet.
#[derive(Debug, PartialEq)]
enum Hop {
    Forward(HopAddress, Duration, Box<[u8; PACKET_SIZE]>),
    Exit(HopAddress, Identifier, Result<Vec<u8>, DropReason>),
}

/// Both say the same to any packet, seal the same, and make and use the same reply blocks.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 4 {
        0 => {
            let _: Result<Hop, DropReason> = alike(0, &Packet::from_bytes(&padded(input.rest())));
        }
        1 => written(&mut input),
        2 => sealed(&mut input),
        _ => replied(&mut input),
    }
}

/// Both open it; what they say.
fn alike(hop: usize, packet: &Packet) -> Result<Hop, DropReason> {
    let (ours, theirs) = (ours(hop, packet), theirs(hop, packet));
    assert_eq!(ours, theirs, "hop {hop}");
    ours.map(|(_, hop)| hop)
}

fn ours(hop: usize, packet: &Packet) -> Result<(ReplayTag, Hop), DropReason> {
    let opened = packet.open(&SECRETS[hop])?;
    let tag = opened.replay_tag();
    let found = match opened.unwrap(packet.clone())? {
        Unwrapped::Forward { next, delay, packet } => {
            Hop::Forward(next, delay, Box::new(*packet.as_bytes()))
        }
        Unwrapped::Exit(exit) => Hop::Exit(exit.destination, exit.identifier, exit.plaintext()),
    };
    Ok((tag, found))
}

fn theirs(hop: usize, packet: &Packet) -> Result<(ReplayTag, Hop), DropReason> {
    let packet = SphinxPacket::from_bytes(packet.as_bytes()).map_err(|_| DropReason::Malformed)?;
    let secret = PrivateKey::from(*SECRETS[hop].to_bytes());
    let secret = packet.header.compute_expanded_shared_secret(&secret);
    packet.header.ensure_header_integrity(&secret).map_err(|_| DropReason::BadMac)?;
    let processed =
        packet.process_with_expanded_secret(&secret).map_err(|_| DropReason::Malformed)?;
    if processed.version != SINGLE_SEED_SURB_VERSION {
        return Err(DropReason::UnsupportedVersion);
    }
    let found = match processed.data {
        ProcessedPacketData::ForwardHop { next_hop_packet, next_hop_address, delay } => {
            if delay.to_duration() > MAX_DELAY {
                return Err(DropReason::DelayTooLong);
            }
            let next = HopAddress::from_bytes(next_hop_address.to_bytes());
            Hop::Forward(next, delay.to_duration(), Box::new(padded(&next_hop_packet.to_bytes())))
        }
        ProcessedPacketData::FinalHop { destination, identifier, payload } => Hop::Exit(
            HopAddress::from_bytes(destination.as_bytes()),
            identifier,
            payload.recover_plaintext().map_err(|_| DropReason::BadPayload),
        ),
    };
    Ok((padded(secret.replay_tag()), found))
}

/// Any routing information, sealed well, by any group element.
fn written(input: &mut Input<'_>) {
    let alpha = PublicKey::from(input.array::<32>());
    let routing: [u8; ROUTING] = input.array();
    let packet = write(alpha, routing, &padded(input.rest()));
    assert_ne!(alike(0, &packet), Err(DropReason::BadMac), "it was sealed for this hop");
}

/// A sender's choices, and the library's words for them.
struct Plan {
    route: Route,
    nodes: Vec<Node>,
    delays: Vec<Delay>,
    identifier: Identifier,
    destination: Destination,
    /// The generator that ours draws the ephemeral secret from first, and that secret.
    rng: rand_chacha::ChaCha20Rng,
    ephemeral: PrivateKey,
    plaintext: Vec<u8>,
}

impl Plan {
    fn read(input: &mut Input<'_>) -> Self {
        let mut keys = SECRETS.each_ref().map(SphinxSecret::public);
        let flags = input.byte();
        for (hop, key) in keys.iter_mut().enumerate() {
            if flags & 1 << hop != 0 {
                // A key that nobody has, perhaps on the twist or of small order.
                *key = SphinxPublic::from_bytes(input.array());
            }
        }
        let nanos = input.u64() % 60_000_000_000;
        let route: Route = std::array::from_fn(|hop| RouteHop {
            address: address(hop),
            key: keys[hop],
            delay: Duration::from_nanos(nanos),
        });
        let node = |hop: &RouteHop| {
            let address = NodeAddressBytes::from_bytes(hop.address.to_bytes());
            Node::new(address, PublicKey::from(*hop.key.as_bytes()))
        };
        let rng = rng(input.u64());
        let mut ephemeral = [0; 32];
        rng.clone().fill_bytes(&mut ephemeral);
        let mut identifier: Identifier = input.array();
        identifier[0] |= 1;
        let length = usize::from(input.u16()) % (MAX_PLAINTEXT + 1);
        let mut plaintext = input.take(length).to_vec();
        plaintext.resize(length, 0x33);
        let end = DestinationAddressBytes::from_bytes(address(4).to_bytes());
        Self {
            nodes: route.iter().map(node).collect(),
            delays: vec![Delay::new_from_nanos(nanos); HOPS],
            route,
            identifier,
            destination: Destination::new(end, identifier),
            rng,
            ephemeral: PrivateKey::from(ephemeral),
            plaintext,
        }
    }

    /// Takes both packets along their way: all but the last hop's padding is the same, which the
    /// library draws for itself and which shows in no part but beta and gamma.
    fn travel(&self, mut ours: Packet, mut theirs: Packet) {
        let same = |packet: &Packet| {
            let bytes = packet.as_bytes();
            (bytes[..32].to_vec(), bytes[HEADER_SIZE..].to_vec())
        };
        for hop in 0..HOPS {
            assert!(same(&ours) == same(&theirs), "before hop {hop}");
            match (alike(hop, &ours), alike(hop, &theirs)) {
                (
                    Ok(Hop::Forward(one, wait, inner)),
                    Ok(Hop::Forward(other, longer, theirs_inner)),
                ) => {
                    assert_eq!((one, wait), (other, longer));
                    (ours, theirs) =
                        (Packet::from_bytes(&inner), Packet::from_bytes(&theirs_inner));
                }
                (one, other) => {
                    // It ends here, or at a hop whose key was made up.
                    assert_eq!(one, other);
                    let honest = self.route[hop].key == SECRETS[hop].public();
                    return assert!(one.is_ok() || !honest, "hop {hop}");
                }
            }
        }
    }
}

fn sealed(input: &mut Input<'_>) {
    let plan = Plan::read(input);
    let (end, mut rng) = (plan.route[HOPS - 1].address, plan.rng.clone());
    let ours = Packet::seal(&plan.route, end, plan.identifier, &plan.plaintext, &mut rng);
    let theirs = SphinxPacketBuilder::new()
        .with_version(SINGLE_SEED_SURB_VERSION)
        .with_payload_size(PAYLOAD)
        .with_initial_secret(&plan.ephemeral)
        .build_packet(&plan.plaintext, &plan.nodes, &plan.destination, &plan.delays)
        .expect("it fits");
    let theirs = Packet::from_bytes(&padded(&theirs.to_bytes()));
    plan.travel(ours.expect("it fits"), theirs);
}

fn replied(input: &mut Input<'_>) {
    let mut plan = Plan::read(input);
    let end = plan.route[HOPS - 1].address;
    let (ours, key) =
        ReplyBlock::create(&plan.route, end, plan.identifier, Duration::ZERO, &mut plan.rng)
            .expect("it has a name");
    let material = SURBMaterial::new(
        plan.nodes.clone(),
        plan.delays.clone(),
        plan.destination.clone(),
        SINGLE_SEED_SURB_VERSION,
    );
    let (theirs, recovery) =
        SURB::new_recoverable(plan.ephemeral.clone(), material).expect("a good route");
    let (our_bytes, their_bytes) = (ours.to_bytes(), theirs.to_bytes());
    let whole: [u8; REPLY_BLOCK_SIZE] = padded(&[&[0; 4], their_bytes.as_slice()].concat());
    assert_eq!(our_bytes[4..36], their_bytes[..32], "alpha");
    assert_eq!(our_bytes[4 + HEADER_SIZE..], their_bytes[HEADER_SIZE..], "first hop and seed");
    // Either uses the other's block.
    let by_us = ReplyBlock::from_bytes(&whole).expect("no wait").reply(&plan.plaintext);
    let (by_them, _) = theirs.use_surb(&plan.plaintext, PAYLOAD).expect("it fits");
    let by_us = by_us.expect("it fits").packet;
    assert!(by_us.as_bytes()[..] == by_them.to_bytes(), "a reply by their block");
    let surb = SURB::from_bytes(&our_bytes[4..]).expect("a block");
    let (ours_by_them, _) = surb.use_surb(&plan.plaintext, PAYLOAD).expect("it fits");
    let ours_by_us = ours.reply(&plan.plaintext).expect("it fits").packet;
    assert!(ours_by_us.as_bytes()[..] == ours_by_them.to_bytes(), "a reply by our block");
    plan.read_alike(ours_by_us.clone(), &key, &recovery);
    plan.travel(ours_by_us, by_us);
}

impl Plan {
    /// At the end of the way both read the reply.
    fn read_alike(
        &self,
        mut packet: Packet,
        key: &mixbed_wire::ReplyKey,
        recovery: &sphinx_packet::SurbReplyRecovery,
    ) {
        for (hop, secret) in SECRETS.iter().enumerate() {
            let Ok(opened) = packet.open(secret) else { return };
            match opened.unwrap(packet).expect("well made") {
                Unwrapped::Forward { packet: inner, .. } => packet = inner,
                Unwrapped::Exit(exit) => {
                    assert_eq!((hop, recovery.identifier()), (HOPS - 1, key.identifier()));
                    return assert_eq!(key.read(exit), Ok(self.plaintext.clone()));
                }
            }
        }
        panic!("the route has no end");
    }
}

/// Each kind of packet, key and block.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let written = |alpha: [u8; 32], flag, version: u16| {
        let mut input = vec![1];
        input.extend_from_slice(&alpha);
        input.extend_from_slice(&[flag, 0]);
        input.extend_from_slice(&version.to_be_bytes());
        input.extend_from_slice(&address(1).to_bytes());
        input.extend_from_slice(&1_000_000_u64.to_be_bytes());
        input
    };
    let plan = |mode: u8, flags: u8, keys: &[[u8; 32]]| {
        let mut input = vec![mode, flags];
        input.extend_from_slice(keys.as_flattened());
        input.extend_from_slice(&5_000_000_u64.to_be_bytes());
        input.extend_from_slice(&[7; 24]);
        input.extend_from_slice(&[0, 5]);
        input.extend_from_slice(b"hello");
        input
    };
    let honest = *SECRETS[3].public().as_bytes();
    let (twist, small) = ([2; 32], [0; 32]);
    vec![
        ("any", [&[0_u8][..], &[0x5a; 64]].concat()),
        ("forward", written(honest, 1, 260)),
        ("final", written(honest, 2, 260)),
        ("version", written(honest, 1, 258)),
        ("flag", written(honest, 0, 260)),
        ("small", written(small, 1, 260)),
        ("sealed", plan(2, 0, &[])),
        ("sealed-hostile", plan(2, 0b1_1010, &[twist, small, honest])),
        ("replied", plan(3, 0, &[])),
        ("replied-hostile", plan(3, 0b0_1000, &[twist])),
    ]
}
