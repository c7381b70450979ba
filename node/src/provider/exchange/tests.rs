use std::collections::HashSet;
use std::time::Duration;

use mixbed_wire::message::{MAX_FRAGMENT_DATA, MAX_FRAGMENTS, MAX_MESSAGE};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

use super::*;

/// A reply block is its number here.
type Tested = Exchange<u32>;

const ID: MessageId = MessageId::from_bytes([1; 16]);

fn exchange() -> Tested {
    Exchange::new(Bounds::default())
}

fn request(payload: &[u8]) -> Vec<u8> {
    Request { service: "echo", payload }.encode().expect("a good request")
}

/// Hands in fragment `index` of a request's bytes with reply block `block`.
fn hand_in(
    exchange: &mut Tested,
    body: &[u8],
    index: u16,
    block: u32,
    now: Instant,
) -> Result<(), DropReason> {
    let parts: Vec<_> = Request::fragments(body).collect();
    let count = u16::try_from(parts.len()).expect("few");
    let data = parts[usize::from(index)];
    let fragment = Fragment { message: ID, index, count, data };
    exchange.handle_fragment(fragment, vec![block], None, now)
}

fn replies(exchange: &mut Tested) -> Vec<(u32, Answer)> {
    std::iter::from_fn(|| exchange.poll_reply()).collect()
}

fn response(index: u16, count: u16, data: &[u8]) -> Answer {
    Answer::Response { message: ID, index, count, data: data.to_vec() }
}

#[test]
fn each_fragment_is_answered_by_all_that_is_held() {
    let (mut exchange, now) = (exchange(), Instant::now());
    let body = request(&[7; 3 * MAX_FRAGMENT_DATA - 5]);
    let mut held = mixbed_wire::message::Bitmap::default();
    for (block, index) in [(10, 2), (11, 2), (12, 0)] {
        hand_in(&mut exchange, &body, index, block, now).expect("taken");
        held.insert(index);
        assert_eq!(
            replies(&mut exchange),
            [(block, Answer::Ack { message: ID, held: held.clone() })]
        );
    }
    hand_in(&mut exchange, &body, 1, 13, now).expect("taken");
    assert_eq!(replies(&mut exchange), [], "the last one is answered by the response");
    let call = exchange.poll_call().expect("it is complete");
    assert_eq!((call.service.as_str(), call.payload.len()), ("echo", 3 * MAX_FRAGMENT_DATA - 5));
    exchange.handle_response(ID, &Response::Ok(b"done".to_vec()), now);
    assert_eq!(replies(&mut exchange), [(13, response(0, 1, b"\0done"))]);
}

#[test]
fn while_the_service_works_questions_are_answered_and_the_first_block_is_kept() {
    let (mut exchange, now) = (exchange(), Instant::now());
    let body = request(b"x");
    hand_in(&mut exchange, &body, 0, 1, now).expect("taken");
    assert!(exchange.poll_call().is_some());
    hand_in(&mut exchange, &body, 0, 2, now).expect("taken");
    exchange.handle_poll(ID, &[], vec![3], now);
    let pending = Answer::Pending { message: ID };
    assert_eq!(replies(&mut exchange), [(2, pending.clone()), (3, pending)]);
    assert_eq!(exchange.poll_call(), None, "it runs once");
    exchange.handle_response(ID, &Response::UnknownService, now);
    assert_eq!(replies(&mut exchange), [(1, response(0, 1, &[1]))]);
}

#[test]
fn a_response_goes_by_all_blocks_that_were_sent_against_losses() {
    let (mut exchange, now) = (exchange(), Instant::now());
    hand_in(&mut exchange, &request(b"x"), 0, 1, now).expect("taken");
    assert!(exchange.poll_call().is_some());
    exchange.handle_poll(ID, &[0; 3], vec![2, 3, 4], now);
    assert_eq!(replies(&mut exchange), [(2, Answer::Pending { message: ID })]);
    exchange.handle_response(ID, &Response::UnknownService, now);
    let all = [1, 3, 4].map(|block| (block, response(0, 1, &[1])));
    assert_eq!(replies(&mut exchange), all);
    exchange.handle_poll(ID, &[0; 2], vec![5, 6], now);
    assert_eq!(replies(&mut exchange), [5, 6].map(|block| (block, response(0, 1, &[1]))));
}

#[test]
fn a_response_is_there_to_be_asked_for_again_and_the_service_runs_once() {
    let (mut exchange, now) = (exchange(), Instant::now());
    let body = request(b"x");
    hand_in(&mut exchange, &body, 0, 1, now).expect("taken");
    assert!(exchange.poll_call().is_some());
    let long = Response::Ok(vec![5; 6000]);
    exchange.handle_response(ID, &long, now);
    let bytes = long.encode();
    let part = |index| response(index, 3, Response::fragment(&bytes, index).expect("three parts"));
    assert_eq!(replies(&mut exchange), [(1, part(0))]);
    exchange.handle_poll(ID, &[2, 1, 9], vec![2, 3, 4], now);
    assert_eq!(replies(&mut exchange), [(2, part(2)), (3, part(1))], "there is no part 9");
    exchange.handle_poll(ID, &[], vec![5, 6], now);
    assert_eq!(replies(&mut exchange), [(5, part(0)), (6, part(1))]);
    hand_in(&mut exchange, &body, 0, 7, now).expect("taken");
    assert_eq!(replies(&mut exchange), [(7, part(0))]);
    assert_eq!(exchange.poll_call(), None);
    exchange.handle_response(ID, &Response::TooLarge, now);
    assert_eq!(replies(&mut exchange), [], "an answer that nobody asked for");
}

#[test]
fn what_is_unknown_or_was_forgotten_is_said_to_be_so() {
    let (mut exchange, now) = (exchange(), Instant::now());
    let nothing = || Answer::Ack { message: ID, held: mixbed_wire::message::Bitmap::default() };
    exchange.handle_poll(ID, &[0], vec![1], now);
    assert_eq!(replies(&mut exchange), [(1, nothing())]);
    hand_in(&mut exchange, &request(&[1; 5000]), 0, 2, now).expect("taken");
    replies(&mut exchange);
    let later = exchange.poll_timeout().expect("it is held for a time");
    assert_eq!(later, now + Bounds::default().unfinished_age);
    exchange.handle_poll(ID, &[], vec![3], later);
    assert_eq!(replies(&mut exchange), [(3, nothing())]);
    assert_eq!((exchange.held(), exchange.bytes()), ([0; 3], [0; 3]));
    assert_eq!(exchange.poll_timeout(), None);
}

#[test]
fn what_is_no_request_and_what_is_too_large_is_answered() {
    let (mut exchange, now) = (exchange(), Instant::now());
    let fragment = Fragment { message: ID, index: 0, count: 1, data: &[200, 1, 2] };
    exchange.handle_fragment(fragment, vec![1], None, now).expect("taken");
    let [(1, Answer::Response { data, .. })] = &replies(&mut exchange)[..] else { panic!("none") };
    assert!(matches!(Response::decode(data), Ok(Response::Refused(_))));

    let message = MessageId::from_bytes([2; 16]);
    let data = [0; MAX_FRAGMENT_DATA];
    let mut last = Vec::new();
    for index in 0..MAX_FRAGMENTS {
        let fragment = Fragment { message, index, count: MAX_FRAGMENTS, data: &data };
        exchange.handle_fragment(fragment, vec![1], None, now).expect("taken");
        last = replies(&mut exchange);
        if usize::from(index + 1) * data.len() > MAX_MESSAGE {
            break;
        }
    }
    let [(1, Answer::Response { data, .. })] = &last[..] else { panic!("no response: {last:?}") };
    assert_eq!(Response::decode(data), Ok(Response::TooLarge));
    assert_eq!(exchange.poll_call(), None);
    assert_eq!(exchange.held(), [0, 0, 2]);
}

#[test]
fn fragments_that_do_not_agree_are_dropped() {
    let (mut exchange, now) = (exchange(), Instant::now());
    let mut take = |index, count, data| {
        let fragment = Fragment { message: ID, index, count, data };
        exchange.handle_fragment(fragment, vec![1], None, now)
    };
    let unknown = Err(DropReason::UnknownMessage);
    assert_eq!(take(0, 2, b"a"), Ok(()));
    assert_eq!(take(1, 3, b"b"), unknown);
    assert_eq!(take(2, 2, b"b"), unknown);
    assert_eq!(take(0, 0, b"b"), unknown);
    assert_eq!(take(0, MAX_FRAGMENTS + 1, b"b"), unknown);
    assert_eq!(take(1, 2, b""), unknown);
    assert_eq!(exchange.held(), [1, 0, 0]);
}

/// Beginnings of messages that are never finished, whole ones that nobody waits for, and anything
/// else that a stranger may send: no bound is ever exceeded, and honest requests still get in.
#[test]
fn a_hundred_thousand_hostile_fragments_change_nothing_for_others() {
    let bounds = Bounds {
        unfinished: 500,
        unfinished_bytes: 1 << 20,
        running: 50,
        running_bytes: 100_000,
        done: 200,
        done_bytes: 200_000,
        supplies: 1000,
        ..Bounds::default()
    };
    let mut exchange = Tested::new(bounds);
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut now = Instant::now();
    let mut reasons = HashSet::new();
    let noise = vec![0; MAX_FRAGMENT_DATA];
    for round in 0..100_000_u32 {
        let mut id = [0; 16];
        rng.fill_bytes(&mut id[..if round % 3 == 0 { 1 } else { 16 }]);
        let message = MessageId::from_bytes(id);
        let data = &noise[..rng.random_range(0..=MAX_FRAGMENT_DATA)];
        let count = if rng.random_bool(0.1) { 1 } else { rng.random_range(0..600) };
        let index = rng.random_range(0..600);
        let fragment = Fragment { message, index, count, data };
        if let Err(reason) = exchange.handle_fragment(fragment, vec![0], None, now) {
            reasons.insert(reason);
        }
        if rng.random_bool(0.2) {
            exchange.handle_poll(message, &[index, count], vec![0, 0], now);
            let _ = exchange.handle_supply(message, &[index, count], vec![0, 0], now);
        }
        while exchange.poll_reply().is_some() {}
        while let Some(call) = exchange.poll_call() {
            exchange.handle_response(call.message, &Response::Ok(call.payload), now);
        }
        now += Duration::from_micros(rng.random_range(0..2000));
        let [unfinished, running, done] = exchange.held();
        assert!(unfinished <= 500 && running <= 50 && done <= 200, "{:?}", exchange.held());
        assert!(exchange.supplied() <= 1000);
        let [unfinished, running, done] = exchange.bytes();
        assert!(unfinished <= 1 << 20 && running <= 100_000 && done <= 200_000);
    }
    let expected = [DropReason::UnknownMessage, DropReason::TooManyMessages];
    assert_eq!(reasons, HashSet::from(expected));

    let honest = Fragment { message: ID, index: 0, count: 1, data: &request(b"honest") };
    exchange.handle_fragment(honest, vec![1], None, now).expect("one packet always gets in");
    assert_eq!(exchange.poll_call().expect("a call").payload, b"honest");
    exchange.handle_response(ID, &Response::UnknownService, now);

    exchange.handle_timeout(now + Duration::from_secs(3600));
    assert_eq!((exchange.held(), exchange.bytes()), ([0; 3], [0; 3]), "all of it is forgotten");
}

/// A million messages, most of them never finished: what is held stays within the bounds, and an
/// honest request is answered all the while.
#[test]
fn a_million_message_ids_take_no_more_than_their_bounds() {
    let mut exchange = exchange();
    let mut now = Instant::now();
    let bounds = Bounds::default();
    let part = [0xee; 32];
    let complete = request(&part);
    for number in 0..1_000_000_u128 {
        now += Duration::from_micros(100);
        let message = MessageId::from_bytes(number.to_be_bytes());
        let (count, data) = if number % 8 == 0 { (1, &complete[..]) } else { (2, &part[..]) };
        let fragment = Fragment { message, index: 0, count, data };
        let _ = exchange.handle_fragment(fragment, vec![0], None, now);
        while let Some(call) = exchange.poll_call() {
            exchange.handle_response(call.message, &Response::Ok(call.payload), now);
        }
        while exchange.poll_reply().is_some() {}
        if number % 10_000 == 0 {
            let [unfinished, running, done] = exchange.held();
            assert!(unfinished <= bounds.unfinished && running == 0 && done <= bounds.done);
            let [unfinished, _, done] = exchange.bytes();
            assert!(unfinished <= bounds.unfinished_bytes && done <= bounds.done_bytes);
            let honest = MessageId::from_bytes([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            let fragment = Fragment { message: honest, index: 0, count: 1, data: &complete };
            exchange.handle_fragment(fragment, vec![7], None, now).expect("there is room");
            if let Some(call) = exchange.poll_call() {
                exchange.handle_response(call.message, &Response::Ok(call.payload), now);
            }
            let answered = replies(&mut exchange);
            assert!(matches!(answered[..], [(7, Answer::Response { .. })]), "{answered:?}");
        }
    }
}

/// Six blocks a packet, again and again: at first they are all used, in the end one a packet.
#[test]
fn polls_make_no_more_packets_than_their_response_is_worth() {
    let mut exchange = exchange();
    let now = Instant::now();
    let message = MessageId::from_bytes([3; 16]);
    let complete = request(&[1; 5000]);
    for (index, data) in (0..).zip(Request::fragments(&complete)) {
        let fragment = Fragment { message, index, count: 3, data };
        exchange.handle_fragment(fragment, Vec::new(), None, now).expect("taken");
    }
    let call = exchange.poll_call().expect("complete");
    exchange.handle_response(call.message, &Response::Ok(call.payload), now);
    let mut sent = Vec::new();
    for _ in 0..1000 {
        exchange.handle_poll(message, &[0, 1, 0, 1, 0, 1], vec![0; 6], now);
        sent.push(replies(&mut exchange).len());
    }
    assert_eq!((sent[0], sent[999]), (6, 1), "and whoever asks is still answered");
    assert!(sent.iter().sum::<usize>() < 1000 + 4 * 2 + 16, "{sent:?}");
}

/// Blocks for parts of a response that come before the request, between its fragments and while its
/// service works are all kept, and each brings its part. What the response has no part for is dropped.
#[test]
fn blocks_sent_ahead_are_kept_for_the_response() {
    let (mut exchange, now) = (exchange(), Instant::now());
    let body = request(&[1; 5000]);
    exchange.handle_supply(ID, &[1, 2], vec![10, 11], now).expect("kept");
    assert_eq!(exchange.held(), [0; 3], "of the request itself nothing is known");
    hand_in(&mut exchange, &body, 2, 1, now).expect("taken");
    exchange.handle_supply(ID, &[3, 4], vec![12, 13], now).expect("kept");
    hand_in(&mut exchange, &body, 0, 2, now).expect("taken");
    let acks = replies(&mut exchange);
    assert!(matches!(acks[..], [(1, Answer::Ack { .. }), (2, Answer::Ack { .. })]), "{acks:?}");
    hand_in(&mut exchange, &body, 1, 3, now).expect("taken");
    assert!(exchange.poll_call().is_some());
    exchange.handle_supply(ID, &[5, 6], vec![14, 15], now).expect("kept");
    exchange.handle_poll(ID, &[], vec![4], now);
    assert_eq!(replies(&mut exchange), [(4, Answer::Pending { message: ID })]);
    assert_eq!(exchange.supplied(), 6);

    let long = Response::Ok(vec![5; 15_000]);
    exchange.handle_response(ID, &long, now);
    let bytes = long.encode();
    let part = |index| response(index, 6, Response::fragment(&bytes, index).expect("six parts"));
    let expected = [(3, 0), (10, 1), (11, 2), (12, 3), (13, 4), (14, 5)];
    assert_eq!(replies(&mut exchange), expected.map(|(block, index)| (block, part(index))));
    exchange.handle_supply(ID, &[5, 6], vec![16, 17], now).expect("answered at once");
    assert_eq!(replies(&mut exchange), [(16, part(5))]);
    assert_eq!(exchange.supplied(), 0);
}

#[test]
fn blocks_sent_ahead_are_bounded_and_forgotten() {
    let bounds = Bounds { supply: 8, supplies: 20, ..Bounds::default() };
    let (mut exchange, now) = (Tested::new(bounds), Instant::now());
    let full = Err(DropReason::TooManyMessages);
    let supply = |exchange: &mut Tested, n: u8, now| {
        let message = MessageId::from_bytes([n; 16]);
        exchange.handle_supply(message, &[1, 2, 3, 4, 5, 6], vec![0; 6], now)
    };
    assert_eq!(supply(&mut exchange, 1, now), Ok(()));
    assert_eq!(supply(&mut exchange, 1, now), Ok(()));
    assert_eq!(exchange.supplied(), 8, "of one request");
    assert_eq!(supply(&mut exchange, 1, now), full);
    assert_eq!(supply(&mut exchange, 2, now), Ok(()));
    assert_eq!(supply(&mut exchange, 3, now), Ok(()));
    assert_eq!(supply(&mut exchange, 4, now), full, "of all requests");
    let later = now + bounds.unfinished_grace;
    assert_eq!(supply(&mut exchange, 4, later), Ok(()), "the oldest makes room");
    assert_eq!(exchange.supplied(), 18);
    let timeout = exchange.poll_timeout().expect("they are kept for a time");
    assert_eq!(timeout, now + bounds.unfinished_age);
    exchange.handle_timeout(timeout);
    assert_eq!(exchange.supplied(), 6);
    exchange.handle_timeout(later + bounds.unfinished_age);
    assert_eq!((exchange.supplied(), exchange.poll_timeout()), (0, None));
}

/// The blocks of a flood: parts named again and again make no more packets than polls may.
#[test]
fn blocks_sent_ahead_make_no_more_packets_than_their_response_is_worth() {
    let (mut exchange, now) = (exchange(), Instant::now());
    for _ in 0..100 {
        let _ = exchange.handle_supply(ID, &[0; 6], vec![0; 6], now);
    }
    hand_in(&mut exchange, &request(b"x"), 0, 1, now).expect("taken");
    assert!(exchange.poll_call().is_some());
    exchange.handle_response(ID, &Response::UnknownService, now);
    let sent = replies(&mut exchange).len();
    assert!(sent <= 1 + 4 + 16, "{sent} copies of one part");
}

#[test]
fn services_that_do_not_answer_fill_their_own_place_only() {
    let bounds = Bounds { running: 10, ..Bounds::default() };
    let (mut exchange, now) = (Tested::new(bounds), Instant::now());
    let body = request(b"x");
    let take = |exchange: &mut Tested, n: u8| {
        let message = MessageId::from_bytes([n; 16]);
        let fragment = Fragment { message, index: 0, count: 1, data: &body };
        exchange.handle_fragment(fragment, vec![1], None, now)
    };
    for n in 0..10 {
        assert_eq!(take(&mut exchange, n), Ok(()));
    }
    assert_eq!(take(&mut exchange, 10), Err(DropReason::TooManyMessages));
    exchange.handle_response(MessageId::from_bytes([3; 16]), &Response::TooLarge, now);
    assert_eq!(take(&mut exchange, 10), Ok(()), "sent again, it gets in");
}

/// What would be complete, but finds no room with the services, is not lost: the last fragment is
/// dropped, and taken when it comes again.
#[test]
fn a_last_fragment_that_finds_no_room_may_come_again() {
    let bounds = Bounds { running: 1, ..Bounds::default() };
    let (mut exchange, now) = (Tested::new(bounds), Instant::now());
    let other = MessageId::from_bytes([9; 16]);
    let fragment = Fragment { message: other, index: 0, count: 1, data: &request(b"x") };
    exchange.handle_fragment(fragment, vec![1], None, now).expect("taken");
    let body = request(&[3; 4000]);
    hand_in(&mut exchange, &body, 0, 2, now).expect("taken");
    assert_eq!(hand_in(&mut exchange, &body, 1, 3, now), Err(DropReason::TooManyMessages));
    exchange.handle_response(other, &Response::TooLarge, now);
    assert!(exchange.poll_call().is_some());
    hand_in(&mut exchange, &body, 1, 4, now).expect("taken");
    assert_eq!(exchange.poll_call().expect("complete").payload, vec![3; 4000]);
}
