use mixbed_wire::{NodeId, Packet, RouteHop, TraceContext};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::*;

fn route<P: PacketFormat>(rng: &mut ChaCha20Rng) -> (Route, Vec<P::Secret>) {
    let secrets: Vec<_> = (0..HOPS).map(|_| P::secret(rng)).collect();
    let trace = Some(TraceContext { trace_id: [3; 16], span_id: [4; 8] });
    let route = std::array::from_fn(|at| RouteHop {
        address: HopAddress { node: NodeId::from_bytes([u8::try_from(at).unwrap() + 1; 8]), trace },
        key: P::public(&secrets[at]),
        delay: Duration::from_millis(10 + u64::try_from(at).unwrap()),
    });
    (route, secrets)
}

/// What the hops and the end of a route see, whatever the packet is made of.
fn travel<P: PacketFormat>(
    mut packet: P,
    secrets: &[P::Secret],
) -> (Vec<(HopAddress, Duration)>, P::Exit) {
    let mut seen = Vec::new();
    for (at, secret) in secrets.iter().enumerate() {
        let other = &secrets[(at + 1) % secrets.len()];
        assert_eq!(packet.open(other).map(drop), Err(DropReason::BadMac));
        let (one, two) = (packet.open(secret).unwrap(), packet.open(secret).unwrap());
        assert_eq!(P::replay_tag(&one), P::replay_tag(&two));
        match P::unwrap(one, packet).unwrap() {
            Unwrapped::Forward { next, delay, packet: inner } => {
                seen.push((next, delay));
                packet = inner;
            }
            Unwrapped::Exit(exit) => return (seen, exit),
        }
    }
    panic!("the route does not end");
}

/// All that the cores can see of a packet there and its reply.
fn there_and_back<P: PacketFormat>() -> impl PartialEq + std::fmt::Debug {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (way, secrets) = route::<P>(&mut rng);
    let own = HopAddress { node: NodeId::from_bytes([9; 8]), trace: way[0].address.trace };
    let wait = Duration::from_micros(1_234);
    let (block, key) = P::reply_block(&way, own, [7; 16], wait, &mut rng).unwrap();
    let packet = P::seal(&way, own, [0; 16], &block, &mut rng).unwrap();
    let (there, exit) = travel(packet, &secrets);
    let ended = P::ends_at(&exit);
    let found = P::plaintext(exit).unwrap();
    assert_eq!(found, block, "what was sealed");
    let found: &[u8; REPLY_BLOCK_SIZE] = found.as_slice().try_into().unwrap();
    let reply = P::reply(P::read_block(found).unwrap(), b"answer").unwrap();
    let SealedReply { first_hop: first, wait: waits, packet } = reply;
    assert_eq!(waits, wait);
    let (back, exit) = travel(packet, &secrets);
    let named = P::ends_at(&exit);
    let answer = P::read_reply(&key, exit).unwrap();
    let (_, other) = P::reply_block(&way, own, [7; 16], wait, &mut rng).unwrap();
    let again = P::reply(P::read_block(&block).unwrap(), b"answer").unwrap();
    let wrong = P::read_reply(&other, travel(again.packet, &secrets).1);
    assert_eq!(wrong, Err(DropReason::BadPayload), "another reply's key");
    (there, ended, first, back, named, answer)
}

#[test]
fn it_shows_the_cores_what_sphinx_shows_them() {
    // The types differ only in what the closure hides: compare by their texts.
    let (sphinx, transparent) = (there_and_back::<Packet>(), there_and_back::<Transparent>());
    assert_eq!(format!("{sphinx:?}"), format!("{transparent:?}"));
}

#[test]
fn bounds_are_those_of_sphinx() {
    fn refused<P: PacketFormat>() -> (String, String, Option<DropReason>) {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let (mut way, secrets) = route::<P>(&mut rng);
        let end = way[4].address;
        let (block, _) = P::reply_block(&way, end, [1; 16], Duration::ZERO, &mut rng).unwrap();
        let long = vec![0; MAX_PLAINTEXT + 1];
        let seal = P::seal(&way, end, [0; 16], &long, &mut rng).unwrap_err().to_string();
        let reply = P::reply(P::read_block(&block).unwrap(), &long).unwrap_err().to_string();
        way[0].delay = MAX_DELAY + Duration::from_secs(1);
        let packet = P::seal(&way, end, [0; 16], &[], &mut rng).unwrap();
        (seal, reply, P::unwrap(packet.open(&secrets[0]).unwrap(), packet).err())
    }
    assert_eq!(refused::<Packet>(), refused::<Transparent>());
    assert_eq!(refused::<Transparent>().2, Some(DropReason::DelayTooLong));
}
