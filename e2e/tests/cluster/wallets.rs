//! Stock wallets that know a daemon in the cluster by way of its mixnet only: on a machine outside, by
//! `mixbed connect`, and in the pod of a run.

use std::process::Stdio;
use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use kube::api::PostParams;
use mixbed_e2e::{MIXNET, Place, broadcast, until_some};
use mixbed_monero::wallet::{Destination, Priority};
use mixbed_monero::{Daemon, TxId, Wallet, WalletRpc, WalletRpcOptions};
use mixbed_operator::api::{Broadcast, WalletWay};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

const SOON: Duration = Duration::from_secs(90);

/// How long a wallet's work may take: a transfer is nine round trips, a refresh many more.
const PATIENCE: Duration = Duration::from_secs(240);

/// What the providers call their monerods: nobody else knows the name.
const DAEMON: &str = "http://monerod.mixbed:18081";

/// One XMR in atomic units.
const XMR: u64 = 1_000_000_000_000;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a cluster: make e2e"]
async fn wallets_go_through_the_clusters_mixnet_for_everything() {
    let place = Place::ready("wallets", json!({})).await;
    let connect = Connect::start(&place).await;
    // SOCKS4a and a name that only the providers can resolve; and a daemon that is the mixnet's end.
    let socks = format!("--proxy={}", connect.socks);
    by_way_of(&place, DAEMON, &[socks, "--daemon-ssl-allow-any-cert".to_owned()]).await;
    by_way_of(&place, &format!("http://{}", connect.rpc), &[]).await;
    drop(connect);
    a_run_goes_through_it(&place).await;
    place.done().await;
}

/// A wallet here gets money, sees it and sends some of it; the cluster's monerods say so, too.
async fn by_way_of(place: &Place, daemon: &str, arguments: &[String]) {
    let daemon = Daemon::new(daemon).expect("an address");
    let options =
        WalletRpcOptions { extra_args: arguments.to_vec(), ..WalletRpcOptions::default() };
    let rpc = WalletRpc::start(&daemon, options).await.expect("monero-wallet-rpc");
    let wallet = rpc.wallet().clone().with_timeout(PATIENCE);
    let done = |result: Result<(), mixbed_monero::WalletError>| {
        result.unwrap_or_else(|error| panic!("{error}; {}", rpc.last_words()));
    };
    done(wallet.create("laptop").await);
    let address = wallet.address().await.expect("an address");
    fund(place, &address).await;
    done(wallet.refresh().await.map(drop));
    let before = unlocked(&wallet).await;
    assert!(before > 2 * XMR, "the miner's money is there: {before}");

    let to = Destination { amount: XMR, address };
    let sent = wallet.transfer(&[to], Priority::Default, false).await;
    let sent = sent.unwrap_or_else(|error| panic!("{error}; {}", rpc.last_words()));
    mined(place, sent.txid).await;
    done(wallet.refresh().await.map(drop));
    let after = wallet.balance().await.expect("a balance").total;
    assert!(after < before && before - after < XMR / 10, "the fee is gone: {before}, {after}");
}

async fn unlocked(wallet: &Wallet) -> u64 {
    wallet.balance().await.expect("a balance").unlocked
}

/// The pod of such a run is told of no monerod; its questions are answered by providers.
async fn a_run_goes_through_it(place: &Place) {
    let mut run = broadcast("hidden", 2, "1/s");
    run.spec.wallet.through = WalletWay::Mixnet;
    let asked_before = questions(place).await;
    place.api::<Broadcast>().create(&PostParams::default(), &run).await.expect("it is taken");
    place.under_way("hidden", 1).await;
    let pods = place.pods("mixbed.dev/broadcast=hidden,mixbed.dev/wallet=mixnet").await;
    let pod = pods.first().expect("its pod");
    let text = serde_json::to_string(&pod.spec).expect("JSON");
    assert!(!text.contains("18081") && !text.contains("provider"), "{text}");
    place.all_mined("hidden", 2).await;
    let asked = questions(place).await - asked_before;
    assert!(asked > 20, "providers were asked {asked} times only");
}

/// How many questions to their monerods providers have answered.
async fn questions(place: &Place) -> u64 {
    let providers = format!("app.kubernetes.io/component=provider,mixbed.dev/mixnet={MIXNET}");
    let mut all = 0;
    for pod in place.pods(&providers).await {
        all += questions_of(place, &pod).await;
    }
    all
}

async fn questions_of(place: &Place, pod: &Pod) -> u64 {
    let (namespace, name) = (&place.namespace, pod.name_any());
    let path = format!("/api/v1/namespaces/{namespace}/pods/{name}:7201/proxy/metrics");
    let request = http::Request::get(path).body(Vec::new()).expect("a request");
    let text = place.cluster.client.request_text(request).await.expect("metrics");
    let of_service = |line: &&str| {
        line.starts_with("mixbed_provider_requests_total{")
            && line.contains(r#"service="monero.rpc""#)
    };
    let counts = text.lines().filter(of_service).filter_map(|line| line.rsplit(' ').next());
    counts.map(|count| count.parse::<u64>().expect("a count")).sum()
}

/// `mixbed connect`, with both ports.
struct Connect {
    socks: String,
    rpc: String,
    _child: Child,
}

impl Connect {
    async fn start(place: &Place) -> Self {
        let mut command = Command::new(&place.cluster.mixbed);
        command
            .args(["connect", "--context", &place.context(), "--namespace", &place.namespace])
            .args(["--mixnet", MIXNET, "--control", "127.0.0.1:0"])
            .args(["--socks", "127.0.0.1:0", "--monero-rpc", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn().expect("mixbed connect");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let (mut socks, mut rpc) = (String::new(), String::new());
        let ready = async {
            while let Some(line) = lines.next_line().await.expect("a line") {
                if let Some(address) = line.strip_prefix("SOCKS at ") {
                    address.trim().clone_into(&mut socks);
                } else if let Some(address) = line.strip_prefix("daemon RPC at ") {
                    address.trim().clone_into(&mut rpc);
                } else if line.starts_with("ready:") {
                    return;
                }
            }
            panic!("mixbed connect ended");
        };
        tokio::time::timeout(SOON, ready).await.expect("it is ready soon");
        // What it says later is read by nobody, and must not hold it up.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        assert!(!socks.is_empty() && !rpc.is_empty(), "both ports are told");
        Self { socks, rpc, _child: child }
    }
}

/// Money from the cluster's miner, in two outputs: a transfer spends two if it can.
async fn fund(place: &Place, address: &str) {
    let namespace = &place.namespace;
    let path = format!(
        "/api/v1/namespaces/{namespace}/services/{MIXNET}-miner:7301/proxy/v1/fund?address={address}&outputs=4"
    );
    let request = http::Request::post(path).body(Vec::new()).expect("a request");
    let given = place.cluster.client.request::<Value>(request).await.expect("money");
    assert_eq!(given["outputs"], 4, "{given}");
}

/// Waits until a monerod itself says that it is in a block.
async fn mined(place: &Place, txid: TxId) {
    let namespace = &place.namespace;
    let path = format!(
        "/api/v1/namespaces/{namespace}/services/{MIXNET}-provider-0:18081/proxy/get_transactions"
    );
    until_some("a block has the transfer", SOON, || async {
        let body = serde_json::to_vec(&json!({ "txs_hashes": [txid.to_string()] })).ok()?;
        let request =
            http::Request::post(&path).header("content-type", "application/json").body(body);
        let answer: Value = place.cluster.client.request(request.ok()?).await.ok()?;
        let found = &answer["txs"][0];
        (found["in_pool"] == false && found["block_height"].as_u64()? > 0).then_some(())
    })
    .await;
}
