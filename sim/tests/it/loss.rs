//! Retransmission under loss.
//!
//! The loss here is of a path, one way: all of it is put on the link between a client and its
//! gateway, each way, so that a share L is lost on the way there and the same on the way back. A
//! round trip is good with s = (1 - L)².

use std::time::Duration;

use mixbed_client::core::Loss;
use mixbed_sim::{Config, Report, Transparent, Workload};

use crate::sim;

/// Clients that each ask for so much.
const CLIENTS: usize = 20;
const REQUESTS: u64 = 20;

/// 400 requests of one packet each, without cover, one gateway, until all have ended.
fn run(loss: f64) -> (Report, Vec<u64>) {
    let mut config = Config {
        gateways: 1,
        clients: CLIENTS,
        // A client that takes its gateway for dead finds the same one again at once.
        handshake: Duration::ZERO,
        workload: Workload {
            every: Some(Duration::from_secs(20)),
            at_most: REQUESTS,
            deadline: Duration::from_secs(600),
            service: Duration::ZERO,
            ..Workload::default()
        },
        ..Config::new(5)
    };
    config.client_links.loss = loss;
    let mut sim = sim::<Transparent>(config);
    sim.run_until(Duration::from_secs(3_600));
    let sends = sim.outcomes().iter().map(|outcome| outcome.sends).collect();
    (sim.report(), sends)
}

#[expect(clippy::cast_precision_loss, reason = "a few thousand")]
fn float(count: u64) -> f64 {
    count as f64
}

#[test]
fn every_request_ends_well_and_runs_once_whatever_is_lost() {
    for (loss, percent) in [(0.0, 0), (0.01, 1), (0.05, 5), (0.2, 20), (0.5, 50)] {
        let (report, sends) = run(loss);
        let asked = CLIENTS as u64 * REQUESTS;
        let told = format!("{percent} %: {report:?}");
        assert!(report.packets.close(), "{told}");
        assert_eq!(report.requests.asked, asked, "{told}");
        assert_eq!((report.requests.answered, report.requests.unanswered), (asked, 0), "{told}");
        assert_eq!(
            (report.requests.executed, report.requests.executed_again),
            (asked, 0),
            "{told}"
        );
        compare_with_theory(loss, &report, &sends);
    }
}

/// How many packets a request takes. Each is good with s, whatever became of the others, so:
///
/// - one is enough for a share s of the requests, as long as no second copy goes out before the
///   first is lost, which is so while most packets get through,
/// - the first good one is the 1/s-th on average (the geometric distribution); behind it are at
///   most [`Loss::MOST_COPIES`] - 1 others, and none if the first was not lost.
///
/// A deviation of 3.29 standard errors is one that chance brings in one of 1,000 runs.
fn compare_with_theory(loss: f64, report: &Report, sends: &[u64]) {
    let count = float(sends.len() as u64);
    let good = (1.0 - loss).powi(2);
    let mean = float(sends.iter().sum()) / count;
    let once = float(sends.iter().filter(|sends| **sends == 1).count() as u64) / count;
    println!(
        "{:>2.0} % each way: {mean:.3} packets a request where 1/s is {:.3}; one was enough for \
         {once:.3} where s is {good:.3}; median {:.2?} s, 95 of 100 within {:.2?} s",
        100.0 * loss,
        1.0 / good,
        report.requests.median.unwrap_or_default(),
        report.requests.p95.unwrap_or_default(),
    );
    let error = 3.29 * (good * (1.0 - good) / count).sqrt();
    if loss < 0.3 {
        assert!((once - good).abs() <= error, "{once} of the requests took one packet, not {good}");
    } else {
        assert!(once <= good + error, "{once} of the requests took one packet, at most {good}");
    }
    let error = 3.29 * ((1.0 - good) / good.powi(2) / count).sqrt();
    let copies = f64::from(Loss::MOST_COPIES - 1) * (1.0 - good);
    assert!(mean >= 1.0 / good - error, "{mean} packets are too few for so much loss");
    assert!(mean <= 1.0 / good + copies + error, "{mean} packets are too many for so little loss");
}
