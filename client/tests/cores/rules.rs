//! Single rules, one at a time.

use std::time::{Duration, Instant};

use mixbed_client::core::{Content, Event, Limits, Messenger, Order, OrderError, ReplyDue, Sent};
use mixbed_node::provider::exchange::{Bounds, Exchange};
use mixbed_wire::message::{Answer, RequestError, Response};
use mixbed_wire::{Identifier, NodeId};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use crate::pair::{PROVIDER, Pair};
use crate::plain::Plain;

const MINUTE: Duration = Duration::from_secs(60);

fn lost(pair: &Pair<Plain>) -> usize {
    pair.packet_events.iter().filter(|event| matches!(event, Event::PacketLost(_))).count()
}

#[test]
fn a_deadline_ends_a_message_and_says_what_was_tried() {
    let mut pair = Pair::new(Plain, 1, 1.0);
    let began = pair.now;
    let message = pair.order(&[1; 5000], MINUTE);
    let tried = pair.finish(message).expect_err("nothing arrives");
    assert_eq!(pair.now - began, MINUTE);
    assert!(tried.packets_sent > 3 && tried.retransmissions == tried.packets_sent - 3);
    assert_eq!((tried.fragments, tried.fragments_held, tried.packets_received), (3, 0, 0));
    assert!(tried.to_string().contains("0 of 3 fragments acknowledged"), "{tried}");
    pair.assert_clean();
}

#[test]
fn the_deadline_counts_for_a_client_that_cannot_send_too() {
    let mut messenger = Messenger::<()>::new(Limits::default());
    let now = std::time::Instant::now();
    let order = Order {
        provider: PROVIDER,
        service: "echo",
        payload: b"x",
        deadline: now + MINUTE,
        traced: false,
        unheard: None,
        expected: 0,
    };
    let message = messenger.handle_order(&order, now, &mut rng()).expect("taken");
    assert_eq!(messenger.poll_timeout(), Some(now + MINUTE));
    messenger.handle_timeout(now + MINUTE);
    let Some(Event::DeadlinePassed(ended, tried)) = messenger.poll_event() else { panic!("late") };
    assert_eq!((ended, tried.packets_sent), (message, 0));
    assert_eq!(tried.to_string(), "no packet could be sent");
}

#[test]
fn a_lost_response_is_asked_for_and_the_service_runs_once() {
    let mut pair = Pair::new(Plain, 2, 0.0);
    pair.lose_answers = 1;
    let message = pair.order(&[1; 100], MINUTE);
    let delivered = pair.finish(message).expect("answered");
    assert_eq!(pair.runs.values().copied().collect::<Vec<_>>(), [1]);
    // Twice, as one has been lost: one of them is likely to get through.
    assert_eq!((delivered.tried.packets_sent, delivered.tried.retransmissions), (3, 2));
    assert_eq!(lost(&pair), 1);
}

#[test]
fn a_slow_service_is_waited_for_without_much_ado() {
    let mut pair = Pair::new(Plain, 3, 0.0);
    pair.service_time = Duration::from_secs(20);
    let message = pair.order(&[1; 100], MINUTE);
    let delivered = pair.finish(message).expect("answered");
    assert_eq!(pair.runs.values().copied().collect::<Vec<_>>(), [1]);
    let sent = delivered.tried.packets_sent;
    assert!((2..=12).contains(&sent), "{sent} packets in 20 s");
    let after = delivered.elapsed.checked_sub(pair.service_time + delivered.mixing_delay);
    assert!(after.is_some_and(|after| after < Duration::from_millis(50)), "the kept block is used");
}

#[test]
fn a_slow_services_response_is_found_if_it_was_lost() {
    let mut pair = Pair::new(Plain, 4, 0.0);
    pair.service_time = Duration::from_secs(5);
    let message = pair.order(&[1; 100], MINUTE);
    pair.run_for(Duration::from_millis(4900));
    pair.loss = 1.0;
    pair.run_for(Duration::from_millis(200));
    pair.loss = 0.0;
    let delivered = pair.finish(message).expect("answered");
    assert_eq!(delivered.response, Response::Ok(vec![1; 100]));
    assert!(delivered.elapsed < Duration::from_secs(12), "{:?}", delivered.elapsed);
    assert_eq!(pair.runs.values().copied().collect::<Vec<_>>(), [1]);
}

#[test]
fn a_provider_that_forgot_everything_is_told_again() {
    for seed in 0..10 {
        for after in [100, 300, 500, 800, 2000] {
            let mut pair = Pair::new(Plain, seed, 0.1);
            pair.service_time = Duration::from_millis(400);
            let message = pair.order(&vec![9; 60_000], 10 * MINUTE);
            pair.run_for(Duration::from_millis(after));
            pair.exchange = Exchange::new(Bounds::default());
            let Some(ended) = pair.ended.remove(&message).or_else(|| Some(pair.finish(message)))
            else {
                panic!("it ends")
            };
            assert_eq!(ended.expect("answered").response, Response::Ok(vec![9; 60_000]));
            pair.run();
            pair.assert_clean();
        }
    }
}

#[test]
fn a_cancelled_message_leaves_nothing() {
    let mut pair = Pair::new(Plain, 5, 0.0);
    let message = pair.order(&[1; 10_000], MINUTE);
    pair.run_for(Duration::from_millis(50));
    assert!(pair.messenger.handle_cancel(message).is_some_and(|tried| tried.packets_sent == 5));
    pair.run();
    assert!(pair.ended.is_empty(), "nobody is told");
    assert!(pair.counts.dropped > 0, "late answers are dropped by name");
    pair.assert_clean();
}

#[test]
fn windows_and_the_number_of_messages_are_bounded() {
    let limits = Limits { messages: 3, window: 4, total_window: 10, ..Limits::default() };
    let mut messenger = Messenger::<()>::new(limits);
    let now = std::time::Instant::now();
    let payload = vec![0; 100_000];
    let order = Order {
        provider: PROVIDER,
        service: "echo",
        payload: &payload,
        deadline: now + MINUTE,
        traced: false,
        unheard: None,
        expected: 0,
    };
    for _ in 0..3 {
        messenger.handle_order(&order, now, &mut rng()).expect("taken");
    }
    let result = messenger.handle_order(&order, now, &mut rng());
    assert_eq!(result, Err(OrderError::TooManyMessages(3)));
    let mut by_message = std::collections::BTreeMap::<_, u32>::new();
    while let Some(draft) = messenger.poll_transmit() {
        *by_message.entry(draft.number).or_default() += 1;
        let sent = mixbed_client::core::Sent {
            there: Duration::ZERO,
            route: Vec::new(),
            replies: Vec::new(),
        };
        messenger.handle_sent(draft.packet, sent, now);
    }
    assert_eq!(by_message.values().sum::<u32>(), 10, "all together");
    assert!(by_message.values().all(|sent| (3..=4).contains(sent)), "and in turn: {by_message:?}");
}

#[test]
fn what_is_no_request_is_refused_at_once() {
    let mut messenger = Messenger::<()>::new(Limits::default());
    let now = std::time::Instant::now();
    let payload = vec![0; 1 << 20];
    let order = Order {
        provider: PROVIDER,
        service: "echo",
        payload: &payload,
        deadline: now,
        traced: false,
        unheard: None,
        expected: 0,
    };
    let refused = messenger.handle_order(&order, now, &mut rng());
    assert_eq!(refused, Err(OrderError::Request(RequestError::TooLarge(1 << 20))));
    assert_eq!(messenger.messages(), 0);
}

#[test]
fn a_draft_that_could_not_be_sent_comes_again() {
    let mut messenger = Messenger::<()>::new(Limits::default());
    let now = std::time::Instant::now();
    let order = Order {
        provider: PROVIDER,
        service: "echo",
        payload: b"x",
        deadline: now + MINUTE,
        traced: false,
        unheard: None,
        expected: 0,
    };
    messenger.handle_order(&order, now, &mut rng()).expect("taken");
    let first = messenger.poll_transmit().expect("a draft");
    assert_eq!(messenger.poll_transmit(), None);
    messenger.handle_unsent(first.packet);
    let again = messenger.poll_transmit().expect("the same again");
    assert_eq!((again.content, again.attempt), (first.content, 1));
}

/// Sends all that is to be sent; the names of the replies that may come.
fn send(messenger: &mut Messenger<()>, next: &mut u64, now: Instant) -> Vec<(Content, Identifier)> {
    let mut sent = Vec::new();
    while let Some(draft) = messenger.poll_transmit() {
        let mut replies = Vec::new();
        for _ in 0..draft.blocks() {
            *next += 1;
            let identifier = u128::from(*next).to_be_bytes();
            sent.push((draft.content.clone(), identifier));
            let (back, route) = (Duration::ZERO, Vec::new());
            replies.push(ReplyDue { identifier, back, route, key: () });
        }
        let sealed = Sent { there: Duration::ZERO, route: Vec::new(), replies };
        messenger.handle_sent(draft.packet, sealed, now);
    }
    sent
}

/// A word from before the first part came: what has come stays, and only the rest is asked for.
#[test]
fn a_late_word_that_the_service_is_at_work_throws_nothing_away() {
    let mut messenger = Messenger::<()>::new(Limits::default());
    let mut now = Instant::now();
    let order = Order {
        provider: PROVIDER,
        service: "echo",
        payload: b"x",
        deadline: now + MINUTE,
        unheard: None,
        expected: 0,
        traced: false,
    };
    messenger.handle_order(&order, now, &mut rng()).expect("taken");
    let mut next = 0;
    let draft = messenger.poll_transmit().expect("a draft");
    let message = draft.message;
    messenger.handle_unsent(draft.packet);
    let [first] = &send(&mut messenger, &mut next, now)[..] else { panic!("one packet") };
    let (_, first) = *first;
    now = messenger.poll_timeout().expect("it may be lost");
    messenger.handle_timeout(now);
    let copies = send(&mut messenger, &mut next, now);
    let pending = Answer::Pending { message }.encode();
    messenger.handle_reply(&first, &pending, now).expect("late, and of use");
    now = messenger.poll_timeout().expect("a poll is due");
    messenger.handle_timeout(now);
    let polls = send(&mut messenger, &mut next, now);
    let [(Content::Poll { wanted }, poll)] = &polls[..] else { panic!("{polls:?}") };
    assert!(wanted.is_empty(), "{wanted:?}");
    let part = |index, data: Vec<u8>| Answer::Response { message, index, count: 2, data }.encode();
    let whole = Response::Ok(vec![9; 3000]).encode();
    let (one, two) = (Response::fragment(&whole, 0), Response::fragment(&whole, 1));
    let one = part(0, one.expect("two parts").to_vec());
    messenger.handle_reply(&copies[0].1, &one, now).expect("a part");
    messenger.handle_reply(poll, &pending, now).expect("read");
    let asked = send(&mut messenger, &mut next, now);
    let [(Content::Poll { wanted }, poll)] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(wanted, &[1], "the first part is kept");
    let two = part(1, two.expect("two parts").to_vec());
    messenger.handle_reply(poll, &two, now).expect("a part");
    let Some(Event::Delivered(_, delivered)) = messenger.poll_event() else { panic!("complete") };
    assert_eq!(delivered.response, Response::Ok(vec![9; 3000]));
}

/// The messages to one provider end when it is gone, and no others.
#[test]
fn a_provider_that_is_gone_ends_its_messages() {
    let mut messenger = Messenger::<()>::new(Limits::default());
    let now = Instant::now();
    let mut order = Order {
        provider: PROVIDER,
        service: "echo",
        payload: b"x",
        deadline: now + MINUTE,
        unheard: None,
        expected: 0,
        traced: false,
    };
    let gone = messenger.handle_order(&order, now, &mut rng()).expect("taken");
    order.provider = NodeId::from_bytes([6; 8]);
    messenger.handle_order(&order, now, &mut rng()).expect("taken");
    let draft = messenger.poll_transmit().expect("a draft");
    assert_eq!((draft.number, draft.provider), (gone, PROVIDER));
    messenger.handle_provider_gone(draft.packet);
    let Some(Event::ProviderGone(ended, tried)) = messenger.poll_event() else { panic!("ended") };
    assert_eq!((ended, tried.packets_sent), (gone, 0));
    assert_eq!(messenger.poll_transmit().map(|draft| draft.provider), Some(order.provider));
    assert_eq!(messenger.messages(), 1);
}

/// Of several providers one that gives no sign of life is left early; one that does has its time.
#[test]
fn a_silent_provider_is_given_up_before_the_deadline() {
    for silent in [true, false] {
        let mut messenger = Messenger::<()>::new(Limits::default());
        let mut now = Instant::now();
        let began = now;
        // The time without a link is nobody's silence.
        let link = now + MINUTE / 3;
        let order = Order {
            provider: PROVIDER,
            service: "echo",
            payload: b"x",
            deadline: now + MINUTE,
            unheard: Some(MINUTE / 6),
            expected: 0,
            traced: false,
        };
        messenger.handle_order(&order, now, &mut rng()).expect("taken");
        now = link;
        messenger.handle_timeout(now);
        assert_eq!(messenger.poll_event(), None);
        let (mut next, mut heard) = (0, false);
        loop {
            let draft = messenger.poll_transmit();
            let message = draft.as_ref().map(|draft| draft.message);
            if let Some(draft) = draft {
                messenger.handle_unsent(draft.packet);
            }
            let sent = send(&mut messenger, &mut next, now);
            if let (false, false, Some(message), Some((_, reply))) =
                (silent, heard, message, sent.first())
            {
                let pending = Answer::Pending { message }.encode();
                messenger.handle_reply(reply, &pending, now).expect("heard");
                heard = true;
            }
            if let Some(event) = messenger.poll_event() {
                assert!(matches!(event, Event::DeadlinePassed(..)), "{event:?}");
                break;
            }
            now = messenger.poll_timeout().expect("it goes on");
            messenger.handle_timeout(now);
        }
        assert_eq!(now - began, if silent { MINUTE / 3 + MINUTE / 6 } else { MINUTE });
    }
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}
