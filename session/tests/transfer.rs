//! Bytes arrive whole and in order, whatever is lost.
#![allow(clippy::cast_precision_loss, reason = "counts of packets and bytes")]

mod mixnet;

use std::time::{Duration, Instant};

use mixbed_session::{ClientEnd, End, Event, FIRST_STREAM_WINDOW, Limits};
use mixnet::{Net, Pair, ROUND_TRIP};
use proptest::prelude::*;
use rand::RngExt;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Streams with so many bytes up and down, all at once, until all are done.
fn transfer(seed: u64, loss: f64, sizes: &[(u64, u64)], limit: Duration) -> Net {
    transfer_in(Net::new(seed, loss), seed, sizes, limit)
}

fn transfer_in(mut net: Net, seed: u64, sizes: &[(u64, u64)], limit: Duration) -> Net {
    let loss = net.path.loss;
    let mut pairs: Vec<_> = sizes
        .iter()
        .zip(seed..)
        .map(|(&(up, down), seed)| Pair::open(&mut net, seed, up, down))
        .collect();
    let done = net.until(limit, |net| {
        let open = pairs.iter_mut().filter(|pair| !pair.is_done());
        open.map(|pair| pair.work(net)).filter(|done| !done).count() == 0
    });
    let state: Vec<_> = pairs.iter().map(|pair| (pair.up.read, pair.down.read)).collect();
    let elapsed = net.elapsed();
    assert!(done, "seed {seed}, loss {loss}: {state:?} of {sizes:?} after {elapsed:?}");
    net
}

/// What `bytes` are of so many packets.
fn share(bytes: u64, packets: u64) -> f64 {
    bytes as f64 / (packets as f64 * mixbed_wire::PACKET_SIZE as f64)
}

#[test]
fn a_request_is_answered_in_one_round_trip() {
    let mut elapsed = Duration::ZERO;
    for seed in 0..50 {
        let net = transfer(seed, 0.0, &[(300, 2_000)], seconds(10));
        elapsed += net.elapsed();
        assert!(net.counts.there <= 3 && net.counts.back <= 3, "seed {seed}: {:?}", net.counts);
    }
    assert!(elapsed / 50 < ROUND_TRIP.mul_f64(1.25), "{:?} on average", elapsed / 50);
}

#[test]
fn packets_are_well_used() {
    for (loss, least) in [(0.0, 0.75), (0.05, 0.6)] {
        let net = transfer(1, loss, &[(4_000_000, 0)], seconds(300));
        let up = share(4_000_000, net.counts.there);
        assert!(up >= least, "{up} up at a loss of {loss}, {:?}", net.counts);
        assert!(net.client.spurious() < 30, "{} spurious", net.client.spurious());
        let net = transfer(1, loss, &[(0, 4_000_000)], seconds(300));
        let down = share(4_000_000, net.counts.back);
        assert!(down >= least, "{down} down at a loss of {loss}, {:?}", net.counts);
        assert!(net.counts.there * 3 < net.counts.back, "{:?}", net.counts);
    }
}

/// A net whose client sends 100 packets a second, whatever is in them.
fn clocked(seed: u64, loss: f64) -> Net {
    let limits = Limits { session_window: 2 << 20, ..Limits::default() };
    let mut net = Net::with(seed, loss, limits);
    (net.clocked, net.gap) = (true, Duration::from_millis(10));
    net
}

#[test]
fn a_clock_is_well_used_whatever_is_lost() {
    const BYTES: u64 = 5_000_000;
    let run = |seed, loss, least| {
        let net = transfer_in(clocked(seed, loss), seed, &[(BYTES, 0)], seconds(300));
        let ticks = net.elapsed().as_secs_f64() / net.gap.as_secs_f64();
        let up = BYTES as f64 / (ticks * mixbed_wire::PACKET_SIZE as f64);
        assert!(up >= least, "seed {seed}: {up} at a loss of {loss}, {:?}", net.counts);
        up
    };
    run(0, 0.0, 0.8);
    // 0.68 is what arrives. No bad luck is to cost much more than another: a round trip, or two.
    let mean = (0..40).map(|seed| run(seed, 0.05, 0.58)).sum::<f64>() / 40.0;
    assert!(mean >= 0.62, "{mean} on average");
}

#[test]
fn what_may_be_lost_is_said_twice_on_ticks_without_anything_else_to_say() {
    let run = |seed, loss, bytes, spare: bool| {
        let mut net = clocked(seed, loss);
        net.clocked = spare;
        transfer_in(net, seed, &[(bytes, 0)], seconds(60))
    };
    let time =
        |spare| -> Duration { (0..40).map(|seed| run(seed, 0.05, 20_000, spare).elapsed()).sum() };
    let (once, twice) = (time(false), time(true));
    assert!(twice < once.mul_f64(0.7), "{twice:?} instead of {once:?}");
    // Where nothing is lost nothing is said twice, once that is known.
    let packets = |spare| run(1, 0.0, 2_000_000, spare).counts.there;
    let (once, twice) = (packets(false), packets(true));
    assert!(twice < once + once / 20, "{twice} instead of {once}");
}

#[test]
fn what_is_said_twice_and_does_not_leave_is_forgotten() {
    let mut net = clocked(1, 0.05);
    let mut pair = Pair::open(&mut net, 1, 200_000, 0);
    let mut forgotten = 0;
    let done = net.until(seconds(60), |net| {
        if let Some(draft) = net.client.poll_spare(net.now) {
            net.client.handle_unsent(draft.number);
            forgotten += 1;
        }
        pair.work(net)
    });
    assert!(done && forgotten > 50, "{forgotten} forgotten, {:?}", net.counts);
    assert!(net.client.poll_spare(net.now).is_none(), "all of it is known to have arrived");
}

#[test]
fn when_all_was_said_thrice_a_spare_tick_asks_what_has_arrived() {
    let mut now = Instant::now();
    let mut client = ClientEnd::new(Limits::default(), now);
    client.open("echo", "some.where:80", now).expect("room");
    let first = client.poll_transmit(now).expect("the opening");
    client.handle_sent(first.number, seconds(1), &[], now);
    let mut spares = 0;
    for _tick in 0..50 {
        now += Duration::from_millis(10);
        if let Some(spare) = client.poll_spare(now) {
            client.handle_sent(spare.number, seconds(1), &[], now);
            spares += 1;
        }
    }
    assert_eq!(spares, 3 + 5, "copies, then a question each 100 ms");
}

#[test]
fn streams_that_nobody_reads_leave_room_for_others() {
    let mut net = Net::new(6, 0.0);
    for _ in 0..2 {
        let unread = net.open();
        net.client.write(unread, &vec![7; FIRST_STREAM_WINDOW]).expect("room");
    }
    net.until(seconds(2), |_| false);
    let mut pair = Pair::open(&mut net, 6, 10_000, 10_000);
    assert!(net.until(seconds(5), |net| pair.work(net)), "{} came", pair.up.read);
}

#[test]
fn who_has_no_room_soon_asks_for_it() {
    let mut net = Net::new(7, 0.0);
    let unread = net.open();
    net.client.write(unread, &vec![7; 2 * FIRST_STREAM_WINDOW]).expect("room");
    let (mut sent, mut at, mut longest) = (0, net.now, Duration::ZERO);
    net.until(Duration::from_millis(2_500), |net| {
        if net.counts.there > sent {
            longest = longest.max(net.now - at);
            (sent, at) = (net.counts.there, net.now);
        }
        false
    });
    assert!(longest > Duration::from_millis(250) && longest < seconds(1), "{longest:?}");
}

#[test]
fn an_answer_of_5_mb_does_not_starve() {
    for loss in [0.0, 0.05] {
        let net = transfer(3, loss, &[(200, 5_000_000)], seconds(120));
        println!("{loss}: {:?} {:?}", net.elapsed(), net.counts);
    }
}

#[test]
fn ten_megabytes_both_ways_at_once() {
    transfer(4, 0.01, &[(10_000_000, 10_000_000)], seconds(300));
}

#[test]
fn half_of_most_packets_is_lost_and_it_goes_on() {
    let net = transfer(5, 0.2, &[(200_000, 200_000), (1_000, 50_000)], seconds(600));
    assert!(net.lost > 100, "{:?}", net.counts);
}

#[test]
fn twenty_streams_share_fairly() {
    for loss in [0.0, 0.05] {
        let mut net = Net::new(6, loss);
        let mut pairs: Vec<_> =
            (0..20).map(|seed| Pair::open(&mut net, seed, 0, 400_000)).collect();
        let mut times = vec![None; pairs.len()];
        let done = net.until(seconds(300), |net| {
            for (pair, time) in pairs.iter_mut().zip(&mut times).filter(|(_, time)| time.is_none())
            {
                if pair.work(net) {
                    *time = Some(net.elapsed().as_secs_f64());
                }
            }
            times.iter().all(Option::is_some)
        });
        assert!(done);
        let speeds: Vec<_> = times.into_iter().flatten().map(|time| 400_000.0 / time).collect();
        let mean = speeds.iter().sum::<f64>() / 20.0;
        assert!(speeds.iter().all(|speed| *speed >= mean / 2.0), "loss {loss}: {speeds:?}");
    }
}

#[test]
fn a_stream_that_nobody_reads_holds_up_no_other() {
    let mut net = Net::new(8, 0.0);
    let mut stuck: Vec<_> = (0..6).map(|seed| Pair::open(&mut net, seed, 0, 8_000_000)).collect();
    let mut lively = Pair::open(&mut net, 9, 100, 3_000_000);
    let done = net.until(seconds(120), |net| {
        for pair in &mut stuck {
            // Two of them read a little, and get all the room that a stream may have.
            if pair.down.id.number() < 2 && pair.down.read < 200_000 {
                pair.down.read(&mut net.client, net.now);
            }
            if let Some(provider) = net.provider.as_mut()
                && provider.is_granted(pair.down.id)
            {
                pair.down.write(provider, u64::MAX);
            }
        }
        lively.work(net)
    });
    assert!(done, "{} of 3 MB", lively.down.read);
}

#[test]
fn a_reader_that_comes_late_finds_everything() {
    let mut net = Net::new(10, 0.05);
    let mut pair = Pair::open(&mut net, 1, 3_000_000, 0);
    net.until(seconds(60), |net| {
        pair.up.write(&mut net.client, u64::MAX);
        false
    });
    assert!(pair.up.written < 3_000_000, "the window holds it");
    assert!(net.until(seconds(200), |net| pair.work(net)), "{:?}", pair.up);
}

#[test]
fn an_idle_stream_costs_little() {
    let mut net = Net::new(11, 0.0);
    let mut pair = Pair::open(&mut net, 1, 100, 100);
    pair.up.total = u64::MAX;
    pair.down.total = u64::MAX;
    net.until(seconds(30), |_| false);
    let before = net.counts;
    net.until(seconds(300), |_| false);
    let packets = net.counts.there - before.there + net.counts.back - before.back;
    let blocks = net.counts.blocks - before.blocks;
    assert!(packets <= 60 && blocks <= 80, "{packets} packets and {blocks} blocks in 5 minutes");
    // The provider can still say something at any time.
    let provider = net.provider.as_mut().expect("the session is held");
    provider.write(pair.down.id, b"news").expect("the stream lives");
    let before = net.now;
    net.client_events.clear();
    let came =
        net.until(seconds(10), |net| net.client_events.contains(&Event::Readable(pair.down.id)));
    assert!(came && net.now - before < seconds(1));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Small writes at any times on several streams, with and without an end.
    #[test]
    fn any_interleaving_arrives(
        seed in 0_u64..1_000_000,
        loss in prop::sample::select(vec![0.0, 0.05, 0.2]),
        sizes in prop::collection::vec((0_u64..30_000, 0_u64..60_000), 1..6),
    ) {
        let mut net = Net::new(seed, loss);
        let mut pairs: Vec<_> =
            sizes.iter().zip(0..).map(|(&(up, down), seed)| Pair::open(&mut net, seed, up, down)).collect();
        let done = net.until(seconds(900), |net| {
            for pair in pairs.iter_mut().filter(|pair| !pair.is_done()) {
                let most = net.rng.random_range(0..4_000);
                if net.rng.random_bool(0.3) {
                    pair.work_slowly(net, most);
                }
            }
            // Those who do nothing now do something soon, whatever the net does.
            net.wake_in(Duration::from_millis(20));
            pairs.iter().all(Pair::is_done)
        });
        prop_assert!(done, "after {:?}: {:?}", net.elapsed(), net.client.closed());
    }
}
