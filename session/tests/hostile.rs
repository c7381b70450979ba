//! What no honest other side does.

use std::time::{Duration, Instant};

use mixbed_session::{
    BlockNo, ClientEnd, Code, End, FIRST_SESSION_WINDOW, FIRST_STREAM_WINDOW, Limits, ProviderEnd,
    Reason, opens_session, unknown_session,
};
use mixbed_wire::DropReason;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A number as frames have it.
fn number(number: u64) -> Vec<u8> {
    let mut bytes = number.to_be_bytes();
    bytes[0] |= 0xc0;
    bytes.to_vec()
}

const HELLO: [u8; 2] = [1, 1];

fn data(stream: u64, offset: u64, data: &[u8], last: bool) -> Vec<u8> {
    let kind = vec![if last { 17 } else { 16 }];
    [kind, number(stream), number(offset), number(data.len() as u64), data.to_vec()].concat()
}

fn provider() -> (ProviderEnd<u32>, Instant) {
    let now = Instant::now();
    (ProviderEnd::new(Limits::default(), now), now)
}

#[test]
fn only_a_greeting_opens_a_session() {
    assert!(opens_session(&HELLO));
    assert!(opens_session(&[&HELLO[..], &data(0, 0, b"x", false)].concat()));
    for other in [&[][..], &[1], &[1, 2], &[10, 1], &[10, 1, 1, 1], &[1, 1, 99]] {
        assert!(!opens_session(other), "{other:?}");
    }
}

#[test]
fn a_provider_refuses_what_breaks_the_rules() {
    let far = FIRST_STREAM_WINDOW as u64;
    let granted = [vec![6], number(0)].concat();
    let wants = [vec![4], number(0), number(0)].concat();
    let bad_service = [vec![5], number(0), number(1), b"!".to_vec(), number(0)].concat();
    for (frames, why) in [
        (data(0, far, b"x", false), "no room in the stream"),
        ([data(0, 0, b"", true), data(0, 0, b"x", false)].concat(), "after the end"),
        (granted, "a client grants nothing"),
        (wants, "a client wants nothing"),
        (bad_service, "no name of a service"),
    ] {
        let (mut end, now) = provider();
        let refused = end.handle_packet(0, &frames, vec![1, 2], now);
        assert_eq!(refused, Err(DropReason::UnknownMessage), "{why}");
        assert_eq!(end.closed().map(Reason::code), Some(Code::Failed), "{why}");
        assert!(end.poll_transmit(now).is_some(), "the client is told");
    }
    let (mut end, now) = provider();
    assert!(end.handle_packet(1_280, &HELLO, vec![], now).is_err(), "too far ahead");
    let (mut end, now) = provider();
    assert_eq!(end.handle_packet(0, &[255], vec![1], now), Err(DropReason::UnknownMessage));
    assert_eq!(end.closed(), None, "bytes that are no frames may be anybody's");
}

#[test]
fn streams_are_bounded() {
    let (mut end, now) = provider();
    let streams = Limits::default().streams as u64;
    let mut taken = 0;
    for stream in 0..10 * streams {
        let packet = u32::try_from(stream % 1_000).unwrap();
        match end.handle_packet(packet, &data(stream, 0, b"x", false), vec![], now) {
            Ok(()) => taken += 1,
            Err(why) => assert_eq!(why, DropReason::TooManyMessages),
        }
    }
    assert_eq!((taken, end.streams() as u64), (2 * streams + 16, 2 * streams + 16));
    let (mut end, now) = provider();
    let far = data(u64::from(u32::MAX), 0, b"x", false);
    assert_eq!(end.handle_packet(0, &far, vec![], now), Err(DropReason::TooManyMessages));
    assert_eq!(end.streams(), 0);
}

#[test]
fn what_waits_to_be_read_is_bounded() {
    let (mut end, now) = provider();
    // One byte at the end of the room of each stream: the holes count.
    let mut streams = 0;
    while end.closed().is_none() {
        let frames = data(streams, FIRST_STREAM_WINDOW as u64 - 1, b"x", false);
        let _ = end.handle_packet(0, &frames, vec![], now);
        streams += 1;
        assert!(streams < 1_000);
    }
    assert_eq!(usize::try_from(streams).unwrap(), FIRST_SESSION_WINDOW / FIRST_STREAM_WINDOW + 1);
    // Many pieces.
    let (mut end, now) = provider();
    let mut pieces = 0;
    while end.closed().is_none() {
        let _ = end.handle_packet(0, &data(0, pieces * 2, b"x", false), vec![], now);
        pieces += 1;
        assert!(pieces < 10_000);
    }
}

#[test]
fn blocks_and_replies_are_bounded() {
    let (mut end, now) = provider();
    let limits = Limits::default();
    for packet in 0..1_000 {
        end.handle_packet(packet, &[10, 255], vec![packet; 6], now).expect("a question");
        assert!(end.blocks_held() <= limits.blocks);
    }
    let replies = std::iter::from_fn(|| end.poll_transmit(now)).count();
    assert_eq!(replies, 6, "as many as one question may ask for");
    // A client that never says what came gets no more than may be under way.
    let mut replies = 0;
    for packet in 0..1_200 {
        end.handle_packet(packet, &[10, 6], vec![packet; 6], now).expect("a question");
        replies += std::iter::from_fn(|| end.poll_transmit(now)).count();
    }
    assert_eq!(replies + 6, limits.in_flight);
}

#[test]
fn what_is_written_for_nobody_is_bounded() {
    let (mut end, now) = provider();
    let open =
        |stream: u64| [vec![5], number(stream), number(3), b"tcp".to_vec(), number(0)].concat();
    let mut written = 0;
    for stream in 0..2 * u32::try_from(Limits::default().streams).expect("few") {
        end.handle_packet(stream, &open(stream.into()), vec![], now).expect("an opening");
        let Some(mixbed_session::Event::Asked { stream, .. }) = end.poll_event() else {
            panic!("no event")
        };
        end.grant(stream);
        while let Ok(taken @ 1..) = end.write(stream, &[0; 10_000]) {
            written += taken;
        }
        while end.poll_event().is_some() {}
    }
    assert!(written <= Limits::default().session_window, "{written}");
}

#[test]
fn a_client_refuses_what_breaks_the_rules() {
    let hello = HELLO.to_vec();
    let too_far = data(0, FIRST_STREAM_WINDOW as u64, b"x", false);
    for frames in [
        hello,
        data(7, 0, b"x", false),
        too_far,
        [vec![5], number(0), number(1), vec![b'x'], number(0)].concat(),
    ] {
        let now = Instant::now();
        let mut client = ClientEnd::new(Limits::default(), now);
        client.open("tcp", "x:1", now).expect("a stream opens");
        let later = now + Duration::from_secs(1);
        let draft = client.poll_transmit(later).expect("an opening");
        client.handle_sent(draft.number, Duration::ZERO, &[(BlockNo(1), Duration::ZERO)], later);
        let reply = [vec![4, 0, 0, 0, 0], frames.clone()].concat();
        assert_eq!(client.handle_reply(BlockNo(2), &reply, later), Err(DropReason::UnknownReply));
        assert_eq!(client.handle_reply(BlockNo(1), &reply, later), Err(DropReason::UnknownMessage));
        assert_eq!(client.closed().map(Reason::code), Some(Code::Failed), "{frames:?}");
        assert!(client.poll_transmit(later).is_some(), "the provider is told");
        assert!(client.poll_transmit(later).is_none());
        assert_eq!(client.poll_timeout(), None);
    }
}

#[test]
fn an_unknown_session_ends_at_once() {
    let now = Instant::now();
    let mut client = ClientEnd::new(Limits::default(), now);
    client.open("tcp", "x:1", now).expect("a stream opens");
    let later = now + Duration::from_secs(1);
    let draft = client.poll_transmit(later).expect("an opening");
    client.handle_sent(draft.number, Duration::ZERO, &[(BlockNo(1), Duration::ZERO)], later);
    assert_eq!(client.handle_reply(BlockNo(1), &unknown_session(), later), Ok(()));
    assert_eq!(client.closed().map(Reason::code), Some(Code::SessionLost));
}

/// Frames that a fuzzer would find: of the right shape, with numbers of interest.
fn frames(rng: &mut ChaCha8Rng) -> Vec<u8> {
    const NUMBERS: [u64; 14] = [
        0,
        1,
        2,
        3,
        100,
        1_279,
        1_280,
        131_071,
        131_072,
        1 << 20,
        0xffff_fffe,
        0xffff_ffff,
        1 << 32,
        (1 << 62) - 1,
    ];
    let mut out = Vec::new();
    for _ in 0..rng.random_range(0..6) {
        let kind = rng.random_range(0..18_u8);
        out.push(kind);
        let mut some = |out: &mut Vec<u8>| {
            out.extend(number(NUMBERS[rng.random_range(0..NUMBERS.len())]));
        };
        match kind {
            1 => out.push(1),
            2 | 4 | 8 => {
                some(&mut out);
                some(&mut out);
            }
            3 => {
                some(&mut out);
                some(&mut out);
                out.extend(number(8));
                out.extend([0xa5; 8]);
            }
            5 => {
                some(&mut out);
                out.extend(number(3));
                out.extend(b"tcp");
                out.extend(number(0));
            }
            6 | 9 => some(&mut out),
            7 => {
                some(&mut out);
                some(&mut out);
                out.push(3);
                out.extend(number(0));
            }
            10 => out.push(255),
            11 => out.extend([3, 0]),
            16 | 17 => {
                some(&mut out);
                some(&mut out);
                out.extend(number(5));
                out.extend(b"bytes");
            }
            _ => {}
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Neither end panics, spins or grows, whatever the other one says.
    #[test]
    fn nonsense_does_no_harm(seed in any::<u64>()) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut now = Instant::now();
        let mut provider = ProviderEnd::new(Limits::default(), now);
        let mut client = ClientEnd::new(Limits::default(), now);
        let own = client.open("tcp", "x:1", now).expect("a stream opens");
        let mut block = 0;
        let mut out = Vec::new();
        for _ in 0..60 {
            now += Duration::from_millis(rng.random_range(0..400));
            let packet = rng.random_range(0..1_300);
            let _ = provider.handle_packet(packet, &frames(&mut rng), vec![(); 6], now);
            provider.handle_timeout(now);
            while let Some(event) = provider.poll_event() {
                if let mixbed_session::Event::Asked { stream, .. } = event {
                    provider.grant(stream);
                    let _ = provider.write(stream, &[1; 5_000]);
                    let _ = provider.read(stream, &mut [0; 100]);
                }
            }
            prop_assert!(std::iter::from_fn(|| provider.poll_transmit(now)).count() <= 512);
            prop_assert!(provider.streams() <= 600 && provider.blocks_held() <= 512);

            let _ = client.write(own, &[1; 3_000]);
            let _ = client.read(own, &mut [0; 100]);
            let mut sent = 0;
            while let Some(draft) = client.poll_transmit(now) {
                block += draft.blocks as u64 + 1;
                let backs: Vec<_> = (0..draft.blocks as u64)
                    .map(|at| (BlockNo(block + at), Duration::from_millis(at * 40)))
                    .collect();
                client.handle_sent(draft.number, Duration::from_millis(100), &backs, now);
                out.extend(backs.iter().map(|(block, _)| *block));
                sent += 1;
                prop_assert!(sent <= 1_100);
            }
            client.handle_timeout(now);
            if !out.is_empty() {
                let block = out.swap_remove(rng.random_range(0..out.len()));
                let number: u32 = rng.random_range(0..1_300);
                let reply = [vec![4], number.to_be_bytes().to_vec(), frames(&mut rng)].concat();
                let _ = client.handle_reply(block, &reply, now);
            }
            while client.poll_event().is_some() {}
        }
    }
}
