//! `mixbed miner` and `mixbed fund`, with a real monerod.

use mixbed_monero::miner::NOBODY;
use mixbed_monero::{Monerod, MonerodOptions};
use rustix::process::Signal;

use crate::support::{Running, SOON, assert_fails, get, run, stdout, wait_for};

#[test]
fn a_miner_gives_money_and_says_when_it_cannot() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let mut monerod = runtime.block_on(Monerod::start(MonerodOptions::default())).unwrap();
    let mut miner = Running::start(&["miner", "--monerod", monerod.url(), "--http", "127.0.0.1:0"]);
    let ready = miner.line("ready: ");
    let url = ready.rsplit(' ').next().unwrap().trim_end_matches("/metrics").to_owned();
    let address = url.trim_start_matches("http://");

    let funded = run(&["fund", NOBODY, "--outputs", "3", "--miner", &url, "--json", "--quiet"]);
    assert_eq!(funded.status.code(), Some(0), "{funded:?}");
    let answer: serde_json::Value = serde_json::from_str(&stdout(&funded)).unwrap();
    assert_eq!(
        (&answer["outputs"], &answer["blocks"], &answer["height"]),
        (&3.into(), &61.into(), &66.into())
    );
    let info = runtime.block_on(monerod.daemon().get_info()).unwrap();
    assert_eq!(info.height, 66);
    let metrics = get(address, "/metrics").1;
    assert!(metrics.contains("mixbed_miner_outputs_total{node=\"miner\"} 3"), "{metrics}");

    let refused = run(&["fund", "4typo", "--miner", &url]);
    assert_fails(&refused, 2, &["no Monero address", "95 characters"]);

    monerod.kill().unwrap();
    let told = || {
        let (status, why) = get(address, "/readyz");
        (status == 503 && why.contains("cannot connect")).then_some(())
    };
    assert!(wait_for(SOON, told).is_some(), "it does not say that monerod is gone");
    miner.signal(Signal::TERM);
    let (status, words) = miner.wait(SOON);
    assert_eq!(status.code(), Some(0), "{words}");
}

#[test]
fn without_a_miner_fund_says_so() {
    let refused = run(&["fund", NOBODY, "--miner", "http://127.0.0.1:9"]);
    assert_fails(&refused, 1, &["127.0.0.1:9", "--miner"]);
    assert_fails(&run(&["miner", "--monerod", "ftp://x"]), 2, &["http://HOST:PORT"]);
    assert_fails(&run(&["miner", "--monerod", "a:1", "--block-time", "1ms"]), 2, &["100ms to 1h"]);
}
