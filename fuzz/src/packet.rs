//! A packet's bytes: any, a good packet's changed on its way, and what a hostile sender seals.

use std::sync::LazyLock;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use mixbed_wire::{
    DropReason, HOPS, HopAddress, MAX_DELAY, MAX_PLAINTEXT, PACKET_SIZE, Packet, RouteHop,
    SealError, SphinxPublic, SphinxSecret, Unwrapped,
};
use sha2::Sha256;
use sphinx_packet::constants::EXPANDED_SHARED_SECRET_HKDF_INFO;
use sphinx_packet::crypto::{PrivateKey, PublicKey, generate_pseudorandom_bytes};
use sphinx_packet::header::HEADER_SIZE;

use crate::Seed;
use crate::input::{Edits, Input, padded};
use crate::net::{SECRETS, address, rng, route};

/// The bytes of a header that its sender encrypts: routing information for five hops.
pub(crate) const ROUTING: usize = HEADER_SIZE - 32 - 16;

static GOOD: LazyLock<Packet> = LazyLock::new(|| {
    Packet::seal(&route(), address(4), [7; 16], b"do not touch", &mut rng(3)).expect("it fits")
});

/// What no key has sealed does not open; what was changed on its way is found; what a sender has
/// sealed arrives as it was sealed or is refused by name. And nothing panics.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    match input.byte() % 4 {
        0 => any_bytes(input),
        1 => changed(&mut input),
        2 => sealed(&mut input),
        _ => written(&mut input),
    }
}

fn any_bytes(input: Input<'_>) {
    let packet = Packet::from_bytes(&padded(input.rest()));
    assert_eq!(packet.open(&SECRETS[0]).map(|_| ()), Err(DropReason::BadMac));
}

/// Edits number n are made before hop n.
fn changed(input: &mut Input<'_>) {
    let edits = Edits::read(input);
    let mut packet = GOOD.clone();
    let mut garbled = false;
    for hop in 0..HOPS {
        let before = *packet.as_bytes();
        let mut bytes = before;
        edits.apply(u8::try_from(hop).expect("few hops"), &mut bytes);
        // x25519 does not look at the top bit of a group element (RFC 7748, section 5).
        let header = |bytes: &[u8; PACKET_SIZE]| {
            let mut header: [u8; HEADER_SIZE] = padded(bytes);
            header[31] &= 0x7f;
            header
        };
        let spoilt = header(&before) != header(&bytes);
        garbled |= before[HEADER_SIZE..] != bytes[HEADER_SIZE..];
        packet = Packet::from_bytes(&bytes);
        let opened = packet.open(&SECRETS[hop]);
        let opened = match opened {
            Err(reason) => {
                assert!(spoilt && reason == DropReason::BadMac, "hop {hop}: {reason}");
                return;
            }
            Ok(opened) => {
                assert!(!spoilt, "hop {hop}: a changed header opened");
                opened
            }
        };
        match opened.unwrap(packet).expect("the header is whole") {
            Unwrapped::Forward { next, packet: inner, .. } => {
                assert_eq!(next, address(hop + 1));
                packet = inner;
            }
            Unwrapped::Exit(exit) => {
                assert_eq!((hop, exit.identifier), (HOPS - 1, [7; 16]));
                let plaintext = exit.plaintext();
                if garbled {
                    assert_eq!(plaintext, Err(DropReason::BadPayload));
                } else {
                    assert_eq!(plaintext, Ok(b"do not touch".to_vec()));
                }
                return;
            }
        }
    }
    panic!("the route has no end");
}

/// A sender that asks for anything, by our own means.
fn sealed(input: &mut Input<'_>) {
    let mut keys = SECRETS.each_ref().map(SphinxSecret::public);
    if input.byte() % 8 == 7 {
        // A key that nobody has, perhaps a point of small order.
        keys[usize::from(input.byte()) % HOPS] = SphinxPublic::from_bytes(input.array());
    }
    let route: [RouteHop; HOPS] = std::array::from_fn(|hop| RouteHop {
        address: HopAddress::from_bytes(input.array()),
        key: keys[hop],
        delay: Duration::from_nanos(input.u64()),
    });
    let destination = HopAddress::from_bytes(input.array());
    let identifier = input.array();
    let length = usize::from(input.u16()) % (MAX_PLAINTEXT + 8);
    let mut plaintext = input.take(length).to_vec();
    plaintext.resize(length, 0x11);
    let sealed = Packet::seal(&route, destination, identifier, &plaintext, &mut rng(4));
    let mut packet = match sealed {
        Ok(packet) => packet,
        Err(SealError::TooLong(_)) => return assert!(length > MAX_PLAINTEXT),
        Err(SealError::Unnamed) => panic!("a packet needs no name"),
    };
    assert!(length <= MAX_PLAINTEXT);
    for hop in 0..HOPS {
        let Ok(opened) = packet.open(&SECRETS[hop]) else {
            assert_ne!(keys[hop], SECRETS[hop].public(), "hop {hop} does not open its layer");
            return;
        };
        match opened.unwrap(packet) {
            Ok(Unwrapped::Forward { next, delay, packet: inner }) => {
                assert_eq!((next, delay), (route[hop + 1].address, route[hop].delay));
                assert!(delay <= MAX_DELAY);
                packet = inner;
            }
            Ok(Unwrapped::Exit(exit)) => {
                assert_eq!((exit.destination, exit.identifier), (destination, identifier));
                assert_eq!(exit.plaintext(), Ok(plaintext));
                return;
            }
            Err(reason) => {
                assert_eq!(reason, DropReason::DelayTooLong, "hop {hop}");
                assert!(route[hop].delay > MAX_DELAY);
                return;
            }
        }
    }
    panic!("the route has no end");
}

/// A sender that writes any bytes into its routing information, and seals them well.
fn written(input: &mut Input<'_>) {
    let routing: [u8; ROUTING] = input.array();
    let payload: [u8; PACKET_SIZE - HEADER_SIZE] = padded(input.rest());
    let packet = write(PublicKey::from(&PrivateKey::from([9; 32])), routing, &payload);
    let opened = packet.open(&SECRETS[0]).expect("sealed for this hop");
    let version = [routing[2], routing[3]];
    match opened.unwrap(packet) {
        Ok(unwrapped) => {
            assert_eq!(u16::from_be_bytes(version), 260, "the one version that is spoken");
            match unwrapped {
                Unwrapped::Forward { next, delay, .. } => {
                    assert_eq!(routing[0], 1);
                    assert!(delay <= MAX_DELAY);
                    assert_eq!(next, HopAddress::from_bytes(padded(&routing[4..])));
                }
                Unwrapped::Exit(exit) => {
                    assert_eq!(routing[0], 2);
                    assert!(
                        exit.plaintext().map_or(0, |plaintext| plaintext.len()) <= MAX_PLAINTEXT
                    );
                }
            }
        }
        Err(reason) => assert!(
            matches!(
                reason,
                DropReason::UnsupportedVersion | DropReason::DelayTooLong | DropReason::Malformed
            ),
            "{reason}"
        ),
    }
}

/// A header for the first hop after the Sphinx paper, with sphinx-packet's functions of the shared secret.
pub(crate) fn write(
    alpha: PublicKey,
    mut routing: [u8; ROUTING],
    payload: &[u8; PACKET_SIZE - HEADER_SIZE],
) -> Packet {
    let hop = PrivateKey::from(*SECRETS[0].to_bytes());
    // HKDF-SHA256 without a salt, its first block: the stream cipher's key, then the MAC's.
    let hmac = |key: &[u8], data: &[&[u8]]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
        for part in data {
            mac.update(part);
        }
        <[u8; 32]>::from(mac.finalize().into_bytes())
    };
    let extracted = hmac(&[0; 32], &[hop.diffie_hellman(&alpha).as_bytes()]);
    let keys = hmac(&extracted, &[EXPANDED_SHARED_SECRET_HKDF_INFO, &[1]]);
    let stream = generate_pseudorandom_bytes(&padded(&keys), &[0; 16], ROUTING);
    routing.iter_mut().zip(stream).for_each(|(byte, stream)| *byte ^= stream);
    let mac = hmac(&keys[16..], &[&routing]);
    let bytes = [alpha.as_bytes().as_slice(), &mac[..16], &routing, payload].concat();
    Packet::from_bytes(&padded(&bytes))
}

/// Each way to make a packet, good and spoilt.
#[must_use]
pub fn seeds() -> Vec<Seed> {
    let edit = |hop, at: u16| [&[1, 1, hop], at.to_be_bytes().as_slice(), &[1, 0x40]].concat();
    let sealed = |delay: u64, plaintext: &[u8]| {
        let mut input = vec![2, 0];
        for hop in 0..HOPS {
            input.extend_from_slice(&address(hop).to_bytes());
            input.extend_from_slice(&delay.to_be_bytes());
        }
        input.extend_from_slice(&[5; 48]);
        input.extend_from_slice(&u16::try_from(plaintext.len()).expect("short").to_be_bytes());
        input.extend_from_slice(plaintext);
        input
    };
    let written = |flag, version: u16, delay: u64| {
        let mut input = vec![3, flag, 0];
        input.extend_from_slice(&version.to_be_bytes());
        input.extend_from_slice(&address(1).to_bytes());
        input.extend_from_slice(&delay.to_be_bytes());
        input
    };
    vec![
        ("any", [&[0_u8][..], &[0x5a; 64]].concat()),
        ("untouched", vec![1, 0]),
        ("header", edit(0, 100)),
        ("mac", edit(2, 33)),
        ("payload", edit(3, 1000)),
        ("sealed", sealed(1_000_000, b"hello")),
        ("too-long", sealed(61_000_000_000, b"")),
        ("forward", written(1, 260, 1_000_000)),
        ("final", written(2, 260, 0)),
        ("version", written(1, 259, 0)),
        ("flag", written(3, 260, 0)),
    ]
}
