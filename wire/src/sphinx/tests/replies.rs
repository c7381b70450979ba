//! Reply blocks, made and used by either.

use sphinx_packet::{SURB, SURBMaterial, payload};

use super::packets::travel;
use super::*;
use crate::sphinx::PayloadSeed;

/// What a replier does with a block's header and seed.
fn reply(header: &[u8], seed: &PayloadSeed, answer: &[u8]) -> Packet {
    let mut packet = [0; HEADER + PAYLOAD];
    let (place, payload) = packet.split_at_mut(HEADER);
    place.copy_from_slice(header);
    let mut payload = Payload(payload);
    payload.write(answer);
    payload.add_layer(seed);
    packet
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_block_of_theirs_is_ours_and_both_reply_and_read_alike((plan, secrets) in plan()) {
        let (nodes, delays) = plan.route();
        let material =
            SURBMaterial::new(nodes, delays, plan.their_destination(), SINGLE_SEED_SURB_VERSION);
        let ephemeral = StaticSecret::from(plan.ephemeral);
        let (surb, recovery) = SURB::new_recoverable(ephemeral, material).expect("a good route");
        let block = surb.to_bytes();

        let sender = Sender::new(&plan.ephemeral, &plan.keys);
        let mut header = [0; HEADER];
        let padding = plan.padding(&block[..HEADER]);
        sender.write(&plan.hops, &plan.destination, &plan.identifier, padding, &mut header);
        let seeds = sender.hops().each_ref().map(HopSecrets::payload_seed);
        let ours = [header.as_slice(), &plan.hops[0].0, &seeds[HOPS - 1]].concat();
        prop_assert_eq!(hex::encode(&block), hex::encode(ours));

        let answer = plan.plaintext.as_slice();
        let packet = reply(&header, &seeds[HOPS - 1], answer);
        let (theirs, _) = surb.use_surb(answer, PAYLOAD).expect("it fits");
        prop_assert_eq!(hex::encode(packet), hex::encode(theirs.to_bytes()));

        let mut bytes = travel(&plan, &secrets, packet);
        let payload = payload::Payload::from_bytes(&bytes).expect("a payload");
        let theirs = recovery.recover_plaintext(payload).ok();
        prop_assert_eq!(theirs.as_deref(), Some(answer));
        let mut payload = Payload(&mut bytes);
        payload.take_way(&seeds);
        prop_assert_eq!(payload.read(), Some(answer));
    }
}
