//! (d): what a broadcast takes over the delays that its hops were asked for, with cover traffic and
//! on lossy links too.

use std::path::Path;
use std::time::Duration;

use mixbed_client::{BroadcastOptions, Client, ClientConfig};
use mixbed_directory::{ImpairmentRule, Parameters, Rates};
use mixbed_localnet::{LocalNet, LocalNetConfig};
use mixbed_monero::MonerodOptions;
use mixbed_monero::testing::Stock;
use mixbed_wire::Impairment;

use crate::report::Report;

const SOON: Duration = Duration::from_secs(20);

/// What broadcasts took at one setting.
struct Broadcasts {
    /// Median of the whole, in seconds.
    total: f64,
    /// Median of what it took beyond its mixing delays and monerod's time, over the delays.
    overhead: f64,
}

/// Broadcasts with the default parameters, with cover traffic besides, and with links that lose
/// one packet in twenty.
pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let plain = broadcasts(Parameters::default()).await?;
    report.note("broadcast, median", plain.total, "s");
    report.at_most("broadcast overhead over mixing delays", plain.overhead, "ratio", 0.15);
    let rates = Rates::COVER;
    let covered = broadcasts(Parameters { rates, ..Parameters::default() }).await?;
    report.note("broadcast with cover / without", covered.total / plain.total, "ratio");
    let loss = Impairment { loss: 0.05, ..Impairment::NONE };
    let impairments = vec![ImpairmentRule::everywhere(loss)];
    let lossy = broadcasts(Parameters { impairments, ..Parameters::default() }).await?;
    report.note("broadcast at 5 % loss a link / at none", lossy.total / plain.total, "ratio");
    Ok(())
}

/// Broadcasts each transaction in stock, one after the other.
async fn broadcasts(parameters: Parameters) -> anyhow::Result<Broadcasts> {
    let stock = Stock::open(Path::new("target/tmp")).await?;
    let monerod = stock.monerod(MonerodOptions::default()).await?;
    let daemon = Some(monerod.daemon().clone());
    let config = LocalNetConfig { monerod: daemon, parameters, ..LocalNetConfig::default() };
    let net = LocalNet::start(config).await?;
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
    Ok(Broadcasts { total: median(totals), overhead: median(overheads) })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
