//! A packet that sphinx-packet 0.8 made, as it is at each hop: what is on the wire stays what it is,
//! whatever the libraries become. `UPDATE=1 cargo test -p mixbed-wire known` makes another.

use std::collections::BTreeMap;
use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::packets::{Hop, ours, theirs};
use super::*;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/sphinx/tests/known.txt");

const SECRETS: [[u8; 32]; HOPS] = [[0x11; 32], [0x22; 32], [0x33; 32], [0x44; 32], [0x55; 32]];

fn plan() -> Plan {
    Plan {
        ephemeral: [0x66; 32],
        keys: SECRETS.map(|secret| *PublicKey::from(&StaticSecret::from(secret)).as_bytes()),
        hops: [0xa0, 0xa1, 0xa2, 0xa3, 0xa4].map(|hop| ([hop; 32], 1_000_000 * u64::from(hop))),
        destination: [0xdd; 32],
        identifier: [0x1d; 16],
        plaintext: b"what is on the wire stays what it is".to_vec(),
    }
}

/// The packet in hex, and a hash of what each hop makes of it.
fn known(packet: &Packet, hop: fn(&[u8; 32], &Packet) -> Hop) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::from([("packet".to_owned(), hex::encode(packet))]);
    let mut packet = *packet;
    for (number, secret) in (1..).zip(&SECRETS) {
        let (tag, after) = match hop(secret, &packet) {
            Hop::Forward { tag, packet: inner, .. } => {
                packet = inner.clone().try_into().expect("one size");
                (tag, inner)
            }
            Hop::Final { tag, payload, .. } => (tag, payload),
            other => panic!("{other:?}"),
        };
        lines.insert(format!("hop-{number}-tag"), hex::encode(tag));
        lines.insert(format!("hop-{number}-after"), hex::encode(Sha256::digest(after)));
    }
    lines
}

#[test]
fn known_packet() {
    if std::env::var_os("UPDATE").is_some() {
        let mut text = String::new();
        for (name, value) in known(&plan().seal_theirs(), theirs) {
            writeln!(text, "{name} {value}").expect("to a string");
        }
        std::fs::write(FILE, text).expect("written");
    }
    let text = std::fs::read_to_string(FILE).expect("the file");
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    let lines: BTreeMap<_, _> =
        lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let packet: Packet = hex::decode(&lines["packet"]).expect("hex").try_into().expect("a packet");
    assert_eq!(known(&packet, ours), lines);
    assert_eq!(hex::encode(plan().seal(plan().padding(&packet[..HEADER]))), lines["packet"]);
}
