//! Whole packets, both ways, at each hop.

use sphinx_packet::packet::ProcessedPacketData;
use sphinx_packet::payload::key::derive_payload_key;
use sphinx_packet::{SphinxPacket, payload};

use super::*;

/// What a hop makes of a packet: the packet for the next one, or the end; and the replay tag.
#[derive(Debug, PartialEq)]
pub(super) enum Hop {
    Refused,
    Unreadable,
    Forward { tag: [u8; 32], next: [u8; 32], nanos: u64, packet: Vec<u8> },
    Final { tag: [u8; 32], destination: [u8; 32], identifier: [u8; 16], payload: Vec<u8> },
}

pub(super) fn ours(secret: &[u8; 32], packet: &Packet) -> Hop {
    let mut packet = *packet;
    let (header, payload) = packet.split_at_mut(HEADER);
    let secrets = HopSecrets::at_hop(secret, &alpha(header));
    if !is_genuine(header, &secrets) {
        return Hop::Refused;
    }
    let Ok(peeled) = peel(header, &secrets) else { return Hop::Unreadable };
    Payload(payload).take_layer(&secrets.payload);
    let tag = secrets.tag;
    match peeled {
        Peeled::Forward { next, nanos } => {
            Hop::Forward { tag, next, nanos, packet: packet.to_vec() }
        }
        Peeled::Final { destination, identifier } => {
            Hop::Final { tag, destination, identifier, payload: payload.to_vec() }
        }
    }
}

pub(super) fn theirs(secret: &[u8; 32], packet: &Packet) -> Hop {
    let packet = SphinxPacket::from_bytes(packet).expect("the size of a packet");
    let secrets = packet.header.compute_expanded_shared_secret(&StaticSecret::from(*secret));
    if packet.header.ensure_header_integrity(&secrets).is_err() {
        return Hop::Refused;
    }
    let tag = *secrets.replay_tag();
    match packet.process_with_expanded_secret(&secrets) {
        Ok(processed) if processed.version == SINGLE_SEED_SURB_VERSION => match processed.data {
            ProcessedPacketData::ForwardHop { next_hop_packet, next_hop_address, delay } => {
                Hop::Forward {
                    tag,
                    next: next_hop_address.to_bytes(),
                    nanos: delay.to_nanos(),
                    packet: next_hop_packet.to_bytes(),
                }
            }
            ProcessedPacketData::FinalHop { destination, identifier, payload } => Hop::Final {
                tag,
                destination: destination.as_bytes(),
                identifier,
                payload: payload.into_bytes(),
            },
        },
        _ => Hop::Unreadable,
    }
}

/// Takes a packet along its way, at each hop by both; the payload at its end.
pub(super) fn travel(plan: &Plan, secrets: &[[u8; 32]; HOPS], mut packet: Packet) -> Vec<u8> {
    for (hop, secret) in secrets.iter().enumerate() {
        let found = ours(secret, &packet);
        assert_eq!(found, theirs(secret, &packet), "hop {hop}");
        match found {
            Hop::Forward { next, nanos, packet: inner, .. } => {
                assert_eq!((next, nanos), (plan.hops[hop + 1].0, plan.hops[hop].1));
                packet = inner.try_into().expect("one size");
            }
            Hop::Final { destination, identifier, payload, .. } => {
                assert_eq!(hop, HOPS - 1);
                assert_eq!((destination, identifier), (plan.destination, plan.identifier));
                return payload;
            }
            other => panic!("hop {hop}: {other:?}"),
        }
    }
    panic!("the route has no end");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// And so what one of them seals opens at the other, at each hop.
    #[test]
    fn both_seal_the_same_bytes((plan, secrets) in plan()) {
        let sealed = plan.seal_theirs();
        let padding = plan.padding(&sealed[..HEADER]);
        prop_assert_eq!(hex::encode(plan.seal(padding)), hex::encode(sealed));
        let mut payload = travel(&plan, &secrets, sealed);
        let read = Payload(&mut payload).read();
        prop_assert_eq!(read, Some(plan.plaintext.as_slice()));
    }

    /// Keys of which nobody has the secret, twist and small order among them.
    #[test]
    fn both_seal_the_same_bytes_for_hostile_keys(
        (mut plan, _) in plan(),
        hostile in proptest::collection::vec((0..HOPS, any::<[u8; 32]>(), 0..3), 1..4),
    ) {
        for (hop, bytes, kind) in hostile {
            plan.keys[hop] = match kind {
                0 => bytes,
                1 => [0; 32],
                _ => [&[1_u8][..], &[0; 31]].concat().try_into().unwrap(),
            };
        }
        let sealed = plan.seal_theirs();
        let padding = plan.padding(&sealed[..HEADER]);
        prop_assert_eq!(hex::encode(plan.seal(padding)), hex::encode(sealed));
    }

    /// Any change, of header or payload; any alpha.
    #[test]
    fn both_make_the_same_of_a_changed_packet(
        (plan, secrets) in plan(),
        at in 0..HEADER + PAYLOAD,
        mask in 1_u8..,
        alpha: Option<[u8; 32]>,
    ) {
        let mut packet = plan.seal([0; PADDING]);
        packet[at] ^= mask;
        if let Some(alpha) = alpha {
            packet[..32].copy_from_slice(&alpha);
        }
        prop_assert_eq!(ours(&secrets[0], &packet), theirs(&secrets[0], &packet));
    }

    /// A sender that writes any bytes where its first hop reads, sealed well; by an alpha of small order
    /// too, which shares a secret with every key.
    #[test]
    fn both_make_the_same_of_any_routing_information(
        secret: [u8; 32],
        alpha in prop_oneof![any::<[u8; 32]>(), Just([0; 32])],
        flag in 0..4_u8,
        version in prop_oneof![Just(260), any::<u16>()],
        zero: u8,
        rest: [u8; 32],
    ) {
        let mut packet = [rest[0]; HEADER + PAYLOAD];
        packet[..32].copy_from_slice(&alpha);
        packet[52..84].copy_from_slice(&rest);
        let [major, minor] = version.to_be_bytes();
        packet[48..52].copy_from_slice(&[flag, zero, major, minor]);
        super::super::header::seal_again(&mut packet[..HEADER], &HopSecrets::at_hop(&secret, &alpha));
        let found = ours(&secret, &packet);
        let readable = version == 260 && (1..=2).contains(&flag);
        prop_assert!(found != Hop::Refused && readable == (found != Hop::Unreadable));
        prop_assert_eq!(found, theirs(&secret, &packet));
    }

    #[test]
    fn a_layer_of_the_payload_is_theirs(seed: [u8; 16], mut bytes in proptest::collection::vec(any::<u8>(), 33..400)) {
        let key = derive_payload_key(&seed);
        let theirs = payload::Payload::from_bytes(&bytes).unwrap().add_encryption_layer(key).unwrap();
        let before = bytes.clone();
        Payload(&mut bytes).add_layer(&seed);
        prop_assert_eq!(&bytes, theirs.as_bytes());
        Payload(&mut bytes).take_layer(&seed);
        prop_assert_eq!(bytes, before);
    }

    /// Any end of a payload reads alike, the honest and the garbled.
    #[test]
    fn a_plaintext_is_read_as_theirs_is(
        zeros in 14..=18_usize,
        mut rest in proptest::collection::vec(0..3_u8, 40),
    ) {
        let mut bytes = vec![0; zeros];
        bytes.append(&mut rest);
        let theirs = payload::Payload::from_bytes(&bytes).unwrap().recover_plaintext().ok();
        prop_assert_eq!(Payload(&mut bytes).read(), theirs.as_deref());
    }
}
