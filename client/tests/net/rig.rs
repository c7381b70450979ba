//! A small net with short delays, and a client on it.

use std::time::Duration;

use mixbed_client::{Client, ClientConfig};
use mixbed_directory::{Follower, FollowerConfig, Parameters};
use mixbed_localnet::{LocalNet, LocalNetConfig, Shape};
use mixbed_monero::Daemon;
use mixbed_telemetry::{Options, Telemetry};

pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) struct Rig {
    pub(crate) net: LocalNet,
    pub(crate) client: Client,
    pub(crate) telemetry: Telemetry,
}

/// What a test wants other than usual.
pub(crate) struct Wish {
    pub(crate) providers: usize,
    pub(crate) monerod: Option<String>,
    /// Each provider's own.
    pub(crate) monerods: Vec<String>,
    pub(crate) tracing_allowed: bool,
}

impl Default for Wish {
    fn default() -> Self {
        Self { providers: 1, monerod: None, monerods: Vec::new(), tracing_allowed: true }
    }
}

impl Rig {
    pub(crate) async fn new(wish: Wish) -> Self {
        let telemetry = Telemetry::new(&Options { memory_spans: 1000, ..Options::default() })
            .expect("telemetry");
        let parameters = Parameters {
            mean_hop_delay: Duration::from_millis(2),
            tracing_allowed: wish.tracing_allowed,
            ..Parameters::default()
        };
        let daemon = |url: String| Daemon::new(&url).expect("an address");
        let config = LocalNetConfig {
            shape: Shape { gateways: 2, mixes_per_layer: 1, providers: wish.providers },
            parameters,
            monerod: wish.monerod.map(daemon),
            monerods: wish.monerods.into_iter().map(daemon).collect(),
            telemetry: telemetry.clone(),
            ..LocalNetConfig::default()
        };
        let net = LocalNet::start(config).await.expect("a net");
        net.wait_ready(SOON).await.expect("a whole net");
        let client = client(&net, &telemetry, None);
        client.wait_ready(SOON).await.expect("ready");
        Self { net, client, telemetry }
    }

    pub(crate) async fn stop(self) {
        self.client.stop().await;
        self.net.stop(Duration::from_secs(1)).await;
    }
}

/// What came of the first of three tries in which nothing was sent again, as it is where the machine
/// stalls for a second; else of the last.
pub(crate) async fn undisturbed<T>(
    mut ask: impl AsyncFnMut() -> T,
    retransmissions: impl Fn(&T) -> u64,
) -> T {
    for _ in 0..2 {
        let answer = ask().await;
        if retransmissions(&answer) == 0 {
            return answer;
        }
    }
    ask().await
}

pub(crate) fn client(net: &LocalNet, telemetry: &Telemetry, gateway: Option<&str>) -> Client {
    let follower = FollowerConfig::new(net.directory_url(), net.trust().clone());
    let directory = Follower::start(follower).expect("a good URL");
    let mut config = ClientConfig::new(directory);
    config.telemetry = telemetry.clone();
    config.gateway = gateway.map(str::to_owned);
    Client::connect(config)
}
