//! Random schedules: deaths, cuts, loss, clocks and changes in any order.

use std::time::Duration;

use rand::RngExt;

use super::net::{Net, millis, opinion};

/// What happens next, drawn from the net's own randomness.
fn happen(net: &mut Net, size: usize, round: u8) {
    let at = net.rng.random_range(0..size);
    let other = net.rng.random_range(0..size);
    match net.rng.random_range(0..10_u8) {
        0 | 1 if net.is_up(at) => net.kill(at),
        0..=2 if !net.is_up(at) => net.revive(at),
        3 if at != other => net.connect(at, other, false),
        4 | 5 if at != other => net.connect(at, other, true),
        6 => {
            let ahead = net.rng.random_range(-4_000..4_000);
            net.set_ahead(at, ahead);
        }
        7 => net.loss = [0.0, 0.1, 0.5][usize::from(round % 3)],
        8 => net.delay = if round.is_multiple_of(2) { 1..=20 } else { 1..=900 },
        _ => {
            let nodes = [1, 2 + round % 5, 10 + round % 7];
            if net.rng.random_bool(0.5) {
                net.all_think(&opinion(nodes));
            } else {
                net.set_opinion(at, &opinion(nodes));
            }
        }
    }
    let pause = net.rng.random_range(1..2_000);
    net.run(millis(pause));
}

/// Whatever happens to the network and to those who do not lie, no two documents have one number;
/// and when a majority is there again, so is what it thinks.
fn never_two_and_live_again(size: u8, seed: u64) {
    let mut net = Net::new(size, seed);
    for round in 0..40 {
        happen(&mut net, usize::from(size), round);
        assert_eq!(net.forks, 0, "seed {seed}, round {round}");
    }
    (net.loss, net.delay) = (0.0, 1..=20);
    let majority = usize::from(size / 2 + 1);
    for at in 0..usize::from(size) {
        net.cut_off(at, at >= majority);
        net.set_ahead(at, 0);
    }
    for one in 0..majority {
        for other in (0..majority).filter(|other| *other != one) {
            net.connect(one, other, true);
        }
        if !net.is_up(one) {
            net.revive(one);
        }
    }
    net.all_think(&opinion([1, 99]));
    net.wait(Duration::from_secs(20), |net| {
        (0..majority).all(|at| net.nodes(at) == [1, 99].into())
    });
    assert_eq!(net.forks, 0, "seed {seed}");
    let mut epoch = 0;
    for (number, revision) in net.documents.keys() {
        assert!(*number >= epoch, "seed {seed}: epoch {number} after {epoch} at {revision}");
        epoch = *number;
    }
    let revisions: Vec<_> = net.documents.keys().map(|(_, revision)| *revision).collect();
    assert!(revisions.is_sorted_by(|a, b| a < b), "seed {seed}: {revisions:?}");
}

#[test]
fn three_never_make_two_documents_of_one_number_and_go_on_when_they_can() {
    (0..20).for_each(|seed| never_two_and_live_again(3, 1_000 + seed));
}

#[test]
fn five_never_make_two_documents_of_one_number_and_go_on_when_they_can() {
    (0..5).for_each(|seed| never_two_and_live_again(5, 2_000 + seed));
}

/// One of three lies with two tongues, and the other two hear each other: changes come through,
/// and no number has two documents.
#[test]
fn a_liar_among_three_that_hear_each_other_makes_no_second_document() {
    for seed in 0..15 {
        let mut net = Net::new(3, 3_000 + seed);
        net.is_liar(2);
        let tongue = net.join(net.secret(2), false);
        net.delay = 1..=100;
        for round in 0..30_u8 {
            let liar = if net.rng.random_bool(0.5) { 2 } else { tongue };
            match net.rng.random_range(0..6_u8) {
                0 => net.connect(liar, 0, round.is_multiple_of(2)),
                1 => net.connect(liar, 1, round.is_multiple_of(3)),
                2 if net.is_up(liar) => net.kill(liar),
                2 => net.revive(liar),
                3 => net.forget(liar),
                4 => net.set_opinion(liar, &opinion([1, 50 + round])),
                _ => net.all_think(&opinion([1, 2, 10 + round])),
            }
            let pause = net.rng.random_range(1..1_500);
            net.run(millis(pause));
            assert_eq!(net.forks, 0, "seed {seed}, round {round}");
        }
        net.all_think(&opinion([1, 99]));
        net.wait(Duration::from_secs(10), |net| (0..2).all(|at| net.nodes(at).contains(&99)));
        assert_eq!(net.forks, 0, "seed {seed}");
        let honest = [net.key(0), net.key(1)];
        let accused = net.events.iter().find(|(_, event)| {
            matches!(event, crate::voting::VotingEvent::Equivocated { authority } if honest.contains(authority))
        });
        assert_eq!(accused, None, "seed {seed}");
    }
}
