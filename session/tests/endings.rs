//! How streams and sessions end.

mod mixnet;

use std::time::Duration;

use mixbed_session::{ClientEnd, Code, End, Event, Limits, OpenError, ProviderEnd, Read, Reason};
use mixnet::{Net, Pair};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A net and a stream that was granted, with something said in both directions.
fn talking(seed: u64, loss: f64) -> (Net, Pair) {
    let mut net = Net::new(seed, loss);
    let mut pair = Pair::open(&mut net, 1, 20_000_000, 20_000_000);
    let talks = net.until(seconds(60), |net| {
        pair.work(net);
        pair.up.read > 10_000 && pair.down.read > 10_000
    });
    assert!(talks, "seed {seed}");
    (net, pair)
}

fn reset_of(events: &[Event], pair: &Pair) -> Option<Code> {
    events.iter().find_map(|event| match event {
        Event::Reset(id, reason) if *id == pair.up.id => Some(reason.code()),
        _ => None,
    })
}

#[test]
fn a_half_closed_stream_is_still_read() {
    for loss in [0.0, 0.05] {
        let mut net = Net::new(1, loss);
        let mut pair = Pair::open(&mut net, 1, 5_000, 700_000);
        let half = net.until(seconds(60), |net| {
            pair.work_slowly(net, 5_000);
            pair.up.ended
        });
        assert!(half && !pair.down.ended);
        assert!(net.client.write(pair.up.id, b"more").is_err(), "it was finished");
        assert!(net.until(seconds(100), |net| pair.work(net)));
        let over = net.until(seconds(60), |net| {
            net.client.streams() == 0
                && net.provider.as_ref().is_some_and(|provider| provider.streams() == 0)
        });
        assert!(over, "both ends forget it");
        assert!(net.client_events.contains(&Event::Ended(pair.up.id)));
        assert!(net.provider_events.contains(&Event::Ended(pair.up.id)));
    }
}

#[test]
fn a_reset_reaches_the_other_side_with_its_reason() {
    for seed in 0..10 {
        for loss in [0.0, 0.05] {
            let (mut net, pair) = talking(seed, loss);
            net.client.reset(pair.up.id, Reason::new(Code::Stopped, "enough"));
            assert_eq!(
                net.client.read(pair.up.id, &mut [0; 9]).map_err(|why| why.code()),
                Err(Code::Stopped)
            );
            let came =
                net.until(seconds(30), |net| reset_of(&net.provider_events, &pair).is_some());
            assert!(came, "seed {seed}");
            assert_eq!(reset_of(&net.provider_events, &pair), Some(Code::Stopped));
            let over = net.until(seconds(60), |net| {
                net.client.streams() == 0
                    && net.provider.as_ref().is_some_and(|provider| provider.streams() == 0)
            });
            assert!(over, "both ends forget it, seed {seed}");

            // And the session goes on.
            let mut fresh = Pair::open(&mut net, 2, 50_000, 50_000);
            assert!(net.until(seconds(60), |net| fresh.work(net)), "seed {seed}");

            let (mut net, pair) = talking(seed, loss);
            let provider = net.provider.as_mut().expect("the session is held");
            provider.reset(pair.up.id, Reason::new(Code::Failed, "broken pipe"));
            let came = net.until(seconds(30), |net| reset_of(&net.client_events, &pair).is_some());
            assert!(came, "seed {seed}");
            assert!(net.client.write(pair.up.id, b"x").is_err());
        }
    }
}

#[test]
fn a_refusal_has_its_reason() {
    let mut net = Net::new(2, 0.0);
    net.grants = false;
    let mut pair = Pair::open(&mut net, 1, 10_000, 0);
    let asked = net.until(seconds(10), |net| {
        pair.up.write(&mut net.client, u64::MAX);
        !net.provider_events.is_empty()
    });
    assert!(asked);
    let (service, target) = ("echo".to_owned(), "some.where:80".to_owned());
    assert_eq!(net.provider_events[0], Event::Asked { stream: pair.up.id, service, target });
    let provider = net.provider.as_mut().expect("the session is held");
    provider.refuse(pair.up.id, Reason::new(Code::Refused, "port 80"));
    assert!(net.until(seconds(10), |net| reset_of(&net.client_events, &pair).is_some()));
    assert_eq!(reset_of(&net.client_events, &pair), Some(Code::Refused));
    assert!(net.until(seconds(30), |net| net.client.streams() == 0));
}

#[test]
fn what_was_written_before_a_release_arrives() {
    let mut net = Net::new(3, 0.05);
    let mut pair = Pair::open(&mut net, 1, 1_000, 300_000);
    let written = net.until(seconds(60), |net| {
        pair.work(net);
        pair.down.written == 300_000
    });
    assert!(written);
    // The service ends without having read to the end.
    net.provider.as_mut().expect("the session is held").release(pair.up.id);
    assert!(net.until(seconds(60), |net| {
        pair.down.read(&mut net.client, net.now);
        pair.down.ended
    }));
    // The client writes on, and learns in the end that nobody reads.
    assert!(net.until(seconds(60), |net| net.client.write(pair.up.id, b"x").is_err()));
}

#[test]
fn a_provider_that_forgot_the_session_says_so() {
    for seed in 0..10 {
        let (mut net, mut pair) = talking(seed, 0.0);
        // No packet that greets is on its way any more.
        net.until(seconds(3), |_| false);
        net.provider = None;
        let before = net.now;
        let lost = net.until(seconds(30), |net| {
            if net.client.closed().is_none() {
                pair.work(net);
            }
            net.client.closed().is_some()
        });
        assert!(lost && net.now - before < seconds(2), "seed {seed}: {:?}", net.now - before);
        assert_eq!(net.client.closed().map(Reason::code), Some(Code::SessionLost));
        assert!(net.provider.is_none(), "no session is made of the rest of another");
        assert_eq!(net.client_events.last(), Some(&Event::Closed(Code::SessionLost.into())));
    }
}

#[test]
fn silence_ends_the_session() {
    for seed in 0..10 {
        let (mut net, mut pair) = talking(seed, 0.0);
        net.path.loss = 1.0;
        let before = net.now;
        let lost = net.until(seconds(60), |net| {
            if net.client.closed().is_none() {
                pair.work(net);
            }
            net.client.closed().is_some()
        });
        let took = net.now - before;
        assert!(lost && took >= seconds(7) && took < seconds(13), "seed {seed}: {took:?}");
    }
    // Nothing is known of the provider yet.
    let mut net = Net::new(9, 1.0);
    net.open();
    assert!(net.until(seconds(60), |net| net.client.closed().is_some()));
    assert!(net.elapsed() < seconds(15), "{:?}", net.elapsed());
    assert_eq!(
        net.client.open("tcp", "x:1", net.now),
        Err(OpenError::Closed(Code::SessionLost.into()))
    );
}

/// A machine that has too much to do: everything comes, seconds late.
#[test]
fn a_session_is_not_lost_for_slowness() {
    for seed in 0..4 {
        let (mut net, mut pair) = talking(seed, 0.0);
        net.path.late = seconds(3);
        let slow = net.until(seconds(40), |net| {
            pair.work(net);
            net.client.closed().is_some()
        });
        assert!(!slow, "seed {seed} after {:?}: {:?}", net.elapsed(), net.client.closed());
    }
}

#[test]
fn a_session_is_not_lost_for_losses() {
    for seed in 0..10 {
        let mut net = Net::new(seed, 0.2);
        let mut pair = Pair::open(&mut net, seed, 100, 100);
        pair.up.total = u64::MAX;
        let mut due = 1_000;
        net.until(seconds(300), |net| {
            if net.client.closed().is_none() && net.elapsed().as_millis() > due {
                due += 7_000;
                pair.work_slowly(net, 100);
            }
            net.client.closed().is_some()
        });
        assert_eq!(net.client.closed(), None, "seed {seed} after {:?}", net.elapsed());
    }
}

#[test]
fn a_client_that_vanished_is_forgotten() {
    let (mut net, _) = talking(4, 0.0);
    net.vanished = true;
    let before = net.now;
    assert!(net.until(seconds(1_000), |net| net.provider.is_none()));
    let took = net.now - before;
    let idle = Limits::default().idle;
    assert!(took >= idle && took < idle + seconds(60), "{took:?}");
    assert_eq!(net.provider_events.last(), Some(&Event::Closed(Code::IdleTooLong.into())));
}

#[test]
fn a_session_without_streams_ends_at_both_ends() {
    let mut net = Net::new(5, 0.0);
    let mut pair = Pair::open(&mut net, 1, 100, 100);
    assert!(net.until(seconds(10), |net| pair.work(net)));
    net.until(seconds(5), |_| false);
    let before = net.counts;
    assert!(net.until(seconds(1_000), |net| net.client.closed().is_some()));
    assert_eq!(net.client.closed().map(Reason::code), Some(Code::IdleTooLong));
    assert_eq!(net.counts.blocks, before.blocks, "none for a session that does nothing");
    assert_eq!(net.counts.there - before.there, 1, "it says that it ends");
    assert!(net.until(seconds(60), |net| net.provider.is_none()));
}

#[test]
fn an_end_that_is_closed_tells_the_other() {
    let (mut net, _) = talking(6, 0.0);
    net.client.close(Code::Stopped.into(), net.now);
    let told = net.until(seconds(10), |net| {
        net.provider_events.last() == Some(&Event::Closed(Code::Stopped.into()))
    });
    assert!(told);
    assert!(net.until(seconds(60), |net| net.provider.is_none()), "after a while it is forgotten");

    let (mut net, _) = talking(7, 0.05);
    let now = net.now;
    net.provider.as_mut().expect("the session is held").close(Code::Stopped.into(), now);
    assert!(net.until(seconds(10), |net| net.client.closed().is_some()));
    assert_eq!(net.client.closed().map(Reason::code), Some(Code::Stopped));
}

#[test]
fn a_late_packet_opens_nothing_again() {
    let mut net = Net::new(8, 0.0);
    let pair = Pair::open(&mut net, 1, 0, 0);
    // Several packets greet; the session is closed before the last of them arrives.
    net.client.write(pair.up.id, &vec![7; 30_000]).expect("there is room");
    net.until(Duration::from_millis(80), |_| false);
    net.client.close(Code::Stopped.into(), net.now);
    net.until(seconds(20), |_| false);
    let asked = net.provider_events.iter().filter(|event| matches!(event, Event::Asked { .. }));
    assert!(asked.count() <= 1);
    assert_eq!(net.provider.as_ref().map(End::streams), Some(0));
}

#[test]
fn drafts_that_are_not_sent_are_drafted_again() {
    let mut net = Net::new(12, 0.0);
    let mut pair = Pair::open(&mut net, 1, 50_000, 0);
    pair.up.write(&mut net.client, u64::MAX);
    let later = net.now + seconds(1);
    let first = net.client.poll_transmit(later).expect("an opening");
    let second = net.client.poll_transmit(later).expect("data");
    net.client.handle_unsent(second.number);
    net.client.handle_unsent(first.number);
    assert!(net.until(seconds(60), |net| pair.work(net)));
}

#[test]
fn openings_are_checked() {
    let limits = Limits { streams: 2, ..Limits::default() };
    let mut net = Net::with(1, 0.0, limits);
    assert_eq!(net.client.open("", "x", net.now), Err(OpenError::Service));
    assert_eq!(net.client.open("TCP", "x", net.now), Err(OpenError::Service));
    assert_eq!(net.client.open("tcp", &"x".repeat(281), net.now), Err(OpenError::Target(281)));
    let first = net.open();
    net.open();
    assert_eq!(net.client.open("tcp", "x", net.now), Err(OpenError::TooMany(2)));
    net.client.reset(first, Code::Closed.into());
    assert!(net.until(seconds(30), |net| net.client.streams() == 1));
    net.open();
}

#[test]
fn unknown_streams_are_no_panic() {
    fn ask(end: &mut impl End, other: mixbed_session::StreamId) {
        assert!(end.write(other, b"x").is_err() && end.read(other, &mut [0]).is_err());
        end.finish(other);
        end.reset(other, Code::Closed.into());
        end.release(other);
        assert!(!end.is_granted(other));
    }
    let mut net = Net::new(1, 0.0);
    let id = net.open();
    ask(&mut ClientEnd::new(Limits::default(), net.now), id);
    ask(&mut ProviderEnd::<()>::new(Limits::default(), net.now), id);
    assert_eq!(net.client.read(id, &mut [0]), Ok(Read::Nothing));
}
