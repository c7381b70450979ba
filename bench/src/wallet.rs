//! What a stock wallet's `transfer` takes behind the mixnet.
//!
//! A stock monero-wallet-rpc makes transfers one after the other: directly with monerod, through the
//! daemon RPC endpoint, and through the SOCKS port, each with money of its own, in one run. What is
//! timed is the wallet's whole call `transfer`, its own work and monerod's included. The first
//! transfer is not counted: it asks more, and the endpoint does not know yet how long answers
//! are. The wallet's refreshing by itself is off.
//!
//! All transfers together are compared with the sum of the mixing delays of their requests: as many as the
//! endpoint has answered meanwhile, each with one round trip's mean, eight hops there and back, and
//! the provider, of the document's mean delay. That is the stricter measure. The delays that were really drawn, of
//! each answer's last packet, sum up to more, because the last of many parts that left at once
//! is one with a long way; it is told besides.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mixbed_client::{Client, ClientConfig};
use mixbed_directory::{Parameters, Rates};
use mixbed_fronts::{RpcConfig, RpcFront, RpcReadings, SocksConfig, SocksFront};
use mixbed_localnet::{LocalNet, LocalNetConfig};
use mixbed_monero::wallet::{Destination, Priority};
use mixbed_monero::{Daemon, Monerod, MonerodOptions, Wallet, WalletRpc, WalletRpcOptions};
use mixbed_node::provider::TcpConfig;
use serde_json::{Value, json};

use crate::report::Report;

const SOON: Duration = Duration::from_secs(20);

/// Transfers at each setting.
const TRANSFERS: usize = 12;

/// Rewards of each wallet: one a transfer.
const REWARDS: u64 = 20;

/// After so many blocks on top the rewards can be spent, and rings be filled.
const ON_TOP: u64 = 75;

/// Hops that hold a packet, there and back, the provider among them.
const HOPS: u32 = 9;

/// What wallets call their daemon behind the SOCKS port.
const NAME: &str = "monerod.mixbed:18081";

const XMR: u64 = 1_000_000_000_000;

/// A wallet's money, at its address.
struct Purse {
    seed: String,
    address: String,
}

/// A chain with money for each wallet.
struct Chain {
    monerod: Monerod,
    purses: Vec<Purse>,
}

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let chain = Chain::start().await?;
    let [direct, rpc, socks, covered, covered_socks] = &chain.purses[..] else {
        anyhow::bail!("five purses")
    };
    let alone = transfers(chain.monerod.daemon(), &[], direct, || ()).await?;
    let alone = mean_of(alone.iter().map(|transfer| transfer.took));
    report.note("a wallet's transfer, directly", alone, "s");

    through(report, &chain, "no cover", Rates::default(), [rpc, socks]).await?;
    through(report, &chain, "default cover", Rates::COVER, [covered, covered_socks]).await
}

/// Both ways through a net with these rates, each with a wallet of its own.
async fn through(
    report: &mut Report,
    chain: &Chain,
    cover: &str,
    rates: Rates,
    [rpc, socks]: [&Purse; 2],
) -> anyhow::Result<()> {
    let parameters = Parameters { rates, ..Parameters::default() };
    let net = Net::start(&chain.monerod, parameters.clone()).await?;
    let by_rpc = net.rpc(rpc, &parameters).await?;
    report.note(format!("{cover}: a wallet's transfer, by RPC"), by_rpc.took, "s");
    report.note(format!("{cover}: its requests"), by_rpc.requests, "requests");
    let name = format!("{cover}: transfer by RPC / mean mixing delays");
    report.at_most(name, by_rpc.over_mean, "ratio", 1.5);
    let name = format!("{cover}: transfer by RPC / drawn mixing delays");
    report.note(name, by_rpc.over_drawn, "ratio");
    let by_socks = net.socks(socks).await?;
    report.note(format!("{cover}: a wallet's transfer, by SOCKS"), by_socks, "s");
    let mean = f64::from(HOPS) * parameters.mean_hop_delay.as_secs_f64() * by_rpc.requests;
    let name = format!("{cover}: transfer by SOCKS / mean mixing delays");
    report.at_most(name, by_socks / mean, "ratio", 2.0);
    Ok(())
}

impl Chain {
    async fn start() -> anyhow::Result<Self> {
        let monerod = Monerod::start(MonerodOptions::default()).await?;
        let rpc = WalletRpc::start(monerod.daemon(), WalletRpcOptions::default()).await?;
        let wallet = rpc.wallet();
        let mut purses = Vec::new();
        for name in ["direct", "rpc", "socks", "covered", "covered socks"] {
            wallet.create(name).await?;
            purses.push(Purse { seed: wallet.seed().await?, address: wallet.address().await? });
        }
        let last = purses.len() - 1;
        for (at, purse) in purses.iter().enumerate() {
            let blocks = if at == last { REWARDS + ON_TOP } else { REWARDS };
            for _ in 0..blocks.div_ceil(5) {
                monerod.daemon().generate_blocks(5, &purse.address).await?;
            }
        }
        Ok(Self { monerod, purses })
    }
}

/// A mixnet in front of monerod, and a client of it.
struct Net {
    _net: LocalNet,
    client: Client,
}

/// What transfers took through the endpoint: means, and ratios of sums.
struct Through {
    took: f64,
    requests: f64,
    over_mean: f64,
    over_drawn: f64,
}

impl Net {
    async fn start(monerod: &Monerod, parameters: Parameters) -> anyhow::Result<Self> {
        let place = monerod.url().trim_start_matches("http://");
        let names = vec![format!("{NAME}={place}").parse()?];
        let net = LocalNet::start(LocalNetConfig {
            monerod: Some(monerod.daemon().clone()),
            parameters,
            tcp: TcpConfig { targets: vec![NAME.parse()?], names },
            ..LocalNetConfig::default()
        });
        let net = net.await?;
        net.wait_ready(SOON).await?;
        let client = Client::connect(ClientConfig::new(net.follower().clone()));
        client.wait_ready(SOON).await?;
        Ok(Self { _net: net, client })
    }

    async fn rpc(&self, purse: &Purse, parameters: &Parameters) -> anyhow::Result<Through> {
        let config = RpcConfig { listen: anywhere(), ..RpcConfig::default() };
        let front = RpcFront::start(self.client.clone(), config).await?;
        let daemon = Daemon::new(&format!("http://{}", front.addr()))?;
        let made = transfers(&daemon, &[], purse, || front.readings()).await?;
        let mean = f64::from(HOPS) * parameters.mean_hop_delay.as_secs_f64();
        let sum = |value: fn(&Transfer<RpcReadings>) -> f64| made.iter().map(value).sum::<f64>();
        let (took, requests) = (sum(|transfer| transfer.took), sum(Transfer::requests));
        #[expect(clippy::cast_precision_loss, reason = "a few transfers")]
        let transfers = made.len() as f64;
        Ok(Through {
            took: took / transfers,
            requests: requests / transfers,
            over_mean: took / (requests * mean),
            over_drawn: took / sum(Transfer::drawn),
        })
    }

    async fn socks(&self, purse: &Purse) -> anyhow::Result<f64> {
        let config = SocksConfig { listen: anywhere(), ..SocksConfig::default() };
        let front = SocksFront::start(self.client.clone(), config).await?;
        let daemon = Daemon::new(&format!("http://{NAME}"))?;
        let proxy = format!("--proxy={}", front.addr());
        let args = [proxy, "--daemon-ssl-allow-any-cert".to_owned()];
        let made = transfers(&daemon, &args, purse, || ()).await?;
        Ok(mean_of(made.iter().map(|transfer| transfer.took)))
    }
}

fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// One transfer, and what was read before and after it.
struct Transfer<T> {
    took: f64,
    before: T,
    after: T,
}

impl Transfer<RpcReadings> {
    #[expect(clippy::cast_precision_loss, reason = "a few requests")]
    fn requests(&self) -> f64 {
        (self.after.answered - self.before.answered) as f64
    }

    fn drawn(&self) -> f64 {
        self.after.mixing_delay.saturating_sub(self.before.mixing_delay).as_secs_f64()
    }
}

/// Transfers of a wallet that knows its daemon by this address, the first one left out.
async fn transfers<T>(
    daemon: &Daemon,
    extra_args: &[String],
    purse: &Purse,
    read: impl Fn() -> T,
) -> anyhow::Result<Vec<Transfer<T>>> {
    let extra_args = extra_args.to_vec();
    let options = WalletRpcOptions { extra_args, ..WalletRpcOptions::default() };
    let rpc = WalletRpc::start(daemon, options).await?;
    let wallet = rpc.wallet();
    let params = json!({
        "filename": "purse", "password": "", "seed": purse.seed, "restore_height": 0,
    });
    let _: Value = wallet.endpoint().call("restore_deterministic_wallet", params).await?;
    let _: Value = wallet.endpoint().call("auto_refresh", json!({ "enable": false })).await?;
    wallet.refresh().await?;
    transfer(wallet, purse).await?;
    let mut made = Vec::new();
    for _ in 0..TRANSFERS {
        let (before, began) = (read(), Instant::now());
        transfer(wallet, purse).await?;
        let took = began.elapsed().as_secs_f64();
        made.push(Transfer { took, before, after: read() });
    }
    Ok(made)
}

async fn transfer(wallet: &Wallet, purse: &Purse) -> anyhow::Result<()> {
    let to = Destination { address: purse.address.clone(), amount: XMR };
    wallet.transfer(&[to], Priority::Default, false).await?;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a few transfers")]
fn mean_of(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}
