//! What keys are good when, and that none comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use mixbed_wire::{HopAddress, NodeId, RouteHop};
use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::*;

const TAGS: usize = 100;

fn packet_for(key: SphinxPublic, rng: &mut ChaCha20Rng) -> Packet {
    let address = HopAddress { node: NodeId::from_bytes([1; 8]), trace: None };
    let route = [RouteHop { address, key, delay: Duration::ZERO }; 5];
    Packet::seal(&route, address, [0; 16], b"", rng).expect("fits")
}

fn opens(keys: &KeyRing, key: SphinxPublic, rng: &mut ChaCha20Rng) -> bool {
    match keys.key_set().open(&packet_for(key, rng)) {
        Ok(_) => true,
        Err(DropReason::BadMac) => false,
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn keys_live_from_three_epochs_before_theirs_to_the_end_of_their_grace() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut keys: KeyRing = KeyRing::new(TAGS);
    assert!(keys.handle_epoch(7, 1, &mut rng));
    assert!(!keys.handle_epoch(7, 1, &mut rng), "nothing new in the same epoch");
    let public = keys.public();
    assert_eq!(public.iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>(), [7, 8, 9, 10]);
    let (_, last) = public[3];
    for now in 7..=11 {
        keys.handle_epoch(now, 1, &mut rng);
        assert!(opens(&keys, last, &mut rng), "in epoch {now}");
    }
    keys.handle_epoch(12, 1, &mut rng);
    assert!(!opens(&keys, last, &mut rng));
}

#[test]
fn after_missed_epochs_the_last_known_keys_serve_one_more() {
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let mut keys: KeyRing = KeyRing::new(TAGS);
    keys.handle_epoch(1, 1, &mut rng);
    let (_, last_known) = keys.public()[3];
    for _ in 0..2 {
        // Each revision of the document says the epoch again.
        keys.handle_epoch(9, 1, &mut rng);
        assert!(opens(&keys, last_known, &mut rng));
    }
    assert_eq!(keys.public().iter().map(|(epoch, _)| *epoch).collect::<Vec<_>>(), [9, 10, 11, 12]);
    keys.handle_epoch(10, 1, &mut rng);
    assert!(!opens(&keys, last_known, &mut rng));
}

#[test]
fn a_packet_passes_once_even_when_the_epoch_turns_between() {
    let mut rng = ChaCha20Rng::seed_from_u64(2);
    let mut keys: KeyRing = KeyRing::new(TAGS);
    keys.handle_epoch(1, 1, &mut rng);
    let packet = packet_for(keys.public()[0].1, &mut rng);
    assert!(keys.key_set().open(&packet).is_ok());
    keys.handle_epoch(2, 1, &mut rng);
    assert_eq!(keys.key_set().open(&packet).map(|_| ()), Err(DropReason::Replayed));
}

#[test]
fn all_keys_share_the_room_and_give_it_back_when_they_are_erased() {
    let mut rng = ChaCha20Rng::seed_from_u64(4);
    let mut keys: KeyRing = KeyRing::new(3);
    keys.handle_epoch(1, 1, &mut rng);
    let public = keys.public();
    let first = packet_for(public[0].1, &mut rng);
    assert!(keys.key_set().open(&first).is_ok());
    for (_, key) in &public[1..3] {
        assert!(opens(&keys, *key, &mut rng));
    }
    assert_eq!((keys.room().used(), keys.room().bound()), (3, 3));
    let another = packet_for(public[0].1, &mut rng);
    let outcome = |keys: &KeyRing, packet| keys.key_set().open(packet).map(|_| ());
    assert_eq!(outcome(&keys, &another), Err(DropReason::ReplayFilterFull));
    assert_eq!(outcome(&keys, &first), Err(DropReason::Replayed), "it still knows what it saw");
    keys.handle_epoch(2, 1, &mut rng);
    assert_eq!(keys.room().used(), 3, "its key is still good");
    keys.handle_epoch(3, 1, &mut rng);
    assert_eq!(keys.room().used(), 2, "the first key is gone, and its packet with it");
    assert!(opens(&keys, public[3].1, &mut rng));
    keys.erase();
    assert_eq!(keys.room().used(), 0);
}

/// What happens to a ring: another epoch so many further on (or back), or its document expires.
#[derive(Clone, Copy, Debug)]
enum Event {
    Move(i64),
    Erase,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => Just(Event::Move(1)),
        2 => Just(Event::Move(0)),
        1 => (-6..=12_i64).prop_map(Event::Move),
        1 => Just(Event::Erase),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Under any sequence of epochs: the current epoch's key and those ahead are published, each
    /// before its epoch if the ring was there; what was published is good from then until its
    /// grace is over, so a sender whose epoch is within that window finds a good key; and a key
    /// that was bad once stays so.
    #[test]
    fn keys_are_good_in_their_window_and_never_come_back(
        events in proptest::collection::vec((event(), 1..=3_u64), 1..14),
        seed: u64,
    ) {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut keys: KeyRing = KeyRing::new(usize::MAX);
        let mut epoch = 20;
        keys.handle_epoch(epoch, 1, &mut rng);
        // Whatever was published, with the epoch it was for, and what was bad since.
        let mut published: BTreeMap<[u8; 32], u64> = BTreeMap::new();
        let mut dead: BTreeSet<[u8; 32]> = BTreeSet::new();
        let mut before: Vec<_> = keys.public();
        for (event, grace) in events {
            for (epoch, key) in keys.public() {
                published.insert(*key.as_bytes(), epoch);
            }
            let (mut steps, mut erased) = (0, false);
            match event {
                Event::Move(by) => {
                    steps = by;
                    epoch = epoch.saturating_add_signed(by);
                }
                Event::Erase => {
                    keys.erase();
                    erased = true;
                    prop_assert!(keys.public().is_empty());
                }
            }
            keys.handle_epoch(epoch, grace, &mut rng);
            let now: Vec<_> = keys.public();
            let epochs: Vec<_> = now.iter().map(|(epoch, _)| *epoch).collect();
            prop_assert_eq!(epochs, (epoch..=epoch + KEYS_AHEAD).collect::<Vec<_>>());
            if !erased {
                // Nobody is told two different keys for one epoch.
                for (epoch, key) in &now {
                    let told = before.iter().find(|(for_epoch, _)| for_epoch == epoch);
                    prop_assert!(told.is_none_or(|(_, told)| told == key), "{epoch}");
                }
            }
            let all_good: BTreeSet<_> =
                keys.key_set().0.iter().map(|key| *key.secret.public().as_bytes()).collect();
            for (bytes, of) in &published {
                let good = all_good.contains(bytes);
                prop_assert!(!(good && dead.contains(bytes)), "a key of {of} came back in {epoch}");
                if !good {
                    dead.insert(*bytes);
                }
                let told = before.iter().any(|(_, key)| key.as_bytes() == bytes);
                let serves = (*of..=*of + grace).contains(&epoch) || (steps > 1 && told);
                if !erased && told && serves {
                    prop_assert!(good, "a key of {of} is bad in {epoch}");
                }
                let missed = steps > 1 || (steps == 0 && good);
                if *of + grace < epoch && !missed {
                    prop_assert!(!good, "a key of {of} is good in {epoch}");
                }
            }
            before = now;
        }
    }
}
