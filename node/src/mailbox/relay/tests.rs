use std::time::Duration;

use mixbed_wire::letter::ANSWER_SIZE;
use mixbed_wire::{
    HopAddress, NodeId, REPLY_BLOCK_SIZE, Route, RouteHop, SealedReply, SphinxSecret, Unwrapped,
};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::*;

/// Remembers what was sent.
#[derive(Default)]
struct Sent(Mutex<Vec<SealedReply>>);

impl ReplySink for Sent {
    fn send(&self, reply: SealedReply, _came: Instant) {
        self.0.lock().expect("whole").push(reply);
    }
}

fn ask(relay: &Relay, payload: &[u8]) -> Response {
    relay.answer(payload).response
}

#[test]
fn an_answer_leaves_by_its_block_once() {
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let secrets: [SphinxSecret; 5] = std::array::from_fn(|_| SphinxSecret::generate(&mut rng));
    let hop = |n: u8| HopAddress { node: NodeId::from_bytes([n; 8]), trace: None };
    let mut hops = (0..).zip(&secrets).map(|(n, secret)| RouteHop {
        address: hop(n),
        key: secret.public(),
        delay: Duration::ZERO,
    });
    let route: Route = std::array::from_fn(|_| hops.next().expect("five"));
    let wait = Duration::from_millis(7);
    let made = ReplyBlock::create(&route, hop(4), [7; 16], wait, &mut rng);
    let (block, key) = made.expect("a block");
    let block: [u8; REPLY_BLOCK_SIZE] = block.to_bytes().try_into().expect("its size");
    let sent = Arc::new(Sent::default());
    let relay = Relay::new(Arc::clone(&sent) as Arc<dyn ReplySink>);
    let answer = [3; ANSWER_SIZE];
    let payload = RelayRequest { block: &block, answer: &answer }.encode();

    assert_eq!(ask(&relay, &payload), Response::Ok(RelayAnswer::Sent.encode()));
    assert_eq!(ask(&relay, &payload), Response::Ok(RelayAnswer::Used.encode()));
    assert!(matches!(ask(&relay, &payload[1..]), Response::Refused(_)));
    let SealedReply { first_hop, wait: waits, mut packet } = {
        let mut sent = sent.0.lock().expect("whole");
        assert_eq!(sent.len(), 1, "and nothing more");
        sent.pop().expect("one")
    };
    assert_eq!((first_hop, waits), (hop(0), wait), "as its letter's sender wants");
    for secret in &secrets[..4] {
        let Unwrapped::Forward { packet: next, .. } =
            packet.open(secret).expect("its key").unwrap(packet).expect("well made")
        else {
            panic!("it ends too early");
        };
        packet = next;
    }
    let Unwrapped::Exit(exit) =
        packet.open(&secrets[4]).expect("its key").unwrap(packet).expect("well made")
    else {
        panic!("it goes on");
    };
    assert_eq!(key.read(exit).expect("whole"), answer);
}

#[test]
fn what_is_no_request_is_refused() {
    let relay = Relay::new(Arc::new(Sent::default()));
    for length in [0, 1, REPLY_BLOCK_SIZE, REPLY_BLOCK_SIZE + ANSWER_SIZE + 1] {
        assert!(matches!(ask(&relay, &vec![9; length]), Response::Refused(_)), "{length}");
    }
}
