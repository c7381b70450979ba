//! A provider that answers whatever it likes.

use std::time::{Duration, Instant};

use mixbed_client::core::{Limits, Messenger, Order, ReplyDue, Sent};
use mixbed_wire::message::{Answer, Bitmap, MAX_FRAGMENTS, MessageId};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

use crate::pair::PROVIDER;

fn any_answer(message: MessageId, rng: &mut ChaCha20Rng) -> Vec<u8> {
    let mut held = Bitmap::default();
    for _ in 0..rng.random_range(0..100) {
        held.insert(rng.random_range(0..MAX_FRAGMENTS));
    }
    let count = rng.random_range(2..=MAX_FRAGMENTS);
    let index = rng.random_range(0..count);
    let answer = match rng.random_range(0..5) {
        0 => Answer::Ack { message, held },
        1 => Answer::Pending { message },
        2 => Answer::Response { message, index, count, data: vec![1; rng.random_range(1..2686)] },
        3 => Answer::Response { message, index: 0, count: 511, data: vec![1] },
        _ => {
            let mut bytes = vec![0; rng.random_range(0..100)];
            rng.fill_bytes(&mut bytes);
            return bytes;
        }
    };
    answer.encode()
}

/// Bounded work, bounded memory, and an end at the deadline.
#[test]
fn any_answers_do_no_more_than_waste_time() {
    for seed in 0..4 {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let limits = Limits { remembered: 100, ..Limits::default() };
        let mut messenger = Messenger::new(limits);
        let mut now = Instant::now();
        let deadline = now + Duration::from_secs(60);
        let payload = vec![1; 50_000];
        let order = Order {
            provider: PROVIDER,
            service: "echo",
            payload: &payload,
            deadline,
            traced: true,
            unheard: None,
            expected: 0,
        };
        messenger.handle_order(&order, now, &mut rng).expect("taken");
        let mut sent = 0_u64;
        while messenger.messages() > 0 {
            let mut known = Vec::new();
            while let Some(draft) = messenger.poll_transmit() {
                sent += 1;
                let back = Duration::from_millis(rng.random_range(0..200));
                let mut replies = Vec::new();
                for _ in 0..draft.blocks() {
                    let mut identifier = [0; 16];
                    rng.fill_bytes(&mut identifier);
                    known.push((identifier, draft.message));
                    replies.push(ReplyDue { identifier, back, route: Vec::new(), key: () });
                }
                messenger.handle_sent(
                    draft.packet,
                    Sent { there: back, route: Vec::new(), replies },
                    now,
                );
            }
            for (identifier, message) in known {
                if rng.random_bool(0.5) {
                    let answer = any_answer(message, &mut rng);
                    let _ = messenger.handle_reply(&identifier, &answer, now);
                }
            }
            while messenger.poll_event().is_some() {}
            assert!(messenger.replies() <= 100 * 6, "seed {seed}");
            now += Duration::from_millis(50);
            messenger.handle_timeout(now);
        }
        // 32 packets each 50 ms at most: the window holds against any provider.
        assert!(sent <= 32 * 1201, "seed {seed}: {sent} packets");
        assert_eq!(messenger.replies(), 0, "seed {seed}");
    }
}

#[test]
fn an_answer_for_another_message_is_not_taken() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut messenger = Messenger::new(Limits::default());
    let now = Instant::now();
    let deadline = now + Duration::from_secs(60);
    let order = Order {
        provider: PROVIDER,
        service: "echo",
        payload: b"x",
        deadline,
        traced: false,
        unheard: None,
        expected: 0,
    };
    messenger.handle_order(&order, now, &mut rng).expect("taken");
    let draft = messenger.poll_transmit().expect("a draft");
    let reply = ReplyDue { identifier: [1; 16], back: Duration::ZERO, route: Vec::new(), key: () };
    let sent = Sent { there: Duration::ZERO, route: Vec::new(), replies: vec![reply] };
    messenger.handle_sent(draft.packet, sent, now);
    let other = MessageId::from_bytes([9; 16]);
    let answer = Answer::Response { message: other, index: 0, count: 1, data: vec![0] }.encode();
    let taken = messenger.handle_reply(&[1; 16], &answer, now);
    assert_eq!(taken, Err(mixbed_wire::DropReason::UnknownMessage));
    let taken = messenger.handle_reply(&[1; 16], &answer, now);
    assert_eq!(taken, Err(mixbed_wire::DropReason::UnknownReply), "a block is used once");
    assert_eq!(messenger.messages(), 1);
}
