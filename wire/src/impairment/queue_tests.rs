#![allow(
    clippy::disallowed_methods,
    reason = "a starting point in time, from which the tests count"
)]

use proptest::prelude::*;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

use super::*;
use crate::impairment::Latency;

const MS: fn(u64) -> Duration = Duration::from_millis;

fn link(impairments: &[Impairment]) -> Impaired<u32> {
    Impaired::new(impairments, 1_000)
}

fn latency(latency: Latency) -> Impairment {
    Impairment { latency, ..Impairment::NONE }
}

/// Takes out everything, each with its time since `start`.
fn arrivals(link: &mut Impaired<u32>, start: Instant) -> Vec<(u32, Duration)> {
    let mut out = Vec::new();
    while let Some(due) = link.next_due() {
        out.push((link.poll_due(due).unwrap(), due - start));
    }
    out
}

#[test]
fn without_impairments_everything_comes_out_at_once() {
    let (mut rng, start) = (ChaCha20Rng::seed_from_u64(1), Instant::now());
    let mut link = link(&[]);
    assert!(link.is_clear());
    link.handle(1, 3_072, start, &mut rng).unwrap();
    assert!(!link.is_clear());
    assert_eq!(link.poll_due(start), Some(1));
    assert_eq!(link.poll_due(start), None);
}

#[test]
fn a_latency_holds_a_packet_for_as_long_and_no_longer() {
    let (mut rng, start) = (ChaCha20Rng::seed_from_u64(1), Instant::now());
    let mut link = link(&[latency(Latency::Constant(MS(100))), latency(Latency::Constant(MS(20)))]);
    link.handle(1, 3_072, start, &mut rng).unwrap();
    assert_eq!(link.next_due(), Some(start + MS(120)), "latencies add up");
    assert_eq!(link.poll_due(start + MS(119)), None);
    assert_eq!(link.poll_due(start + MS(120)), Some(1));
}

#[test]
fn jitter_is_uniform_and_never_beyond_its_bound() {
    let (mut rng, start) = (ChaCha20Rng::seed_from_u64(2), Instant::now());
    let jitter = Impairment { jitter: MS(10), ..Impairment::NONE };
    let (mut below, mut sum) = (0_u32, Duration::ZERO);
    for _ in 0..10_000 {
        let mut link = link(&[jitter]);
        link.handle(0, 1, start, &mut rng).unwrap();
        let delay = link.next_due().unwrap() - start;
        assert!(delay <= MS(10));
        below += u32::from(delay < MS(3));
        sum += delay;
    }
    // Three standard errors: of a share √(p(1-p)/n), of the mean 10 ms/√(12·n).
    assert!((f64::from(below) / 10_000.0 - 0.3).abs() < 0.014, "{below}");
    assert!((sum.as_secs_f64() / 10.0 - 5.0).abs() < 0.087, "{sum:?}");
}

#[test]
fn losses_multiply_and_a_partition_takes_everything() {
    let start = Instant::now();
    let half = Impairment { loss: 0.5, ..Impairment::NONE };
    let fifth = Impairment { loss: 0.2, ..Impairment::NONE };
    for (links, expected) in [(vec![half], 0.5), (vec![half, fifth], 0.6), (vec![], 0.0)] {
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let mut link = Impaired::new(links, usize::MAX);
        let lost = (0..10_000).filter(|i| link.handle(*i, 1, start, &mut rng).is_err()).count();
        let share = f64::from(u32::try_from(lost).unwrap()) / 10_000.0;
        assert!((share - expected).abs() <= 0.015, "{share}, not {expected}");
    }
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let all = Impairment { loss: 1.0, ..Impairment::NONE };
    for cut in [Impairment::PARTITION, all] {
        let mut link = Impaired::new([cut, Impairment::NONE], 10);
        for i in 0..1_000 {
            assert_eq!(link.handle(i, 1, start, &mut rng), Err((i, DropReason::Impaired)));
        }
        link.handle_change([]);
        assert_eq!(link.handle(1, 1, start, &mut rng), Ok(()), "healed");
    }
}

#[test]
fn the_narrowest_bandwidth_lets_so_many_bytes_through_a_second() {
    let (mut rng, start) = (ChaCha20Rng::seed_from_u64(4), Instant::now());
    let narrow = Impairment { bandwidth: Some(10_000), ..Impairment::NONE };
    let wide = Impairment { bandwidth: Some(1_000_000), ..latency(Latency::Constant(MS(50))) };
    let mut link = link(&[wide, narrow]);
    // 1,000 bytes are 100 ms, one after the other; the latency is the same for each.
    for i in 0..5 {
        link.handle(i, 1_000, start, &mut rng).unwrap();
    }
    let expected: Vec<_> = (0..5).map(|i| (i, MS(150 + 100 * u64::from(i)))).collect();
    assert_eq!(arrivals(&mut link, start), expected);
    // A link that rested has saved nothing up.
    let later = start + MS(10_000);
    link.handle(6, 1_000, later, &mut rng).unwrap();
    assert_eq!(link.next_due(), Some(later + MS(150)));
}

#[test]
fn too_much_that_waits_is_refused_by_name() {
    let (mut rng, start) = (ChaCha20Rng::seed_from_u64(5), Instant::now());
    let mut short = Impaired::new([latency(Latency::Constant(MS(100)))], 2);
    short.handle(1, 1, start, &mut rng).unwrap();
    short.handle(2, 1, start, &mut rng).unwrap();
    assert_eq!(short.handle(3, 1, start, &mut rng), Err((3, DropReason::LinkQueueFull)));
    assert_eq!(short.poll_due(start + MS(100)), Some(1));
    assert_eq!(short.handle(3, 1, start + MS(100), &mut rng), Ok(()));

    // 3 s each: the third would begin after 6 s.
    let mut slow = link(&[Impairment { bandwidth: Some(1_000), ..Impairment::NONE }]);
    slow.handle(1, 3_000, start, &mut rng).unwrap();
    slow.handle(2, 3_000, start, &mut rng).unwrap();
    assert_eq!(slow.handle(3, 3_000, start, &mut rng), Err((3, DropReason::LinkQueueFull)));
    assert_eq!(slow.handle(3, 3_000, start + MS(1_000), &mut rng), Ok(()));
}

#[test]
fn what_waits_keeps_its_time_when_the_impairments_change() {
    let (mut rng, start) = (ChaCha20Rng::seed_from_u64(6), Instant::now());
    let mut link = link(&[latency(Latency::Constant(MS(100)))]);
    link.handle(1, 1, start, &mut rng).unwrap();
    link.handle_change([]);
    link.handle(2, 1, start, &mut rng).unwrap();
    assert!(!link.is_clear());
    // The second is not impaired any more, but does not overtake.
    assert_eq!(arrivals(&mut link, start), [(1, MS(100)), (2, MS(100))]);
    assert!(link.is_clear());
    link.handle(3, 1, start, &mut rng).unwrap();
    assert_eq!(link.drain().collect::<Vec<_>>(), [3]);
}

prop_compose! {
    fn impairment()(
        kind in 0..4, mean in 0..2_000_u64, deviation in 0..2_000_u64, jitter in 0..500_u64,
        loss in 0.0..0.5_f64, bandwidth in proptest::option::of(1_000..10_000_000_u64),
    ) -> Impairment {
        let latency = match kind {
            0 => Latency::None,
            1 => Latency::Constant(MS(mean)),
            2 => Latency::Normal { mean: MS(mean), deviation: MS(deviation) },
            _ => Latency::Exponential { mean: MS(mean) },
        };
        Impairment { latency, jitter: MS(jitter), loss, bandwidth, partition: false }
    }
}

proptest! {
    /// Whatever is asked for: order is kept, nothing appears or vanishes, the bound holds.
    #[test]
    fn a_link_keeps_order_books_and_bound(
        seed: u64,
        impairments in proptest::collection::vec(impairment(), 0..4),
        gaps in proptest::collection::vec(0..300_u64, 1..200),
    ) {
        let (mut rng, start) = (ChaCha20Rng::seed_from_u64(seed), Instant::now());
        let mut link = Impaired::new(impairments, 20);
        let (mut now, mut dropped, mut out) = (start, 0, Vec::new());
        for (i, gap) in gaps.iter().enumerate() {
            now += MS(*gap);
            match link.handle(i, 3_089, now, &mut rng) {
                Ok(()) => prop_assert!(link.next_due().unwrap() >= start),
                Err((back, _)) => {
                    prop_assert_eq!(back, i);
                    dropped += 1;
                }
            }
            prop_assert!(link.len() <= 20);
            out.extend(std::iter::from_fn(|| link.poll_due(now)));
            prop_assert_eq!(i + 1, out.len() + dropped + link.len());
        }
        out.extend(link.drain());
        prop_assert!(out.is_sorted());
        prop_assert_eq!(gaps.len(), out.len() + dropped);
    }

    #[test]
    fn any_values_at_all_are_no_panic(
        seed: u64, mean: u64, jitter: u64, loss: f64, bandwidth: Option<u64>, bytes: usize,
    ) {
        let impairment = Impairment {
            latency: Latency::Normal {
                mean: Duration::from_secs(mean), deviation: Duration::from_secs(jitter),
            },
            jitter: Duration::from_secs(jitter), loss, bandwidth, partition: false,
        };
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut link = Impaired::new([impairment; 2], 3);
        for i in 0..5 {
            let _ = link.handle(i, bytes, Instant::now(), &mut rng);
        }
        let _ = (link.poll_due(Instant::now()), impairment.validate());
    }
}
