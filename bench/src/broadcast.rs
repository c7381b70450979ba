//! (d): what a broadcast takes over the delays that its hops were asked for.

use std::path::Path;
use std::time::Duration;

use mixbed_client::{BroadcastOptions, Client, ClientConfig};
use mixbed_localnet::{LocalNet, LocalNetConfig};
use mixbed_monero::MonerodOptions;
use mixbed_monero::testing::Stock;

use crate::report::Report;

const SOON: Duration = Duration::from_secs(20);

/// Broadcasts each transaction in stock with the default parameters, one after the other.
pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let stock = Stock::open(Path::new("target/tmp")).await?;
    let monerod = stock.monerod(MonerodOptions::default()).await?;
    let url = Some(monerod.url().to_owned());
    let net = LocalNet::start(LocalNetConfig { monerod: url, ..LocalNetConfig::default() }).await?;
    net.wait_ready(SOON).await?;
    let client = Client::connect(ClientConfig::new(net.follower().clone()));
    client.wait_ready(SOON).await?;

    let (mut totals, mut overheads) = (Vec::new(), Vec::new());
    for transfer in stock.transfers.iter().chain([&stock.one_input, &stock.generous]) {
        let done = client.broadcast(&transfer.raw, BroadcastOptions::default()).await?;
        let network = done.elapsed.saturating_sub(done.monerod_time);
        totals.push(done.elapsed.as_secs_f64());
        overheads.push(network.as_secs_f64() / done.mixing_delay.as_secs_f64() - 1.0);
    }
    report.note("broadcast, median", median(totals), "s");
    let overhead = median(overheads);
    report.at_most("broadcast overhead over mixing delays", overhead, "ratio", 0.15);
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
